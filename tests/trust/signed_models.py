"""Signed models, packages and policies for tests, made with real keys."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from bridge.trust.bundle import read_bundle, sign_statement
from bridge.trust.keys import KeySigner
from bridge.trust.manifest import read_manifest
from bridge.trust.model_signature import sign_model
from bridge.trust.policy.document import load_policy
from bridge.trust.policy.model import Policy
from bridge.trust.provenance.predicates import CONVERSION_BUILD, CONVERTER, SLSA_PROVENANCE, TEST_RESULT, TRAINER, TRAINING_BUILD
from bridge.trust.signers import Signer
from bridge.trust.statement import Statement, Subject

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


def new_key() -> KeySigner:
    """A fresh key on P-256."""
    return KeySigner(ec.generate_private_key(ec.SECP256R1()))


def fingerprint(signer: Signer) -> str:
    return hashlib.sha256(signer.public_key_pem()).hexdigest()


def write_public(folder: Path, name: str, signer: Signer) -> str:
    """The public half as ``<name>.pub`` in ``folder``; the file's name."""
    (folder / f"{name}.pub").write_bytes(signer.public_key_pem())
    return f"{name}.pub"


def write_policy(folder: Path, document: dict[str, Any], name: str = "policy.yaml") -> Path:
    place = folder / name
    place.write_text(yaml.safe_dump(document), encoding="utf-8")
    return place


def policy_trusting(folder: Path, signer: Signer, **more: Any) -> Policy:
    """A policy in ``folder`` by which ``signer`` may sign everything, with a store of versions of its own."""
    document = {
        "policy": 1,
        "signers": {"team": {"keys": [write_public(folder, "team", signer)]}},
        "accept": {"source": ["team"], "package": ["team"]},
        "versions": {"store": "versions.sqlite"},
    }
    return load_policy(write_policy(folder, document | more))


def signed_file(folder: Path, signer: Signer, content: bytes = b"the model", name: str = "model.dnn") -> Path:
    """A file with its signature beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(content)
    (folder / f"{name}.sig").write_bytes(sign_model(path, signer) + b"\n")
    return path


def signed_package(folder: Path, signer: Signer, files: dict[str, bytes] | None = None) -> Path:
    """A folder with ``model.sig`` and the claim that says how it was made."""
    for name, content in (files or {"model.onnx": b"graph", "model.onnx.data": b"weights", "reports/report.json": b"{}"}).items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    signature = sign_model(folder, signer)
    (folder / "model.sig").write_bytes(signature + b"\n")
    root = read_manifest(Statement.from_bytes(read_bundle(signature).payload)).root_digest
    (folder / "claims.jsonl").write_bytes(claims((made(root), signer)))
    return folder


def root_digest(*contents: bytes) -> str:
    """The root digest of files with these contents, in the order of their names."""
    return hashlib.sha256(b"".join(hashlib.sha256(content).digest() for content in contents)).hexdigest()


def training(root_sha256: str, *, model: str = "digits", version: str = "", at: dt.datetime = NOW) -> Statement:
    """How a model was trained, as ``bridge sign --provenance`` states it."""
    described = {"name": model, **({"version": version} if version else {})}
    predicate = {
        "buildDefinition": {"buildType": TRAINING_BUILD, "externalParameters": {}, "resolvedDependencies": []},
        "runDetails": {
            "builder": {"id": TRAINER},
            "metadata": {"finishedOn": at.strftime("%Y-%m-%dT%H:%M:%SZ")},
            "cntkbridge_model": {"model": described},
        },
    }
    return Statement((Subject(model, {"sha256": root_sha256}),), SLSA_PROVENANCE, predicate)


def made(root_sha256: str) -> Statement:
    """How a package was made, without a time and without a word about its source."""
    predicate = {
        "buildDefinition": {"buildType": CONVERSION_BUILD, "externalParameters": {}, "resolvedDependencies": []},
        "runDetails": {"builder": {"id": CONVERTER}},
    }
    return Statement((Subject("package", {"sha256": root_sha256}),), SLSA_PROVENANCE, predicate)


def evaluated(
    root_sha256: str, *, result: str = "PASSED", kind: str = "equivalence", devices: Sequence[str] = ("cpu",)
) -> Statement:
    """What a test found."""
    predicate = {"result": result, "configuration": [], "cntkbridge_kind": kind, "cntkbridge_summary": {"devices": list(devices)}}
    return Statement((Subject("model", {"sha256": root_sha256}),), TEST_RESULT, predicate)


def claims(*signed: tuple[Statement, Signer]) -> bytes:
    """The bytes of a ``claims.jsonl``."""
    return b"".join(sign_statement(statement, signer) + b"\n" for statement, signer in signed)


@dataclass
class CertifiedSigner:
    """Signs with a certificate, in force or not, which the project's own signer would refuse."""

    key: KeySigner
    certificate: x509.Certificate

    @property
    def identity(self) -> str:
        return self.certificate.subject.rfc4514_string()

    def sign(self, message: bytes) -> bytes:
        return self.key.sign(message)

    def public_key_pem(self) -> bytes:
        return self.key.public_key_pem()

    def verification_material(self) -> dict[str, Any]:
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        return {"x509CertificateChain": {"certificates": [{"rawBytes": base64.b64encode(der).decode()}]}, "tlogEntries": []}


class Authority:
    """A root certificate with its key."""

    def __init__(self, folder: Path, name: str = "Test root") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - 1000 * DAY)
            .not_valid_after(NOW + 1000 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_usage(ca=True), critical=True)
            .sign(self.key, hashes.SHA256())
        )
        self.path = folder / "root.pem"
        self.path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def signer(self, email: str, *, until: dt.datetime = NOW + 100 * DAY) -> CertifiedSigner:
        """Somebody with a certificate of this authority, valid until then."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, email)]))
            .issuer_name(self.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - 900 * DAY)
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(ca=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(x509.SubjectAlternativeName([x509.RFC822Name(email)]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return CertifiedSigner(KeySigner(key), certificate)

    def revocation_list(self, *revoked: CertifiedSigner) -> Path:
        """A list in force that names these certificates."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(NOW - DAY)
            .next_update(NOW + 30 * DAY)
        )
        for signer in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(serial_number(signer)).revocation_date(NOW - 2 * DAY).build()
            builder = builder.add_revoked_certificate(entry)
        path = self.path.with_name("revoked.crl")
        path.write_bytes(builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return path


def serial_number(signer: CertifiedSigner) -> int:
    """The serial number of the signer's certificate."""
    return signer.certificate.serial_number


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
