"""Sigstore bundles, version 0.3: a DSSE envelope with one signature, and what is needed to verify it.

Two of the three kinds of verification material are understood: a public key, named by its hint, and a chain of X.509
certificates. The third, Sigstore's keyless kind, needs its transparency log and is refused by name.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from bridge.errors import InvalidBundleError
from bridge.trust.dsse import pre_authentication_encoding
from bridge.trust.json_members import Members
from bridge.trust.signers import Identity, Signer, VerificationMaterial, Verifier
from bridge.trust.statement import PAYLOAD_TYPE, Statement
from bridge.trust.strict_json import JsonLimits, parse

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"

BUNDLE_LIMITS = JsonLimits()
"""A bundle of 64 MiB lists a quarter of a million files."""

_SIGNATURE_BYTES = 1 << 10  # ECDSA over P-521 takes 139
_CERTIFICATE_BYTES = 64 << 10
_CHAIN_LENGTH = 10


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle of sound form. Nothing in it is verified."""

    payload_type: str
    payload: bytes
    signature: bytes
    material: VerificationMaterial
    sha256: str  # of the bundle's own bytes, in hexadecimal


@dataclass(frozen=True, slots=True)
class VerifiedStatement:
    """A statement, and who signed it.

    ``sha256`` is the digest of the bundle's bytes, in hexadecimal, and ``payload_sha256`` that of the signed bytes in it: the
    same statement by the same signer can stand in bundles of other bytes.
    """

    statement: Statement
    identity: Identity
    sha256: str
    payload_sha256: str


def sign_statement(statement: Statement, signer: Signer) -> bytes:
    """One bundle, as compact JSON on one line without a line end."""
    payload = statement.to_bytes()
    signature = signer.sign(pre_authentication_encoding(PAYLOAD_TYPE, payload))
    bundle = {
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": signer.verification_material(),
        "dsseEnvelope": {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"sig": base64.b64encode(signature).decode(), "keyid": ""}],
        },
    }
    return json.dumps(bundle, separators=(",", ":")).encode()


def verify_bundle(data: bytes, verifier: Verifier) -> VerifiedStatement:
    """The statement in a bundle, once its signature holds.

    Raises ``InvalidBundleError`` for a bundle or statement of unsound form, ``SignatureError`` if nobody who is trusted
    signed it.
    """
    bundle = read_bundle(data)
    message = pre_authentication_encoding(bundle.payload_type, bundle.payload)
    identity = verifier.verify(bundle.material, message, bundle.signature)
    return VerifiedStatement(
        Statement.from_bytes(bundle.payload), identity, bundle.sha256, hashlib.sha256(bundle.payload).hexdigest()
    )


def read_bundle(data: bytes) -> Bundle:
    """A bundle's parts, with nothing verified yet. Raises ``InvalidBundleError`` with the path of the member at fault."""
    members = Members(parse(data, what="the bundle", limits=BUNDLE_LIMITS))
    members.only("mediaType", "verificationMaterial", "dsseEnvelope")
    media_type = members.text("mediaType")
    if media_type != MEDIA_TYPE:
        raise InvalidBundleError("another kind of bundle", field="mediaType", expected=MEDIA_TYPE, found=ascii(media_type[:200]))
    envelope = members.object("dsseEnvelope")
    envelope.only("payload", "payloadType", "signatures")
    payload_type = envelope.text("payloadType")
    if payload_type != PAYLOAD_TYPE:
        raise InvalidBundleError(
            "another kind of payload", field="dsseEnvelope.payloadType", expected=PAYLOAD_TYPE, found=ascii(payload_type[:200])
        )
    return Bundle(
        payload_type=payload_type,
        payload=_octets(envelope, "payload", most=BUNDLE_LIMITS.bytes),
        signature=_signature(envelope),
        material=_material(members.object("verificationMaterial")),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _signature(envelope: Members) -> bytes:
    signatures = envelope.objects("signatures")
    # Which of several would have to hold is a question that readers answer differently.
    if len(signatures) != 1:
        raise InvalidBundleError(
            "another number of signatures", field=envelope.at("signatures"), expected="exactly 1", found=str(len(signatures))
        )
    signature = signatures[0]
    signature.only("sig", "keyid")
    return _octets(signature, "sig", most=_SIGNATURE_BYTES)


def _material(members: Members) -> VerificationMaterial:
    members.only("publicKey", "x509CertificateChain", "certificate", "tlogEntries", "timestampVerificationData")
    kinds = [kind for kind in ("publicKey", "x509CertificateChain", "certificate") if kind in members]
    if kinds == ["publicKey"]:
        key = members.object("publicKey")
        # Bundles before model_signing 1.1.0 have rawBytes and keyDetails.
        key.only("hint", "rawBytes", "keyDetails")
        return VerificationMaterial(
            hint=key.text("hint", most=1 << 10) if "hint" in key else None,
            raw_key=_octets(key, "rawBytes", most=_CERTIFICATE_BYTES) if "rawBytes" in key else None,
        )
    if kinds == ["x509CertificateChain"]:
        return VerificationMaterial(certificates=_chain(members.object("x509CertificateChain")))
    if kinds == ["certificate"]:
        raise InvalidBundleError(
            "a keyless signature of Sigstore, which is not supported",
            field=members.at("certificate"),
            expected="publicKey or x509CertificateChain",
        )
    raise InvalidBundleError(
        "not one kind of signer",
        field=members.path,
        expected="publicKey or x509CertificateChain",
        found=" and ".join(kinds) or "none",
    )


def _chain(members: Members) -> tuple[bytes, ...]:
    members.only("certificates")
    certificates = members.objects("certificates")
    if not 1 <= len(certificates) <= _CHAIN_LENGTH:
        raise InvalidBundleError(
            "another number of certificates",
            field=members.at("certificates"),
            expected=f"1 to {_CHAIN_LENGTH}",
            found=str(len(certificates)),
        )
    for certificate in certificates:
        certificate.only("rawBytes")
    return tuple(_octets(certificate, "rawBytes", most=_CERTIFICATE_BYTES) for certificate in certificates)


def _octets(members: Members, name: str, *, most: int) -> bytes:
    """Base64, in either alphabet as DSSE allows, in its one canonical form: otherwise a bit could flip unseen."""
    text = members.text(name, most=(most + 2) // 3 * 4)
    alphabet: Any = base64.urlsafe_b64decode if "-" in text or "_" in text else base64.standard_b64decode
    encode: Any = base64.urlsafe_b64encode if "-" in text or "_" in text else base64.standard_b64encode
    try:
        octets: bytes = alphabet(text)
    except (binascii.Error, ValueError) as error:
        raise InvalidBundleError("not base64", field=members.at(name)) from error
    if encode(octets) != text.encode():
        raise InvalidBundleError("not base64 in its canonical form", field=members.at(name))
    if not octets:
        raise InvalidBundleError("empty", field=members.at(name))
    return octets
