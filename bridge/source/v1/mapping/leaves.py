"""Inputs, parameters and precomputed statistics: nodes that become variables."""

from __future__ import annotations

import math

from bridge.graph.model import Tensor, Variable, VariableKind
from bridge.source.v1.mapping.axes import dynamic_axes
from bridge.source.v1.mapping.builder import Builder
from bridge.source.v1.mapping.names import split_name
from bridge.source.v1.raw import Matrix, RawNode

INPUT_OPERATORS = frozenset({"InputValue", "SparseInputValue"})
STATISTICS = frozenset({"Mean", "InvStdDev"})


def is_leaf(node: RawNode) -> bool:
    """Whether the node becomes a variable. A statistic does once it is computed; before, it is an operator over training data."""
    if node.op in STATISTICS:
        return node.flag("hasComputed")
    return node.op == "LearnableParameter" or node.op in INPUT_OPERATORS


def input_shape(node: RawNode) -> tuple[int, ...]:
    """The column-major shape of an input. The number of rows, where an old file states it, outweighs a shape of another size."""
    shape, rows = node.integers("shape"), node.integer("rows")
    return (rows,) if rows and rows != math.prod(shape) else shape


def add_leaf(builder: Builder, node: RawNode) -> None:
    """Add the variable that a leaf becomes. Weights stay views of the file."""
    wanted, name = split_name(node.name)
    uid = builder.uids.variable(wanted)
    builder.values[node.name] = uid
    if node.op in INPUT_OPERATORS:
        builder.add_variable(_input(node, uid, name))
    elif node.op in STATISTICS:
        value = node.matrix("value")
        shape = (value.rows,) if value.columns == 1 else (value.rows, value.columns)
        builder.add_variable(_valued(node, uid, name, shape, value, constant=True))
    else:
        constant = node.number("learningRate") == 0.0
        builder.add_variable(_valued(node, uid, name, node.integers("shape"), node.matrix("value"), constant=constant))


def _input(node: RawNode, uid: str, name: str) -> Variable:
    return Variable(
        uid,
        VariableKind.INPUT,
        node.data_type,
        input_shape(node)[::-1],
        dynamic_axes=dynamic_axes(node.text("axis")),
        name=name,
        is_sparse=node.op == "SparseInputValue",
        needs_gradient=node.number("learningRate") != 0.0,
        offset=node.offset,
    )


def _valued(node: RawNode, uid: str, name: str, shape: tuple[int, ...], value: Matrix, *, constant: bool) -> Variable:
    row_major = shape[::-1]
    return Variable(
        uid,
        VariableKind.CONSTANT if constant else VariableKind.PARAMETER,
        node.data_type,
        row_major,
        name=name,
        needs_gradient=not constant,
        value=Tensor(node.data_type, row_major, value.values, value.offset),
        offset=node.offset,
    )
