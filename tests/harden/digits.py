"""The digits of scikit-learn, and the repository's own network for them.

``digits.npz`` is the test part of the UCI "Optical Recognition of Handwritten Digits" by E. Alpaydin and C. Kaynak (CC BY 4.0),
as scikit-learn distributes it: 1,797 images of 8 by 8 in 17 levels.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from bridge.harden.methods import Subject
from bridge.harden.network import graph_network
from bridge.harden.options import Training
from bridge.harden.samples import Samples, split
from bridge.harden.twin import Twin, twin_of_source
from bridge.package.interface import Interface, Tensor

GOLDEN = Path(__file__).parents[2] / "golden"
NETWORK = GOLDEN / "digits_lenet" / "model.dnn"
INTERFACE = Interface(
    "onnx",
    ("model.onnx",),
    (Tensor("image", "float32", ("N", 1, 8, 8), minimum=0.0, maximum=1.0),),
    (Tensor("z", "float32", ("N", 10)),),
    {},
)
EPSILON = 0.15
QUICK = Training(EPSILON, 0.0, 1.0, epochs=1, batch=64, learning_rate=1e-3, steps=2, step=0.6)


@cache
def digits() -> Samples:
    """All of them: ``x`` ``[1797, 1, 8, 8]`` between 0 and 1."""
    with np.load(Path(__file__).with_name("digits.npz")) as archive:
        return Samples(archive["images"].astype(np.float32)[:, None] / 16, archive["labels"].astype(np.int64))


def some_digits(count: int) -> Samples:
    """The first ``count``."""
    return digits().at(np.arange(count))


@cache
def twin() -> Twin:
    """The trained network of the repository, from its CNTK file."""
    return twin_of_source(memoryview(NETWORK.read_bytes()), INTERFACE, "digits")


def subject(samples: Samples | None = None) -> Subject:
    """That network with samples, all by default."""
    made = twin()
    parts = split(digits() if samples is None else samples, seed=0)
    return Subject(graph_network(made), "image", "z", parts)
