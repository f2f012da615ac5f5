"""Feeds a saved model and reads what CNTK computes, twice."""

from typing import Dict, List, Optional

import cntk
import numpy as np
from scipy import sparse

from recorder.case import Batch, StandIn


class NotReproducibleError(Exception):
    """CNTK gave two different answers to one question: nothing that could be called golden."""


def evaluate_twice(path: str, uids: List[str], inputs: Dict[str, Batch], stand_in: Optional[StandIn]) -> List[Batch]:
    """Load the model at `path` two times and evaluate each once; return the outputs called `uids`.

    `inputs` is keyed by uid; `stand_in` is applied to the loaded model. Loading anew makes a model that changes itself while
    it runs give its first answer both times.
    Raises NotReproducibleError where the answers differ in one bit.
    """
    first, second = (_evaluate(cntk.load_model(path), uids, inputs, stand_in) for _ in range(2))
    for uid, left, right in zip(uids, first, second):
        if not all(_identical(a, b) for a, b in zip(_parts(left), _parts(right))):
            raise NotReproducibleError("output %s of %s differs between two evaluations" % (uid, path))
    return first


def heads_of(model: cntk.Function, uids: List[str]) -> List[cntk.Variable]:
    """The outputs of a loaded model with the given uids, in that order."""
    by_uid = {output.uid: output for output in model.outputs}
    return [by_uid[uid] for uid in uids]


def arguments_of(heads: List[cntk.Variable]) -> List[cntk.Variable]:
    """The arguments that `heads` need, in CNTK's order."""
    return list(cntk.combine(heads).arguments)


def _evaluate(model: cntk.Function, uids: List[str], inputs: Dict[str, Batch], stand_in: Optional[StandIn]) -> List[Batch]:
    function = cntk.combine(heads_of(model, uids))
    if stand_in is not None:
        function = stand_in(function)
    feed = {argument: _to_cntk(argument, inputs[argument.uid]) for argument in function.arguments}
    _, values = function.forward(feed, function.outputs, as_numpy=False)
    return [_from_cntk(head, values[head]) for head in function.outputs]


def _to_cntk(variable: cntk.Variable, batch: Batch) -> object:
    """The form in which CNTK's evaluation takes a value; sparse variables want rows of a matrix."""
    if not variable.is_sparse:
        return batch
    if isinstance(batch, list):
        return [sparse.csr_matrix(sequence.reshape(len(sequence), -1)) for sequence in batch]
    return sparse.csr_matrix(batch.reshape(len(batch), -1))


def _from_cntk(variable: cntk.Variable, value: cntk.core.Value) -> Batch:
    """A dense array per sequence, or one array, in the shapes of the golden-case format."""
    shape = tuple(value.shape)[len(tuple(value.shape)) - len(variable.shape) :] if variable.shape else ()
    if len(variable.dynamic_axes) > 1:
        return [_dense(sequence).reshape((-1, *shape)) for sequence in value.as_sequences(variable)]
    if len(variable.dynamic_axes) == 1:
        return np.asarray(value.data.asarray()).reshape((-1, *shape))
    return np.asarray(value.data.asarray()).reshape(shape)


def _dense(sequence: object) -> np.ndarray:
    return sequence.toarray() if sparse.issparse(sequence) else np.asarray(sequence)


def _parts(batch: Batch) -> List[np.ndarray]:
    return batch if isinstance(batch, list) else [batch]


def _identical(left: np.ndarray, right: np.ndarray) -> bool:
    return left.shape == right.shape and left.tobytes() == right.tobytes()
