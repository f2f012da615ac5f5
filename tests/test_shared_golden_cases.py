"""The specification's own whole networks, where the specification lies beside the checkout."""

from pathlib import Path

import pytest

from bridge.checking import check_recorded
from verify.equivalence import find_cases
from verify.report.terminal import findings

MODELS = Path(__file__).parents[2] / "shared" / "golden-cases" / "models"
CASES = find_cases(MODELS) if MODELS.is_dir() else ()


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_converted_network_computes_what_cntk_computed(folder: Path) -> None:
    report = check_recorded(folder)
    assert report.holds, "\n".join(findings(report))
