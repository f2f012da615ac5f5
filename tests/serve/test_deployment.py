"""The files for deployment say what they promise, and call the command as it is."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from bridge.cli.app import app
from bridge.serve.configuration import load_configuration

SYSTEMD_ANALYZE = shutil.which("systemd-analyze")
FOLDER = Path(__file__).parents[2] / "deploy" / "serve"


def documents(name: str) -> dict[str, Any]:
    return {document["kind"]: document for document in yaml.safe_load_all((FOLDER / name).read_text())}


def test_the_example_configuration_is_one(tmp_path: Path) -> None:
    del tmp_path
    settings = load_configuration(FOLDER / "serve.yaml")
    assert settings.models[0].isolation == "process"
    assert settings.clients[0].models == frozenset({"digits"})
    assert settings.admin_host == "127.0.0.1"


def test_the_pod_has_no_privileges_and_writes_nothing() -> None:
    pod = documents("kubernetes.yaml")["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert not pod["automountServiceAccountToken"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert all(mount.get("readOnly") for mount in container["volumeMounts"] if mount["name"] != "scratch")
    assert container["readinessProbe"]["httpGet"]["path"] == "/v2/health/ready"
    assert pod["terminationGracePeriodSeconds"] > load_configuration(FOLDER / "serve.yaml").drain_seconds


def test_the_network_policy_lets_nothing_out_and_the_admin_port_is_not_served() -> None:
    found = documents("kubernetes.yaml")
    assert found["NetworkPolicy"]["spec"]["egress"] == []
    assert [port["port"] for port in found["Service"]["spec"]["ports"]] == [8000, 8001]


def test_the_kserve_runtime_names_options_that_exist() -> None:
    (container,) = documents("kserve-runtime.yaml")["ClusterServingRuntime"]["spec"]["containers"]
    shown = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["serve", "--help"]).output
    for argument in container["args"][1:]:
        assert argument.partition("=")[0] in shown, argument


def test_the_image_runs_as_nobody_in_particular() -> None:
    lines = (FOLDER / "Containerfile").read_text().splitlines()
    assert "USER 10001:10001" in lines
    assert lines.index("USER 10001:10001") < lines.index('ENTRYPOINT ["/opt/bridge/bin/bridge", "serve"]')


@pytest.mark.skipif(SYSTEMD_ANALYZE is None, reason="no systemd-analyze")
def test_systemd_finds_the_unit_sound(tmp_path: Path) -> None:
    # The program is not installed where the tests run: everything else of the unit is looked at.
    unit = tmp_path / "bridge-serve.service"
    unit.write_text((FOLDER / "bridge-serve.service").read_text().replace("/opt/bridge/bin/bridge", "/bin/true"))
    assert SYSTEMD_ANALYZE is not None
    done = subprocess.run([SYSTEMD_ANALYZE, "verify", "--man=no", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, [line for line in done.stderr.splitlines() if "bridge-serve" in line]) == (0, []), done.stderr
