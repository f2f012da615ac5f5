"""Translates a lowered graph into a program: one statement per node, before any of it is made pretty."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx_ir as ir

from bridge.lower.builder import ORIGIN_KEY, PARAMETER_KEY, TRAINABLE_KEY
from bridge.targets.pytorch.expression import Expr, Ref, literal
from bridge.targets.pytorch.members import BUFFER, PARAMETER, Array, Member, Tensor, torch_dtype
from bridge.targets.pytorch.parameter_uses import LAYOUTS, ParameterUses
from bridge.targets.pytorch.program import Refs, Region, Statement
from bridge.targets.pytorch.registry import TRANSLATIONS
from bridge.targets.pytorch.values import ConstantValue, Directions, Numbers, Spread, TensorValue, Value

Arg = Ref | Expr | Member


@dataclass(frozen=True, slots=True)
class EnclosingBlock:
    """A block function of CNTK around another function: its uid, what kind of block it is, and its name."""

    uid: str
    op_name: str
    name: str


@dataclass(slots=True)
class Names:
    """What CNTK calls functions and variables, by uid, what it says of functions, and the blocks around them, innermost first."""

    names: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    blocks: dict[str, tuple[EnclosingBlock, ...]] = field(default_factory=dict)

    def of_module(self, uid: str) -> str:
        """The name of a function, or of the innermost named block around it."""
        return self.names.get(uid, "") or next((block.name for block in self.blocks.get(uid, ()) if block.name), "")


@dataclass(slots=True)
class Shared:
    """What all regions of one program have in common."""

    uses: ParameterUses
    names: Names
    refs: Refs = field(default_factory=Refs)
    members: dict[object, Member] = field(default_factory=dict)
    owners: dict[str, tuple[Member, str]] = field(default_factory=dict)  # parameter uid -> module and the tensor's name in it
    snippets: set[str] = field(default_factory=set)


class Translation:
    """One graph on its way into one region. ``values`` holds what is translated so far."""

    def __init__(self, shared: Shared, region: Region, outer: Translation | None = None) -> None:
        self.shared = shared
        self.region = region
        self.outer = outer
        self.values: dict[ir.Value, Value] = {}
        self.captured: dict[Ref, Ref] = {}  # values of the region around that this one is handed
        self.given_lengths: dict[Ref | Expr | Member, tuple[Ref | Expr | Member, Ref | Expr | Member]] = {}
        self.absorbed: dict[
            ir.Node, ir.Value
        ] = {}  # nodes that a module does together with an earlier one, and the result of that
        self.node: ir.Node | None = None

    # --- statements -------------------------------------------------------------------------------------------------------------

    def run(self, graph: ir.Graph) -> None:
        """Translate all nodes of a graph, in order."""
        for node in graph:
            # Layouts of parameters first: what comes behind a node may ask for them before their turn.
            if node.op_type in LAYOUTS and self._is_parameter(node.inputs[0]):
                self.node = node
                made = TRANSLATIONS[node.op_type](self, node)
                assert not isinstance(made, tuple)
                self.values[node.outputs[0]] = self._kept(made)
        for node in graph:
            self.node = node
            if node.outputs[0] in self.values:
                continue
            if node in self.absorbed:
                self.values[node.outputs[0]] = self.values[self.absorbed[node]]
                continue
            made = TRANSLATIONS[node.op_type](self, node)
            items = made if isinstance(made, tuple) else (made,)
            for output, item in zip(node.outputs, items, strict=False):
                if item is not None:
                    self.values[output] = self._kept(item)

    def _is_parameter(self, value: ir.Value | None) -> bool:
        if value is None or (value not in self.values and (value.const_value is None or value.producer() is not None)):
            return False
        found = self.value(value)
        return isinstance(found, ConstantValue) and bool(found.parameter)

    def constant(self, value: ir.Value | None) -> ConstantValue | None:
        """The operand where it is a constant, whether or not its turn has come."""
        if value is None or (value not in self.values and (value.const_value is None or value.producer() is not None)):
            return None
        found = self.value(value)
        return found if isinstance(found, ConstantValue) else None

    def _kept(self, item: Value) -> Value:
        """A value that a statement makes gets one; what Python knows, or another statement made, does not."""
        if isinstance(item, TensorValue) and isinstance(item.expr, Expr):
            return TensorValue(self.bind(item.expr), item.dtype, item.rank)
        return item

    @property
    def origin(self) -> str:
        """The uid of the CNTK function that is being translated."""
        return "" if self.node is None else self.node.metadata_props.get(ORIGIN_KEY, "")

    def bind(self, expr: Expr | Ref | Member) -> Ref:
        """The value of an expression, computed by a statement of its own."""
        return self.bind_many(expr, 1)[0]

    def bind_many(self, expr: Expr | Ref | Member, count: int) -> tuple[Ref, ...]:
        """The values that an expression unpacks to."""
        targets = tuple(self.shared.refs.new() for _ in range(count))
        hint = self.shared.names.names.get(self.origin, "")
        self.region.statements.append(Statement(targets, expr, self.origin, hint))
        return targets

    # --- operands ---------------------------------------------------------------------------------------------------------------

    def value(self, value: ir.Value | None) -> Value:
        """What an ONNX value is."""
        assert value is not None
        found = self.values.get(value)
        if found is None and value.const_value is not None and value.producer() is None:
            found = self._constant(value)
        elif found is None:
            assert self.outer is not None, f"{value.name} is not translated"
            found = self._from_outside(self.outer.value(value))
        self.values[value] = found
        return found

    def _from_outside(self, found: Value) -> Value:
        """A value of the region around: its tensors become arguments of this one."""
        assert self.outer is not None
        if isinstance(found, Directions):
            found = self.outer.materialised(found)
        if isinstance(found, TensorValue):
            if isinstance(found.expr, Ref):
                return TensorValue(self._argument(found.expr), found.dtype, found.rank)
            return found
        if isinstance(found, Numbers):
            outside = self.outer.bind(self.outer.as_tensor(found))
            tensor = TensorValue(self._argument(outside), found.dtype, 0 if found.scalar else 1)
            return self.numbers_of(tensor)
        return found

    def _argument(self, outside: Ref) -> Ref:
        if outside not in self.captured:
            self.captured[outside] = self.shared.refs.new()
        return self.captured[outside]

    @staticmethod
    def _constant(value: ir.Value) -> ConstantValue:
        assert value.const_value is not None
        return ConstantValue(
            value.const_value.numpy(),
            value.name or "",
            value.metadata_props.get(PARAMETER_KEY, ""),
            value.metadata_props.get(TRAINABLE_KEY) == "true",
            (),
            value,
        )

    def array(self, value: ir.Value | None) -> Array | None:
        """The array behind a constant that is no parameter."""
        if value is None:
            return None
        found = self.value(value)
        return found.array if isinstance(found, ConstantValue) and not found.parameter else None

    def tensor(self, value: ir.Value | None) -> TensorValue:
        """The operand as a tensor, whatever it is."""
        found = self.value(value)
        if isinstance(found, Directions):
            found = self.materialised(found)
        if isinstance(found, TensorValue):
            return found
        rank = (0 if found.scalar else 1) if isinstance(found, Numbers) else found.rank
        return TensorValue(self.as_tensor(found), found.dtype, rank)

    def as_tensor(self, found: Value) -> Arg:
        """The expression of a tensor that holds the value."""
        if isinstance(found, Directions):
            found = self.materialised(found)
        if isinstance(found, TensorValue):
            return found.expr
        if isinstance(found, ConstantValue):
            return self._stored(found)
        items = tuple(Expr("*{0:8}", (item.expr,)) if isinstance(item, Spread) else item for item in found.items)
        listed = "{0}" if found.scalar else "[" + ", ".join(f"{{{k}}}" for k in range(len(items))) + "]"
        dtype = "" if found.dtype == np.int64 else f", dtype={torch_dtype(found.dtype)}"
        return Expr(f"torch.tensor({listed}{dtype}, device={{{len(items)}}})", (*items, self.device()))

    def device(self) -> Expr:
        """Where new tensors belong: beside the first argument."""
        if self.region.arguments:
            return Expr("{0:8}.device", (self.region.arguments[0],))
        if self.outer is not None and self.captured:
            return Expr("{0:8}.device", (next(iter(self.captured.values())),))
        return Expr('torch.device("cpu")')

    def mask_of(self, lengths: Arg, fallback: Arg) -> Expr:
        """The mask of a padded sequence: ``None`` at run time where an input's lengths are left out and every step is real.

        ``fallback`` is a sequence of those lengths.
        """
        source, given = self.given_lengths.get(lengths, (fallback, None))
        if given is None:
            self.shared.snippets.add("real_steps")
            return Expr("real_steps({0}, {1})", (source, lengths))
        self.shared.snippets.add("ragged_mask")
        return Expr("ragged_mask({0}, {1})", (source, given))

    def argument_of(self, dtype: np.dtype[Any]) -> Ref | None:
        """An argument of that element type, beside which new tensors may be made."""
        for found in self.values.values():
            given = isinstance(found, TensorValue) and found.expr in self.region.arguments
            if given and found.dtype == dtype and dtype.kind == "f":
                assert isinstance(found, TensorValue)
                assert isinstance(found.expr, Ref)
                return found.expr
        return None

    def _stored(self, constant: ConstantValue) -> Arg:
        """A constant as a parameter or buffer of the module; where a submodule owns it already, as the submodule's."""
        if constant.parameter:
            return self._parameter(constant)
        key = (constant.array.dtype.str, constant.array.shape, constant.array.tobytes())
        if key not in self.shared.members:
            name = self.shared.names.names.get(self.origin, "") or constant.name.rsplit("/", 1)[0]
            hint = "constant" if constant.name.endswith("/constant") or "/constant_" in constant.name else name
            tensors = {"": Tensor(constant.array, trainable=False)}
            self.shared.members[key] = Member(
                BUFFER, "torch.empty", sizes(constant.array), tensors, hint, self.origin, dtype=torch_dtype(constant.dtype)
            )
        return self.shared.members[key]

    def _parameter(self, constant: ConstantValue) -> Arg:
        """A parameter in CNTK's layout, and what brings it into another one."""
        owner = self.shared.owners.get(constant.parameter)
        if owner is not None:
            return Expr(f"{{0:8}}.{owner[1]}", (owner[0],))
        source = constant.source
        assert isinstance(source, ir.Value)
        assert source.const_value is not None
        key = ("parameter", constant.parameter)
        if key not in self.shared.members:
            array = source.const_value.numpy()
            name = self.shared.names.names.get(constant.parameter, "")
            tensors = {"": Tensor(array, constant.trainable)}
            self.shared.members[key] = Member(
                PARAMETER,
                "torch.empty",
                sizes(array),
                tensors,
                name or "weight",
                constant.parameter,
                name,
                dtype=torch_dtype(array.dtype),
            )
        result: Arg = self.shared.members[key]
        for step in constant.steps:
            assert isinstance(step, str)
            result = Expr(step, (result,))
        return result

    def materialised(self, found: Directions) -> TensorValue:
        """The outputs of a recurrent layer in the order of dimensions that ONNX has given them."""
        spread = {"NTH": "{0}", "TNH": "{0:8}.transpose(0, 1)", "TDNH": "{0:8}.transpose(0, 1).unsqueeze(1)"}
        if len(found.tensors) == 1 and found.layout in spread:
            expr = found.tensors[0]
            made = expr if found.layout == "NTH" else self.bind(Expr(spread[found.layout], (expr,)))
            return TensorValue(made, found.dtype, found.rank)
        slots = ", ".join(f"{{{k}}}" for k in range(len(found.tensors)))
        templates = {
            "NT(DH)": f"torch.cat([{slots}], dim=-1)",
            "TN(DH)": f"torch.cat([{slots}], dim=-1).transpose(0, 1)",
            "TDNH": f"torch.stack([{slots}]).permute(2, 0, 1, 3)",
            "NTDH": f"torch.stack([{slots}], dim=2)",
            "TNDH": f"torch.stack([{slots}], dim=2).transpose(0, 1)",
        }
        return TensorValue(self.bind(Expr(templates[found.layout], tuple(found.tensors))), found.dtype, found.rank)

    # --- numbers ----------------------------------------------------------------------------------------------------------------

    def numbers(self, value: ir.Value | None) -> Numbers:
        """The operand as Python numbers: a shape, an axis, an amount."""
        return self.numbers_of(self.value(value))

    def numbers_of(self, found: Value) -> Numbers:
        """A value as Python numbers."""
        if isinstance(found, Numbers):
            return found
        if isinstance(found, ConstantValue):
            items = tuple(literal(number) for number in found.array.reshape(-1).tolist())
            return Numbers(items, found.rank == 0, found.dtype)
        assert isinstance(found, TensorValue)
        if found.rank == 0:
            return Numbers((Expr("int({0})", (found.expr,)),), scalar=True, dtype=found.dtype)
        return Numbers((Spread(Expr("{0:8}.tolist()", (found.expr,))),), dtype=found.dtype)

    def integers(self, value: ir.Value | None) -> list[int] | None:
        """The operand's integers where they are known at conversion."""
        array = self.array(value)
        return None if array is None else [int(number) for number in array.reshape(-1)]


def sizes(array: Array) -> tuple[tuple[str, object], ...]:
    """The shape as arguments of ``torch.empty``."""
    return tuple((f"size{k}", int(size)) for k, size in enumerate(array.shape))
