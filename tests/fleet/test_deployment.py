"""The files for deployment say what they promise, and name what there is."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from bridge.fleet.application import DEPLOYMENT
from bridge.fleet.configuration import fleet_settings, processors_of, read_document

FOLDER = Path(__file__).parents[2] / "deploy" / "fleet"
SETTINGS = fleet_settings(read_document(FOLDER / "serve.yaml"), FOLDER)


def documents() -> dict[str, Any]:
    return {document["kind"]: document for document in yaml.safe_load_all((FOLDER / "rayservice.yaml").read_text())}


def pods() -> list[dict[str, Any]]:
    cluster = documents()["RayService"]["spec"]["rayClusterConfig"]
    return [group["template"]["spec"] for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])]


def test_what_ray_is_told_names_the_builder_and_a_digest_for_every_model() -> None:
    (application,) = yaml.safe_load(documents()["RayService"]["spec"]["serveConfigV2"])["applications"]
    module, _, name = application["import_path"].partition(":")
    assert callable(getattr(import_module(module), name))
    assert application["deployments"][0]["name"] == DEPLOYMENT
    assert set(application["args"]["root_digests"]) == {f"{model.name}:{model.version}" for model in SETTINGS.models}


def test_the_pods_have_no_privileges_and_write_nothing_of_ours() -> None:
    for pod in pods():
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert not pod["automountServiceAccountToken"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        writable = {mount["name"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
        assert writable == {"state", "scratch", "shared-memory"}
        assert int(container["resources"]["requests"]["cpu"]) >= processors_of(SETTINGS)
        assert pod["terminationGracePeriodSeconds"] > SETTINGS.drain_seconds


def test_a_cluster_asks_for_its_token_and_its_own_ports_are_closed() -> None:
    found = documents()
    assert found["RayService"]["spec"]["rayClusterConfig"]["authOptions"] == {"mode": "token"}
    opened, *others = found["NetworkPolicy"]["spec"]["ingress"]
    assert opened == {"ports": [{"port": 8000}]}
    assert all("from" in rule for rule in others)
    assert all("to" in rule for rule in found["NetworkPolicy"]["spec"]["egress"])


def test_the_image_runs_as_nobody_in_particular_and_with_the_token_on() -> None:
    lines = (FOLDER / "Containerfile").read_text().splitlines()
    assert "USER 10001:10001" in lines
    assert "    RAY_AUTH_MODE=token \\" in lines
    assert any("--require-hashes" in line and "fleet.txt" in line for line in lines)
