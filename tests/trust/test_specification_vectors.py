"""The test vectors and schemas of the OpenSSF Model Signing specification, and signatures by every release of model_signing."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from bridge.errors import InvalidBundleError, SignatureError
from bridge.trust.bundle import read_bundle, sign_statement
from bridge.trust.certificates import load_trusted_roots
from bridge.trust.keys import KeySigner, TrustedKey, load_public_key
from bridge.trust.model_signature import sign_model, verify_model
from bridge.trust.signature_files import verify
from bridge.trust.signers import Verifier
from bridge.trust.statement import Statement, Subject
from tests.trust.authority import Holder, certify

_DATA = Path(__file__).parent / "data"
_VECTORS = _DATA / "specification-vectors"
_HISTORY = _DATA / "model-transparency"
_SIGNED = _HISTORY / "v1.1.0-elliptic-key"


def _key() -> Verifier:
    return load_public_key(_HISTORY / "signing-key-pub.pem")


def _root() -> Verifier:
    return load_trusted_roots([_HISTORY / "ca-cert.pem"])


def test_there_are_eight_vectors() -> None:
    assert len(list(_VECTORS.rglob("*.json"))) == 8


def test_valid_key_vector_verifies() -> None:
    assert verify(_SIGNED, _key(), signature=_VECTORS / "valid" / "key.bundle.json").identity.kind == "key"


def test_valid_certificate_vector_verifies() -> None:
    identity = verify(_SIGNED, _root(), signature=_VECTORS / "valid" / "certificate.bundle.json").identity
    assert (identity.kind, identity.name) == ("certificate", "CN=intermediate-ca")


def test_keyless_vector_is_refused_by_name() -> None:
    with pytest.raises(InvalidBundleError, match="keyless"):
        verify(_SIGNED, _key(), signature=_VECTORS / "valid" / "sigstore.bundle.json")


@pytest.mark.parametrize("path", sorted((_VECTORS / "invalid").iterdir()), ids=lambda path: path.name)
def test_invalid_vector_is_refused(path: Path) -> None:
    with pytest.raises(InvalidBundleError):
        verify(_SIGNED, _key(), signature=path)


def test_wrong_predicate_is_refused_whoever_signed_it(tmp_path: Path, signer: KeySigner, verifier: TrustedKey) -> None:
    path = _VECTORS / "invalid-payload" / "wrong-predicate.bundle.json"
    with pytest.raises(SignatureError):
        verify(_SIGNED, _key(), signature=path)
    statement = Statement.from_bytes(read_bundle(path.read_bytes()).payload)
    (tmp_path / "model.sig").write_bytes(sign_statement(statement, signer))
    with pytest.raises(InvalidBundleError, match="not the signature of a model"):
        verify(_SIGNED, verifier, signature=tmp_path / "model.sig")


@pytest.mark.parametrize("release", ["v0.3.1", "v1.0.0", "v1.0.1", "v1.1.0"])
@pytest.mark.parametrize("method", ["elliptic-key", "certificate"])
def test_signature_by_an_old_release_verifies(release: str, method: str) -> None:
    folder = _HISTORY / f"{release}-{method}"
    # The oldest two signed one file by key.
    single = method == "elliptic-key" and release in {"v0.3.1", "v1.0.0"}
    verified = verify(
        folder / "signme-1" if single else folder,
        _key() if method == "elliptic-key" else _root(),
        signature=folder / "model.sig",
        ignore=() if single else ["ignore-me"],
    )
    assert len(verified.files) == (1 if single else 2)


@pytest.mark.parametrize("release", ["v0.3.1", "v1.1.0"])
def test_changed_file_under_an_old_signature_is_refused(release: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(_HISTORY / f"{release}-certificate", folder)
    (folder / "signme-2").write_bytes(b"signme-3")
    with pytest.raises(Exception, match="signme-2: not what was signed"):
        verify(folder, _root(), ignore=["ignore-me"])


def test_signature_of_the_experimental_release_is_refused() -> None:
    # 0.2.0 signed something else than it showed, by a mistake that this project does not repeat.
    with pytest.raises(SignatureError):
        verify(_HISTORY / "v0.2.0-certificate", _root())


def _validators() -> tuple[Draft202012Validator, Draft202012Validator]:
    schemas = {path.name: json.loads(path.read_text()) for path in (_DATA / "specification-schemas").iterdir()}
    registry: Registry[Any] = Registry().with_resources(
        (schema["$id"], Resource.from_contents(schema)) for schema in schemas.values()
    )
    bundle, statement = schemas["bundle.schema.json"], schemas["statement.schema.json"]
    return Draft202012Validator(bundle, registry=registry), Draft202012Validator(statement, registry=registry)


def _certified(holder: Holder) -> Any:
    from bridge.trust.certificates import CertificateSigner

    return CertificateSigner(KeySigner(holder.ec_key), [holder.certificate])


@pytest.mark.parametrize("shard_size", [None, 1000])
@pytest.mark.parametrize("algorithm", ["sha256", "blake2b"])
@pytest.mark.parametrize("by_certificate", [False, True])
def test_what_we_sign_is_valid_under_the_schemas(
    shard_size: int | None, algorithm: str, by_certificate: bool, model: Path, signer: KeySigner
) -> None:
    chosen = _certified(certify("signer")) if by_certificate else signer
    data = sign_model(model, chosen, algorithm=algorithm, shard_size=shard_size, ignore=["notes"])
    bundle = json.loads(data)
    for_bundle, for_statement = _validators()
    for_bundle.validate(bundle)
    for_statement.validate(json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"])))


def test_provenance_has_no_place_in_the_predicate(model: Path, signer: KeySigner, verifier: TrustedKey) -> None:
    statement = Statement.from_bytes(read_bundle(sign_model(model, signer)).payload)
    extended = Statement(
        (Subject("model", dict(statement.subject[0].digest)),),
        statement.predicate_type,
        {**statement.predicate, "provenance": {}},
    )
    with pytest.raises(InvalidBundleError, match="'provenance'"):
        verify_model(model, sign_statement(extended, signer), verifier)
