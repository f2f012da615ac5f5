"""bridge.trust.certificates and certificate_path: chains that hold, and every link that does not."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from bridge.errors import InvalidBundleError, InvalidKeyError, SignatureError
from bridge.trust.bundle import sign_statement, verify_bundle
from bridge.trust.certificate_path import find_path
from bridge.trust.certificates import CertificateSigner, TrustedRoots
from bridge.trust.keys import KeySigner, TrustedKey
from bridge.trust.signers import Identity, VerificationMaterial
from bridge.trust.statement import Statement, Subject
from tests.trust.authority import AUTHORITY, DAY, NOW, SIGNER, Extensions, Holder, certify, usage

_STATEMENT = Statement((Subject("m", {"sha256": "00"}),), "t", {})
_ROOT = certify("root", extensions=AUTHORITY)
_MIDDLE = certify("middle", by=_ROOT, extensions=AUTHORITY)


def _identity(leaf: Holder, *others: Holder, roots: Sequence[Holder] = (_ROOT,)) -> Identity:
    """Whom a signature by ``leaf``, with a chain of it and the others, is found to be by."""
    message = b"message"
    chain = tuple(holder.certificate.public_bytes(serialization.Encoding.DER) for holder in (leaf, *others))
    trusted = TrustedRoots([root.certificate for root in roots])
    signature = KeySigner(leaf.ec_key).sign(message)
    return trusted.verify(VerificationMaterial(certificates=chain), message, signature)


def test_chain_by_way_of_an_intermediate_authority_holds() -> None:
    names = x509.SubjectAlternativeName(
        [x509.RFC822Name("a@example.org"), x509.UniformResourceIdentifier("https://example.org/ci"), x509.DNSName("example.org")]
    )
    leaf = certify("signer", by=_MIDDLE, extensions=(*SIGNER, (names, False)))
    identity = _identity(leaf, _MIDDLE)
    assert identity.kind == "certificate"
    assert identity.name == "CN=signer"
    assert identity.alternative_names == ("email:a@example.org", "uri:https://example.org/ci", "dns:example.org")
    assert identity.not_after == leaf.certificate.not_valid_after_utc


def test_bundle_signed_with_a_certificate_verifies_under_its_root() -> None:
    leaf = certify("signer", by=_ROOT)
    bundle = sign_statement(_STATEMENT, CertificateSigner(KeySigner(leaf.ec_key), [leaf.certificate]))
    assert verify_bundle(bundle, TrustedRoots([_ROOT.certificate])).identity.name == "CN=signer"


def test_certificate_without_a_subject_goes_by_its_alternative_name() -> None:
    names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier("spiffe://example.org/trainer")])
    assert _identity(certify("", by=_ROOT, extensions=(*SIGNER, (names, True)))).name == "uri:spiffe://example.org/trainer"


def test_order_and_strangers_in_the_chain_do_not_matter() -> None:
    lower = certify("lower", by=_MIDDLE, extensions=AUTHORITY)
    leaf, stranger = certify("signer", by=lower), certify("stranger", extensions=AUTHORITY)
    assert _identity(leaf, stranger, _MIDDLE, lower, _ROOT).name == "CN=signer"


def test_intermediate_authority_may_be_trusted_without_its_root() -> None:
    assert _identity(certify("signer", by=_MIDDLE), roots=[_MIDDLE]).name == "CN=signer"


def test_pinned_certificate_is_trusted_by_itself() -> None:
    leaf = certify("signer")
    assert _identity(leaf, roots=[leaf]).name == "CN=signer"


def test_authorities_with_rsa_keys_are_accepted() -> None:
    root = certify("rsa root", extensions=AUTHORITY, key=rsa.generate_private_key(65537, 2048))
    assert _identity(certify("signer", by=root), roots=[root]).name == "CN=signer"


def test_renewed_root_of_the_same_name_is_told_apart_by_its_key() -> None:
    renewed = certify("root", extensions=AUTHORITY)
    assert _identity(certify("signer", by=renewed), roots=[_ROOT, renewed]).name == "CN=signer"
    with pytest.raises(SignatureError, match="does not lead to a trusted root"):
        _identity(certify("signer", by=renewed))


_CLIENT = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
_UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
_CONSTRAINTS = x509.NameConstraints(permitted_subtrees=[x509.DNSName("example.org")], excluded_subtrees=None)


@pytest.mark.parametrize(
    ("extensions", "reason"),
    [
        ((), "does not say that it is for signatures"),
        (((usage(key_agreement=True), True),), "its key usage does not include them"),
        (((usage(digital_signature=True), True), (_CLIENT, False)), "does not include code signing"),
        (((_CLIENT, False),), "does not include code signing"),
        (((x509.BasicConstraints(ca=True, path_length=None), True),), "is an authority's"),
        ((*SIGNER, (_UNKNOWN, True)), r"critical extension that is not supported: 1\.2\.3\.4"),
        ((*SIGNER, (_CONSTRAINTS, True)), "name constraints"),
    ],
)
def test_signer_s_certificate_for_something_else_is_refused(extensions: Extensions, reason: str) -> None:
    with pytest.raises(SignatureError, match=reason):
        _identity(certify("signer", by=_ROOT, extensions=extensions))


@pytest.mark.parametrize("extensions", [SIGNER[:1], SIGNER[1:], (*SIGNER, (_UNKNOWN, False))])
def test_either_usage_suffices_and_uncritical_extensions_do_not_matter(extensions: Extensions) -> None:
    assert _identity(certify("signer", by=_ROOT, extensions=extensions)).name == "CN=signer"


@pytest.mark.parametrize(
    ("extensions", "reason"),
    [
        (SIGNER, "is not an authority's"),
        (((x509.BasicConstraints(ca=False, path_length=None), True),), "is not an authority's"),
        ((AUTHORITY[0], (usage(digital_signature=True), True)), "is not for signing certificates"),
        ((*AUTHORITY, (_CLIENT, False)), "does not include code signing"),
        ((*AUTHORITY, (_CONSTRAINTS, True)), "name constraints"),
        ((*AUTHORITY, (_UNKNOWN, True)), "critical extension"),
    ],
)
def test_authority_that_may_not_sign_certificates_is_refused(extensions: Extensions, reason: str) -> None:
    middle = certify("middle", by=_ROOT, extensions=extensions)
    with pytest.raises(SignatureError, match=reason):
        _identity(certify("signer", by=middle), middle)


def test_length_of_path_is_enforced() -> None:
    root = certify("short root", extensions=((x509.BasicConstraints(ca=True, path_length=0), True), AUTHORITY[1]))
    middle = certify("middle", by=root, extensions=AUTHORITY)
    assert _identity(certify("signer", by=root), roots=[root]).name == "CN=signer"
    with pytest.raises(SignatureError, match="allows 0 authorities below it; there are 1"):
        _identity(certify("signer", by=middle), middle, roots=[root])


@pytest.mark.parametrize("level", ["signer", "middle", "root"])
@pytest.mark.parametrize(("start", "end", "word"), [(-20, -10, "expired"), (10, 20, "not yet valid")])
def test_every_certificate_of_the_chain_has_to_be_valid_now(level: str, start: int, end: int, word: str) -> None:
    def times(name: str) -> dict[str, object]:
        return {"start": NOW + start * DAY, "end": NOW + end * DAY} if name == level else {}

    root = certify("root", extensions=AUTHORITY, **times("root"))  # type: ignore[arg-type] # The two times.
    middle = certify("middle", by=root, extensions=AUTHORITY, **times("middle"))  # type: ignore[arg-type]
    leaf = certify("signer", by=middle, **times("signer"))  # type: ignore[arg-type]
    with pytest.raises(SignatureError, match=f"CN={level}.* is {word}"):
        _identity(leaf, middle, roots=[root])


def test_expired_certificate_holds_at_a_trusted_time() -> None:
    root = certify("root", extensions=AUTHORITY, start=NOW - 100 * DAY)
    leaf = certify("signer", by=root, start=NOW - 20 * DAY, end=NOW - 10 * DAY)
    assert find_path(leaf.certificate, [], [root.certificate], NOW - 15 * DAY) == (leaf.certificate, root.certificate)
    with pytest.raises(SignatureError, match="expired"):
        find_path(leaf.certificate, [], [root.certificate], NOW)


def test_forged_certificate_in_a_trusted_name_is_refused() -> None:
    forger = certify("root", extensions=AUTHORITY)
    with pytest.raises(SignatureError, match="does not lead to a trusted root"):
        _identity(certify("signer", by=forger), forger)


def test_signature_by_another_than_the_certified_key_is_refused() -> None:
    leaf = certify("signer", by=_ROOT)
    material = VerificationMaterial(certificates=(leaf.certificate.public_bytes(serialization.Encoding.DER),))
    signature = KeySigner(ec.generate_private_key(ec.SECP256R1())).sign(b"message")
    with pytest.raises(SignatureError, match="not one by the certificate of 'CN=signer'"):
        TrustedRoots([_ROOT.certificate]).verify(material, b"message", signature)


@pytest.mark.parametrize(
    "key",
    [rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256K1()), ec.generate_private_key(ec.SECP224R1())],
)
def test_signer_s_key_has_to_be_on_one_of_the_curves(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> None:
    leaf = certify("signer", by=_ROOT, key=key)
    with pytest.raises(SignatureError, match=r"no elliptic-curve key|a key on the curve"):
        find_path(leaf.certificate, [], [_ROOT.certificate], NOW)


def test_weak_authority_s_key_is_refused() -> None:
    weak = certify("weak root", extensions=AUTHORITY, key=rsa.generate_private_key(65537, 1024))  # noqa: S505 - That it is breakable is the point.
    with pytest.raises(SignatureError, match="does not lead to a trusted root"):
        _identity(certify("signer", by=weak), roots=[weak])


def test_rearrangements_of_equal_names_are_bounded() -> None:
    loops = [certify("loop", extensions=AUTHORITY) for _ in range(9)]
    leaf = certify("loop", by=loops[0])
    start = time.process_time()
    with pytest.raises(SignatureError, match=r"signatures to check|does not lead"):
        _identity(leaf, *loops)
    assert time.process_time() - start < 2


def test_bytes_that_are_no_certificate_are_refused() -> None:
    der = certify("signer", by=_ROOT).certificate.public_bytes(serialization.Encoding.DER)
    trusted = TrustedRoots([_ROOT.certificate])
    for octets in (b"noise", der[:-1], der + b"\x00", b"\x30\x80"):
        with pytest.raises(InvalidBundleError, match="certificate"):
            trusted.verify(VerificationMaterial(certificates=(octets,)), b"m", b"s")


def test_bare_key_and_certificate_do_not_stand_for_each_other(signer: KeySigner, verifier: TrustedKey) -> None:
    with pytest.raises(SignatureError, match="bare key"):
        verify_bundle(sign_statement(_STATEMENT, signer), TrustedRoots([_ROOT.certificate]))
    leaf = certify("signer", by=_ROOT)
    with pytest.raises(SignatureError, match="signed by a certificate"):
        verify_bundle(sign_statement(_STATEMENT, CertificateSigner(KeySigner(leaf.ec_key), [leaf.certificate])), verifier)


def test_certificate_of_another_key_or_time_cannot_sign() -> None:
    leaf, other = certify("signer", by=_ROOT), certify("other", by=_ROOT)
    with pytest.raises(InvalidKeyError, match="is for another key"):
        CertificateSigner(KeySigner(leaf.ec_key), [other.certificate])
    old = certify("signer", by=_ROOT, start=NOW - 2 * DAY, end=NOW - DAY)
    with pytest.raises(InvalidKeyError, match="expired"):
        CertificateSigner(KeySigner(old.ec_key), [old.certificate])


def test_no_roots_trust_nobody() -> None:
    with pytest.raises(InvalidKeyError, match="nobody is trusted"):
        TrustedRoots([])


def test_edwards_key_in_a_root_is_refused_and_does_not_crash() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "root")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    root = builder.not_valid_before(NOW - DAY).not_valid_after(NOW + DAY).sign(key, None)
    with pytest.raises(SignatureError, match="does not lead to a trusted root"):
        find_path(certify("signer", by=_ROOT).certificate, [], [root], NOW)
