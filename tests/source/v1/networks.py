"""Small networks as files of any version: what every version must be read as."""

from __future__ import annotations

from bridge.graph.model import Function, Model
from bridge.limits import DEFAULT_LIMITS, Limits
from bridge.source.v1 import read_v1
from tests.source.v1 import bcn_nodes as nodes
from tests.source.v1.bcn_writer import BcnFile

WEIGHT = [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]  # [2, 3] column-major: rows (1, 2, 3) and (4, 5, 6)
BIAS = [0.5, -0.5]
KERNELS = [float(number) for number in range(24)]


def recurrent(version: int = 31, *, double: bool = False) -> BcnFile:
    """A dense layer, a loop through a delay, and operators on its halves; ``out`` is its output, ``total`` a node of no group."""
    file = BcnFile(version, double)
    file.input("x", 3)
    file.parameter("W", (2, 3), WEIGHT)
    file.parameter("b", (2, 1), BIAS, constant=True)
    nodes.times(file, "Wx", "W", "x")
    nodes.plus(file, "z", "Wx", "b")
    nodes.delay(file, "before", ("h",))
    nodes.plus(file, "h", "z", "before")
    nodes.slice_rows(file, "upper", "h", 0, 1)
    nodes.slice_rows(file, "lower", "h", 1, 2)
    nodes.row_stack(file, "swapped", "lower", "upper")
    nodes.dropout(file, "out", "swapped")
    nodes.reduce_sum(file, "total", "h", 0)
    file.group("feature", "x")
    file.group("output", "out")
    return file


def convolutional(version: int = 31, *, double: bool = False) -> BcnFile:
    """Convolution, batch normalisation and pooling; ``pooled`` is the output."""
    file = BcnFile(version, double)
    file.input("image", 4, 4, 2)
    file.parameter("kernels", (3, 8) if version < 5 else (2, 2, 2, 3), KERNELS)
    nodes.convolution(file, "convolved", "kernels", "image", (2, 2, 2) if version >= 5 else (2, 2, 1), 3)
    statistics = ("scale", "bias", "mean", "spread")
    for number, name in enumerate(statistics):
        file.parameter(name, (3, 1), [number + 1.0, number + 2.0, number + 4.0], constant=True)
    inputs = ["convolved", *statistics]
    if version >= 19:
        inputs.append(file.parameter("count", (1,), [0.0], constant=True))
    nodes.batch_normalization(file, "normalized", inputs)
    (nodes.pooling if version >= 5 else nodes.max_pooling)(file, "pooled", "normalized")
    file.group("output", "pooled")
    return file


def operator(op: str, *fields: bytes, inputs: int = 1, version: int = 31) -> BcnFile:
    """A file of one operator ``n`` over inputs ``a``, ``b``, ... of shape [2, 3]."""
    file = BcnFile(version)
    names = tuple("abcdef"[:inputs])
    for name in names:
        file.input(name, 2, 3)
    file.node(op, "n", *fields, inputs=names)
    return file


def read(data: bytes | BcnFile, limits: Limits = DEFAULT_LIMITS) -> Model:
    """Read a file, built or under construction."""
    return read_v1(memoryview(data.build() if isinstance(data, BcnFile) else data), limits)


def producer(model: Model, name: str) -> Function:
    """The function of a name."""
    (found,) = (function for function in model.functions.values() if function.name == name)
    return found


def root_names(model: Model) -> list[str]:
    """Names of the nodes that the root joins, in order."""
    names = {output: function.name for function in model.functions.values() for output in function.outputs}
    return [names[uid] for uid in model.functions[model.root].inputs]
