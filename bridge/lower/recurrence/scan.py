"""Any recurrence as a Scan: the body is one step, the state a shift register per delay.

What does not depend on the state is outside the cycle, so its products are computed for all steps at once before the loop. A loop
that runs backwards meets the padding first: there the state must stay at its initial value, so each update is taken on real steps
alone.
"""

from __future__ import annotations

import onnx_ir as ir

from bridge.lower.builder import OPSET, Builder
from bridge.lower.dead_code import live_nodes
from bridge.lower.lowering import ONNX_TYPES, Lowering
from bridge.lower.recurrence.loop import Loop, State
from bridge.lower.registry import LOWERINGS, Refuse
from bridge.lower.sequence.delay import gather_steps, initial_steps
from bridge.lower.sequence.reconcile import fitted
from bridge.lower.value import Lowered


def lower_as_scan(ctx: Lowering, loop: Loop) -> None:
    """Lower the loop and record the values that the outside reads."""
    body = _Body(ctx, loop)
    body.lower_step()
    outputs = [uid for node in loop.nodes for uid in node.outputs if uid in loop.visible]
    graph = body.graph(outputs)
    inputs = [*body.initial_states, *body.scanned]
    direction = int(loop.reverse)
    made = ctx.builder.ops(
        "Scan",
        len(body.initial_states) + len(outputs),
        *inputs,
        body=graph,
        num_scan_inputs=len(body.scanned),
        scan_input_axes=[1] * len(body.scanned),
        scan_input_directions=[direction] * len(body.scanned),
        scan_output_axes=[1] * len(outputs),
        scan_output_directions=[direction] * len(outputs),
    )
    for uid, value in zip(outputs, made[len(body.initial_states) :], strict=True):
        ctx.values[uid] = Lowered(value, ctx.type_of(uid), loop.extent)


class _Body:
    """One step under construction."""

    def __init__(self, ctx: Lowering, loop: Loop) -> None:
        self.outer = ctx
        self.loop = loop
        self.builder = Builder(ctx.builder.constants, ctx.builder.names)
        self.builder.scope, self.builder.origin = f"{ctx.builder.scope}/step", ctx.builder.origin
        self.step = Lowering(ctx.network, ctx.types, self.builder, ctx.options, ctx.report, outer=ctx)
        self.state_inputs: list[ir.Value] = []
        self.state_outputs: list[ir.Value] = []
        self.initial_states: list[ir.Value] = []
        self.scan_inputs: list[ir.Value] = []
        self.scanned: list[ir.Value] = []
        self.registers: dict[str, list[ir.Value]] = {}
        self.mask: ir.Value | None = None
        self._given: set[ir.Value] = set()  # values that are outputs of the body already
        self._made: set[ir.Value] = set()  # outputs of the first nodes of the body
        self._counted = 0  # how many nodes these are

    def _is_made_here(self, value: ir.Value) -> bool:
        """Whether a node of this body makes ``value``."""
        for node in self.builder.nodes[self._counted :]:
            self._made.update(node.outputs)
        self._counted = len(self.builder.nodes)
        return value in self._made

    def lower_step(self) -> None:
        """Declare states and inputs, lower every node, and update the states."""
        for state in self.loop.states:
            self._declare_state(state)
        for uid in self.loop.sequences:
            self._declare_input(uid)
        if self.loop.reverse or not self.scanned:  # A Scan is as long as its inputs: there must be one.
            self.mask = self._scan_input(self.outer.mask(self.loop.extent), ir.DataType.BOOL, "real")
        for node in self.loop.nodes:
            if node.uid in self.registers:
                continue
            for uid, made in zip(node.outputs, self.step.run(LOWERINGS[node.op], node), strict=False):
                self.step.values[uid] = made
        for state in self.loop.states:
            self._update(state)

    def graph(self, outputs: list[str]) -> ir.Graph:
        """The body as a graph: states first, then what is collected step by step."""
        collected = [self._fresh(self.step.value(uid)) for uid in outputs]
        made = [*self.state_outputs, *collected]
        return ir.Graph(
            [*self.state_inputs, *self.scan_inputs],
            made,
            nodes=live_nodes(self.builder.nodes, made),
            opset_imports={"": OPSET},
            name=self.builder.scope,
        )

    def _fresh(self, known: Lowered) -> ir.Value:
        """A value made by a node of this body: graph outputs must be, and must differ from each other and from inputs."""
        if self._is_made_here(known.value) and known.value not in self._given:
            self._given.add(known.value)
            return known.value
        copy = self.builder.unfolded("Identity", known.value)
        self._given.add(copy)
        return copy

    def _input(self, dtype: ir.DataType, name: str) -> ir.Value:
        return ir.Value(name=self.builder.names.unique(f"{self.builder.scope}/{name}"), type=ir.TensorType(dtype))

    def _declare_state(self, state: State) -> None:
        """One loop-carried value per step of the delay; the first one is what the delay yields now."""
        full = self.outer.type_of(state.source)
        if not full.is_sequence or full.has_free:
            raise Refuse(f"a recurrence over {full}; expected a sequence of known static shape")
        steps = self._initial(state, full.shape)
        b = self.outer.builder
        slots = [self._input(ONNX_TYPES[full.data_type], "state") for _ in range(state.offset)]
        for k in range(state.offset):
            single = b.op("Slice", steps, b.integers(k), b.integers(k + 1), b.integers(1)) if state.offset > 1 else steps
            self.initial_states.append(b.op("Squeeze", single, b.integers(1)))
        self.state_inputs.extend(slots)
        self.registers[state.delay.uid] = slots
        output = state.delay.outputs[0]
        self.step.values[output] = Lowered(slots[0], self.loop.step_type(self.outer, output))

    def _initial(self, state: State, shape: tuple[int, ...]) -> ir.Value:
        """``[N, offset, *shape]``: the initial state, in the order in which the loop reads it."""
        b, own = self.outer.builder, self.outer.type_of(state.source).data_type
        initial = self.outer.in_type(self.outer.value(state.initial), own)
        batch = self.outer.shape_vector(self.loop.extent.lengths, 0, 1)
        if self.loop.reverse and initial.extent is not None:
            # The first steps of the other sequence stand behind the end of this one; walking backwards reads the last of them
            # first.
            last = b.op("Sub", b.op("Unsqueeze", initial.extent.lengths, b.integers(1)), b.integers(1))
            index = b.op("Min", b.integers(*reversed(range(state.offset))), last)
            initial = Lowered(gather_steps(self.outer, initial, index), initial.type)
        sizes = b.op("Concat", batch, b.integers(state.offset, *shape), axis=0)
        return initial_steps(self.outer, initial, sizes, len(shape), state.offset)

    def _declare_input(self, uid: str) -> None:
        """One step of an outside sequence; what is the same at every step is captured as it is, not handed over step by step."""
        source = self._brought_onto_the_axis(uid)
        if source is not None:
            self.step.values[uid] = source
            return
        outside = self.outer.value(uid)
        value = self._scan_input(fitted(self.outer, outside, self.loop.extent), ONNX_TYPES[outside.type.data_type], "in")
        self.step.values[uid] = Lowered(value, outside.type.with_axes(outside.type.axes[:1]))

    def _brought_onto_the_axis(self, uid: str) -> Lowered | None:
        """The value without a sequence axis that ``uid`` repeats at every step."""
        node = self.outer.network.producers.get(uid)
        source = self.outer.value(node.inputs[0]) if node is not None and node.op == "ReconcileDynamicAxis" else None
        return source if source is not None and source.extent is None else None

    def _scan_input(self, outside: ir.Value, dtype: ir.DataType, name: str) -> ir.Value:
        value = self._input(dtype, name)
        self.scan_inputs.append(value)
        self.scanned.append(outside)
        return value

    def _update(self, state: State) -> None:
        """Shift the register by one: out goes what was read, in comes what the loop made."""
        slots = self.registers[state.delay.uid]
        made = self.step.value(state.source)
        full = self.outer.type_of(state.source)
        value = self._full_size(made, slots[0])
        for old, new in zip(slots, [*slots[1:], value], strict=True):
            kept = new if self.mask is None else self._on_real_steps(new, old, full.rank)
            self.state_outputs.append(self._fresh(Lowered(kept, made.type)))

    def _full_size(self, made: Lowered, slot: ir.Value) -> ir.Value:
        """State that does not depend on the batch (a constant) still takes one value per sample."""
        if made.type.dynamic_rank:
            return made.value
        return self.builder.op("Expand", made.value, self.builder.op("Shape", slot))

    def _on_real_steps(self, new: ir.Value, old: ir.Value, rank: int) -> ir.Value:
        assert self.mask is not None
        mask = self.builder.op("Unsqueeze", self.mask, self.builder.integers(*range(1, 1 + rank))) if rank else self.mask
        return self.builder.op("Where", mask, new, old)
