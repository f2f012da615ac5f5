"""The smallest subgraph that shows a difference, written so that anyone can see it with numpy and onnxruntime alone.

layer.onnx      the nodes of one layer with their weights
layer.npz       input/<i> in the order of the model's inputs; what the reference computed; how far each element may lie from it
reproduce.py    runs the one on the other; ends with 1 and the figure where they differ
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import external_data_helper

from bridge.lower.builder import OPSET
from bridge.lower.model import IR_VERSION
from bridge.targets.atomic import StagedFile, put_in_place
from bridge.targets.hashed_file import HashedFile
from bridge.targets.write_failures import explained
from verify.equivalence.backends import Array, BackendError
from verify.equivalence.bisection.graph import ConvertedGraph, Part
from verify.equivalence.bisection.layers import GraphLayer, KnownValue
from verify.equivalence.bisection.layout import as_fed
from verify.equivalence.bisection.reproduction_script import SCRIPT
from verify.equivalence.bisection.runs import Runs
from verify.equivalence.comparison import allowed_error
from verify.equivalence.tolerances import Tolerance
from verify.report.document import Reproduction

MODEL_FILE, INPUTS_FILE, SCRIPT_FILE = "layer.onnx", "layer.npz", "reproduce.py"


def write_reproduction(part: Part, known: KnownValue, tolerance: Tolerance, folder: Path) -> Reproduction:
    """Write the three files into ``folder``, which is made where it is missing; ``WriteError`` where that cannot be done.

    ``part`` makes the value that is known.
    """
    # The model's own words go into the model alone: a script that held them could be made to say anything.
    part.model.doc_string = f"{known.origin.label}: {known.origin.operators}"
    contents = {INPUTS_FILE: _archive(part, known, tolerance), SCRIPT_FILE: SCRIPT.encode()}
    contents[MODEL_FILE] = part.model.SerializeToString(deterministic=True)
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            _write(folder / name, content)
    return Reproduction(onnx=MODEL_FILE, inputs=INPUTS_FILE, script=SCRIPT_FILE)


def layer_part(runs: Runs, layer: GraphLayer) -> Part:
    """A layer's nodes, fed with reference values, with the lengths of sequences, and with sizes as constants."""
    graph, origin = runs.graph, layer.known.origin
    lengths = {name: runs.forced[name] for name in runs.lengths if name in runs.forced}
    counts_right = runs.counts_right(layer)
    if not counts_right:
        lengths.pop(origin.lengths, None)  # They are what differs.
    feeds = {**runs.given, **runs.fed, **lengths}
    wanted = [layer.value if counts_right else origin.lengths]
    feeds |= _sizes(graph, graph.before(wanted, feeds), feeds)
    part = graph.part(graph.before(wanted, feeds), feeds, wanted)
    if graph.folder is not None:
        try:
            external_data_helper.load_external_data_for_model(part.model, str(graph.folder))
        except Exception as error:  # What onnx raises for a file that is missing, too short or outside of the folder.
            raise BackendError(f"weights beside the model cannot be read: {error}") from error
    return part


def empty_part(known: KnownValue, before: Array) -> Part:
    """What the converted model does where it leaves an operator out: it hands on the value ``before``."""
    name = known.origin.value
    shape, dtype = before.shape, onnx.helper.np_dtype_to_tensor_dtype(before.dtype)
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["before"], [name])],
        "part",
        [onnx.helper.make_tensor_value_info("before", dtype, shape)],
        [onnx.helper.make_tensor_value_info(name, dtype, shape)],
    )
    model = onnx.helper.make_model(graph, ir_version=IR_VERSION, opset_imports=[onnx.helper.make_opsetid("", OPSET)])
    return Part(model, {"before": before}, {name: name})


def _sizes(graph: ConvertedGraph, numbers: list[int], feeds: Mapping[str, Array]) -> dict[str, Array]:
    """The results of Shape on values that are fed, by name: a size says as much as the whole value does."""
    found: dict[str, Array] = {}
    for node in (graph.nodes[number] for number in numbers):
        if node.op_type == "Shape" and node.input[0] in feeds:
            bounds = {attribute.name: attribute.i for attribute in node.attribute}
            shape = feeds[node.input[0]].shape[bounds.get("start", 0) : bounds.get("end")]
            found[node.output[0]] = np.array(shape, np.int64)
    return found


def _archive(part: Part, known: KnownValue, tolerance: Tolerance) -> bytes:
    reference, origin = known.reference, known.origin
    tensors = {f"input/{k}": part.feeds[port.name] for k, port in enumerate(part.model.graph.input)}
    if origin.lengths in part.names:
        assert isinstance(reference, list)
        tensors["expected"] = np.array([len(sequence) for sequence in reference], np.int64)
        tensors["allowed"] = np.zeros(1)
    else:
        tensors["expected"] = as_fed(reference, origin, None)
        tensors["allowed"] = _allowed(known, tolerance)
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **tensors)
    return stream.getvalue()


def _allowed(known: KnownValue, tolerance: Tolerance) -> Array:
    """How far each element may lie from the reference's; infinite on padding that nobody reads."""
    reference, origin = known.reference, known.origin
    if not isinstance(reference, list):
        return allowed_error(reference.astype(np.float64), tolerance)
    errors: list[Array] = [allowed_error(sequence.astype(np.float64), tolerance) for sequence in reference]
    allowed = as_fed(errors, origin, None)
    if origin.dynamic_rank == 2 and not origin.clean:
        for row, sequence in zip(allowed, reference, strict=True):
            row[len(sequence) :] = np.inf
    return allowed


def _write(path: Path, content: bytes) -> None:
    with StagedFile(path) as file:
        with HashedFile(file.descriptor) as out:
            out.write(content)
            out.finish()
        put_in_place([file])
