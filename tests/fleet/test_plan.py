"""What a fleet takes of the server's configuration, and the digests that a deployment is fixed to. None of it needs Ray."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from bridge.cli.app import app
from bridge.errors import IntegrityError, InvalidOptionError, UnexpectedModelError
from bridge.fleet.application import planned
from bridge.fleet.configuration import fleet_settings, processors_of
from bridge.fleet.hosting import load_pinned
from bridge.fleet.plan import Plan
from tests.fleet.packages import Workplace, digits_package


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path)


def plan_of(place: Workplace, **changes: Any) -> Plan:
    return planned({"configuration": str(place.configuration(**changes))})


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"tls": {"certificate": "tls.crt", "key": "tls.key"}}, "tls"),
        ({"limits": {"header_seconds": 5}}, "limits.header_seconds"),
        ({"limits": {"request_bytes": 100, "connections": 5}}, "limits.connections"),
    ],
)
def test_what_rays_proxy_would_not_keep_is_refused(place: Workplace, changes: dict[str, Any], where: str) -> None:
    with pytest.raises(InvalidOptionError, match=f"{where}: not in a fleet"):
        fleet_settings(place.document(**changes), place.folder)


def test_client_certificates_are_refused_with_or_without_tls(place: Workplace) -> None:
    document = place.document(clients=[{"name": "web", "certificate_name": "web.example.org"}])
    with pytest.raises(InvalidOptionError, match="clients"):
        fleet_settings(document, place.folder)


def test_unsigned_packages_are_refused(place: Workplace) -> None:
    with pytest.raises(InvalidOptionError, match="allow_unsigned: not in a fleet"):
        fleet_settings({**place.document(), "allow_unsigned": True}, place.folder)


def test_a_replica_asks_for_the_processors_of_its_busiest_model(place: Workplace) -> None:
    assert processors_of(fleet_settings(place.document(workers=3, threads=2), place.folder)) == 6
    assert processors_of(fleet_settings(place.document(), place.folder)) == 1


def test_a_plan_is_the_same_after_its_way_through_ray(place: Workplace) -> None:
    plan = plan_of(place)
    assert Plan.from_text(plan.to_text()) == plan
    assert set(plan.pins) == {str(place.package)}
    assert "onnx" not in plan.to_text()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"document": {}, "folder": "/", "pins": {"a": {"b": 1}}}'])
def test_what_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(InvalidOptionError, match="no plan of a fleet"):
        Plan.from_text(text)


def test_a_tampered_package_is_refused_before_anything_is_deployed(place: Workplace) -> None:
    place.tamper()
    with pytest.raises(IntegrityError, match=r"model\.onnx"):
        plan_of(place)


def test_the_digest_that_was_asked_for_has_to_be_found(place: Workplace) -> None:
    configuration = str(place.configuration())
    (pin,) = plan_of(place).pins.values()
    for said in ("digits", "digits:1"):
        planned({"configuration": configuration, "root_digests": {said: f"sha256:{pin.root_digest}"}})
        with pytest.raises(UnexpectedModelError, match="expected the root digest"):
            planned({"configuration": configuration, "root_digests": {said: f"sha256:{'0' * 64}"}})
    for said in ("letters", "digits:2"):
        with pytest.raises(InvalidOptionError, match="there is no model"):
            planned({"configuration": configuration, "root_digests": {said: f"sha256:{pin.root_digest}"}})


def test_arguments_that_nobody_knows_are_refused(place: Workplace) -> None:
    with pytest.raises(InvalidOptionError, match="root_digest"):
        planned({"configuration": str(place.configuration()), "root_digest": {}})


def test_a_replica_loads_the_package_of_its_plan(place: Workplace) -> None:
    plan = plan_of(place)
    ((_, served),) = load_pinned(plan, plan.settings)
    assert served.identity.root_digest == plan.pins[str(place.package)].root_digest
    served.close()


def test_a_replica_refuses_another_package_though_it_is_signed(place: Workplace) -> None:
    plan = plan_of(place)
    shutil.rmtree(place.package)
    digits_package(place.package, place.signer, seconds=19.0)
    with pytest.raises(UnexpectedModelError, match="the deployment serves sha256:"):
        load_pinned(plan, plan.settings)


def test_a_replica_refuses_a_package_that_was_tampered_with_after_the_deployment(place: Workplace) -> None:
    plan = plan_of(place)
    place.tamper()
    with pytest.raises(IntegrityError, match=r"model\.onnx"):
        load_pinned(plan, plan.settings)


def test_a_replica_refuses_another_policy_on_its_machine(place: Workplace) -> None:
    plan = plan_of(place)
    place.policy.write_text(place.policy.read_text() + "# more\n")
    with pytest.raises(UnexpectedModelError, match="is not the one that the deployment was verified under"):
        load_pinned(plan, plan.settings)


def test_a_replica_does_not_come_up_with_its_fallback_alone(place: Workplace) -> None:
    digits_package(place.folder / "before", place.signer, seconds=19.0)
    plan = plan_of(place, fallback="before")
    assert len(plan.pins) == 2
    place.tamper()
    with pytest.raises(IntegrityError, match=r"model\.onnx"):
        load_pinned(plan, plan.settings)


def test_the_command_prints_what_serve_deploy_takes(place: Workplace) -> None:
    result = CliRunner().invoke(app, ["fleet", str(place.configuration()), "--replicas", "3", "--print-deployment"])
    (application,) = yaml.safe_load(result.stdout)["applications"]
    (pin,) = plan_of(place).pins.values()
    assert application["import_path"] == "bridge.fleet.application:build"
    assert application["args"]["root_digests"] == {"digits:1": f"sha256:{pin.root_digest}"}
    assert application["deployments"] == [{"name": "models", "num_replicas": 3}]


def test_the_command_refuses_a_tampered_package(place: Workplace) -> None:
    place.tamper()
    result = CliRunner().invoke(app, ["fleet", str(place.configuration()), "--json"])
    assert (result.exit_code, json.loads(result.stdout)["error"]) == (3, "IntegrityError")


def test_the_command_does_not_open_grpc_to_everybody_unasked(place: Workplace) -> None:
    configuration = place.configuration(listen={"grpc_port": 8001})
    result = CliRunner().invoke(app, ["fleet", str(configuration), "--json"])
    assert (result.exit_code, json.loads(result.stdout)["error"]) == (2, "InvalidOptionError")
    assert "listens on every address" in json.loads(result.stdout)["message"]
