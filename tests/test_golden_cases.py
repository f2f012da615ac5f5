"""Every golden case of the repository, on the model that it was recorded from."""

from pathlib import Path

import pytest

from bridge.checking import check_recorded
from verify.equivalence import find_cases
from verify.report.terminal import findings

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = find_cases(GOLDEN)


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.relative_to(GOLDEN).as_posix())
def test_converted_model_computes_what_cntk_computed(folder: Path) -> None:
    report = check_recorded(folder)
    assert report.holds, "\n".join(findings(report))


def test_at_least_ten_whole_networks_are_recorded() -> None:
    assert sum(folder.parent == GOLDEN for folder in CASES) >= 10
