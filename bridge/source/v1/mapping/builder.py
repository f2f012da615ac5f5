"""The model under construction, and the view of it that the translation of one node has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from bridge.errors import InvalidGraphError, InvalidModelError
from bridge.graph.attribute_schema import SCHEMAS, find_attribute_faults
from bridge.graph.model import NUMPY_TYPES, Attributes, Block, Function, Hazard, Tensor, Variable, VariableKind
from bridge.limits import Limits
from bridge.source.v1.cursor import shown
from bridge.source.v1.mapping.names import UidRegistry, output_uid, split_name
from bridge.source.v1.raw import RawModel, RawNode


@dataclass(slots=True)
class Builder:
    """Functions and variables so far. ``values`` leads from the name of a v1 node to the uid that carries its value."""

    raw: RawModel
    limits: Limits
    uids: UidRegistry = field(default_factory=UidRegistry)
    values: dict[str, str] = field(default_factory=dict)
    function_uids: dict[str, str] = field(default_factory=dict)
    variables: dict[str, Variable] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    hazards: list[Hazard] = field(default_factory=list)
    consumers: Counter[str] = field(default_factory=Counter)  # how often each node is an input, by name
    scalars: frozenset[str] = frozenset()  # names of the nodes whose value has rank 0
    converted_variances: dict[str, tuple[float, str]] = field(default_factory=dict)  # leaf uid -> epsilon, uid of the variance
    repeats_left: int = 0  # how many inputs repetition may still add

    def add_function(self, function: Function) -> None:
        """Add a function whose uid was claimed before."""
        self.functions[function.uid] = function

    def add_variable(self, variable: Variable) -> None:
        """Add a variable whose uid was claimed before, or replace it."""
        self.variables[variable.uid] = variable


@dataclass(frozen=True, slots=True)
class Translation:
    """One node on its way: what it says, where its inputs are, and how to add what it becomes.

    ``inputs`` are the uids of the values of the node's inputs, in v1's order.
    """

    builder: Builder
    node: RawNode
    inputs: tuple[str, ...]

    @property
    def uid(self) -> str:
        """The uid of the function that yields the node's value."""
        return self.builder.function_uids[self.node.name]

    def finish(self, op: str, inputs: tuple[str, ...], attributes: Attributes | None = None, *, outputs: int = 1) -> None:
        """Add the function that yields the node's value; it bears the node's uid and name."""
        uid = self.uid
        self._check(op, attributes or {})
        self.builder.add_function(
            Function(
                uid,
                op,
                inputs,
                tuple(output_uid(uid, index) for index in range(outputs)),
                name=split_name(self.node.name)[1],
                attributes=attributes or {},
                offset=self.node.offset,
            )
        )

    def step(self, suffix: str, op: str, inputs: tuple[str, ...], attributes: Attributes | None = None) -> str:
        """Add a function on the way to the node's value, with a uid derived from the node's; the uid of its output."""
        self._check(op, attributes or {})
        uid = self.builder.uids.function(f"{self.uid}.{suffix}")
        output = output_uid(uid)
        self.builder.add_function(Function(uid, op, inputs, (output,), attributes=attributes or {}, offset=self.node.offset))
        return output

    def placeholder(self, suffix: str, position: int) -> str:
        """Add the argument of a block that stands for the input at ``position``; its uid."""
        uid = self.builder.uids.variable(f"{self.uid}.{suffix}")
        leaf = self.leaf(position)
        shape, axes = (None, ()) if leaf is None else (leaf.shape, leaf.dynamic_axes)
        self.builder.add_variable(
            Variable(uid, VariableKind.PLACEHOLDER, self.node.data_type, shape, axes, offset=self.node.offset)
        )
        return uid

    def finish_block(self, inner: str, arguments: Mapping[str, str]) -> None:
        """Add the node's function as a block under its v1 name; ``inner`` is the output of the function that is its meaning."""
        uid = self.uid
        root = next(function for function in reversed(self.builder.functions.values()) if inner in function.outputs)
        block = Block(self.node.op, root.uid, arguments)
        name = split_name(self.node.name)[1]
        inputs = tuple(arguments.values())
        self.builder.add_function(
            Function(uid, "Block", inputs, (output_uid(uid),), name=name, block=block, offset=self.node.offset)
        )

    def constant(self, suffix: str, value: float, shape: tuple[int, ...] = ()) -> str:
        """Add a constant of the node's type, every element ``value``; its uid. ``shape`` is small and ours, not the file's."""
        data_type = self.node.data_type
        values: npt.NDArray[np.generic] = np.full(int(np.prod(shape, dtype=np.int64)), value, NUMPY_TYPES[data_type])
        values.flags.writeable = False
        uid = self.builder.uids.variable(f"{self.uid}.{suffix}")
        tensor = Tensor(data_type, shape, values, self.node.offset)
        self.builder.add_variable(Variable(uid, VariableKind.CONSTANT, data_type, shape, value=tensor, offset=self.node.offset))
        return uid

    def leaf(self, position: int) -> Variable | None:
        """The variable at an input position, where the input is a leaf."""
        return self.builder.variables.get(self.inputs[position])

    def derive(self, position: int, suffix: str, value: Tensor) -> str:
        """The uid of the leaf at an input position with another value or shape.

        The leaf itself is changed where this node alone reads it; otherwise the others keep theirs, and this node gets its own.
        """
        leaf = self.builder.variables[self.inputs[position]]
        if self.builder.consumers[self.node.inputs[position]] == 1:
            self.builder.add_variable(replace(leaf, shape=value.shape, value=value))
            return leaf.uid
        uid = self.builder.uids.variable(f"{self.uid}.{suffix}")
        self.builder.add_variable(replace(leaf, uid=uid, name="", shape=value.shape, value=value))
        return uid

    def is_scalar(self, position: int) -> bool:
        """Whether the input at ``position`` has rank 0."""
        return self.node.inputs[position] in self.builder.scalars

    def refuse(self, op: str | None = None) -> None:
        """Keep the node under a name that no operator of CNTK 2 has, so that lowering refuses it by that name."""
        self.finish(op or self.node.op, self.inputs)

    def wrong(self, message: str) -> InvalidGraphError:
        """The error for a node that CNTK could not evaluate."""
        return InvalidGraphError(f"{self.node.op}: {message}", node=shown(self.node.name))

    def _check(self, op: str, attributes: Attributes) -> None:
        """Refuse settings of the node that no network of CNTK can have, whichever format it came in."""
        for fault in find_attribute_faults(op, attributes, self.builder.limits) if op in SCHEMAS else ():
            raise InvalidModelError(
                f"a setting of {self.node.op} has a value that it cannot have",
                offset=self.node.offset,
                field=f"{shown(self.node.name)}.{fault.key}",
                expected=fault.expected,
                found=fault.found,
            )
