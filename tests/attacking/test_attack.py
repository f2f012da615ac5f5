"""Golden models before the attacks: as CNTK files, as ONNX files with a twin, and as signed packages."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from typer.testing import CliRunner

import bridge
from bridge.attacking import AttackOptions, attack
from bridge.attacking.attacking import attacked
from bridge.attacking.served import served_file
from bridge.attacking.statement import state_robustness
from bridge.cli.app import app
from bridge.errors import InvalidOptionError, UnsignedCodeError
from bridge.package.interface import Bound
from bridge.package.verification import verify_package
from bridge.trust.policy.document import policy_for
from bridge.trust.policy.statements import ROBUSTNESS, kinds_of, trusted_statements
from tests.package.packages import GOLDEN, packaged, signed_source
from tests.trust.provenance.histories import BOTH, CONVERTER, TRAINER
from tests.trust.signed_models import write_public
from verify.robustness.document import RobustnessReport, ThreatResult, Verdict

LENET = GOLDEN / "digits_lenet" / "model.dnn"
OPTIONS = AttackOptions(low=0, high=1, epsilon=0.1, limit=4)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("data") / "digits.npz"
    with np.load(GOLDEN / "digits_lenet" / "tensors.npz") as recorded:
        np.savez(file, x=recorded["input/0"], y=recorded["output/0"].argmax(axis=1))
    return file


@pytest.fixture(scope="module")
def report(data: Path) -> RobustnessReport:
    return attack(LENET, data, OPTIONS)


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The network as a PyTorch module that nobody signed."""
    folder = tmp_path_factory.mktemp("module") / "twin"
    bridge.convert(LENET, folder, target="torch")
    return folder


def result(report: RobustnessReport) -> ThreatResult:
    """The only one."""
    (found,) = report.results
    return found


def options(**members: object) -> AttackOptions:
    return replace(OPTIONS, **members)  # type: ignore[arg-type]


def test_a_cntk_model_is_attacked_in_both_forms_that_it_is_converted_to(report: RobustnessReport) -> None:
    assert report.verdict is Verdict.PASS
    assert [model.role for model in report.models] == ["source", "converted"]
    parity = result(report).parity
    assert parity is not None
    assert parity.flips.count == 0
    assert parity.greatest_difference < 1e-4
    assert report.data is not None
    assert (report.data.samples, report.data.classes, report.data.shape) == (4, 10, (1, 8, 8))


def test_an_onnx_file_needs_a_twin_or_the_source_of_one(data: Path, tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    bridge.convert(LENET, model)
    with pytest.raises(InvalidOptionError, match="give --twin"):
        attack(model, data, OPTIONS)
    bridge.convert(LENET, tmp_path / "twin", target="torch")
    with pytest.raises(UnsignedCodeError):
        attack(model, data, options(twin=tmp_path / "twin"))
    assert attack(model, data, options(twin=tmp_path / "twin", allow_unsigned=True)).holds


def test_the_wrong_twin_is_found_out(data: Path, tmp_path: Path) -> None:
    """A twin of other weights: here the model's own with every kernel of the first layer disturbed."""
    model, twin = tmp_path / "model.onnx", tmp_path / "twin"
    bridge.convert(LENET, model)
    bridge.convert(LENET, twin, target="torch")
    weights = load_file(twin / "model.safetensors")
    random = np.random.default_rng(0)
    save_file(
        {name: value + 0.3 * random.standard_normal(value.shape).astype(value.dtype) for name, value in weights.items()},
        twin / "model.safetensors",
    )
    interface = json.loads((twin / "interface.json").read_text())
    interface["sha256"]["model.safetensors"] = hashlib.sha256((twin / "model.safetensors").read_bytes()).hexdigest()
    (twin / "interface.json").write_text(json.dumps(interface))
    report = attack(model, data, options(twin=twin, allow_unsigned=True))
    assert report.verdict is Verdict.FAIL
    parity = result(report).parity
    assert parity is not None
    assert not parity.holds


def test_a_torch_folder_is_both_sides_and_says_nothing_of_parity(data: Path, module: Path) -> None:
    report = attack(module, data, options(allow_unsigned=True))
    assert result(report).parity is None
    assert result(report).attacks


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"low": None}, "--range"),
        ({"high": 0.5}, "the range is 0 to 0.5"),
        ({"norms": ("l3",)}, "expected linf"),
        ({"norms": ("tokens",)}, "not sequences of one-hot tokens"),
        ({"norms": ("l2", "l2")}, "twice"),
        ({"norms": ("linf", "l2")}, "--eps l2=..."),
        ({"epsilon": {"l2": 0.5}}, "--eps for the norm 'l2', which is not tested"),
        ({"floor": {"l2": 0.5}}, "--floor for the norm 'l2'"),
        ({"tier": "silver"}, "expected smoke"),
        ({"floor": 1.5}, "no share"),
        ({"epsilon": -1.0}, "expected a finite number"),
        ({"output": "y"}, "no output 'y'"),
        ({"input": "y"}, "no input 'y'"),
    ],
)
def test_options_that_make_no_sense_are_refused(members: dict[str, object], told: str, data: Path, module: Path) -> None:
    with pytest.raises(InvalidOptionError, match=told):
        attack(module, data, options(allow_unsigned=True, **members))


def test_tokens_of_a_sequence_are_replaced_within_its_length(tmp_path: Path) -> None:
    random, lengths = np.random.default_rng(0), np.array([5, 8, 6])
    x = np.zeros((3, 8, 60), np.float32)
    for row, length in enumerate(lengths):
        x[row, np.arange(length), random.integers(0, 60, length)] = 1
    source = GOLDEN / "text_cnn" / "model.dnn"
    bridge.convert(source, tmp_path / "model.onnx")
    served = served_file((tmp_path / "model.onnx").read_bytes(), "model.onnx")
    classes = served.run({"words": x, "lengths": lengths})["classes"].argmax(axis=1)
    np.savez(tmp_path / "data.npz", x=x, y=classes, lengths=lengths)
    report = attack(tmp_path / "model.onnx", tmp_path / "data.npz", AttackOptions(epsilon=1, source=source))
    assert result(report).threat.norm == "tokens"
    assert {attack.name for attack in result(report).attacks} >= {"tokens by gradient", "tokens by scores"}
    assert all(attack.reach <= 1 for attack in result(report).attacks)


def test_a_signed_claim_satisfies_a_policy_that_requires_one(data: Path, tmp_path: Path) -> None:
    source = signed_source("digits_lenet", tmp_path / "source")
    package = packaged(source, tmp_path / "package", bounds={"N": Bound(1, 64)})
    keys = [tmp_path / write_public(tmp_path, name, signer) for name, signer in (("ci", CONVERTER), ("team", TRAINER))]
    trusted = policy_for(keys, ())
    found = attacked(package.path, data, options(source=source, policy=trusted))
    assert found.root_sha256 == package.root_sha256
    state_robustness(package.path, found.root_sha256, found.report, CONVERTER)
    chain = verify_package(package.path, BOTH).chain
    stated = [claim for claim in trusted_statements(trusted, chain) if claim.kind == ROBUSTNESS]
    assert [claim.verdict.value for claim in stated] == ["favourable"]
    assert kinds_of(stated[0].statement)[-1] == ROBUSTNESS
    predicate = stated[0].statement.predicate
    assert predicate["cntkbridge_summary"]["verdict"] == "pass"
    assert predicate["cntkbridge_summary"]["schema"] == "robustness 2.0"
    assert [threat["norm"] for threat in predicate["cntkbridge_summary"]["threats"]] == ["linf"]
    assert "linf gate: conversion parity" in predicate["passedTests"]


def test_a_claim_needs_a_signed_package_to_speak_of(report: RobustnessReport, tmp_path: Path) -> None:
    with pytest.raises(InvalidOptionError, match="no signed package"):
        state_robustness(tmp_path, "", report, CONVERTER)


def test_the_command_exits_with_the_verdict_and_writes_the_report(data: Path, tmp_path: Path) -> None:
    arguments = ["attack", str(LENET), "--data", str(data), "--range", "0", "1", "--eps", "0.1", "--samples", "4"]
    passed = CliRunner().invoke(app, [*arguments, "--json", "--report", str(tmp_path / "report")])
    assert passed.exit_code == 0
    assert json.loads(passed.stdout)["verdict"] == "pass"
    assert (tmp_path / "report" / "report.html").is_file()
    failed = CliRunner().invoke(app, [*arguments, "--floor", "linf=0.9"])
    assert failed.exit_code == 1
    assert "FAIL" in failed.stdout
    assert CliRunner().invoke(app, [*arguments[:4], "--eps", "0.1"]).exit_code == 2
