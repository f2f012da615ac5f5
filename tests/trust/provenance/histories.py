"""Chains of claims, made with real keys: a model that was trained and signed, and packages that were converted from it."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from bridge.trust.bundle import sign_statement
from bridge.trust.digests import FileDigest
from bridge.trust.keys import KeySigner, TrustedKey
from bridge.trust.manifest import Manifest
from bridge.trust.provenance.authorship import Authorship
from bridge.trust.provenance.claims import Claim, claims_file, read_claims
from bridge.trust.provenance.conversion import Conversion, Origin, conversion_statement
from bridge.trust.provenance.description import Description
from bridge.trust.provenance.environment import Environment
from bridge.trust.provenance.evaluation import Evaluation, evaluation_statement
from bridge.trust.provenance.resource import Resource
from bridge.trust.provenance.training import TrainingFacts, training_statement
from bridge.trust.signers import Signer, Verifier, any_of

THEN = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


def new_key() -> tuple[KeySigner, TrustedKey]:
    """A private key, and trust in its public half."""
    key = ec.generate_private_key(ec.SECP256R1())
    return KeySigner(key), TrustedKey(key.public_key())


TRAINER, TRAINER_TRUSTED = new_key()
CONVERTER, CONVERTER_TRUSTED = new_key()
STRANGER, _ = new_key()
BOTH: Verifier = any_of([TRAINER_TRUSTED, CONVERTER_TRUSTED])

FILE_SHA256 = hashlib.sha256(b"the model's bytes").hexdigest()
MODEL = hashlib.sha256(bytes.fromhex(FILE_SHA256)).hexdigest()
PACKAGE = hashlib.sha256(b"the package").hexdigest()
GRANDCHILD = hashlib.sha256(b"the package's own package").hexdigest()

FACTS = TrainingFacts(
    authorship=Authorship("2026-02-28T10:00:00Z", name="Ada"),
    environment=Environment("3.6.15", "CPython", "Linux", "x86_64", (("cntk", "2.7"),), "training interpreter"),
    description=Description(model={"name": "digits", "version": "1.4", "licence": "MIT"}, limitations=("Digits alone.",)),
)


def signature_of(name: str, file_sha256: str, signer: Signer) -> bytes:
    """The OMS signature of a single file with this digest."""
    manifest = Manifest("sha256", None, (), (FileDigest(name, "sha256", file_sha256),))
    return sign_statement(manifest.statement(name), signer)


def trained(signer: Signer = TRAINER) -> list[bytes]:
    """The claims about the model: its training, and its signature."""
    return [sign_statement(training_statement("model.dnn", MODEL, FACTS), signer), signature_of("model.dnn", FILE_SHA256, signer)]


def evaluated(root: str, signer: Signer = CONVERTER, *, kind: str = "equivalence") -> bytes:
    """The claim that an artefact passed a test."""
    report = Resource("reports/equivalence.json", digest={"sha256": "ab" * 32})
    return sign_statement(evaluation_statement("package", root, Evaluation(kind, (report,), passed=("case on cpu",))), signer)


@dataclass(frozen=True)
class Made:
    """An artefact and the lines of its claims."""

    root: str
    lines: list[bytes]

    def claims(self) -> tuple[Claim, ...]:
        return read_claims(claims_file(self.lines))


def converted(
    source_root: str = MODEL, inherited: list[bytes] | None = None, root: str = PACKAGE, signer: Signer = CONVERTER
) -> Made:
    """An artefact that was converted from another one: what was inherited, a test, and the conversion's own claim."""
    before = trained() if inherited is None else inherited
    origin = Origin("model.dnn", FILE_SHA256, source_root, read_claims(claims_file(before)))
    conversion = Conversion(origin, {"target": "onnx", "fold": True}, 17, "v2", False, THEN, THEN)
    test = evaluated(root, signer)
    own = sign_statement(conversion_statement("package", root, conversion, accompanying=[("test", test)]), signer)
    return Made(root, [*before, test, own])
