"""CNTK's text format (CTF), as its readers take it: a line per step, a field per input.

::

    [sequence id] |name value value ... |other index:value ... |# comment

Lines of one id, one after the other, are one sequence; a line without an id is a sequence of its own. A dense field has one
number for each element, row-major; a sparse one has pairs of index and value. A field that is absent from a line has no step
there: a label may stand on the first line of its sequence alone. A comment ends at the next bar; a bar in it is written ``|#``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bridge.errors import InvalidInputsError
from bridge.reference.recording.model_inputs import ModelInput
from bridge.reference.values import Array, Batch
from verify.equivalence.regular_file import open_regular

_FILE_BYTES = 256 << 20
_LINE_BYTES = 16 << 20  # Numbers of one line at a time are held as text, which takes 30 times their length.
_ELEMENTS = 1 << 26  # of all values that are made of a file together
_SEQUENCES = 1_000_000


@dataclass(frozen=True, slots=True)
class _Step:
    sequence: str | None
    number: int  # of the line, from 1
    fields: Mapping[str, str]  # the values as they stand there


def read_ctf(path: Path, inputs: tuple[ModelInput, ...]) -> dict[str, Batch]:
    """The values of ``inputs`` in the file, by uid; fields are matched with inputs by name or uid.

    ``InvalidInputsError`` names the line at fault.
    """
    data = read_text(path)
    try:
        return parse_ctf(data, inputs)
    except InvalidInputsError as error:
        raise InvalidInputsError(f"{path}: {error}") from error


def read_text(path: Path) -> bytes:
    """The bytes of the file, read once; ``InvalidInputsError`` where it cannot be read, or is longer than any that is taken."""
    try:
        with open_regular(path) as stream:
            data = stream.read(_FILE_BYTES + 1)
    except OSError as error:
        raise InvalidInputsError(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) > _FILE_BYTES:
        raise InvalidInputsError(f"{path}: expected at most {_FILE_BYTES} bytes of text")
    return data


def first_values(data: bytes) -> dict[str, str]:
    """The fields of a file, each with its values as they stand where it appears first."""
    found: dict[str, str] = {}
    for step in _steps(data):
        for name, values in step.fields.items():
            found.setdefault(name, values)
    return found


def parse_ctf(data: bytes, inputs: tuple[ModelInput, ...]) -> dict[str, Batch]:
    """As ``read_ctf``, from bytes."""
    sequences = list(_sequences(_steps(data)))
    if not sequences:
        raise InvalidInputsError("no line has a field; expected lines such as '|name 1 2 3'")
    names = {field for steps in sequences for step in steps for field in step.fields}
    budget = _Budget(_ELEMENTS)
    return {item.uid: _values(item, _field_name(item, names), sequences, budget) for item in inputs}


def _steps(data: bytes) -> Iterator[_Step]:
    for number, line in enumerate(data.split(b"\n"), start=1):
        if len(line) > _LINE_BYTES:
            raise InvalidInputsError(f"line {number}: expected at most {_LINE_BYTES} bytes")
        try:
            text = line.decode("utf-8").strip()
        except UnicodeDecodeError as error:
            raise InvalidInputsError(f"line {number}: not UTF-8 text: {error.reason}") from error
        if not text:
            continue
        identity, *parts = text.split("|")
        fields: dict[str, str] = {}
        for part in parts:
            if part.startswith("#"):
                continue  # A comment, or what follows a bar in one.
            name, values = (*part.split(maxsplit=1), "", "")[:2]
            if not name or part[0].isspace():
                raise InvalidInputsError(f"line {number}: a field without a name after '|'")
            if name in fields:
                raise InvalidInputsError(f"line {number}: field {name!r} stands there twice")
            fields[name] = values
        if not parts:
            raise InvalidInputsError(f"line {number}: expected fields that begin with '|', found {text[:40]!r}")
        if fields:
            yield _Step(_identity(identity.strip(), number), number, fields)


def _identity(text: str, number: int) -> str | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit():
        raise InvalidInputsError(
            f"line {number}: expected a sequence id, digits alone, before the first '|'; found {text[:40]!r}"
        )
    return text.lstrip("0") or "0"


def _sequences(steps: Iterable[_Step]) -> Iterator[list[_Step]]:
    current: list[_Step] = []
    seen: set[str] = set()
    count = 0
    for step in steps:
        if current and step.sequence is not None and step.sequence == current[0].sequence:
            current.append(step)
            continue
        if current:
            yield current
        count += 1
        if count > _SEQUENCES:
            raise InvalidInputsError(f"line {step.number}: expected at most {_SEQUENCES} sequences")
        if step.sequence is not None:
            if step.sequence in seen:
                raise InvalidInputsError(f"line {step.number}: sequence {step.sequence} goes on after another one began")
            seen.add(step.sequence)
        current = [step]
    if current:
        yield current


def _field_name(item: ModelInput, names: set[str]) -> str:
    for name in (item.name, item.uid):
        if name and name in names:
            return name
    raise InvalidInputsError(
        f"no field for the input {item.public_name}; the file has {', '.join(map(repr, sorted(names)[:20]))}"
    )


def _values(item: ModelInput, field: str, sequences: list[list[_Step]], budget: _Budget) -> Batch:
    if -1 in item.shape or -3 in item.shape:
        raise InvalidInputsError(
            f"input {item.public_name} has an open dimension in {item.shape}, which a text file cannot state"
        )
    lists = []
    for steps in sequences:
        present = [step for step in steps if field in step.fields]
        if not present:
            raise InvalidInputsError(f"line {steps[0].number}: the sequence that begins here has no field {field!r}")
        if item.sequence_axis is None and len(present) > 1:
            raise InvalidInputsError(
                f"line {present[1].number}: a second {field!r} in one sequence; the input {item.public_name} has no sequence axis"
            )
        lists.append(np.stack([_row(item, step, field, budget) for step in present]))
    if item.sequence_axis is not None:
        return lists
    if item.batched:
        return np.concatenate(lists)
    if len(lists) > 1:
        raise InvalidInputsError(
            f"input {item.public_name} has no batch axis: expected one line with {field!r}, found {len(lists)}"
        )
    row: Array = lists[0][0]
    return row


def _row(item: ModelInput, step: _Step, field: str, budget: _Budget) -> Array:
    """One step of one input, ``[*shape]``."""
    size = math.prod(item.shape)
    budget.take(size, step.number)
    values = step.fields[field].split()
    if item.sparse or (values and ":" in values[0]):
        flat = np.zeros(size, item.dtype)
        for pair in values:
            index, value = _pair(pair, step.number, field)
            if not 0 <= index < size:
                raise InvalidInputsError(f"line {step.number}: index {index} of {field!r} is not below {size}")
            flat[index] = value
    else:
        if len(values) != size:
            raise InvalidInputsError(
                f"line {step.number}: {field!r} has {len(values)} values; expected {size}, its shape is {item.shape}"
            )
        flat = np.array([_number(value, step.number, field) for value in values], item.dtype)
    return flat.reshape(item.shape)


def _pair(text: str, line: int, field: str) -> tuple[int, float]:
    index, colon, value = text.partition(":")
    if not colon or not index.isascii() or not index.isdigit() or len(index) > 18:
        raise InvalidInputsError(f"line {line}: expected index:value in {field!r}, found {text[:40]!r}")
    return int(index), _number(value, line, field)


def _number(text: str, line: int, field: str) -> float:
    try:
        if "_" in text:
            raise ValueError
        return float(text)
    except ValueError:
        raise InvalidInputsError(f"line {line}: expected a number in {field!r}, found {text[:40]!r}") from None


class _Budget:
    """Elements that may still be made. A few characters of sparse text stand for a row of any size."""

    def __init__(self, elements: int) -> None:
        self._total = self._left = elements

    def take(self, elements: int, line: int) -> None:
        self._left -= elements
        if self._left < 0:
            raise InvalidInputsError(f"line {line}: more than {self._total} elements altogether; give fewer samples")
