"""Attempts on signatures: their bytes, whose they are, and what they are about."""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bridge.trust.bundle import read_bundle, sign_statement
from bridge.trust.digests import FileDigest
from bridge.trust.manifest import PREDICATE_TYPE, Manifest
from bridge.trust.model_signature import sign_model
from bridge.trust.signers import Signer
from bridge.trust.statement import Statement
from tests.trust.signed_models import DAY, NOW, Authority, fingerprint, new_key, root_digest
from tests.trust.tampering.attempt import attempt
from tests.trust.tampering.scene import CI, STRANGER, TEAM, Scene, edit_json, flip, policy_document, replace


@attempt("package", "the signature is removed", refused_by="signature", says="has no signature")
def _removed(scene: Scene) -> None:
    scene.signature.unlink()


@attempt("package", "the signature is emptied", refused_by="signature", says="is not JSON")
def _emptied(scene: Scene) -> None:
    os.truncate(scene.signature, 0)


@attempt("package", "the signature is cut in half", refused_by="signature", says="is not JSON")
def _halved(scene: Scene) -> None:
    os.truncate(scene.signature, scene.signature.stat().st_size // 2)


@attempt("package", "the signature is replaced by a pipe", refused_by="UnsafePathError", says="a pipe")
def _pipe(scene: Scene) -> None:
    scene.signature.unlink()
    os.mkfifo(scene.signature)


@attempt("package", "the signature is 65 MB long", refused_by="UnsafePathError", says="more than 67108864 bytes")
def _oversized(scene: Scene) -> None:
    os.truncate(scene.signature, (64 << 20) + 1)


def _edit(what: str, says: str, change: Callable[[dict[str, Any]], None]) -> None:
    @attempt("package", what, refused_by="signature", says=says)
    def act(scene: Scene) -> None:
        edit_json(scene.signature, change)


def _envelope(**members: Any) -> Callable[[dict[str, Any]], None]:
    return lambda bundle: bundle["dsseEnvelope"].update(members)


def _first(**members: Any) -> Callable[[dict[str, Any]], None]:
    return lambda bundle: bundle["dsseEnvelope"]["signatures"][0].update(members)


def _key(**members: Any) -> Callable[[dict[str, Any]], None]:
    return lambda bundle: bundle["verificationMaterial"]["publicKey"].update(members)


def _flip_base64(text: str, place: float) -> str:
    octets = bytearray(base64.b64decode(text))
    octets[int(place * (len(octets) - 1))] ^= 1
    return base64.b64encode(octets).decode()


def _flip_payload(bundle: dict[str, Any]) -> None:
    bundle["dsseEnvelope"]["payload"] = _flip_base64(bundle["dsseEnvelope"]["payload"], 0.5)


def _flip_signature(bundle: dict[str, Any]) -> None:
    signature = bundle["dsseEnvelope"]["signatures"][0]
    signature["sig"] = _flip_base64(signature["sig"], 0.9)


def _second_signature(bundle: dict[str, Any]) -> None:
    bundle["dsseEnvelope"]["signatures"] *= 2


def _loose_base64(bundle: dict[str, Any]) -> None:
    signature = bundle["dsseEnvelope"]["signatures"][0]
    signature["sig"] = signature["sig"][:10] + "\n" + signature["sig"][10:]


_edit("a bit of the signed statement is flipped", "is not one by the trusted", _flip_payload)
_edit("a bit of the signature's number is flipped", "is not one by the trusted", _flip_signature)
_edit("the signature's number is all zeros", "is not one by the trusted", _first(sig=base64.b64encode(bytes(70)).decode()))
_edit(
    "the key is named otherwise",
    "signed by the key with the hint",
    _key(hint="0" * 64),
)
_edit("no key and no certificate is named", "not one kind of signer", lambda bundle: bundle.update(verificationMaterial={}))
_edit("all signatures are taken away", "another number of signatures", _envelope(signatures=[]))
_edit("the signature stands there twice", "another number of signatures", _second_signature)
_edit("the payload's type is another", "another kind of payload", _envelope(payloadType="application/json"))
_edit("the payload is empty", "empty", _envelope(payload=""))
_edit("base64 with a line end in it", "not base64", _loose_base64)
_edit("an unknown member is added", "a member 'trust' that the format does not have", lambda b: b.update(trust=True))
_edit("a field is a megabyte long", "too long", _key(hint="a" * (1 << 20)))
_edit("a field has another type", "expected a string", _envelope(payload=7))
_edit("the bundle's kind is another", "another kind of bundle", lambda b: b.update(mediaType="application/json"))


@attempt("package", "a JSON key stands there twice", refused_by="signature", says="stands twice in one object")
def _twice(scene: Scene) -> None:
    replace(scene.signature, b'"dsseEnvelope":', b'"dsseEnvelope":{},"dsseEnvelope":')


@attempt("package", "the signature is UTF-16", refused_by="signature", says="is not UTF-8")
def _utf16(scene: Scene) -> None:
    scene.signature.write_bytes(scene.signature.read_text(encoding="utf-8").encode("utf-16"))


@attempt("package", "a number of a thousand digits is added", refused_by="signature", says="a number of 1000 characters")
def _long_number(scene: Scene) -> None:
    replace(scene.signature, b'"dsseEnvelope":', b'"x":' + b"1" * 1000 + b',"dsseEnvelope":')


@attempt("package", "JSON is nested ten thousand deep", refused_by="signature", says="nested too deeply")
def _deep(scene: Scene) -> None:
    replace(scene.signature, b'"dsseEnvelope":', b'"x":' + b"[" * 10_000 + b"]" * 10_000 + b',"dsseEnvelope":')


@attempt("package", "NaN stands in the signature", refused_by="signature", says="NaN is no JSON number")
def _nan(scene: Scene) -> None:
    replace(scene.signature, b'"dsseEnvelope":', b'"x":NaN,"dsseEnvelope":')


@attempt("package", "the package is signed by a stranger", refused_by="signature", says="not by the trusted key")
def _stranger(scene: Scene) -> None:
    scene.sign_package(STRANGER)


@attempt("package", "the package is signed by the key for sources", refused_by="role", says="of team, which may not")
def _other_role(scene: Scene) -> None:
    scene.sign_package(TEAM)


@attempt("package", "the key is revoked", refused_by="revoked-key", says="is revoked")
def _revoked_key(scene: Scene) -> None:
    scene.set_policy(revoked={"keys": [fingerprint(CI)]})


@attempt("package", "the package is revoked by its root digest", refused_by="revoked-digest", says="is revoked")
def _revoked_root(scene: Scene) -> None:
    statement = Statement.from_bytes(read_bundle(scene.signature.read_bytes()).payload)
    scene.set_policy(revoked={"digests": [statement.subject[0].digest["sha256"]]})


@attempt("package", "the signature of another package", refused_by="IntegrityError", says="expected")
def _of_another(scene: Scene) -> None:
    other = scene.folder / "other"
    shutil.copytree(scene.package, other)
    flip(other / "model.onnx", 0.5)
    scene.signature.write_bytes(sign_model(other, CI))


@attempt("package", "the signature of a single file of it", refused_by="IntegrityError", says="not signed")
def _of_a_part(scene: Scene) -> None:
    part = scene.folder / "part"
    part.mkdir()
    shutil.copy(scene.package / "model.onnx", part)
    scene.signature.write_bytes(sign_model(part, CI))


@attempt("package", "a signed claim in the signature's place", refused_by="signature", says="not the signature of a model")
def _claim_instead(scene: Scene) -> None:
    scene.signature.write_bytes(scene.claims.read_bytes().splitlines()[-1])


def _certified(scene: Scene, **certificates: Any) -> None:
    entry = {"certificates": {"roots": ["root.pem"], **certificates}}
    scene.set_policy(signers=policy_document()["signers"] | {"ci": entry})


@attempt("package", "the certificate has expired", refused_by="signature", says="expired")
def _expired(scene: Scene) -> None:
    scene.sign_package(Authority(scene.folder).signer("build@example.org", until=NOW - DAY))
    _certified(scene)


@attempt("package", "the certificate is on the revocation list", refused_by="signature", says="revoked")
def _revoked_certificate(scene: Scene) -> None:
    authority = Authority(scene.folder)
    signer = authority.signer("build@example.org")
    authority.revocation_list(signer)
    scene.sign_package(signer)
    _certified(scene, **{"revocation-lists": ["revoked.crl"]})


@attempt("package", "the certificate is under another root of the same name", refused_by="signature", says="ci:")
def _other_root(scene: Scene) -> None:
    place = scene.folder / "elsewhere"
    place.mkdir()
    scene.sign_package(Authority(place).signer("build@example.org"))
    _certified(scene)


@attempt("package", "the certificate is for somebody else", refused_by="signature", says="but none of email:build@example.org")
def _somebody_else(scene: Scene) -> None:
    scene.sign_package(Authority(scene.folder).signer("intern@example.org"))
    _certified(scene, identities=["email:build@example.org"])


@attempt("package", "a signer's certificate certifies another one", refused_by="signature", says="ci:")
def _leaf_as_authority(scene: Scene) -> None:
    authority = Authority(scene.folder)
    leaf = authority.signer("build@example.org")
    authority.key, authority.certificate = leaf.key._key, leaf.certificate
    forged = authority.signer("root@example.org")
    chain = [signer.verification_material()["x509CertificateChain"]["certificates"][0] for signer in (forged, leaf)]
    scene.sign_package(_Chained(forged, chain))
    _certified(scene)


class _Chained:
    """Signs as another signer, and shows another chain."""

    def __init__(self, signer: Signer, chain: list[dict[str, str]]) -> None:
        self._signer = signer
        self._chain = chain

    @property
    def identity(self) -> str:
        return self._signer.identity

    def sign(self, message: bytes) -> bytes:
        return self._signer.sign(message)

    def public_key_pem(self) -> bytes:
        return self._signer.public_key_pem()

    def verification_material(self) -> dict[str, Any]:
        return {"x509CertificateChain": {"certificates": self._chain}, "tlogEntries": []}


def _signed_list(what: str, says: str, files: list[tuple[str, str]], **members: Any) -> None:
    """An attempt by somebody who has the key: a signed list of files that means something else than it seems to."""

    @attempt("package", what, refused_by="signature", says=says)
    def act(scene: Scene) -> None:
        digests = tuple(FileDigest(name, "sha256", digest) for name, digest in files)
        statement = Manifest("sha256", None, (), digests).statement("package").to_json()
        statement.update(members)
        scene.signature.write_bytes(sign_statement(Statement.from_json(statement), CI))


_ONE, _TWO = "1" * 64, "2" * 64
_signed_list("a signed list that leads out of the folder", "not in canonical form", [("../../etc/passwd", _ONE)])
_signed_list("a signed list with an absolute path", "absolute", [("/etc/passwd", _ONE)])
_signed_list("a signed list with a name twice", "stands twice", [("model.onnx", _ONE), ("model.onnx", _TWO)])
_signed_list("a signed list out of order", "not sorted by name", [("b", _ONE), ("a", _TWO)])
_signed_list("a signed list without files", "a model without files", [])
_signed_list(
    "a signed list with another root digest",
    "not the digest of the resources",
    [("model.onnx", _ONE)],
    subject=[{"name": "package", "digest": {"sha256": _TWO}}],
)
_signed_list(
    "a signed list about two models",
    "another number of subjects",
    [("model.onnx", _ONE)],
    subject=[{"name": name, "digest": {"sha256": root_digest()}} for name in ("a", "b")],
)
_signed_list("a signed list of another kind", "not the signature of a model", [("a", _ONE)], predicateType=PREDICATE_TYPE + ".1")


@attempt("source", "the source's signature is removed", refused_by="signature", says="has no signature")
def _source_unsigned(scene: Scene) -> None:
    Path(f"{scene.source}.sig").unlink()


@attempt("source", "the source is signed by a stranger", refused_by="signature", says="not by the trusted key")
def _source_stranger(scene: Scene) -> None:
    Path(f"{scene.source}.sig").write_bytes(sign_model(scene.source, new_key()))


@attempt("source", "the source is signed by the key for packages", refused_by="role", says="of ci, which may not sign a source")
def _source_role(scene: Scene) -> None:
    Path(f"{scene.source}.sig").write_bytes(sign_model(scene.source, CI))


@attempt("source", "the package's signature beside the source", refused_by="role", says="of ci, which may not sign a source")
def _package_signature(scene: Scene) -> None:
    shutil.copy(scene.signature, f"{scene.source}.sig")


@attempt("source", "nobody is configured", refused_by="signers", says="nobody is configured who may sign a source")
def _nobody(scene: Scene) -> None:
    scene.set_policy(accept={"package": ["ci"]})
