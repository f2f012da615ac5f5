"""The engine's execution providers with their limits of memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_CPU: Final = "CPUExecutionProvider"
_CUDA: Final = "CUDAExecutionProvider"

ProviderOptions = tuple[tuple[str, dict[str, str]], ...]


def provider_options(names: Sequence[str], gpu_memory_bytes: int | None) -> ProviderOptions:
    """The providers in order, each with its options; CUDA's arena is kept to ``gpu_memory_bytes`` and grows by what is needed."""
    limited = {} if gpu_memory_bytes is None else {"gpu_mem_limit": str(gpu_memory_bytes)}
    options = {_CUDA: {"arena_extend_strategy": "kSameAsRequested"} | limited}
    return tuple((name, options.get(name, {})) for name in names)


def address_space_can_be_limited(names: Sequence[str]) -> bool:
    """Whether a limit of address space says something about memory: a GPU's driver reserves far more than it uses."""
    return all(name == _CPU for name in names)
