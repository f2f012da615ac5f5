"""The files for deployment keep their promises, and name commands, options, paths and ports that exist."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from typer.testing import CliRunner

from bridge.cli.app import app
from bridge.serve.configuration import load_configuration
from bridge.serve.protocol.openapi import openapi_document
from bridge.version import __version__
from tests.deployment.manifests import CONTAINERFILES, SERVE, deployed_pod, documents, instructions, kserve_pod, unit_settings
from tests.deployment.pod_security import violations

SYSTEMD_ANALYZE = shutil.which("systemd-analyze")
GREATEST_EXPOSURE = 20
"""Of `systemd-analyze security`, times ten: 0 is none, 100 the most."""


def test_the_example_configuration_is_one() -> None:
    settings = load_configuration(SERVE / "serve.yaml")
    assert settings.models[0].isolation == "process"
    assert settings.clients[0].models == frozenset({"digits"})
    assert settings.admin_host == "127.0.0.1"


@pytest.mark.parametrize("pod", [deployed_pod, kserve_pod], ids=["kubernetes", "kserve"])
def test_pods_keep_the_restricted_standard_and_write_nothing(pod: Callable[[], dict[str, Any]]) -> None:
    assert violations(pod()) == []
    (container,) = pod()["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert all(mount.get("readOnly") for mount in container["volumeMounts"] if mount["name"] not in {"scratch", "state"})
    assert container["resources"]["limits"]["memory"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda pod: pod.update(hostNetwork=True), "pod: hostNetwork"),
        (lambda pod: pod["volumes"].append({"name": "all", "hostPath": {"path": "/"}}), "volume all: hostPath"),
        (lambda pod: pod["securityContext"].pop("runAsNonRoot"), "serve: runAsNonRoot"),
        (lambda pod: pod["securityContext"].pop("seccompProfile"), "serve: seccompProfile"),
        (lambda pod: pod["securityContext"].update(runAsUser=0), "serve: runAsUser"),
        (lambda pod: pod["containers"][0]["securityContext"].pop("capabilities"), "serve: capabilities are not dropped"),
        (
            lambda pod: pod["containers"][0]["securityContext"]["capabilities"].update(add=["SYS_ADMIN"]),
            "serve: capabilities are added",
        ),
        (lambda pod: pod["containers"][0]["securityContext"].pop("allowPrivilegeEscalation"), "serve: allowPrivilegeEscalation"),
        (lambda pod: pod["containers"][0]["securityContext"].update(privileged=True), "serve: privileged"),
        (lambda pod: pod["containers"][0]["securityContext"].update(procMount="Unmasked"), "serve: procMount"),
        (lambda pod: pod["containers"][0]["ports"][0].update(hostPort=80), "serve: hostPort"),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
def test_the_check_of_the_restricted_standard_sees_what_departs_from_it(change: Callable[[Any], object], said: str) -> None:
    pod = deepcopy(deployed_pod())
    change(pod)
    assert violations(pod) == [said]


def test_pods_have_no_account_and_are_drained_in_time() -> None:
    pod = deployed_pod()
    (container,) = pod["containers"]
    assert not pod["automountServiceAccountToken"]
    before = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] > before + load_configuration(SERVE / "serve.yaml").drain_seconds


def test_the_network_policy_lets_nothing_out_and_the_admin_port_is_not_served() -> None:
    found = documents("kubernetes.yaml")
    assert found["NetworkPolicy"]["spec"]["egress"] == []
    assert [port["port"] for port in found["Service"]["spec"]["ports"]] == [8000, 8001]
    assert [port["port"] for rule in found["NetworkPolicy"]["spec"]["ingress"] for port in rule["ports"]] == [8000, 8001]


def test_ports_are_those_of_the_configuration() -> None:
    settings = load_configuration(SERVE / "serve.yaml")
    (container,) = deployed_pod()["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"http": settings.port, "grpc": settings.grpc_port}
    assert f"EXPOSE {settings.port} {settings.grpc_port}" in instructions(SERVE / "Containerfile")
    said = dict(argument.lstrip("-").split("=", 1) for argument in kserve_pod()["containers"][0]["args"][1:])
    (port,) = kserve_pod()["containers"][0]["ports"]
    assert str(port["containerPort"]) == said["port"]
    healthy = (SERVE / "healthy.py").read_text()
    assert f"http://127.0.0.1:{settings.admin_port}/status.json" in healthy


@pytest.mark.parametrize("pod", [deployed_pod, kserve_pod], ids=["kubernetes", "kserve"])
def test_probes_ask_paths_that_are_served(pod: Callable[[], dict[str, Any]]) -> None:
    (container,) = pod()["containers"]
    paths = openapi_document()["paths"]
    probes = [
        container[name]["httpGet"]["path"] for name in ("startupProbe", "readinessProbe", "livenessProbe") if name in container
    ]
    assert probes
    assert set(probes) <= set(paths)


def test_what_the_configuration_names_is_mounted() -> None:
    (container,) = deployed_pod()["containers"]
    mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
    settings = load_configuration(SERVE / "serve.yaml")
    assert settings.tls is not None
    named = [settings.tls.certificate, settings.tls.key, settings.models[0].package, settings.models[0].policy]
    for path in named:
        assert path is not None
        assert any(str(parent) in mounted for parent in path.parents), path
    assert {volume["name"] for volume in deployed_pod()["volumes"]} == {mount["name"] for mount in container["volumeMounts"]}


def test_the_example_configuration_and_its_path_are_those_that_image_unit_and_pod_take() -> None:
    (container,) = deployed_pod()["containers"]
    wanted = ["--config", "/etc/bridge/serve.yaml"]
    assert container["args"] == wanted
    assert f"CMD {json.dumps(wanted)}" in instructions(SERVE / "Containerfile")
    (started,) = unit_settings()["ExecStart"]
    assert shlex.split(started) == ["/opt/bridge/bin/bridge", "serve", *wanted]


def test_memory_of_versions_has_a_place_to_be_written_to() -> None:
    image = " ".join(instructions(SERVE / "Containerfile"))
    assert "XDG_STATE_HOME=/var/lib/bridge" in image
    for pod in (deployed_pod(), kserve_pod()):
        assert {"name": "state", "mountPath": "/var/lib/bridge"} in pod["containers"][0]["volumeMounts"]
    assert "XDG_STATE_HOME=/var/lib/bridge" in unit_settings()["Environment"][0].split()
    assert unit_settings()["StateDirectory"] == ["bridge"]


def test_images_and_labels_have_the_version() -> None:
    for pod in (deployed_pod(), kserve_pod()):
        assert pod["containers"][0]["image"] == f"cntk-bridge-serve:{__version__}"
    for containerfile in CONTAINERFILES:
        assert f'org.opencontainers.image.version="{__version__}"' in " ".join(instructions(containerfile))


def test_the_kserve_runtime_names_options_that_exist() -> None:
    (container,) = kserve_pod()["containers"]
    shown = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["serve", "--help"]).output
    for argument in container["args"][1:]:
        assert re.search(rf"{re.escape(argument.partition('=')[0])}\b", shown), argument


def test_the_unit_gives_the_server_time_to_drain() -> None:
    (seconds,) = unit_settings()["TimeoutStopSec"]
    assert int(seconds) > load_configuration(SERVE / "serve.yaml").drain_seconds


def test_the_unit_lets_workers_have_namespaces_of_their_own() -> None:
    # What bridge.runtime.sandbox.privileges asks for: without one of them all are refused.
    assert set(unit_settings()["RestrictNamespaces"][0].split()) == {"user", "net", "ipc"}


@pytest.mark.skipif(SYSTEMD_ANALYZE is None, reason="no systemd-analyze")
@pytest.mark.parametrize(
    ("command", "options"), [("verify", ["--man=no"]), ("security", ["--offline=true", f"--threshold={GREATEST_EXPOSURE}"])]
)
def test_systemd_finds_the_unit_sound_and_little_exposed(command: str, options: list[str], tmp_path: Any) -> None:
    # The program is not installed where the tests run: everything else of the unit is looked at.
    unit = tmp_path / "bridge-serve.service"
    unit.write_text((SERVE / "bridge-serve.service").read_text().replace("/opt/bridge/bin/bridge", "/bin/true"))
    assert SYSTEMD_ANALYZE is not None
    done = subprocess.run([SYSTEMD_ANALYZE, command, *options, unit], capture_output=True, text=True, check=False)
    assert (done.returncode, [line for line in done.stderr.splitlines() if "bridge-serve" in line]) == (0, []), done.stdout[
        -2000:
    ]
