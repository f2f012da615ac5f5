"""The reference engine's image, built and run: it records a case without a network, as nobody."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.deployment.podman import CONFINED, RUN, built, podman
from tests.serve.running import GOLDEN, LENET

pytestmark = pytest.mark.slow


def test_it_records_golden_cases_without_a_network(tmp_path: Path) -> None:
    image = built("reference")
    shutil.copy(GOLDEN / LENET / "model.dnn", tmp_path)
    # Whoever is nobody inside has to be able to write here.
    tmp_path.chmod(0o777)
    command = ["golden", "record", "/data/model.dnn", "-o", "/data/cases", "--samples", "2"]
    options = [option for option in RUN if option not in {"--network", "host"}]
    said = podman(
        "run", "--rm", *CONFINED, *options, "--network", "none", "--volume", f"{tmp_path}:/data", image, *command, seconds=600
    )
    assert "network of the engine: none" in said
    recorded = json.loads((tmp_path / "cases" / "normal" / "case.json").read_text())
    assert recorded["outputs"]
    assert (tmp_path / "cases" / "normal" / "tensors.npz").is_file()
