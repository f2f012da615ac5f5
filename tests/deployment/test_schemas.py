"""The manifests fit Kubernetes' published schemas, of the oldest version that they are for and of the newest one known."""

from __future__ import annotations

import os
import subprocess
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deployment.manifests import ROOT, SERVE, documents, kserve_pod

pytestmark = pytest.mark.slow
VALIDATE = Path(os.environ.get("BRIDGE_SERVING_PEERS", ROOT / ".peers-serving")) / "bin" / "kubernetes-validate"
needs_schemas = pytest.mark.skipif(not VALIDATE.exists(), reason="no kubernetes-validate: `./dev test-all` installs it")
VERSIONS = ("1.30", "1.37")


def validate(manifest: Path, version: str) -> subprocess.CompletedProcess[str]:
    """What the validator says; fields that the schemas do not have are faults."""
    command = [str(VALIDATE), "--kubernetes-version", version, "--strict", str(manifest)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@needs_schemas
@pytest.mark.parametrize("version", VERSIONS)
def test_manifests_are_sound(version: str) -> None:
    done = validate(SERVE / "kubernetes.yaml", version)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_schemas
@pytest.mark.parametrize("version", VERSIONS)
def test_the_pod_of_the_kserve_runtime_is_one(version: str, tmp_path: Path) -> None:
    parts = {name: kserve_pod()[name] for name in ("containers", "volumes")}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "model"}, "spec": parts}
    (tmp_path / "pod.yaml").write_text(yaml.safe_dump(pod))
    done = validate(tmp_path / "pod.yaml", version)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_schemas
@pytest.mark.parametrize("where", ["securityContext", "containers.0.securityContext", "containers.0.readinessProbe"])
def test_a_misspelt_field_is_seen(where: str, tmp_path: Path) -> None:
    deployment = deepcopy(documents("kubernetes.yaml")["Deployment"])
    place: Any = deployment["spec"]["template"]["spec"]
    for part in where.split("."):
        place = place[int(part) if part.isdigit() else part]
    place["readOnlyRootFileSystem"] = True
    (tmp_path / "deployment.yaml").write_text(yaml.safe_dump(deployment))
    assert validate(tmp_path / "deployment.yaml", VERSIONS[-1]).returncode != 0
