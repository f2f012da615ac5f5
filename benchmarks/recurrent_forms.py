"""Other forms that a recurrent model could take in ONNX, beside the one that the converter writes.

    python benchmarks/recurrent_forms.py [--slu PATH] [--batches 1,16] [--turns 40]

Behind docs/adr/0018: the tagger of golden/lstm_tagger without its lengths, its mask or its change of layout, and in forms that
do the same with fewer nodes; with ``--slu`` (what cntk_slu.py writes), lookups folded into the cell. Every form is built by hand
around the same weights, and runs in turns with the others on one processor. Figures are the least of all runs, and ratios to
the first row: what else the machine does only ever adds time.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from direct_lstm import Network, read_slu, read_tagger
from onnx import NodeProto, TensorProto, helper, numpy_helper
from turns import ROOT, Feed, confined_to, machine, open_session, relative_difference

Array = npt.NDArray[Any]
STEPS = 25
LATE = np.iinfo(np.int64).max

LENGTHS = (
    helper.make_node("Shape", ["x"], ["steps"], start=1, end=2),
    helper.make_node("Min", ["lengths", "steps"], ["least"]),
    helper.make_node("Shape", ["x"], ["batch"], start=0, end=1),
    helper.make_node("Expand", ["least", "batch"], ["own"]),
    helper.make_node("Cast", ["own"], ["own32"], to=TensorProto.INT32),
)
POSITIONS = (
    helper.make_node("Squeeze", ["steps", "first"], ["count"]),
    helper.make_node("Range", ["zero", "count", "one"], ["positions"]),
)
EMBED = (
    helper.make_node("MatMul", ["x", "E"], ["embedded"]),
    helper.make_node("Transpose", ["embedded"], ["turned"], perm=[1, 0, 2]),
)
BACK = (
    helper.make_node("Squeeze", ["y", "second"], ["plain"]),
    helper.make_node("Transpose", ["plain"], ["hidden"], perm=[1, 0, 2]),
    helper.make_node("MatMul", ["hidden", "D"], ["product"]),
)
REAL = (
    helper.make_node("Unsqueeze", ["own", "second"], ["column"]),
    helper.make_node("Less", ["positions", "column"], ["real"]),
)
MASKED_BIAS = (
    *REAL,
    helper.make_node("Cast", ["real"], ["factor"], to=TensorProto.FLOAT),
    helper.make_node("Unsqueeze", ["factor", "third"], ["factors"]),
    helper.make_node("MatMul", ["factors", "b_row"], ["biases"]),
    helper.make_node("Add", ["product", "biases"], ["z"]),
)
GATHERED_BIAS = (
    *REAL,
    helper.make_node("Cast", ["real"], ["chosen"], to=TensorProto.INT32),
    helper.make_node("Gather", ["b_or_nothing", "chosen"], ["biases"]),
    helper.make_node("Add", ["product", "biases"], ["z"]),
)
SELECTED = (
    helper.make_node("Unsqueeze", ["lengths", "second_third"], ["column"]),
    helper.make_node("Unsqueeze", ["positions", "second"], ["places"]),
    helper.make_node("Less", ["places", "column"], ["real"]),
    helper.make_node("Add", ["product", "b"], ["sum"]),
    helper.make_node("Where", ["real", "sum", "nothing"], ["z"]),
)
PLAIN_BIAS = (helper.make_node("Add", ["product", "b"], ["z"]),)


def main() -> int:
    """Build, compare and measure what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slu", type=Path, metavar="PATH", help="what cntk_slu.py writes; without it, the tagger alone")
    parser.add_argument("--batches", default="1,16", help="batch sizes, separated by commas")
    parser.add_argument("--turns", type=int, default=40, help="turns that each form takes")
    arguments = parser.parse_args()
    with TemporaryDirectory(prefix="bridge-benchmark-") as name, confined_to(1):
        folder = Path(name)
        tagger = read_tagger(ROOT / "golden" / "lstm_tagger" / "model.dnn")
        tagger.write(folder / "bare.onnx")
        groups = {"tagger": (tagger, {"bare operator": folder / "bare.onnx", **_tagger_forms(folder, tagger)})}
        if arguments.slu is not None:
            slu = read_slu(arguments.slu)
            groups["slu"] = (slu, _lookup_forms(folder, slu))
        for batch in map(int, arguments.batches.split(",")):
            for model, (network, forms) in groups.items():
                _measure(model, network, forms, batch, arguments.turns)
    print(", ".join(f"{name} {value}" for name, value in machine().items()))
    return 0


def _lstm(lengths: str = "", hidden: int = 48) -> NodeProto:
    return helper.make_node("LSTM", ["turned", "W", "R", "B", *([lengths] if lengths else [])], ["y"], hidden_size=hidden)


def _tagger_forms(folder: Path, network: Network) -> dict[str, Path]:
    """The tagger's forms, from ``x [N, T, V]``."""
    weights = _weights(network)
    einsum = (helper.make_node("Einsum", ["x", "E"], ["turned"], equation="nti,ij->tnj"),)
    forms: dict[str, tuple[tuple[NodeProto, ...], Mapping[str, Array]]] = {
        "as converted": ((*LENGTHS, *EMBED, _lstm("own32"), *BACK, *POSITIONS, *MASKED_BIAS), weights),
        "change of layout alone": ((*EMBED, _lstm(), *BACK, *PLAIN_BIAS), weights),
        "layout and lengths": ((*LENGTHS, *EMBED, _lstm("own32"), *BACK, *PLAIN_BIAS), weights),
        "no lengths, padding selected away": ((LENGTHS[0], *EMBED, _lstm(), *BACK, *POSITIONS, *SELECTED), weights),
        "bias gathered by the mask": ((*LENGTHS, *EMBED, _lstm("own32"), *BACK, *POSITIONS, *GATHERED_BIAS), weights),
        "Einsum for product and Transpose": ((*LENGTHS, *einsum, _lstm("own32"), *BACK, *POSITIONS, *MASKED_BIAS), weights),
        "a unit that is 1 on real steps": (
            (*LENGTHS, *EMBED, _lstm("own32", 49), *BACK[:2], helper.make_node("MatMul", ["hidden", "D"], ["z"])),
            weights | _with_constant_unit(network),
        ),
    }
    inputs: dict[str, tuple[int, Sequence[Any]]] = {
        "x": (TensorProto.FLOAT, ["N", "T", len(network.embedding)]),
        "lengths": (TensorProto.INT64, ["L"]),
    }
    return {name: _write(folder, f"tagger-{k}", inputs, *form) for k, (name, form) in enumerate(forms.items())}


def _weights(network: Network) -> dict[str, Array]:
    cell = network.cells[0]
    into, recurrent, bias = (_gates(part) for part in (cell.weights, cell.recurrent, cell.bias))
    return {
        "E": network.embedding,
        "W": into.T[np.newaxis],
        "R": recurrent.T[np.newaxis],
        "B": np.concatenate([bias, np.zeros_like(bias)])[np.newaxis],
        "D": network.dense,
        "b": network.bias,
        "b_row": network.bias[np.newaxis],
        "b_or_nothing": np.stack([np.zeros_like(network.bias), network.bias]),
        "nothing": np.array(0, np.float32),
        "lengths": np.array([LATE]),
        **{name: np.array([axis]) for axis, name in enumerate(("first", "second", "third"))},
        "second_third": np.array([1, 2]),
        "zero": np.array(0),
        "one": np.array(1),
    }


def _with_constant_unit(network: Network) -> dict[str, Array]:
    """One unit more, whose output is tanh(1) on real steps and 0 on others, so that the dense layer's bias comes by a product."""
    cell = network.cells[0]
    into, recurrent, bias = (np.split(_gates(part), 4, axis=-1) for part in (cell.weights, cell.recurrent, cell.bias))
    gates = zip(into, recurrent, bias, (40, 40, -40, 40), strict=True)
    made = [(np.pad(i, ((0, 0), (0, 1))), np.pad(r, ((0, 1), (0, 1))), np.append(b, at)) for i, r, b, at in gates]
    whole = [np.concatenate(part, axis=-1).astype(np.float32) for part in zip(*made, strict=True)]
    dense = np.concatenate([network.dense, (network.bias / np.tanh(np.float32(1)))[np.newaxis]])
    biases = np.concatenate([whole[2], np.zeros_like(whole[2])])
    return {"W": whole[0].T[np.newaxis], "R": whole[1].T[np.newaxis], "B": biases[np.newaxis], "D": dense}


def _lookup_forms(folder: Path, network: Network) -> dict[str, Path]:
    """Forms of a network in both directions, from indices ``x [N, T]``: of one-hot vectors it is the product in their place."""
    width = len(network.cells[0].recurrent)
    tables = [network.embedding @ _gates(cell.weights) + _gates(cell.bias) for cell in network.cells]
    recurrent = np.stack([_gates(cell.recurrent).T for cell in network.cells])
    into = np.stack([_gates(cell.weights).T for cell in network.cells])
    bias = np.stack([np.concatenate([_gates(cell.bias), np.zeros_like(cell.bias)]) for cell in network.cells])
    chosen = np.stack([np.eye(4 * width, 8 * width, 4 * width * k, dtype=np.float32) for k in range(2)])
    common = {"D": network.dense, "b": network.bias, "state": np.full((2, 1, width), network.initial_state, np.float32)}
    common |= {"two": np.array([2]), "width": np.array([width]), "joined": np.array([0, 0, 2 * width])}
    bare = {**common, "E": network.embedding, "W": into, "R": recurrent, "B": bias}
    folded = {**bare, "E": np.concatenate(tables, axis=1), "W": chosen, "B": np.zeros_like(bias)}
    looped = {**common, "E": tables[0], "E1": tables[1], "state": common["state"][0]}
    indices = {"x": (TensorProto.INT64, ["N", "T"])}
    vectors = {"x": (TensorProto.FLOAT, ["N", "T", len(network.embedding)])}
    product = helper.make_node("MatMul", ["x", "E"], ["rows"])
    rows = helper.make_node("Gather", ["E", "x"], ["rows"])
    return {
        "one-hot": _write(folder, "slu-dense", vectors, (product, *_both_ways(width)), bare),
        "indices, as converted": _write(folder, "slu-rows", indices, (rows, *_both_ways(width)), bare),
        "rows times W, identity in its place": _write(folder, "slu-folded", indices, (rows, *_both_ways(width)), folded),
        "rows times W, Scan of the rest": _write(folder, "slu-scan", indices, _two_scans(recurrent), looped),
    }


def _both_ways(width: int) -> tuple[NodeProto, ...]:
    states = ["", "states", "states"]
    return (
        helper.make_node("Shape", ["x"], ["batch"], start=0, end=1),
        helper.make_node("Concat", ["two", "batch", "width"], ["sizes"], axis=0),
        helper.make_node("Expand", ["state", "sizes"], ["states"]),
        helper.make_node("Transpose", ["rows"], ["turned"], perm=[1, 0, 2]),
        helper.make_node("LSTM", ["turned", "W", "R", "B", *states], ["y"], hidden_size=width, direction="bidirectional"),
        helper.make_node("Transpose", ["y"], ["beside"], perm=[2, 0, 1, 3]),
        helper.make_node("Reshape", ["beside", "joined"], ["hidden"]),
        helper.make_node("MatMul", ["hidden", "D"], ["product"]),
        helper.make_node("Add", ["product", "b"], ["z"]),
    )


def _two_scans(recurrent: Array) -> tuple[NodeProto, ...]:
    """The step by its equations, over rows of the tables."""
    made = [
        helper.make_node("Shape", ["x"], ["batch"], start=0, end=1),
        helper.make_node("Concat", ["batch", "width"], ["sizes"], axis=0),
        helper.make_node("Expand", ["state", "sizes"], ["states"]),
        helper.make_node("Transpose", ["x"], ["x_turned"], perm=[1, 0]),
    ]
    for k, table in enumerate(("E", "E1")):
        made.append(helper.make_node("Gather", [table, "x_turned"], [f"rows{k}"]))
        outputs = [f"h{k}", f"c{k}", f"y{k}"]
        scan = helper.make_node("Scan", ["states", "states", f"rows{k}"], outputs, num_scan_inputs=1, body=_step(recurrent[k].T))
        scan.attribute.extend(helper.make_attribute(f"scan_{way}_directions", [k]) for way in ("input", "output"))
        made.append(scan)
    return (
        *made,
        helper.make_node("Concat", ["y0", "y1"], ["beside"], axis=2),
        helper.make_node("Transpose", ["beside"], ["hidden"], perm=[1, 0, 2]),
        helper.make_node("MatMul", ["hidden", "D"], ["product"]),
        helper.make_node("Add", ["product", "b"], ["z"]),
    )


def _step(recurrent: Array) -> onnx.GraphProto:
    nodes = [
        helper.make_node("MatMul", ["h", "R"], ["from_state"]),
        helper.make_node("Add", ["from_state", "row"], ["gates"]),
        helper.make_node("Split", ["gates"], ["gi", "go", "gf", "gc"], axis=-1),
        *(helper.make_node("Sigmoid", [f"g{gate}"], [gate]) for gate in "iof"),
        helper.make_node("Tanh", ["gc"], ["candidate"]),
        helper.make_node("Mul", ["f", "c"], ["kept"]),
        helper.make_node("Mul", ["i", "candidate"], ["added"]),
        helper.make_node("Add", ["kept", "added"], ["c_next"]),
        helper.make_node("Tanh", ["c_next"], ["shown"]),
        helper.make_node("Mul", ["o", "shown"], ["h_next"]),
        helper.make_node("Identity", ["h_next"], ["y"]),
    ]
    values = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("h", "c", "row")}
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("h_next", "c_next", "y")]
    return helper.make_graph(nodes, "step", list(values.values()), outputs, [numpy_helper.from_array(recurrent.copy(), "R")])


def _gates(value: Array) -> Array:
    """The gates along the last axis, in ONNX's order."""
    into, candidate, forget, out = np.split(value, 4, axis=-1)
    return np.concatenate([into, out, forget, candidate], axis=-1)


def _write(
    folder: Path,
    name: str,
    inputs: Mapping[str, tuple[int, Sequence[Any]]],
    nodes: Sequence[NodeProto],
    values: Mapping[str, Array],
) -> Path:
    read = {item for node in nodes for item in node.input}
    declared = [helper.make_tensor_value_info(key, kind, shape) for key, (kind, shape) in inputs.items() if key in read]
    stored = [
        numpy_helper.from_array(np.ascontiguousarray(value).reshape(value.shape), key)
        for key, value in values.items()
        if key in read
    ]
    outputs = [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["N", "T", "L_z"])]
    graph = helper.make_graph(list(nodes), name, declared, outputs, stored)
    path = folder / f"{name}.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def _measure(model: str, network: Network, forms: Mapping[str, Path], batch: int, turns: int) -> None:
    """Print the least time of each form, and its ratio to the first one's."""
    tokens = np.random.default_rng(1).integers(len(network.embedding), size=(batch, STEPS))
    vectors = np.eye(len(network.embedding), dtype=np.float32)[tokens]
    runs: dict[str, Callable[[], Array]] = {}
    for name, path in forms.items():
        session = open_session(path, 1)
        feed: Feed = {"x": vectors if session.get_inputs()[0].type == "tensor(float)" else tokens}
        if name == "bare operator":
            feed = network.feed(vectors)
        runs[name] = lambda session=session, feed=feed: session.run(None, feed)[0]  # type: ignore[misc]
    expected = runs[list(runs)[-1]]()
    least = dict.fromkeys(runs, float("inf"))
    for _ in range(turns):
        for name, run in runs.items():
            run()
            for _ in range(max(4, 60 // batch)):
                started = time.perf_counter()
                found = run()
                least[name] = min(least[name], time.perf_counter() - started)
            got = found.swapaxes(0, 1) if name == "bare operator" else found
            assert relative_difference(got, expected) < 1e-4, name
    first = least[next(iter(least))]
    for name, seconds in least.items():
        print(f"{model}, batch {batch:2d}: {name:38s} {seconds * 1e6:8.1f} µs {seconds / first:6.3f}")


if __name__ == "__main__":
    sys.exit(main())
