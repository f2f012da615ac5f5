"""The state of one lowering: CNTK values on one side, the ONNX graph under construction on the other.

Operators see this class alone. It answers for operands (lowered before, or constants made on first use), aligns them for
broadcasting, masks padded steps, and casts where the runtime has no kernel. One instance lowers the main graph; the body of a
loop gets another one, in which the sequence axis is gone and what the loop does not compute itself is captured from outside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Final

import numpy as np
import onnx_ir as ir

from bridge.graph.inference import Types
from bridge.graph.model import NUMPY_TYPES, DataType, VariableKind
from bridge.graph.network import Network, Node
from bridge.graph.types import TensorType, common_data_type, in_one_type
from bridge.lower.builder import Array, Builder
from bridge.lower.finiteness import keep_finite
from bridge.lower.options import LoweringOptions
from bridge.lower.product_folding import masked_bias
from bridge.lower.report import LoweringReport
from bridge.lower.value import Extent, Lowered

if TYPE_CHECKING:
    from bridge.lower.recurrence.emission import PackedCell
    from bridge.lower.registry import Entry, Result

ONNX_TYPES = {
    DataType.FLOAT: ir.DataType.FLOAT,
    DataType.DOUBLE: ir.DataType.DOUBLE,
    DataType.FLOAT16: ir.DataType.FLOAT16,
    DataType.INT8: ir.DataType.INT8,
    DataType.INT16: ir.DataType.INT16,
}


_ROUNDED_ONCE: Final = frozenset(
    "Plus Minus ElementTimes Times TransposeTimes Convolution Pooling BatchNormalization "
    "ReLU Tanh Sigmoid Negate Abs Dropout".split()
)
"""Operators on float16 that PyTorch computes in float32 and rounds once, as CNTK does, without being told."""


class Lowering:
    """See the module's docstring. ``values`` holds what is lowered so far, by uid."""

    def __init__(
        self,
        network: Network,
        types: Types,
        builder: Builder,
        options: LoweringOptions,
        report: LoweringReport,
        outer: Lowering | None = None,
    ) -> None:
        self.network = network
        self.builder = builder
        self.options = options
        self.report = report
        self.values: dict[str, Lowered] = {}
        self.requested: frozenset[str] = frozenset() if outer is None else outer.requested  # uids that outputs carry
        self.needed: frozenset[str] = frozenset() if outer is None else outer.needed  # uids of nodes that are to be lowered
        self.indexed: dict[str, ir.Value] = {} if outer is None else outer.indexed  # inputs that are indices, int64 [N(, T)]
        self.cells: dict[str, PackedCell] = {}  # recurrent layers emitted so far, by the uid of their hidden state
        self.joined: dict[tuple[ir.Value, ir.Value], ir.Value] = {}  # pairs of values that exist side by side as one
        self.types = types
        self._outer = outer
        self.widening: bool = outer is not None and outer.widening  # float16 is seen as float32
        self._widened: dict[ir.Value, ir.Value] = {}
        self._masks: dict[int, ir.Value] = {}

    @property
    def in_step(self) -> bool:
        """Whether one step of a loop is being lowered: no sequence axis, batch at most."""
        return self._outer is not None

    # --- operands ---------------------------------------------------------------------------------------------------------------

    def type_of(self, uid: str) -> TensorType:
        """The type of a value as seen from here: without its sequence axis inside a loop, float32 for a widened float16."""
        found = self.types[uid]
        if self.in_step and found.is_sequence:
            found = found.with_axes(found.axes[:1])
        if self.widening and found.data_type is DataType.FLOAT16:
            found = found.with_data_type(DataType.FLOAT)
        return found

    def value(self, uid: str) -> Lowered:
        """A value lowered before, or a parameter or constant."""
        found = self._own_value(uid)
        if self.widening and found.type.data_type is DataType.FLOAT16:
            cast = self._widened.get(found.value)
            if cast is None:
                cast = self.builder.op("Cast", found.value, to=int(ir.DataType.FLOAT))
                self._widened[found.value] = cast
            return Lowered(cast, found.type.with_data_type(DataType.FLOAT), found.extent, found.clean)
        return found

    def _own_value(self, uid: str) -> Lowered:
        found = self.values.get(uid)
        if found is not None:
            return found
        if self._outer is not None:
            return self._outer.value(uid)
        leaf = self.network.leaves[uid]
        assert leaf.value is not None, f"{uid} has no value and was not lowered"
        name = leaf.name or uid
        array = leaf.value.array()
        if self.options.for_training and leaf.kind is VariableKind.PARAMETER:
            value = self.builder.constants.parameter(array, name, uid, trainable=leaf.needs_gradient)
        else:
            value = self.builder.constant(array, name=name)
        found = Lowered(value, self.types[uid])
        self.values[uid] = found
        return found

    def operands(self, node: Node) -> list[Lowered]:
        """All operands of a node, in order. Constants of another element type are cast to that of what varies, as in CNTK."""
        found = [self.value(uid) for uid in node.inputs]
        if len({operand.type.data_type for operand in found}) < 2:
            return found
        own = in_one_type([operand.type for operand in found])
        return [self.in_type(operand, known.data_type) for operand, known in zip(found, own, strict=True)]

    def constant_of(self, uid: str) -> Array | None:
        """The array behind an operand that is a parameter, a constant or computed from such; its shape is the static shape."""
        leaf = self.network.leaves.get(uid)
        if leaf is not None:
            return leaf.value.array() if leaf.value is not None and leaf.kind is not VariableKind.INPUT else None
        return self.builder.known(self.value(uid).value)

    def like(self, operand: Lowered, number: float) -> ir.Value:
        """A scalar constant of the operand's element type. ``number`` is rounded to it once."""
        return self.builder.constant(np.asarray(number, dtype=NUMPY_TYPES[operand.type.data_type]))

    def consumers(self, node: Node) -> list[Node]:
        """The nodes that read an output of ``node``."""
        return [consumer for output in node.outputs for consumer in self.network.consumers.get(output, ())]

    # --- results ----------------------------------------------------------------------------------------------------------------

    def result(self, node: Node, value: ir.Value, *, output: int = 0, clean: bool = False) -> Lowered:
        """Wrap a node's output: its inferred type, and the extent of the first operand on the same sequence axis."""
        found = self.type_of(node.outputs[output])
        return Lowered(value, found, self.extent_for(node, found), clean)

    def extent_for(self, node: Node, wanted: TensorType) -> Extent | None:
        """The extent that a result of type ``wanted`` inherits from the node's operands."""
        if not wanted.is_sequence:
            return None
        sequences = [operand for operand in map(self.value, node.inputs) if operand.extent is not None]
        same = [operand for operand in sequences if operand.type.axes == wanted.axes]
        chosen = same or sequences
        return chosen[0].extent if chosen else None

    def run(self, entry: Entry, node: Node) -> tuple[Lowered, ...]:
        """Lower one node by its rule; float16 arithmetic runs in float32, rounded after every node as CNTK rounds it."""
        self.builder.scope, self.builder.origin = node.name or node.uid, node.uid
        types = [self.type_of(uid) for uid in (*node.inputs, *node.outputs) if uid in self.types]
        native = entry.structural or (self.options.for_training and node.op in _ROUNDED_ONCE)
        widen = not native and any(known.data_type is DataType.FLOAT16 for known in types)
        with self.widened() if widen else nullcontext():
            made = tuple(keep_finite(self, node, item) for item in self._wrapped(node, entry.rule(self, node)))
        if widen:
            self.report.ran_in_float32(node.name or node.uid)
            made = tuple(self.rounded(uid, item) for uid, item in zip(node.outputs, made, strict=False))
        return made

    @contextmanager
    def widened(self) -> Iterator[None]:
        """Within this block float16 values are seen as float32, cast where they are read."""
        before = self.widening
        self.widening = True
        try:
            yield
        finally:
            self.widening = before

    def rounded(self, uid: str, item: Lowered) -> Lowered:
        """The value in the element type that CNTK gives ``uid``."""
        own = self.type_of(uid).data_type
        if own is item.type.data_type:
            return item
        value = self.builder.op("Cast", item.value, to=int(ONNX_TYPES[own]))
        return Lowered(value, item.type.with_data_type(own), item.extent, item.clean)

    def _wrapped(self, node: Node, result: Result) -> tuple[Lowered, ...]:
        items = result if isinstance(result, tuple) else (result,)
        return tuple(item if isinstance(item, Lowered) else self.result(node, item, output=k) for k, item in enumerate(items))

    # --- shapes -----------------------------------------------------------------------------------------------------------------

    def raised(self, operand: Lowered, rank: int, dynamic_rank: int) -> ir.Value:
        """The operand with 1s inserted behind its dynamic dimensions, so that ONNX broadcasting aligns it as CNTK does.

        An operand without dynamic axes needs none: its static dimensions align at the end by themselves.
        """
        own = operand.type.dynamic_rank
        if own == 0:
            return operand.value
        inserted = list(range(own, dynamic_rank)) + list(range(dynamic_rank, dynamic_rank + rank - operand.type.rank))
        return self.builder.op("Unsqueeze", operand.value, self.builder.integers(*inserted)) if inserted else operand.value

    def broadcast(self, operands: Sequence[Lowered]) -> list[ir.Value]:
        """The operands of an element-wise operator, aligned, in one element type: constants may be of a narrower one."""
        own = common_data_type([operand.type for operand in operands])
        operands = [self.in_type(operand, own) for operand in operands]
        rank = max(operand.type.rank for operand in operands)
        dynamic_rank = max(operand.type.dynamic_rank for operand in operands)
        return [self.raised(operand, rank, dynamic_rank) for operand in operands]

    def in_type(self, operand: Lowered, own: DataType) -> Lowered:
        """The operand in the element type ``own``."""
        if operand.type.data_type is own:
            return operand
        value = self.builder.op("Cast", operand.value, to=int(ONNX_TYPES[own]))
        return Lowered(value, operand.type.with_data_type(own), operand.extent, operand.clean)

    def shape_vector(self, value: ir.Value, first: int, last: int | None = None) -> ir.Value:
        """int64 vector of the run-time sizes of the dimensions ``first`` to ``last`` (exclusive) of ``value``."""
        if last is None:
            return self.builder.op("Shape", value, start=first)
        return self.builder.op("Shape", value, start=first, end=last)

    def dynamic_shape(self, operand: Lowered) -> ir.Value:
        """int64 vector of the operand's dynamic dimensions: ``[]``, ``[N]`` or ``[N, T]``."""
        return self.shape_vector(operand.value, 0, operand.type.dynamic_rank)

    def folded_batch(self, operand: Lowered) -> tuple[ir.Value, Callable[[ir.Value], ir.Value]]:
        """The operand with exactly one dynamic dimension, ``[B, *static]``, and the way back for a result ``[B, *static']``.

        For operators that know one batch dimension (convolution, pooling).
        """
        dynamic = operand.type.dynamic_rank
        if dynamic == 1:
            return operand.value, lambda value: value
        if dynamic == 0:
            single = self.builder.op("Unsqueeze", operand.value, self.builder.integers(0))
            return single, lambda value: self.builder.op("Squeeze", value, self.builder.integers(0))
        sizes = self.dynamic_shape(operand)
        static = self.shape_vector(operand.value, 2)
        folded = self.builder.op("Reshape", operand.value, self.builder.op("Concat", self.builder.integers(-1), static, axis=0))

        def unfold(value: ir.Value) -> ir.Value:
            shape = self.builder.op("Concat", sizes, self.shape_vector(value, 1), axis=0)
            return self.builder.op("Reshape", value, shape)

        return folded, unfold

    # --- sequences --------------------------------------------------------------------------------------------------------------

    def mask(self, extent: Extent) -> ir.Value:
        """The bool ``[N, T]`` that is true on real steps. One per extent, made where it is first needed."""
        if extent.mask is None:
            b = self.builder
            steps = b.op("Squeeze", extent.steps, b.integers(0))
            positions = b.op("Range", b.constant(0, np.int64), steps, b.constant(1, np.int64))
            extent.mask = b.op("Less", positions, b.op("Unsqueeze", extent.lengths, b.integers(1)))
        return extent.mask

    def mask_for(self, operand: Lowered) -> ir.Value:
        """The mask of a sequence, with 1s for its static dimensions: bool ``[N, T, 1, ...]``."""
        assert operand.extent is not None
        mask = self.mask(operand.extent)
        if operand.type.rank == 0:
            return mask
        return self.builder.op("Unsqueeze", mask, self.builder.integers(*range(2, 2 + operand.type.rank)))

    def masked(self, operand: Lowered, fill: float = 0.0) -> ir.Value:
        """The value of a sequence with its padded steps set to ``fill``: by Where, because padding may hold NaN.

        Padding that is known to be finite is multiplied away, which onnxruntime does in half the time.
        """
        if operand.extent is None or (operand.clean and fill == 0.0):
            return operand.value
        if operand.finite and fill == 0.0 and not self.options.for_training:
            factor = self._factor(operand)
            biased = masked_bias(self, operand, factor)
            return self.builder.op("Mul", operand.value, factor) if biased is None else biased
        return self.builder.op("Where", self.mask_for(operand), operand.value, self.like(operand, fill))

    def _factor(self, operand: Lowered) -> ir.Value:
        """1 on real steps and 0 on padded ones, broadcastable to the operand."""
        assert operand.extent is not None
        b, dtype = self.builder, ONNX_TYPES[operand.type.data_type]
        if dtype not in operand.extent.factors:
            operand.extent.factors[dtype] = b.op("Cast", self.mask(operand.extent), to=int(dtype))
        factor, rank = operand.extent.factors[dtype], operand.type.rank
        return b.op("Unsqueeze", factor, b.integers(*range(2, 2 + rank))) if rank else factor

    # --- element types ----------------------------------------------------------------------------------------------------------

    def in_float32(self, node: Node, compute: Callable[..., ir.Value], *values: ir.Value) -> ir.Value:
        """Run ``compute`` over ``values``, in float32 between casts when the node's own type is float64 and has no kernel."""
        if self.type_of(node.outputs[0]).data_type is not DataType.DOUBLE or self.options.for_training:
            return compute(*values)
        self.report.ran_in_float32(node.name or node.uid)
        single = [self.builder.op("Cast", value, to=int(ir.DataType.FLOAT)) for value in values]
        return self.builder.op("Cast", compute(*single), to=int(ir.DataType.DOUBLE))
