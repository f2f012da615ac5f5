"""Operators over time, and those whose result depends on a random generator."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.graph.model import Attributes
from bridge.source.v1.mapping.axes import dynamic_axes
from bridge.source.v1.mapping.builder import Translation
from bridge.source.v1.mapping.rules import Mapper, Rule, rule, same

_NEW_ORDER_VERSION = 14  # From here on OptimizedRNNStack has its weights first, and its operators new names.
_OLD_RECURRENT_OPS = {"LSTM": "lstm", "GRU": "gru", "RNN_RELU": "rnnReLU", "RNN_TANH": "rnnTanh"}
_RECURRENT_OPS = frozenset(_OLD_RECURRENT_OPS.values())


def _delay(op: str) -> Mapper:
    """A delay; the initial state that v1 may keep as a number becomes a scalar constant, as the second input of CNTK 2."""

    def mapper(at: Translation) -> None:
        steps = at.node.integer("timeStep")
        if not 1 <= steps <= at.builder.limits.delay_steps:
            raise at.wrong(f"a delay of {steps} steps: expected 1 to {at.builder.limits.delay_steps}")
        inputs = at.inputs
        if len(inputs) == 1:
            inputs = (*inputs, at.constant("initial_state", at.node.number("initialValue")))
        at.finish(op, inputs, {"offset": steps})

    return mapper


def _where(at: Translation) -> None:
    at.finish("Where", at.inputs, {"newDynamicAxes": dynamic_axes(at.node.text("axis"))})


def _to_sequence(at: Translation) -> None:
    name = at.node.text("axis")
    at.finish("ToSequence", at.inputs, {"sequenceAxis": name, "newDynamicAxes": dynamic_axes(name)})


def _unpack_sequence(at: Translation) -> None:
    suppressed = at.node.flag("suppressMask")
    attributes: Attributes = {
        "sequenceUnpackPaddingValue": at.node.number("paddingValue"),
        "sequenceUnpackSuppressMaskOutput": suppressed,
    }
    at.finish("UnpackSequence", at.inputs, attributes, outputs=1 if suppressed else 2)


def _recurrent_stack(at: Translation) -> None:
    node, version = at.node, at.builder.raw.version
    stated = node.text("recurrentOp")
    operator = stated if version >= _NEW_ORDER_VERSION else _OLD_RECURRENT_OPS.get(stated, stated)
    if operator not in _RECURRENT_OPS:
        raise at.wrong(f"a recurrence {stated!r}: expected one of {', '.join(sorted(_RECURRENT_OPS))}")
    data, weights = reversed(at.inputs) if version >= _NEW_ORDER_VERSION else at.inputs
    attributes: Attributes = {
        "bidirectional": bool(node.integer("bidirectional")),
        "numLayers": node.integer("numLayers"),
        "hiddenSize": node.integer("hiddenSize"),
        "recurrentOp": operator,
    }
    at.finish("OptimizedRNNStack", (data, weights), attributes)


def _random_state(at: Translation) -> Attributes:
    return {"rngSeed": at.node.integer("rngSeed"), "rngOffset": at.node.integer("rngOffset")}


def _dropout(at: Translation) -> None:
    """The identity at inference. Its rate is no part of a v1 file."""
    at.finish("Dropout", at.inputs, {"dropoutRate": 0.0, **_random_state(at)})


def _random_sample(op: str) -> Mapper:
    def mapper(at: Translation) -> None:
        attributes: Attributes = {
            "numSamples": at.node.integer("numSamples"),
            "allowDuplicates": at.node.flag("allowDuplicates"),
            **_random_state(at),
        }
        at.finish(op, at.inputs, attributes)

    return mapper


SEQUENCE_RULES: Mapping[str, Rule] = {
    "PastValue": rule((1, 2), _delay("PastValue")),
    "FutureValue": rule((1, 2), _delay("FutureValue")),
    "Where": rule(1, _where),
    "ToSequence": rule((1, 2), _to_sequence),
    "ToSequenceLike": same("ToSequenceLike", 2),
    "UnpackSequence": rule(1, _unpack_sequence),
    "OptimizedRNNStack": rule(2, _recurrent_stack),
    "PackedIndex": same("PackedIndex", 2),
    "GatherPacked": same("GatherPacked", 2, order=(1, 0)),
    "ScatterPacked": same("ScatterPacked", 3, order=(2, 1, 0)),
    "ReconcileDynamicAxis": same("ReconcileDynamicAxis", 2),
    "Dropout": rule(1, _dropout),
    "RandomSample": rule(1, _random_sample("RandomSample")),
    "RandomSampleInclusionFrequency": rule(1, _random_sample("RandomSampleInclusionFrequency")),
}
