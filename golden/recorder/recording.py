"""Turns a case into its folder: model.dnn, tensors.npz, case.json."""

import os
from typing import Dict, List, Optional

import cntk
import numpy as np

from recorder.archive import write_archive
from recorder.case import Batch, Case, StandIn
from recorder.description import describe_case, describe_variable, operator_names
from recorder.engine import arguments_of, evaluate_twice, heads_of


def record(case: Case, source: str, folder: str) -> None:
    """Save the model of `case` under `folder`, load it back, evaluate it and write everything down.

    Everything described is read from the loaded model, so that the description fits the file and not the memory.
    """
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "model.dnn")
    if case.legacy_format:
        cntk.cntk_py.save_as_legacy_model(case.model, path)
    else:
        case.model.save(path)
    loaded = cntk.load_model(path)
    # The v1 format dissolves blocks, so that an output comes back under the uid of the block's innermost operator.
    uids = [output.uid for output in (loaded.outputs if case.legacy_format else case.outputs)]
    write_case(folder, uids, {variable.uid: batch for variable, batch in case.inputs.items()}, source, case.note, case.stand_in)


def write_case(
    folder: str,
    uids: List[str],
    given: Dict[str, Batch],
    source: str,
    note: Optional[str] = None,
    stand_in: Optional[StandIn] = None,
) -> None:
    """Evaluate the model that lies in `folder` as model.dnn: its outputs `uids`, of the inputs `given` by uid."""
    path = os.path.join(folder, "model.dnn")
    heads = heads_of(cntk.load_model(path), uids)
    arguments = arguments_of(heads)
    values = evaluate_twice(path, uids, given, stand_in)
    arrays = {}  # type: Dict[str, np.ndarray]
    inputs = [given[argument.uid] for argument in arguments]
    _store(arrays, "input", inputs)
    _store(arrays, "output", values)
    write_archive(os.path.join(folder, "tensors.npz"), arrays)
    text = describe_case(
        source,
        path,
        operator_names(heads),
        [describe_variable(variable, batch) for variable, batch in zip(arguments, inputs)],
        [describe_variable(variable, batch) for variable, batch in zip(heads, values)],
        note,
    )
    with open(os.path.join(folder, "case.json"), "w") as stream:
        stream.write(text)


def _store(arrays: Dict[str, np.ndarray], kind: str, batches: List[Batch]) -> None:
    for index, batch in enumerate(batches):
        if isinstance(batch, list):
            for number, sequence in enumerate(batch):
                arrays["%s/%d/%d" % (kind, index, number)] = sequence
        else:
            arrays["%s/%d" % (kind, index)] = batch
