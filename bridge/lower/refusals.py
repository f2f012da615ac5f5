"""Operators that are never converted, each with the reason and the way out."""

from __future__ import annotations

from typing import Final

from bridge.graph.operators import USER_DEFINED
from bridge.lower.registry import REFUSALS, Refused, refuses

_TRAINING: Final = "it serves training: ask for the prediction that it works on, by name"
_ANOTHER_OUTPUT: Final = "ask for an output that does not need it"
_SAVE_ANEW: Final = "make the model anew from its source and save it in the v2 format, which states them"

refuses(
    {
        "RandomSample": Refused("draws classes at random, and no runtime draws CNTK's numbers", _TRAINING),
        "RandomDistribution": Refused(
            "draws new numbers at every evaluation, and no runtime draws CNTK's",
            "make the numbers an input of the model, or ask for an output that does not need them",
        ),
        "ForwardBackward": Refused("the loss of connectionist temporal classification, which ONNX does not have", _TRAINING),
        "LatticeSequenceWithSoftmax": Refused(
            "a loss over lattices in files of a speech recogniser, which a model does not hold", _TRAINING
        ),
        "CustomProxyOp": Refused(
            "stands for an operator of some other program; CNTK itself cannot evaluate it",
            "save the model without the proxy, or ask for an output that does not need it",
        ),
        USER_DEFINED: Refused(
            "user code, which is never loaded",
            "rebuild it from CNTK's own operators, or ask for an output that does not need it",
        ),
    }
)

LEGACY: Final = {
    "ClassBasedCrossEntropyWithSoftmax": Refused("a loss over classes of words, for training", _TRAINING),
    "NCEBasedCrossEntropyWithSoftmax": Refused("a loss by noise contrastive estimation, for training", _TRAINING),
    "SequenceWithSoftmax": Refused("a loss over lattices of a speech recogniser, which a model does not hold", _TRAINING),
    "DummyCriterion": Refused("a loss that some other program computes", _TRAINING),
    "CustomProxyOpNode": REFUSALS["CustomProxyOp"],
    "DynamicAxis": Refused("an axis used as a value", _ANOTHER_OUTPUT),
    "EnvironmentInput": Refused("a property of the process that evaluates the model", _ANOTHER_OUTPUT),
    "EpochAccumulator": Refused("a mean over all that was fed before", "ask for what it accumulates"),
    "InvStdDev": Refused("a statistic of the training data that was not computed before the model was saved", _ANOTHER_OUTPUT),
    "Mean": Refused("a statistic of the training data that was not computed before the model was saved", _ANOTHER_OUTPUT),
    "OutputMultiplexer": Refused("a further output of an operator whose outputs v1 files do not describe", _ANOTHER_OUTPUT),
    "QuantizedTimes": Refused(
        "a product of operands rounded to a few bits", "replace it by Times in CNTK, and save the model again"
    ),
    "Shift": Refused("a shift along an axis that v1 files state in a form of their own", "use PastValue or FutureValue instead"),
    "LookupTable": Refused("an embedding that is not a parameter, so that the width of its words is unknown", _ANOTHER_OUTPUT),
    "Diagonal": Refused("the diagonal of a matrix that is not a parameter, so that its size is unknown", _ANOTHER_OUTPUT),
    "RowRepeat": Refused("more repetitions than Limits.function_inputs allows", "raise the limit if the file is genuine"),
    "LegacyReshape": Refused("a reshape that cuts samples up or joins them", _ANOTHER_OUTPUT),
    **{
        f"{name} (its parameters are not stored in v1 files)": Refused("its parameters are not stored in v1 files", _SAVE_ANEW)
        for name in ("Cast", "ConstantOp", "OneHot", "Padding", "RandomDistribution", "TopK")
    },
}
"""Operators of the v1 format that CNTK 2 does not have and that its operators do not express."""

refuses(LEGACY)
