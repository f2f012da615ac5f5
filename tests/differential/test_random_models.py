"""Random models, computed by the real CNTK 2.7 and by what they convert to.

``BRIDGE_DIFFERENTIAL_SEED`` and ``BRIDGE_DIFFERENTIAL_COUNT`` choose other models, or more of them, than the default ones.
The seed stands in the name of every case, so that ``reference.generate`` makes a single model of a failure again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.checking import check_recorded
from tests.differential.reference import PYTHON, generate
from verify.report.terminal import findings

pytestmark = [
    pytest.mark.cntk,
    pytest.mark.skipif(PYTHON not in os.environ, reason=f"needs the real CNTK 2.7: {PYTHON} is not set"),
]

SEED = int(os.environ.get("BRIDGE_DIFFERENTIAL_SEED", "20190426"))
COUNT = int(os.environ.get("BRIDGE_DIFFERENTIAL_COUNT", "40"))
FAMILIES = (
    "broadcasting",
    "criteria",
    "dynamic_axes",
    "edge_values",
    "exported_and_imported",
    "layer_options",
    "legacy_format",
    "model_idioms",
    "networks",
    "rare_operators",
    "recurrences",
    "reductions",
    "sequence_layers",
    "shapes",
    "sparse_inputs",
    "spatial",
    "step_idioms",
)


@pytest.mark.parametrize("family", FAMILIES)
def test_converted_random_models_compute_what_cntk_computes(
    family: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    made = generate(tmp_path, family, SEED, COUNT)
    record_property("seed", SEED)
    record_property("models", len(made.recorded))
    sys.stdout.write(f"{family}: seed {SEED}: {len(made.recorded)} models; CNTK refuses {len(made.refused)} others\n")
    assert len(made.recorded) >= COUNT // 3, f"CNTK refuses too many of these models: {made.refused}"
    report = check_recorded(tmp_path)
    assert report.holds, "\n".join(findings(report))
