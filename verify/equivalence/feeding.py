"""A golden case's inputs as a converted model takes them: the tensor conventions, put into practice.

Sequences are padded at their end to the longest and their lengths are fed beside them. A sequence axis that the
conversion folded into the batch is folded here too. A sparse input that became int64 indices is fed as indices.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from bridge.errors import InvalidGoldenCaseError
from verify.equivalence.archive import ARCHIVE_BYTES
from verify.equivalence.backends import Array, Port
from verify.equivalence.cases import Batch, GoldenCase
from verify.equivalence.description import VariableDescription


def pad(sequences: Sequence[Array]) -> tuple[Array, npt.NDArray[np.int64]]:
    """Ragged ``[T_i, *shape]`` -> ``[N, max T, *shape]`` with zeros at the ends, and the lengths ``[N]``.

    ``InvalidGoldenCaseError`` where one long sequence among many would make the padding larger than a case may be.
    """
    lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    shape = (len(sequences), int(lengths.max()), *sequences[0].shape[1:])
    if (needed := math.prod(shape) * sequences[0].dtype.itemsize) > ARCHIVE_BYTES:
        raise InvalidGoldenCaseError(
            f"{len(sequences)} sequences, padded to the longest of {shape[1]} steps, take {needed} bytes; "
            f"expected at most {ARCHIVE_BYTES}"
        )
    padded = np.zeros(shape, dtype=sequences[0].dtype)
    for row, sequence in zip(padded, sequences, strict=True):
        row[: len(sequence)] = sequence
    return padded, lengths


def variable_name(description: VariableDescription, accepted: Mapping[str, Port]) -> str | None:
    """What the converted model calls a variable: the second of two of one name is ``<name>_<uid>``.

    ``None`` where the model has neither.
    """
    longer = f"{description.name}_{description.uid}"
    if longer in accepted:
        return longer
    return description.public_name if description.public_name in accepted else None


def lengths_name(axis: str, accepted: Mapping[str, Port]) -> str | None:
    """The input that takes the lengths along a sequence axis; ``None`` where nothing in the model depends on them."""
    for name in (f"{axis}_lengths", "lengths"):
        if name in accepted:
            return name
    return None


def feeds(case: GoldenCase, accepted: Mapping[str, Port]) -> dict[str, Array]:
    """Everything to feed, by name; inputs that the model does not take (its labels, pruned) are left out."""
    result: dict[str, Array] = {}
    for variable in case.inputs:
        name = variable_name(variable.description, accepted)
        if name is None:
            continue
        port = accepted[name]
        value = (
            _as_indices(variable.value, variable.description) if _takes_indices(port, variable.description) else variable.value
        )
        if isinstance(value, list):
            result.update(_sequences(variable.description, value, port, accepted))
        else:
            result[name] = value
    missing = [name for name, port in accepted.items() if not port.optional and name not in result]
    if missing:
        raise InvalidGoldenCaseError(
            f"{case.folder}: the model takes {', '.join(map(repr, missing))}, which the case does not record"
        )
    return result


def _sequences(
    description: VariableDescription, sequences: list[Array], port: Port, accepted: Mapping[str, Port]
) -> dict[str, Array]:
    padded, lengths = pad(sequences)
    length_input = lengths_name(description.dynamic_axes[1], accepted)
    if len(port.shape) == padded.ndim - 1:
        # The axis is folded: every step of every sequence is a sample of its own, and the padding is no sample.
        return {port.name: np.concatenate(sequences)}
    if length_input is not None:
        return {port.name: padded, length_input: lengths}
    if (lengths != lengths[0]).any():
        raise InvalidGoldenCaseError(
            f"{port.name}: the case holds sequences of several lengths and the model takes no lengths for them"
        )
    return {port.name: padded}


def _takes_indices(port: Port, description: VariableDescription) -> bool:
    return port.dtype == np.int64 and description.dtype != "int64"


def _as_indices(value: Batch, description: VariableDescription) -> Batch:
    """One-hot vectors as the indices of their ones."""
    if isinstance(value, list):
        return [_indices(sequence, description) for sequence in value]
    return _indices(value, description)


def _indices(value: Array, description: VariableDescription) -> npt.NDArray[np.int64]:
    one_hot = (((value == 0) | (value == 1)).all(axis=-1)) & ((value == 1).sum(axis=-1) == 1)
    if not one_hot.all():
        place = tuple(int(index) for index in np.argwhere(~one_hot)[0])
        entries = np.count_nonzero(value[place])
        found = f"{entries} entries other than 0" if entries != 1 else "a weight other than 1"
        raise InvalidGoldenCaseError(
            f"{description.public_name}: the model takes it as indices, one for each vector, and the vector at {list(place)} is "
            f"not one-hot: it has {found}; convert anew with --index-input for each input that is one-hot, without this one"
        )
    indices: npt.NDArray[np.int64] = value.argmax(axis=-1).astype(np.int64)
    return indices
