"""bridge.trust.bundle and dsse: what is signed, and every part of a bundle that is not as published."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from bridge.errors import InvalidBundleError, SignatureError, TrustError
from bridge.trust.bundle import read_bundle, sign_statement, verify_bundle
from bridge.trust.dsse import pre_authentication_encoding
from bridge.trust.keys import KeySigner, TrustedKey
from bridge.trust.signers import any_of
from bridge.trust.statement import Statement, Subject

_STATEMENT = Statement((Subject("m", {"sha256": "00"}),), "https://example.org/p", {"ü": [1, 2.5, None]})


def test_encoding_is_that_of_the_dsse_protocol() -> None:
    # The example of the protocol's own text.
    encoded = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
def test_signed_statement_verifies_on_every_curve(curve: ec.EllipticCurve) -> None:
    key = ec.generate_private_key(curve)
    bundle = sign_statement(_STATEMENT, KeySigner(key))
    assert b"\n" not in bundle
    verified = verify_bundle(bundle, TrustedKey(key.public_key()))
    assert verified.statement == _STATEMENT
    assert verified.identity.name == KeySigner(key).identity
    assert verified.sha256 == read_bundle(bundle).sha256


def test_signature_by_another_key_is_refused(signer: KeySigner) -> None:
    stranger = TrustedKey(ec.generate_private_key(ec.SECP256R1()).public_key())
    with pytest.raises(SignatureError, match="not by the trusted key"):
        verify_bundle(sign_statement(_STATEMENT, signer), stranger)


def test_forged_hint_does_not_help(signer: KeySigner, verifier: TrustedKey) -> None:
    forged = json.loads(sign_statement(_STATEMENT, KeySigner(ec.generate_private_key(ec.SECP256R1()))))
    forged["verificationMaterial"] = signer.verification_material()
    with pytest.raises(SignatureError, match="not one by the trusted key"):
        verify_bundle(json.dumps(forged).encode(), verifier)


def test_any_of_several_keys_verifies_and_none_of_them_names_all(signer: KeySigner, verifier: TrustedKey) -> None:
    strangers = [TrustedKey(ec.generate_private_key(ec.SECP256R1()).public_key()) for _ in range(2)]
    bundle = sign_statement(_STATEMENT, signer)
    assert verify_bundle(bundle, any_of([*strangers, verifier])).identity.fingerprint == verifier.fingerprint
    with pytest.raises(SignatureError, match=f"(?s){strangers[0].fingerprint}.*{strangers[1].fingerprint}"):
        verify_bundle(bundle, any_of(strangers))
    with pytest.raises(SignatureError, match="nobody is trusted"):
        verify_bundle(bundle, any_of([]))


def _set(*path: str | int, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(bundle: dict[str, Any]) -> None:
        node: Any = bundle
        for step in path[:-1]:
            node = node[step]
        node[path[-1]] = to

    return change


def _other_alphabet(bundle: dict[str, Any]) -> None:
    bundle["dsseEnvelope"]["payload"] = "-_" + bundle["dsseEnvelope"]["payload"]


_CHANGES: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "media type": (_set("mediaType", to="application/vnd.dev.sigstore.bundle.v0.2+json"), "mediaType"),
    "media type of another kind": (_set("mediaType", to=3), "mediaType"),
    "unknown member": (_set("extra", to=1), ""),
    "no envelope": (lambda bundle: bundle.pop("dsseEnvelope"), "dsseEnvelope"),
    "no material": (lambda bundle: bundle.pop("verificationMaterial"), "verificationMaterial"),
    "payload type": (_set("dsseEnvelope", "payloadType", to="text/plain"), "dsseEnvelope.payloadType"),
    "no base64": (_set("dsseEnvelope", "payload", to="$$$$"), "dsseEnvelope.payload"),
    "base64 without padding": (_set("dsseEnvelope", "payload", to="YQ"), "dsseEnvelope.payload"),
    "base64 with stray bits": (_set("dsseEnvelope", "payload", to="YR=="), "dsseEnvelope.payload"),
    "base64 in two alphabets": (_other_alphabet, "dsseEnvelope.payload"),
    "empty payload": (_set("dsseEnvelope", "payload", to=""), "dsseEnvelope.payload"),
    "no signature": (_set("dsseEnvelope", "signatures", to=[]), "dsseEnvelope.signatures"),
    "signatures of another kind": (_set("dsseEnvelope", "signatures", to={}), "dsseEnvelope.signatures"),
    "signature with another member": (_set("dsseEnvelope", "signatures", 0, "x", to=1), "dsseEnvelope.signatures[0]"),
    "long signature": (_set("dsseEnvelope", "signatures", 0, "sig", to="AAAA" * 1000), "dsseEnvelope.signatures[0].sig"),
    "no kind of signer": (_set("verificationMaterial", to={"tlogEntries": []}), "verificationMaterial"),
    "unknown material": (_set("verificationMaterial", "x", to=1), "verificationMaterial"),
    "two kinds of signers": (_set("verificationMaterial", "certificate", to={"rawBytes": "AAAA"}), "verificationMaterial"),
    "keyless": (_set("verificationMaterial", to={"certificate": {"rawBytes": "AAAA"}}), "verificationMaterial.certificate"),
    "empty chain": (
        _set("verificationMaterial", to={"x509CertificateChain": {"certificates": []}}),
        "verificationMaterial.x509CertificateChain.certificates",
    ),
    "long chain": (
        _set("verificationMaterial", to={"x509CertificateChain": {"certificates": [{"rawBytes": "AAAA"}] * 11}}),
        "verificationMaterial.x509CertificateChain.certificates",
    ),
}


@pytest.mark.parametrize("name", _CHANGES)
def test_bundle_of_unsound_form_is_refused_by_field(name: str, signer: KeySigner) -> None:
    change, field = _CHANGES[name]
    bundle = json.loads(sign_statement(_STATEMENT, signer))
    change(bundle)
    with pytest.raises(InvalidBundleError) as caught:
        read_bundle(json.dumps(bundle).encode())
    assert caught.value.field == field


def test_second_signature_is_refused(signer: KeySigner, verifier: TrustedKey) -> None:
    bundle = json.loads(sign_statement(_STATEMENT, signer))
    bundle["dsseEnvelope"]["signatures"] *= 2
    with pytest.raises(InvalidBundleError, match=r"another number of signatures.*found 2"):
        verify_bundle(json.dumps(bundle).encode(), verifier)


@pytest.mark.parametrize("keyid", ["", None, "anything"])
def test_keyid_plays_no_part(keyid: str | None, signer: KeySigner, verifier: TrustedKey) -> None:
    bundle = json.loads(sign_statement(_STATEMENT, signer))
    bundle["dsseEnvelope"]["signatures"][0]["keyid"] = keyid
    assert verify_bundle(json.dumps(bundle).encode(), verifier).statement == _STATEMENT


def test_payload_in_the_url_alphabet_is_read(signer: KeySigner, verifier: TrustedKey) -> None:
    # DSSE allows either alphabet. This payload has characters that they write differently.
    statement = Statement((Subject("m", {"sha256": "00"}),), "t", {"a": "~~~???>>>"})
    bundle = json.loads(sign_statement(statement, signer))
    payload = base64.b64decode(bundle["dsseEnvelope"]["payload"])
    bundle["dsseEnvelope"]["payload"] = base64.urlsafe_b64encode(payload).decode()
    assert bundle["dsseEnvelope"]["payload"] != base64.b64encode(payload).decode()
    assert verify_bundle(json.dumps(bundle).encode(), verifier).statement == statement


def test_every_flipped_bit_of_payload_and_signature_is_refused(signer: KeySigner, verifier: TrustedKey) -> None:
    bundle = json.loads(sign_statement(_STATEMENT, signer))
    envelope = bundle["dsseEnvelope"]
    for holder, name in ((envelope, "payload"), (envelope["signatures"][0], "sig")):
        octets = base64.b64decode(holder[name])
        original = holder[name]
        for bit in range(0, len(octets) * 8, 5):
            changed = bytearray(octets)
            changed[bit // 8] ^= 1 << bit % 8
            holder[name] = base64.b64encode(changed).decode()
            with pytest.raises(TrustError):
                verify_bundle(json.dumps(bundle).encode(), verifier)
        holder[name] = original
    assert verify_bundle(json.dumps(bundle).encode(), verifier).statement == _STATEMENT
