"""What an ONNX value is in the PyTorch program: a tensor, numbers that Python itself knows, or a constant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from bridge.targets.pytorch.expression import Expr, Ref

if TYPE_CHECKING:
    from bridge.targets.pytorch.members import Member


_INT64: Final = np.dtype(np.int64)


@dataclass(frozen=True, slots=True)
class TensorValue:
    """A tensor made by an expression. ``rank`` is the number of its dimensions."""

    expr: Ref | Expr | Member
    dtype: np.dtype[Any]
    rank: int


@dataclass(frozen=True, slots=True)
class Spread:
    """Several numbers at once: ``*expr`` in a list."""

    expr: Ref | Expr


@dataclass(frozen=True, slots=True)
class Numbers:
    """Sizes and positions: Python numbers, one, or a vector of them. ``dtype`` is that of the ONNX value."""

    items: tuple[Expr | Ref | Spread, ...]
    scalar: bool = False
    dtype: np.dtype[Any] = _INT64

    @property
    def single(self) -> Expr | Ref | None:
        """The number where it is one."""
        first = self.items[0] if len(self.items) == 1 else None
        return None if isinstance(first, Spread) else first


@dataclass(frozen=True, slots=True)
class ConstantValue:
    """A constant. ``parameter`` is the uid of the CNTK parameter that it is or is a layout of, ``steps`` how it is laid out."""

    array: npt.NDArray[Any]
    name: str = ""
    parameter: str = ""
    trainable: bool = False
    steps: tuple[object, ...] = ()
    source: object = None  # the initializer

    @property
    def dtype(self) -> np.dtype[Any]:
        """The element type."""
        return self.array.dtype

    @property
    def rank(self) -> int:
        """The number of dimensions."""
        return self.array.ndim


@dataclass(frozen=True, slots=True)
class Directions:
    """What a recurrent layer makes: ``[N, T, H]`` per direction, and the order of dimensions that ONNX sees.

    ``layout`` is made of T (time), D (direction), N (batch) and H (units); ``(DH)`` stands for directions side by side.
    """

    tensors: tuple[Ref | Expr, ...]
    layout: str
    dtype: np.dtype[Any]

    @property
    def rank(self) -> int:
        """The number of dimensions that ONNX sees."""
        return len(self.layout.replace("(DH)", "H"))


Value = TensorValue | Numbers | ConstantValue | Directions
