"""All that is examined, in the order in which it is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bridge.diagnosis.finding import Finding
from bridge.diagnosis.key_tokens import examine_key_tokens
from bridge.diagnosis.packages import examine_packages
from bridge.diagnosis.reference_engine import examine_reference_engine
from bridge.diagnosis.runtimes import examine_runtimes
from bridge.diagnosis.sandbox import examine_sandbox

_EXAMINATIONS: tuple[Callable[[], Iterator[Finding]], ...] = (
    examine_packages,
    examine_runtimes,
    examine_reference_engine,
    examine_key_tokens,
    examine_sandbox,
)


def diagnose() -> tuple[Finding, ...]:
    """What of this machine works and what does not. Imports every library there is, which takes seconds where PyTorch is."""
    return tuple(finding for examine in _EXAMINATIONS for finding in examine())
