"""The map that a converted ONNX file carries in its metadata: which of its values is which variable of CNTK.

It lets anyone compare the file with the reference value by value, months later and without the source. Operators that were folded
into a later one have no value of their own: an origin lists all the operators that lie between it and the values before it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

from bridge.errors import InvalidPackageError

VALUES_KEY: Final = "cntk_bridge.values"
"""The metadata key of an ONNX file under which the map stands."""

_MOST_BYTES: Final = 64 << 20
_WIDTH: Final = 8  # fields of an origin


@dataclass(frozen=True, slots=True)
class Origin:
    """One value of the converted graph, of the shape ``[dynamic axes..., *static axes]``.

    ``variables`` are the uids of the CNTK variables that it holds, the one of the operator that makes it first; the others are
    outputs of blocks around it and of operators that change nothing. ``name`` is what the model's author called it, if anything.
    ``operators`` is for people; ``nodes`` are the uids of the CNTK operators computed between the values before it and itself.
    ``dynamic_rank`` counts the dynamic axes: 0, 1 (``[N]``) or 2 (``[N, T]``). ``clean`` says that padded steps hold zeros.
    ``lengths`` names the int64 value ``[N]`` that holds the true lengths of the sequences; empty without a sequence axis.
    """

    value: str
    variables: tuple[str, ...]
    name: str
    operators: str
    nodes: tuple[str, ...]
    dynamic_rank: int
    clean: bool
    lengths: str

    @property
    def label(self) -> str:
        """The operator for people: its uid, with the author's name where there is one."""
        own = self.nodes[-1] if self.nodes else self.variables[0]
        return f"{self.name} ({own})" if self.name and self.name != own else own


def encode_origins(origins: Sequence[Origin]) -> str:
    """The map as JSON, in the order of computation."""
    values = [[o.value, o.variables, o.name, o.operators, o.nodes, o.dynamic_rank, int(o.clean), o.lengths] for o in origins]
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def decode_origins(text: str) -> tuple[Origin, ...]:
    """The map in a file's metadata, which may come from anyone; ``InvalidPackageError`` where it is none."""
    if len(text) > _MOST_BYTES:
        raise _damaged(f"{len(text)} characters", f"at most {_MOST_BYTES}")
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _damaged(str(error), "JSON") from error
    if not isinstance(rows, list):
        raise _damaged(type(rows).__name__, "a list of values")
    return tuple(_origin(row, number) for number, row in enumerate(rows))


def _origin(row: Any, number: int) -> Origin:
    if not isinstance(row, list) or len(row) != _WIDTH:
        raise _damaged(f"entry {number} is {str(row)[:60]!r}", f"a list of {_WIDTH}")
    value, variables, name, operators, nodes, dynamic_rank, clean, lengths = row
    texts = [value, name, operators, lengths]
    if not all(isinstance(text, str) for text in texts) or not (_strings(variables) and _strings(nodes)) or not variables:
        raise _damaged(f"entry {number} is {str(row)[:60]!r}", "names and lists of uids")
    if type(dynamic_rank) is not int or dynamic_rank not in (0, 1, 2) or type(clean) is not int or clean not in (0, 1):
        raise _damaged(f"entry {number} says {dynamic_rank!r}, {clean!r}", "0 to 2 dynamic axes, and 0 or 1 for clean padding")
    return Origin(value, tuple(variables), name, operators, tuple(nodes), dynamic_rank, bool(clean), lengths)


def _strings(value: Any) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _damaged(found: str, expected: str) -> InvalidPackageError:
    return InvalidPackageError(
        f"the metadata {VALUES_KEY!r} of the ONNX file is damaged: expected {expected}, found {found}; convert the source again"
    )
