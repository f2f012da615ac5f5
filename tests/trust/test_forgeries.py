"""Signatures that are nearly right: other encodings, other curves, other numbers, and other readings of one text."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from bridge.errors import ForgedSignatureError, InvalidBundleError
from bridge.trust.bundle import sign_statement, verify_bundle
from bridge.trust.dsse import pre_authentication_encoding
from bridge.trust.keys import KeySigner, TrustedKey
from bridge.trust.statement import PAYLOAD_TYPE, Statement, Subject

_STATEMENT = Statement((Subject("m", {"sha256": "00"}),), "https://example.org/p", {"says": "this"})
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256

Bundle = dict[str, Any]
Change = Callable[[bytes], bytes]


def _made(curve: ec.EllipticCurve | None = None) -> tuple[Bundle, KeySigner, TrustedKey]:
    key = ec.generate_private_key(curve or ec.SECP256R1())
    signer = KeySigner(key)
    return json.loads(sign_statement(_STATEMENT, signer)), signer, TrustedKey(key.public_key())


def _signature(bundle: Bundle) -> bytes:
    return base64.b64decode(bundle["dsseEnvelope"]["signatures"][0]["sig"])


def _put(bundle: Bundle, signature: bytes) -> None:
    bundle["dsseEnvelope"]["signatures"][0]["sig"] = base64.b64encode(signature).decode()


def _ber(signature: bytes) -> bytes:
    """The same numbers with lengths and zeros that DER does not allow."""
    numbers = (b"\0\0\0" + number.to_bytes(32) for number in decode_dss_signature(signature))
    body = b"".join(b"\x02\x81" + bytes([len(number)]) + number for number in numbers)
    return b"\x30\x81" + bytes([len(body)]) + body


_OTHER_SIGNATURES: dict[str, Change] = {
    "bytes behind it": lambda signature: signature + b"\0\0",
    "lengths that are not DER": _ber,
    "r is zero": lambda signature: encode_dss_signature(0, decode_dss_signature(signature)[1]),
    "s is zero": lambda signature: encode_dss_signature(decode_dss_signature(signature)[0], 0),
    "both are zero": lambda _: encode_dss_signature(0, 0),
    "r is the order of the curve": lambda signature: encode_dss_signature(_ORDER, decode_dss_signature(signature)[1]),
    "s is greater by the order": lambda signature: encode_dss_signature(
        decode_dss_signature(signature)[0], decode_dss_signature(signature)[1] + _ORDER
    ),
    "numbers in the other order": lambda signature: encode_dss_signature(*reversed(decode_dss_signature(signature))),
    "negative numbers": lambda _: bytes.fromhex("30060201fb020107"),
    "numbers without their frame": lambda signature: b"".join(number.to_bytes(32) for number in decode_dss_signature(signature)),
}


@pytest.mark.parametrize("change", _OTHER_SIGNATURES)
def test_signature_in_another_form_or_of_other_numbers_is_forged(change: str) -> None:
    bundle, _, trusted = _made()
    _put(bundle, _OTHER_SIGNATURES[change](_signature(bundle)))
    with pytest.raises(ForgedSignatureError, match="not one by the trusted key"):
        verify_bundle(json.dumps(bundle).encode(), trusted)


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
def test_key_of_any_curve_under_the_hint_of_another_is_forged(curve: ec.EllipticCurve) -> None:
    bundle, _, _ = _made(curve)
    _, signer, trusted = _made()
    bundle["verificationMaterial"] = signer.verification_material()
    with pytest.raises(ForgedSignatureError):
        verify_bundle(json.dumps(bundle).encode(), trusted)


def test_key_that_a_bundle_brings_along_is_not_used() -> None:
    bundle, stranger, _ = _made()
    _, signer, trusted = _made()
    bundle["verificationMaterial"] = signer.verification_material()
    bundle["verificationMaterial"]["publicKey"]["rawBytes"] = base64.b64encode(stranger.public_key_pem()).decode()
    with pytest.raises(ForgedSignatureError):
        verify_bundle(json.dumps(bundle).encode(), trusted)


def test_signature_has_a_twin_which_says_the_same_and_has_another_digest() -> None:
    """ECDSA accepts s and n - s. So a bundle is not revoked by its digest alone: revoke what it signs, or its key."""
    bundle, _, trusted = _made()
    before = verify_bundle(json.dumps(bundle).encode(), trusted)
    r, s = decode_dss_signature(_signature(bundle))
    _put(bundle, encode_dss_signature(r, _ORDER - s))
    after = verify_bundle(json.dumps(bundle).encode(), trusted)
    assert after.statement == before.statement
    assert after.sha256 != before.sha256


_OTHER_TEXTS: dict[str, tuple[Callable[[str], str], str]] = {
    "payload type in capitals": (lambda text: text.replace("vnd.in-toto+json", "vnd.in-toto+JSON"), "another kind of payload"),
    "blanks in base64": (lambda text: text.replace('"payload": "', '"payload": " '), "not base64 in its canonical form"),
    "line end in base64": (lambda text: text.replace('"payload": "', '"payload": "\\n'), "not base64 in its canonical form"),
    "second payload": (lambda text: text.replace('"payload": ', '"payload": "e30=", "payload": '), "stands twice"),
    "second payload, escaped": (
        lambda text: text.replace('"payload": ', '"p\\u0061yload": "e30=", "payload": '),
        "stands twice",
    ),
    "second envelope": (lambda text: text.replace('{"mediaType"', '{"dsseEnvelope": {}, "mediaType"', 1), "stands twice"),
    "member of another name": (lambda text: text.replace('{"mediaType"', '{"DsseEnvelope": {}, "mediaType"', 1), "a member"),
    "mark of byte order": (lambda text: "\ufeff" + text, "not JSON"),
    "text behind it": (lambda text: text + "{}", "not JSON"),
}


@pytest.mark.parametrize("change", _OTHER_TEXTS)
def test_text_that_two_readers_could_read_in_two_ways_is_refused(change: str) -> None:
    bundle, _, trusted = _made()
    act, reason = _OTHER_TEXTS[change]
    with pytest.raises(InvalidBundleError, match=reason):
        verify_bundle(act(json.dumps(bundle)).encode(), trusted)


def test_signed_statement_with_a_key_that_stands_twice_is_refused() -> None:
    bundle, signer, trusted = _made()
    payload = _STATEMENT.to_bytes().replace(b'"says":"this"', b'"says":"that","says":"this"')
    bundle["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()
    _put(bundle, signer.sign(pre_authentication_encoding(PAYLOAD_TYPE, payload)))
    with pytest.raises(InvalidBundleError, match="'says' stands twice") as caught:
        verify_bundle(json.dumps(bundle).encode(), trusted)
    assert caught.value.field == "predicate"
