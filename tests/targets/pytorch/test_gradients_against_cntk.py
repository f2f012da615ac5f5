"""Gradients of the converted module beside those that the real CNTK computes, parameter by parameter.

CNTK computes gradients as it trains: batch normalisation takes its statistics from the batch, and so does the module here, in
training mode. The models have no dropout, which would draw at random on both sides.

Layouts differ: PyTorch's recurrent layers hold several of CNTK's parameters in one tensor, in another order, and products are
transposed. Conversion moves numbers without changing them, so that each number of a CNTK parameter is looked up among those of
the module, and the gradients by the two are compared.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

torch = pytest.importorskip("torch")

from tests.differential.reference import PYTHON
from tests.targets.pytorch.cntk_gradients import gradients
from tests.targets.pytorch.converted import converted

MODELS = ["digits_with_heads", "wide_and_deep", "text_cnn", "lstm_tagger", "gru_encoder", "transformer_over_static_axis"]
"""Not ``conv_autoencoder``: CNTK's gradient by what it unpools is the maximum of each window, where the true one is the value at
the place of the maximum. Finite differences of CNTK's own loss say so (-16.67 by a bias for which CNTK has -13.96)."""
RELATIVE_TO_PARAMETER = 1e-4
"""Of the greatest gradient by the same parameter: both sum thousands of float32 products (2^-24 each) in orders of their own."""
RELATIVE_TO_MODEL = 1e-6
"""Of the greatest gradient in the model: by a bias in front of batch normalisation it is 0 but for what rounding leaves over."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Numbers:
    """All numbers that a module trains, in ascending order, with the gradient by each."""

    values: Floats
    gradients: Floats

    def nearest(self, value: np.float32, wanted: np.float32) -> np.float32 | None:
        """The gradient by ``value``, nearest to ``wanted`` where several numbers are equal; ``None`` where there is no such."""
        first, last = (np.searchsorted(self.values, value, side) for side in ("left", "right"))
        candidates = self.gradients[first:last]
        return None if first == last else candidates[np.abs(candidates - wanted).argmin()]


def numbers_of(case: str, folder: Path) -> Numbers:
    made = converted(case, folder)
    made.module.train()
    next(iter(made.module(**made.inputs).values())).square().sum().backward()
    trained = [parameter for parameter in made.module.parameters() if parameter.grad is not None]
    values = np.concatenate([parameter.detach().numpy().reshape(-1) for parameter in trained])
    found = np.concatenate([np.asarray(parameter.grad).reshape(-1) for parameter in trained])
    order = np.argsort(values, kind="stable")
    return Numbers(values[order], found[order])


@pytest.mark.cntk
@pytest.mark.skipif(PYTHON not in os.environ, reason=f"needs the real CNTK 2.7: {PYTHON} is not set")
@pytest.mark.parametrize("case", MODELS)
def test_gradients_by_every_parameter_are_those_of_cntk(case: str, tmp_path: Path) -> None:
    numbers = numbers_of(case, tmp_path / "module")
    archive = tmp_path / "gradients.npz"
    reference = gradients(case, archive)
    with np.load(archive) as arrays:
        names = [str(arrays[f"name/{number}"]) for number in range(len(reference))]
    greatest = max(np.abs(gradient).max() for _, gradient in reference)
    different: list[str] = []
    for name, (value, gradient) in zip(names, reference, strict=True):
        allowed = max(RELATIVE_TO_PARAMETER * np.abs(gradient).max(), RELATIVE_TO_MODEL * greatest)
        wanted = gradient.reshape(-1)
        got = [numbers.nearest(*pair) for pair in zip(value.reshape(-1), wanted, strict=True)]
        if any(each is None for each in got):
            different.append(f"{name} {value.shape}: {sum(each is None for each in got)} numbers are not in the module")
            continue
        difference = np.abs(np.array(got) - wanted).max()
        if not difference <= allowed:
            different.append(f"{name} {value.shape}: gradients differ by {difference:.2e}, {allowed:.2e} is allowed")
    assert not different, "\n".join(different)
