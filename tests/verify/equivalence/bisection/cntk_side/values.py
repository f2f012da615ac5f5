"""Evaluates every variable of a model and writes the values as a golden case."""

import os
from typing import Any, Dict, List, Tuple

import cntk
import numpy as np
from recorder.archive import write_archive
from recorder.case import Batch
from recorder.description import describe_case, describe_variable
from recorder.engine import _from_cntk, _to_cntk
from recorder.recording import _store

from cntk_side.opening import bind, blocks, level, outputs


def record_inside(folder: str, description: Dict[str, Any], destination: str) -> List[str]:
    """Record all variables of the case in `folder`; what CNTK does not evaluate is returned, with the reason."""
    path = os.path.join(destination, "model.dnn")
    model = cntk.load_model(path)
    given = _inputs(os.path.join(folder, "tensors.npz"), description["inputs"])
    values, missed = _everything(model, given)
    arguments = [variable for variable in model.arguments if variable.uid in given]
    inputs = [given[variable.uid] for variable in arguments]
    arrays = {}  # type: Dict[str, np.ndarray]
    _store(arrays, "input", inputs)
    _store(arrays, "output", [value for _, value in values])
    write_archive(os.path.join(destination, "tensors.npz"), arrays)
    text = describe_case(
        description["source"],
        path,
        description["ops"],
        [describe_variable(variable, batch) for variable, batch in zip(arguments, inputs)],
        [describe_variable(variable, batch) for variable, batch in values],
        None,
    )
    with open(os.path.join(destination, "case.json"), "w") as stream:
        stream.write(text)
    return missed


def _everything(model: cntk.Function, given: Dict[str, Batch]) -> Tuple[List[Tuple[Any, Batch]], List[str]]:
    """All variables of a model, those in the open first, then block by block from the outside in."""
    known, described, missed = dict(given), [], []
    pending = [(level([model]), dict(given))]
    while pending:
        functions, feed = pending.pop()
        values, failed = _evaluate(outputs(functions), feed)
        described += values
        missed += failed
        known.update((variable.uid, value) for variable, value in values)
        for block in blocks(functions):
            try:
                inner = bind(block, known)
            except KeyError as error:
                missed.append("the inside of %s (no value of %s)" % (block.uid, error))
                continue
            known.update(inner)  # A block inside may be applied to the stand-ins themselves.
            pending.append((level([block.block_root]), inner))
    return described, missed


def _inputs(path: str, described: List[Dict[str, Any]]) -> Dict[str, Batch]:
    given = {}  # type: Dict[str, Batch]
    with np.load(path) as tensors:
        for number, variable in enumerate(described):
            if "sequences" in variable:
                given[variable["uid"]] = [tensors["input/%d/%d" % (number, k)] for k in range(variable["sequences"])]
            else:
                given[variable["uid"]] = tensors["input/%d" % number]
    return given


def _evaluate(variables: List[Any], given: Dict[str, Batch]) -> Tuple[List[Tuple[Any, Batch]], List[str]]:
    """All that can be evaluated together; where CNTK objects, what can be evaluated one by one."""
    try:
        return _together(variables, given), []
    except Exception as error:  # noqa: BLE001  # CNTK throws whatever it likes at a variable that it computes only as a part of another.
        if len(variables) == 1:
            return [], ["%s (%s)" % (variables[0].uid, str(error).strip().split("\n")[0][:60])]
    middle = len(variables) // 2
    first, missed = _evaluate(variables[:middle], given)
    second, more = _evaluate(variables[middle:], given)
    return first + second, missed + more


def _together(variables: List[Any], given: Dict[str, Batch]) -> List[Tuple[Any, Batch]]:
    function = cntk.combine(variables)
    feed = {argument: _to_cntk(argument, given[argument.uid]) for argument in function.arguments}
    _, found = function.forward(feed, function.outputs, as_numpy=False)
    by_uid = {variable.uid: value for variable, value in found.items()}
    return [(variable, _from_cntk(variable, by_uid[variable.uid])) for variable in variables]
