"""A golden model from its training to a verified package, and what becomes of one that was tampered with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.errors import (
    BridgeError,
    IntegrityError,
    InvalidBundleError,
    InvalidPackageError,
    SignatureError,
    UnsafePathError,
    WriteError,
)
from bridge.package.interface import Bound
from bridge.package.verification import verify_package
from bridge.package.writing import Package
from bridge.trust.model_signature import sign_model
from bridge.trust.provenance.claims import claims_file, read_claims
from bridge.trust.provenance.history import read_history
from tests.package.packages import GOLDEN, packaged, signed_source
from tests.trust.peers import model_signing, needs_model_signing
from tests.trust.provenance.histories import BOTH, CONVERTER, CONVERTER_TRUSTED, STRANGER, evaluated


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Package:
    place = tmp_path_factory.mktemp("made")
    source = signed_source("digits_lenet", place / "source")
    return packaged(source, place / "package", golden="digits_lenet", bounds={"N": Bound(1, 64)})


@pytest.fixture
def copy(made: Package, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made.path, tmp_path / "package"))


def test_package_holds_its_parts_and_nothing_else(made: Package) -> None:
    names = sorted(path.relative_to(made.path).as_posix() for path in made.path.rglob("*") if path.is_file())
    assert names == [
        "claims.jsonl",
        "interface.json",
        "model.onnx",
        "model.sig",
        "reports/equivalence.html",
        "reports/equivalence.json",
        "sbom.cdx.json",
    ]
    assert [entry.name for entry in made.path.parent.iterdir() if entry.name.startswith(".")] == []


def test_package_is_verified_with_its_whole_history(made: Package) -> None:
    package = verify_package(made.path, BOTH)
    assert package.model.root_digest == made.root_sha256
    assert package.chain.verified
    assert package.interface.symbols["N"].maximum == 64
    titles = [claim.claim.statement.predicate_type.rsplit("/", 2)[-2] for claim in package.chain.all_claims()]
    assert titles == ["test-result", "provenance", "provenance", "signature"]


def test_package_is_verified_by_those_who_do_not_know_the_trainer(made: Package) -> None:
    package = verify_package(made.path, CONVERTER_TRUSTED)
    assert package.chain.holds
    assert not package.chain.verified


def test_inherited_claims_are_in_front_byte_for_byte(made: Package) -> None:
    source = made.path.parent / "source" / "model.dnn"
    before = source.with_name("model.dnn.claims.jsonl").read_bytes() + source.with_name("model.dnn.sig").read_bytes()
    assert (made.path / "claims.jsonl").read_bytes().startswith(before)


def test_equivalence_report_becomes_a_claim_with_its_figures(made: Package) -> None:
    claims = read_claims((made.path / "claims.jsonl").read_bytes())
    predicate = claims[2].statement.predicate
    assert predicate["result"] == "PASSED"
    assert predicate["cntkbridge_summary"]["devices"] == ["cpu"]
    assert predicate["cntkbridge_summary"]["worst"]["maxAbs"] < 1e-4
    report = json.loads((made.path / "reports" / "equivalence.json").read_bytes())
    assert report["verdict"] == "equivalent"


def test_bill_of_materials_tells_what_the_trainer_said(made: Package) -> None:
    component = json.loads((made.path / "sbom.cdx.json").read_bytes())["metadata"]["component"]
    assert component["name"] == "digits"
    assert component["pedigree"]["ancestors"][0]["name"] == "model.dnn"
    assert component["components"][0]["hashes"][0]["content"] == made.result.sha256


@pytest.mark.slow
@needs_model_signing
def test_model_signing_accepts_the_package(made: Package, tmp_path: Path) -> None:
    key = tmp_path / "key.pub"
    key.write_bytes(CONVERTER.public_key_pem())
    finished = model_signing("verify", "key", "--signature", made.path / "model.sig", "--public_key", key, made.path)
    assert "Verification succeeded" in finished.stdout + finished.stderr


def edit(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def apply(package: Path) -> None:
        (package / name).write_bytes(change((package / name).read_bytes()))

    return apply


def flip_last_bit(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def lines(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[Path], None]:
    return edit("claims.jsonl", lambda data: b"".join(line + b"\n" for line in change(data.split(b"\n")[:-1])))


def replayed(package: Path) -> None:
    """The claims of another conversion of the same source."""
    other = packaged(signed_source("digits_lenet", package.parent / "other"), package.parent / "other-package")
    shutil.copy(other.path / "claims.jsonl", package / "claims.jsonl")


def file_added(package: Path) -> None:
    (package / "evil.py").write_bytes(b"x")


def file_renamed(package: Path) -> None:
    (package / "model.onnx").rename(package / "m.onnx")


def claims_linked(package: Path) -> None:
    (package / "claims.jsonl").rename(package.parent / "elsewhere")
    (package / "claims.jsonl").symlink_to(package.parent / "elsewhere")


def signed_by_a_stranger(package: Path) -> None:
    (package / "model.sig").write_bytes(sign_model(package, STRANGER))


TAMPERED: dict[str, tuple[Callable[[Path], None], type[BridgeError], str]] = {
    "bit of the model flipped": (
        edit("model.onnx", lambda data: data[:-1] + bytes([data[-1] ^ 1])),
        IntegrityError,
        "model.onnx",
    ),
    "interface widened": (edit("interface.json", lambda data: data.replace(b"64", b"65", 1)), IntegrityError, "interface.json"),
    "report changed": (edit("reports/equivalence.json", lambda data: data + b" "), IntegrityError, "equivalence.json"),
    "bill changed": (edit("sbom.cdx.json", lambda data: data + b" "), IntegrityError, "sbom.cdx.json"),
    "file added": (file_added, IntegrityError, "evil.py"),
    "file removed": (lambda package: (package / "sbom.cdx.json").unlink(), IntegrityError, "sbom.cdx.json"),
    "file renamed": (
        file_renamed,
        IntegrityError,
        "m.onnx|model.onnx",
    ),
    "signature removed": (lambda package: (package / "model.sig").unlink(), InvalidPackageError, "there is no model.sig"),
    "claims removed": (lambda package: (package / "claims.jsonl").unlink(), InvalidPackageError, "there is no claims.jsonl"),
    "claims emptied": (edit("claims.jsonl", lambda _: b""), IntegrityError, "no claim speaks of this artefact"),
    "claims cut short": (edit("claims.jsonl", lambda data: data[:-20]), InvalidBundleError, "cut short"),
    "inherited claim stripped": (lines(lambda all_: all_[1:]), IntegrityError, "1 of 2 listed are missing"),
    "inherited claims reordered": (lines(lambda all_: [all_[1], all_[0], *all_[2:]]), IntegrityError, "in another order"),
    "test stripped": (lines(lambda all_: [*all_[:2], all_[3]]), IntegrityError, "1 of 1 listed are missing"),
    "conversion stripped": (lines(lambda all_: all_[:3]), IntegrityError, "speaks of another artefact"),
    "all but the test stripped": (lines(lambda all_: [all_[2]]), IntegrityError, "how the package was made"),
    "claim repeated": (lines(lambda all_: [*all_, all_[3]]), InvalidBundleError, "line 5 .* repeats line 4"),
    "claim of a stranger added": (
        lambda package: lines(lambda all_: [*all_, evaluated(read_history(package, None).root_sha256, STRANGER)])(package),
        SignatureError,
        "line 5 about the package is by nobody who is trusted",
    ),
    "claim about something else added": (
        lines(lambda all_: [*all_, evaluated("cd" * 32)]),
        IntegrityError,
        "speaks of another artefact",
    ),
    "claims of another package": (replayed, IntegrityError, "no claim speaks of this artefact|speaks of another artefact"),
    "signed by a stranger": (signed_by_a_stranger, SignatureError, "not by the trusted key|nobody"),
    "claims replaced by a link": (claims_linked, UnsafePathError, "claims.jsonl"),
    "key repeated in a claim": (
        lines(lambda all_: [*all_[:3], all_[3].replace(b'{"mediaType"', b'{"mediaType":"x","mediaType"', 1)]),
        InvalidBundleError,
        "stands twice",
    ),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_package_that_was_tampered_with_is_refused(case: str, copy: Path) -> None:
    tamper, kind, reason = TAMPERED[case]
    tamper(copy)
    with pytest.raises(kind, match=reason):
        verify_package(copy, BOTH)


def test_source_that_does_not_fit_its_signature_is_not_packaged(tmp_path: Path) -> None:
    source = signed_source("digits_lenet", tmp_path / "source")
    source.write_bytes((GOLDEN / "lstm_tagger" / "model.dnn").read_bytes())
    with pytest.raises(IntegrityError, match=r"speaks of another artefact|no claim speaks"):
        packaged(source, tmp_path / "package")
    assert not (tmp_path / "package").exists()


def test_source_without_claims_is_stated_as_such(tmp_path: Path) -> None:
    package = packaged(GOLDEN / "digits_lenet" / "model.dnn", tmp_path / "package")
    chain = verify_package(package.path, CONVERTER_TRUSTED).chain
    assert chain.verified
    (conversion,) = chain.root.claims
    assert conversion.sources[0].claims == ()
    assert conversion.claim.statement.predicate["runDetails"]["cntkbridge_sourceVerified"] is False


def test_package_is_replaced_and_other_folders_are_not(tmp_path: Path) -> None:
    source = GOLDEN / "digits_lenet" / "model.dnn"
    first = packaged(source, tmp_path / "package")
    assert packaged(source, tmp_path / "package").path == first.path
    (tmp_path / "package" / "notes.txt").write_text("")
    with pytest.raises(WriteError, match="notes"):
        packaged(source, tmp_path / "package")


def test_package_of_packages_keeps_the_whole_history(made: Package) -> None:
    claims = read_claims((made.path / "claims.jsonl").read_bytes())
    assert claims_file([claim.data for claim in claims]) == (made.path / "claims.jsonl").read_bytes()
    assert read_history(made.path, BOTH).chain.verified
