"""The model's inputs and outputs are those of the signed interface: the weights of one model do not pass for those of another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bridge.errors import RefusedModelError
from bridge.package.interface import Tensor
from bridge.runtime.admission.element_types import ELEMENT_TYPES
from bridge.runtime.admission.model import Value
from bridge.runtime.admission.subject import Subject

SIGNED_INTERFACE: Final = "signed-interface"


def check_signed_interface(subject: Subject) -> None:
    """Names, types and shapes agree, inputs and outputs each in their number. Nothing is asked for without an interface."""
    if subject.interface is None:
        return
    _compare(subject.interface.inputs, subject.model.graph.inputs, "input")
    _compare(subject.interface.outputs, subject.model.graph.outputs, "output")


def _compare(signed: Sequence[Tensor], stated: Sequence[Value], what: str) -> None:
    expected, found = sorted(tensor.name for tensor in signed), sorted(value.name for value in stated)
    if expected != found:
        raise RefusedModelError(SIGNED_INTERFACE, "the graph", expected=f"the {what}s {_list(expected)}", found=_list(found))
    values = {value.name: value for value in stated}
    for tensor in signed:
        value = values[tensor.name]
        known = ELEMENT_TYPES.get(value.element_type)
        if known is None or known.name != tensor.dtype:
            found_type = known.name if known is not None else f"the type {value.element_type}"
            raise RefusedModelError(SIGNED_INTERFACE, value.where, expected=tensor.dtype, found=found_type)
        if not _agree(tensor, value.shape):
            shape = "none" if value.shape is None else _list([str(extent) for extent in value.shape])
            shown = _list([str(extent) for extent in tensor.shape])
            raise RefusedModelError(SIGNED_INTERFACE, value.where, expected=f"the shape {shown}", found=shape)


def _agree(signed: Tensor, stated: tuple[int | str | None, ...] | None) -> bool:
    if stated is None or len(stated) != len(signed.shape):
        return False
    # The default of an optional input has the extent 1, so the graph has another symbol there than the interface.
    symbols_differ = signed.optional
    return all(
        said == found or (symbols_differ and isinstance(said, str) and isinstance(found, str))
        for said, found in zip(signed.shape, stated, strict=True)
    )


def _list(names: list[str]) -> str:
    return "[" + ", ".join(ascii(name[:100]) for name in names[:20]) + (", ...]" if len(names) > 20 else "]")
