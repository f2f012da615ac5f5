"""Operators that are never converted, each with the reason and the way out."""

from __future__ import annotations

from typing import Final

from bridge.graph.operators import USER_DEFINED
from bridge.lower.registry import Refused, refuses

_TRAINING: Final = "it serves training: ask for the prediction that it works on, by name"

refuses(
    {
        "RandomSample": Refused(
            "draws classes at random, and no runtime draws CNTK's numbers",
            _TRAINING,
        ),
        "RandomDistribution": Refused(
            "draws new numbers at every evaluation, and no runtime draws CNTK's",
            "make the numbers an input of the model, or ask for an output that does not need them",
        ),
        "ForwardBackward": Refused(
            "the loss of connectionist temporal classification, which ONNX does not have",
            _TRAINING,
        ),
        "LatticeSequenceWithSoftmax": Refused(
            "a loss over lattices in files of a speech recogniser, which a model does not hold",
            _TRAINING,
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
