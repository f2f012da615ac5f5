"""Criteria, reductions and regularisers."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.graph.model import INFERRED, Attributes, Axis, AxisKind, NDShape
from bridge.source.v1.mapping.axes import reduction_axis
from bridge.source.v1.mapping.builder import Translation
from bridge.source.v1.mapping.hazards import note_path
from bridge.source.v1.mapping.rules import Rule, rule, same, unsupported

_REDUCTIONS = frozenset("Sum LogSum Mean Max Min Prod Argmax Argmin".split())
_OLD_REDUCTIONS = {"Plus": "Sum"}
_LATTICE_PATHS = {
    "SymListPath": "symListPath",
    "PhonePath": "phonePath",
    "StateListPath": "stateListPath",
    "TransProbPath": "transProbPath",
    "LatticeConfigPath": "latticeConfigPath",
}


def _reduce(at: Translation) -> None:
    """A reduction that keeps its axes as 1s. Files from version 24 on may say otherwise, but CNTK 2.7 keeps them all the same."""
    stated = at.node.text("operation")
    operation = _OLD_REDUCTIONS.get(stated, stated)
    if operation not in _REDUCTIONS:
        raise at.wrong(f"a reduction {stated!r}: expected one of {', '.join(sorted(_REDUCTIONS))}")
    attributes: Attributes = {
        "axisVec": tuple(reduction_axis(at, number) for number in at.node.integers("axes")),
        "reductionOpName": operation,
        "reductionKeepDimensions": True,
    }
    at.finish("ReduceElements", at.inputs, attributes)


def _sum_columns(at: Translation) -> None:
    """The sum of all elements of a sample, as one dimension of 1. A column is the whole sample, whatever its rank."""
    flat = at.inputs[0]
    leaf = at.leaf(0)
    if leaf is None or leaf.shape is None or len(leaf.shape) != 1:
        flat = at.step("column", "Reshape", at.inputs, {"newShape": NDShape((INFERRED,))})
    attributes: Attributes = {
        "axisVec": (Axis(AxisKind.STATIC, 0),),
        "reductionOpName": "Sum",
        "reductionKeepDimensions": True,
    }
    at.finish("ReduceElements", (flat,), attributes)


def _cross_entropy(at: Translation) -> None:
    """-Σ label · log(prediction) over everything, with CNTK's clamped logarithm.

    It becomes a block, because a loss is told from a prediction by its operator.
    """
    label, prediction = (at.placeholder(suffix, position) for position, suffix in enumerate(("label", "prediction")))
    logarithm = at.step("log", "Log", (prediction,))
    terms = at.step("terms", "ElementTimes", (label, logarithm))
    total = at.step("total", "SumAll", (terms,))
    loss = at.step("loss", "Negate", (total,))
    at.finish_block(loss, {label: at.inputs[0], prediction: at.inputs[1]})


def _sum_of_magnitudes(at: Translation) -> None:
    """Σ|x|."""
    magnitudes = at.step("magnitudes", "Abs", at.inputs)
    at.finish("SumAll", (magnitudes,))


def _root_of_squares(at: Translation) -> None:
    """√Σx²."""
    squares = at.step("squares", "ElementTimes", at.inputs * 2)
    total = at.step("total", "SumAll", (squares,))
    at.finish("Sqrt", (total,))


def _edit_distance(at: Translation) -> None:
    node = at.node
    attributes: Attributes = {
        "SubstitutionPenalty": node.number("substitutionPenalty"),
        "DeletionPenalty": node.number("deletionPenalty"),
        "InsertionPenalty": node.number("insertionPenalty"),
        "SquashInputs": node.flag("squashInputs"),
        "TokensToIgnore": node.integers("tokensToIgnore"),
    }
    at.finish("EditDistanceError", at.inputs, attributes)


def _forward_backward(at: Translation) -> None:
    attributes: Attributes = {
        "BlankTokenId": at.node.integer("blankTokenId"),
        "DelayConstraint": at.node.integer("delayConstraint"),
    }
    at.finish("ForwardBackward", at.inputs, attributes)


def _lattice(at: Translation) -> None:
    """Kept with its settings; CNTK opens the files that it names while it loads a model."""
    node = at.node
    paths = {key: node.text(field) for key, field in _LATTICE_PATHS.items()}
    for field in _LATTICE_PATHS.values():
        note_path(at, field)
    attributes: Attributes = {
        **paths,
        "HSmoothingWeight": node.number("smoothingWeight"),
        "FrameDropThresh": node.number("frameDropThreshold"),
        "SeqGammarAMF": node.number("amf"),
        "SeqGammarLMF": node.number("lmf"),
        "SeqGammarBMMIFactor": node.number("bmmiFactor"),
        "SeqGammarWordPen": node.number("wordPenalty"),
        "DoReferenceAlign": node.flag("doReferenceAlign"),
        "SeqGammarUsesMBR": node.flag("usesMBR"),
    }
    at.finish("LatticeSequenceWithSoftmax", at.inputs, attributes)


CRITERION_RULES: Mapping[str, Rule] = {
    "ReduceElements": rule(1, _reduce),
    "SumElements": same("SumAll", 1),
    "SumColumnElements": rule(1, _sum_columns),
    "MatrixL1Reg": rule(1, _sum_of_magnitudes),
    "MatrixL2Reg": rule(1, _root_of_squares),
    "CrossEntropy": rule(2, _cross_entropy),
    # v1 has the label first, CNTK 2 the prediction.
    "CrossEntropyWithSoftmax": same("CrossEntropyWithSoftmax", 2, order=(1, 0)),
    "ClassificationError": same("ClassificationError", (2, 3), order=(1, 0, 2)),
    "Logistic": same("Logistic", (2, 3), order=(1, 0, 2)),
    "LambdaRank": same("LambdaRank", 3, order=(1, 0, 2)),
    "NDCG1Eval": same("NDCG", 3, order=(1, 0, 2)),
    "SquareError": same("SquaredError", 2),
    "CosDistance": same("CosDistance", 2),
    "CosDistanceWithNegativeSamples": same("CosDistanceWithNegativeSamples", 4),
    "EditDistanceError": rule(2, _edit_distance),
    "ForwardBackward": rule(2, _forward_backward),
    "LabelsToGraph": same("LabelsToGraph", 1),
    "LatticeSequenceWithSoftmax": rule(4, _lattice),
    "ClassBasedCrossEntropyWithSoftmax": unsupported(),
    "NCEBasedCrossEntropyWithSoftmax": unsupported(),
    "SequenceWithSoftmax": unsupported(),
    "DummyCriterion": unsupported(),
}
