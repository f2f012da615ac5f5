"""``case.json``: what a golden case holds, validated field by field.

A case may come from anywhere, so nothing in it is trusted: every field is fetched through a getter that names the path of
what is wrong, and every count has a bound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.errors import InvalidGoldenCaseError

FORMAT = "golden-case/1"
DTYPES = ("float16", "float32", "float64")
_VARIABLES = 10_000  # of a case
_SEQUENCES = 1_000_000  # of a batch
_RANK = 32


@dataclass(frozen=True, slots=True)
class VariableDescription:
    """An input or output of the recorded model.

    ``shape`` is its static part, row-major; -3 is a free dimension, -1 an inferred one.
    """

    name: str
    uid: str
    shape: tuple[int, ...]
    dtype: str
    dynamic_axes: tuple[str, ...]
    sparse: bool
    sequences: int | None  # the batch size, where each sequence is recorded by itself

    @property
    def public_name(self) -> str:
        """What a converted model calls it, unless an earlier variable has the name."""
        return self.name or self.uid


@dataclass(frozen=True, slots=True)
class CaseDescription:
    """The whole of ``case.json`` that a comparison needs."""

    model: str
    model_sha256: str
    inputs: tuple[VariableDescription, ...]
    outputs: tuple[VariableDescription, ...]
    refusal_expected: bool
    note: str


def parse_description(document: Any) -> CaseDescription:
    """The description in a decoded JSON document; ``InvalidGoldenCaseError`` with the path of the field otherwise."""
    top = _mapping(document, "case.json")
    stated = _text(top, "format", "case.json")
    if stated != FORMAT:
        raise InvalidGoldenCaseError(f"case.json.format: expected {FORMAT!r}, found {stated!r}")
    expect = _text(top, "expect", "case.json")
    if expect not in {"match", "refuse"}:
        raise InvalidGoldenCaseError(f"case.json.expect: expected 'match' or 'refuse', found {expect!r}")
    model = _text(top, "model", "case.json")
    if "/" in model or "\\" in model or model in {"", ".", ".."} or "\0" in model:
        raise InvalidGoldenCaseError(f"case.json.model: expected the name of a file in the case's own folder, found {model!r}")
    return CaseDescription(
        model=model,
        model_sha256=_text(top, "model_sha256", "case.json").lower(),
        inputs=_variables(top, "inputs"),
        outputs=_variables(top, "outputs"),
        refusal_expected=expect == "refuse",
        note=_text(top, "note", "case.json") if "note" in top else "",
    )


def _variables(top: Mapping[str, Any], key: str) -> tuple[VariableDescription, ...]:
    listed = _sequence(top, key, "case.json")
    if len(listed) > _VARIABLES:
        raise InvalidGoldenCaseError(f"case.json.{key}: expected at most {_VARIABLES} variables, found {len(listed)}")
    return tuple(_variable(item, f"case.json.{key}[{number}]") for number, item in enumerate(listed))


def _variable(item: Any, path: str) -> VariableDescription:
    entry = _mapping(item, path)
    dtype = _text(entry, "dtype", path)
    if dtype not in DTYPES:
        raise InvalidGoldenCaseError(f"{path}.dtype: expected one of {', '.join(DTYPES)}, found {dtype!r}")
    axes = _sequence(entry, "dynamic_axes", path)
    if len(axes) > 2 or not all(isinstance(axis, str) for axis in axes):
        raise InvalidGoldenCaseError(f"{path}.dynamic_axes: expected none, the batch, or the batch and a sequence axis, by name")
    sequences = _integer(entry["sequences"], f"{path}.sequences") if "sequences" in entry else None
    if sequences is not None and not 0 < sequences <= _SEQUENCES:
        raise InvalidGoldenCaseError(f"{path}.sequences: expected 1 to {_SEQUENCES}, found {sequences}")
    if sequences is not None and len(axes) < 2:
        raise InvalidGoldenCaseError(f"{path}.sequences: expected a sequence axis in dynamic_axes, found {axes}")
    return VariableDescription(
        name=_text(entry, "name", path),
        uid=_text(entry, "uid", path),
        shape=_shape(entry, path),
        dtype=dtype,
        dynamic_axes=tuple(axes),
        sparse=_boolean(entry, "sparse", path),
        sequences=sequences,
    )


def _shape(entry: Mapping[str, Any], path: str) -> tuple[int, ...]:
    listed = _sequence(entry, "shape", path)
    if len(listed) > _RANK:
        raise InvalidGoldenCaseError(f"{path}.shape: expected at most {_RANK} dimensions, found {len(listed)}")
    return tuple(_integer(value, f"{path}.shape[{number}]") for number, value in enumerate(listed))


def _mapping(value: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InvalidGoldenCaseError(f"{path}: expected an object, found {type(value).__name__}")
    return value


def _fetch(mapping: Mapping[str, Any], key: str, path: str) -> Any:
    if key not in mapping:
        raise InvalidGoldenCaseError(f"{path}.{key}: missing")
    return mapping[key]


def _text(mapping: Mapping[str, Any], key: str, path: str) -> str:
    value = _fetch(mapping, key, path)
    if not isinstance(value, str):
        raise InvalidGoldenCaseError(f"{path}.{key}: expected text, found {type(value).__name__}")
    return value


def _sequence(mapping: Mapping[str, Any], key: str, path: str) -> Sequence[Any]:
    value = _fetch(mapping, key, path)
    if not isinstance(value, list):
        raise InvalidGoldenCaseError(f"{path}.{key}: expected a list, found {type(value).__name__}")
    return value


def _boolean(mapping: Mapping[str, Any], key: str, path: str) -> bool:
    value = _fetch(mapping, key, path)
    if not isinstance(value, bool):
        raise InvalidGoldenCaseError(f"{path}.{key}: expected true or false, found {type(value).__name__}")
    return value


def _integer(value: Any, path: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidGoldenCaseError(f"{path}: expected an integer, found {type(value).__name__}")
    return value
