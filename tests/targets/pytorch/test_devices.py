"""A module runs where it is put: nothing that its source makes stays behind on the CPU."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch

from bridge.errors import RefusedError
from tests.targets.pytorch.converted import CASES, GOLDEN, Converted, converted

NAMES = [str(folder.relative_to(GOLDEN)) for folder in CASES]
VALUES_DECIDE_SIZES = frozenset(
    f"operators/{name}"
    for name in (
        "edit_distance_error",
        "roi_pooling",
        "sequence_gather",
        "sequence_scatter",
        "sequence_slice",
        "where",
        "where_fractions",
        "where_repeats",
    )
)
"""Models whose shapes depend on values, of which the meta device has none."""
TOLERANCE = 1e-4
"""Of the greatest value: a GPU adds float32 products in orders of its own, TensorFloat-32 being off."""


def _converted_or_skipped(case: str, folder: Path) -> Converted:
    try:
        return converted(case, folder)
    except RefusedError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("case", [name for name in NAMES if name not in VALUES_DECIDE_SIZES])
def test_module_stays_on_its_device(case: str, tmp_path: Path) -> None:
    # The meta device stands in for any other: PyTorch refuses to mix its tensors with those of the CPU.
    made = _converted_or_skipped(case, tmp_path / "module")
    module = made.module.to("meta")
    results = module(**{name: value.to("meta") for name, value in made.inputs.items()})
    assert {value.device.type for value in results.values()} == {"meta"}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("case", NAMES)
def test_module_computes_the_same_on_cuda(case: str, tmp_path: Path) -> None:
    made = _converted_or_skipped(case, tmp_path / "module")
    with torch.no_grad():
        wanted = made.module(**made.inputs)
        found = made.module.to("cuda")(**{name: value.to("cuda") for name, value in made.inputs.items()})
    for name, value in wanted.items():
        assert found[name].device.type == "cuda"
        torch.testing.assert_close(
            found[name].cpu(), value, rtol=TOLERANCE, atol=TOLERANCE * float(value.abs().max()), equal_nan=True
        )
