"""Every golden case of the repository, on the model that it was recorded from."""

from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from bridge.checking import check_recorded
from verify.equivalence import find_cases
from verify.report.terminal import findings

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = find_cases(GOLDEN)


KNOWN_DIFFERENCES = {
    "operators/relu_of_negative_infinity": "CNTK's float32 ReLU makes NaN of minus infinity; a test for it would slow every ReLU",
    "operators/forward_backward": "the CTC loss serves training, and ONNX has no such operator: refused by name",
}
"""Cases that do not hold, and why. Each is expected to fail, so that a repair is noticed; docs/known-differences.md lists
them."""


def _parameter(folder: Path) -> ParameterSet:
    name = folder.relative_to(GOLDEN).as_posix()
    reason = KNOWN_DIFFERENCES.get(name)
    return pytest.param(folder, id=name, marks=[pytest.mark.xfail(reason=reason, strict=True)] if reason else [])


@pytest.mark.parametrize("folder", [_parameter(folder) for folder in CASES])
def test_converted_model_computes_what_cntk_computed(folder: Path) -> None:
    report = check_recorded(folder)
    assert report.holds, "\n".join(findings(report))


def test_at_least_ten_whole_networks_are_recorded() -> None:
    assert sum(folder.parent == GOLDEN for folder in CASES) >= 10
