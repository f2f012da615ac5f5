"""From training to the exported bill of materials, by commands alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.golden_folders import LENET, bridge

PASSWORD = "a password for tests"  # noqa: S105 - it protects a key that is made for one test

DESCRIPTION = """
model: {name: digits, version: "1.4", licence: MIT}
data: [{name: UCI digits, use: training, licence: CC BY 4.0}]
metrics: [{name: accuracy, value: 0.978, lower: 0.97, upper: 0.98, data: held-out third}]
"""


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_KEY_PASSWORD", PASSWORD)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two keys, a model signed by the trainer, and a package signed by the converter."""
    place = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRIDGE_KEY_PASSWORD", PASSWORD)
        # Where the versions that were seen are remembered: neither the user's own, nor those of other tests.
        patch.setenv("XDG_STATE_HOME", str(place / "state"))
        for name in ("trainer", "converter"):
            assert bridge("keys", "new", "-o", place / f"{name}.pem").exit_code == 0
        shutil.copy(LENET / "model.dnn", place / "model.dnn")
        (place / "description.yaml").write_text(DESCRIPTION)
        (place / "train.py").write_text("train()\n")
        (place / "data").mkdir()
        (place / "data" / "digits.csv").write_text("0,1,2\n")
        signed = bridge(
            *("sign", place / "model.dnn", "--key", place / "trainer.pem", "--provenance", "--anonymous"),
            *("--description", place / "description.yaml", "--script", place / "train.py", "--dataset", place / "data"),
        )
        assert signed.exit_code == 0, signed.output
        converted = bridge(
            *("convert", place / "model.dnn", "-o", place / "package", "--package", "--sign-key", place / "converter.pem"),
            *("--golden", LENET, "--bound", "N=64", "--json"),
            *("--public-key", place / "trainer.pem.pub"),
        )
        assert converted.exit_code == 0, converted.output
        (model,) = json.loads(converted.stdout)["models"]
        assert model["package"]["claims"] == 5
        assert model["status"] == "converted, agrees"
    return place


def trusted(made: Path) -> tuple[str | Path, ...]:
    return ("--public-key", made / "trainer.pem.pub", "--public-key", made / "converter.pem.pub")


def test_chain_is_shown_and_verified(made: Path) -> None:
    result = bridge("provenance", "show", made / "package", *trusted(made))
    assert result.exit_code == 0, result.output
    for text in (
        "✓ converted to onnx",
        "✓ trained",
        "from model.dnn",
        "✓ equivalence test: PASSED",
        "accuracy 0.978 (0.97 to 0.98) on held-out third",
        "UCI digits, training, CC BY 4.0",
        "✓ source verified",
    ):
        assert text in result.stdout
    assert "every claim is signed by somebody who is trusted" in result.stdout


def test_chain_is_shown_without_anybody_to_trust(made: Path) -> None:
    result = bridge("provenance", "show", made / "package")
    assert result.exit_code == 0
    assert "? trained" in result.stdout
    assert "give --public-key or --trusted-root" in result.stdout


def test_signer_who_is_not_trusted_fails_the_check(made: Path) -> None:
    result = bridge("provenance", "show", made / "package", "--public-key", made / "converter.pem.pub", "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert (document["holds"], document["verified"]) == (True, False)


def test_broken_chain_fails_the_check_and_is_not_exported(made: Path, tmp_path: Path) -> None:
    package = shutil.copytree(made / "package", tmp_path / "package")
    lines = (package / "claims.jsonl").read_bytes().splitlines(keepends=True)
    (package / "claims.jsonl").write_bytes(b"".join(lines[1:]))
    result = bridge("provenance", "show", package, *trusted(made))
    assert result.exit_code == 1
    assert "✗ inherited claims" in result.stdout
    refused = bridge("provenance", "export", package)
    assert refused.exit_code == 3
    assert "listed are missing" in refused.stderr


def test_package_that_was_stripped_of_its_claims_fails_the_check(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "package", tmp_path / "package")
    (tmp_path / "package" / "claims.jsonl").unlink()
    shown = bridge("provenance", "show", tmp_path / "package", *trusted(made))
    assert shown.exit_code == 1
    assert "✗ origin" in shown.stdout


def test_old_claims_that_do_not_fit_leave_signature_and_claims_as_they_were(made: Path, tmp_path: Path) -> None:
    for name in ("model.dnn", "model.dnn.sig", "model.dnn.claims.jsonl"):
        shutil.copy(made / name, tmp_path / name)
    model = tmp_path / "model.dnn"
    model.write_bytes(b"another model")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    (tmp_path / "model.dnn.sig").unlink()
    refused = bridge("sign", model, "--key", made / "trainer.pem", "--provenance")
    assert refused.exit_code == 3
    assert "give --force to replace them" in refused.output
    before.pop("model.dnn.sig")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    replaced = bridge("sign", model, "--key", made / "trainer.pem", "--provenance", "--force")
    assert replaced.exit_code == 0, replaced.output
    assert bridge("provenance", "show", model, *trusted(made)).exit_code == 0


def test_claims_that_are_none_are_refused(made: Path, tmp_path: Path) -> None:
    package = shutil.copytree(made / "package", tmp_path / "package")
    (package / "claims.jsonl").write_bytes(b"noise\n")
    result = bridge("provenance", "show", package, "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["error"] == "InvalidBundleError"


def test_page_is_written(made: Path, tmp_path: Path) -> None:
    result = bridge("provenance", "show", made / "package", *trusted(made), "--html", tmp_path / "page.html")
    assert result.exit_code == 0
    assert "<h1>Verified</h1>" in (tmp_path / "page.html").read_text()


def test_bill_of_materials_is_exported(made: Path, tmp_path: Path) -> None:
    result = bridge("provenance", "export", "--cyclonedx", made / "package", *trusted(made), "-o", tmp_path / "bom.json")
    assert result.exit_code == 0, result.output
    component = json.loads((tmp_path / "bom.json").read_bytes())["metadata"]["component"]
    assert component["name"] == "digits"
    assert component["pedigree"]["ancestors"][0]["name"] == "model.dnn"
    assert json.loads(bridge("provenance", "export", made / "package").stdout)["specVersion"] == "1.6"


def test_manifest_stands_for_the_folder(made: Path, tmp_path: Path) -> None:
    assert bridge("provenance", "manifest", made / "data", "-o", tmp_path / "data.json").exit_code == 0
    shutil.copy(made / "model.dnn", tmp_path / "model.dnn")
    result = bridge(
        *("sign", tmp_path / "model.dnn", "--key", made / "trainer.pem", "--provenance", "--dataset", tmp_path / "data.json")
    )
    assert result.exit_code == 0, result.output
    root = json.loads((tmp_path / "data.json").read_bytes())["root"]
    assert root in bridge("provenance", "show", tmp_path / "model.dnn").stdout


def test_anonymous_statement_names_nobody(made: Path) -> None:
    document = json.loads(bridge("provenance", "show", made / "model.dnn", "--json").stdout)
    (training,) = [claim for claim in document["chain"]["claims"] if claim["title"] == "trained"]
    assert set(training["statement"]["predicate"]["runDetails"]["cntkbridge_statedBy"]) == {"at"}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("convert", "MODEL", "--package"), "give --sign-key or --sign-pkcs11-uri"),
        (("convert", "MODEL", "--sign-key", "KEY"), "give --package too"),
        (("convert", "MODEL", "--package", "--sign-key", "KEY", "--bound", "N"), "expected SYMBOL=MAXIMUM"),
        (("sign", "MODEL", "--key", "KEY", "--script", "KEY"), "give --provenance too"),
        (("provenance", "show", "MODEL", "--at", "2026-01-01T00:00:00Z"), "give --trusted-root too"),
    ],
)
def test_options_that_do_not_fit_are_refused(arguments: tuple[str, ...], reason: str, made: Path) -> None:
    places = {"MODEL": made / "model.dnn", "KEY": made / "trainer.pem"}
    result = bridge(*(places.get(argument, argument) for argument in arguments))
    assert result.exit_code == 2
    assert reason in result.output
