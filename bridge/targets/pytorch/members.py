"""What a module of the result owns: submodules, parameters and buffers, with the tensors that fill them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from bridge.targets.pytorch.program import Region

Array = npt.NDArray[Any]

MODULE = "module"
PARAMETER = "parameter"
BUFFER = "buffer"


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of the state dict: its value, and whether training changes it."""

    array: Array
    trainable: bool = True


@dataclass(eq=False, slots=True)
class Member:
    """``self.<name>``: made by ``constructor(arguments...)``.

    ``tensors`` are named as in the member's own state dict; a parameter or buffer has one, by the name ``""``. ``origin`` is the
    uid of the CNTK function or variable that the member comes from, ``hint`` what it would like to be called.
    """

    kind: str
    constructor: str
    arguments: tuple[tuple[str, object], ...]
    tensors: dict[str, Tensor]
    hint: str
    origin: str = ""
    cntk_name: str = ""
    comment: str = ""
    dtype: str = "torch.float32"
    region: Region | None = None  # the class, where it is one of the result's own
    inner: dict[Member, Member] | None = None  # in the place of the class's own members, where several modules are of that class
    parts: tuple[Member, ...] = ()  # of an nn.Sequential

    @property
    def signature(self) -> tuple[object, ...]:
        """What two members have in common that differ in sizes and weights alone."""
        names = tuple(
            name if isinstance(value, int) and not isinstance(value, bool) else (name, value) for name, value in self.arguments
        )
        frozen = tuple((name, tensor.trainable) for name, tensor in self.tensors.items())
        return (self.kind, self.constructor, names, frozen, self.dtype, self.comment)


_DTYPES = {
    "float32": "torch.float32",
    "float64": "torch.float64",
    "float16": "torch.float16",
    "int64": "torch.int64",
    "int32": "torch.int32",
    "bool": "torch.bool",
    "int8": "torch.int8",
    "int16": "torch.int16",
    "uint8": "torch.uint8",
}


def torch_dtype(dtype: npt.DTypeLike) -> str:
    """``torch.float32`` for numpy's float32, and so on."""
    return _DTYPES[np.dtype(dtype).name]
