"""bridge.trust.pkcs11: keys on a real token of SoftHSM, and the URIs that name them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from bridge.errors import IntegrityError, InvalidKeyError, InvalidOptionError
from bridge.trust.certificates import CertificateSigner, TrustedRoots
from bridge.trust.keys import TrustedKey, parse_public_key
from bridge.trust.model_signature import sign_model, verify_model
from bridge.trust.pkcs11 import Pkcs11Signer, load_pkcs11_signer
from bridge.trust.pkcs11_uri import Pkcs11Uri
from tests.trust.authority import AUTHORITY, Holder, certify
from tests.trust.peers import model_signing, needs_model_signing

_LIBRARIES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm.so", "/usr/lib64/pkcs11/libsofthsm2.so")
_LIBRARY = next((path for path in _LIBRARIES if Path(path).exists()), None)
_SOFTHSM = shutil.which("softhsm2-util")
_PIN = "1234 geheim"
_CURVE_OF = {"small": "secp256r1", "large": "secp384r1", "other": "secp256k1"}


@dataclass(frozen=True)
class Token:
    """A token with a key on each curve, called as in ``_CURVE_OF``."""

    folder: Path

    def uri(self, label: str, *, name: str = "models", pin_source: str = "pin") -> str:
        return f"pkcs11:token={name};object={label}?module-path={_LIBRARY}&pin-source={self.folder / pin_source}"


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Token]:
    if _SOFTHSM is None or _LIBRARY is None:
        pytest.skip("SoftHSM is not installed: ./dev test does it on Debian")
    pkcs11 = pytest.importorskip("pkcs11", reason="the extra hsm is not installed")
    from pkcs11.util.ec import encode_named_curve_parameters

    folder = tmp_path_factory.mktemp("token")
    (folder / "tokens").mkdir()
    (folder / "pin").write_text(f"{_PIN}\n")
    (folder / "wrong").write_text("4321\n")
    (folder / "conf").write_text(f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n")
    with pytest.MonkeyPatch.context() as patch:
        # The library reads it when it is initialised, in this process and in those that are started.
        patch.setenv("SOFTHSM2_CONF", str(folder / "conf"))
        command = [_SOFTHSM, "--init-token", "--free", "--label", "models", "--pin", _PIN, "--so-pin", "12345678"]
        subprocess.run(command, check=True, capture_output=True)
        with pkcs11.lib(_LIBRARY).get_token(token_label="models").open(rw=True, user_pin=_PIN) as session:  # noqa: S106
            for number, (label, curve) in enumerate(_CURVE_OF.items()):
                named = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters(curve)}
                parameters = session.create_domain_parameters(pkcs11.KeyType.EC, named, local=True)
                parameters.generate_keypair(label=label, id=bytes([number]), store=True)
        yield Token(folder)


@contextmanager
def _on(token: Token, label: str) -> Iterator[Pkcs11Signer]:
    signer = load_pkcs11_signer(token.uri(label))
    try:
        yield signer
    finally:
        signer.close()


@pytest.mark.parametrize("label", ["small", "large"])
def test_key_on_a_token_signs(label: str, token: Token, model: Path) -> None:
    with _on(token, label) as signer:
        verifier = TrustedKey(parse_public_key(signer.public_key_pem(), what="the token's"))
        bundle = sign_model(model, signer)
    assert verify_model(model, bundle, verifier).identity.name == signer.identity
    (model / "config.json").write_bytes(b"[]")
    with pytest.raises(IntegrityError):
        verify_model(model, bundle, verifier)


@pytest.mark.slow
@needs_model_signing
def test_signatures_by_a_token_are_accepted_by_model_signing(token: Token, model: Path, tmp_path: Path) -> None:
    for label in ("small", "large"):
        with _on(token, label) as signer:
            (tmp_path / "key.pub").write_bytes(signer.public_key_pem())
            (tmp_path / "sig").write_bytes(sign_model(model, signer))
        arguments = ("verify", "key", "--public_key", tmp_path / "key.pub", "--signature", tmp_path / "sig", model)
        assert "Verification succeeded" in model_signing(*arguments).stdout


def _certified(pem: bytes, by: Holder) -> x509.Certificate:
    """A certificate for a key of which only the public half is at hand."""
    template = certify("token", by=by).certificate
    public = parse_public_key(pem, what="the token's")
    builder = x509.CertificateBuilder().subject_name(template.subject).issuer_name(template.issuer).public_key(public)
    builder = builder.serial_number(5).not_valid_before(template.not_valid_before_utc)
    builder = builder.not_valid_after(template.not_valid_after_utc)
    for extension in template.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(by.key, hashes.SHA256())


def test_key_on_a_token_signs_with_its_certificate(token: Token, model: Path) -> None:
    root = certify("root", extensions=AUTHORITY)
    with _on(token, "small") as signer:
        certificate = _certified(signer.public_key_pem(), root)
        bundle = sign_model(model, CertificateSigner(signer, [certificate]))
    assert verify_model(model, bundle, TrustedRoots([root.certificate])).identity.name == "CN=token"
    with _on(token, "large") as signer, pytest.raises(InvalidKeyError, match="is for another key"):
        CertificateSigner(signer, [certificate])


def test_command_signs_with_the_pin_in_the_environment(token: Token, model: Path) -> None:
    command = [sys.executable, "-c", "from bridge.cli import main; main()", "sign", str(model), "--pkcs11-uri"]
    command.append(token.uri("small").partition("&")[0])
    made = subprocess.run(command, check=False, capture_output=True, text=True, env={**os.environ, "BRIDGE_PKCS11_PIN": _PIN})
    assert made.returncode == 0, made.stderr
    with _on(token, "small") as signer:
        verifier = TrustedKey(parse_public_key(signer.public_key_pem(), what="the token's"))
    assert verify_model(model, (model / "model.sig").read_bytes(), verifier).name == "model"


@pytest.mark.parametrize(
    ("choice", "kind", "reason"),
    [
        ({"label": "small", "pin_source": "wrong"}, InvalidKeyError, "PinIncorrect"),
        ({"label": "small", "name": "unknown"}, InvalidKeyError, "no token fit"),
        ({"label": "unknown"}, InvalidKeyError, "no elliptic-curve key of that label"),
        ({"label": "other"}, InvalidKeyError, "a key on the curve secp256k1"),
        ({"label": "small", "pin_source": "nothing"}, InvalidOptionError, "No such file"),
    ],
)
def test_token_that_cannot_sign_is_refused_with_the_reason(
    choice: dict[str, str], kind: type[Exception], reason: str, token: Token
) -> None:
    with pytest.raises(kind, match=reason):
        load_pkcs11_signer(token.uri(**choice))
    # Nothing stays logged in that would get in the next one's way.
    with _on(token, "small") as signer:
        assert signer.sign(b"message")


def test_missing_pin_and_library_are_told(token: Token, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BRIDGE_PKCS11_PIN", raising=False)
    with pytest.raises(InvalidOptionError, match="no PIN for the token"):
        load_pkcs11_signer(token.uri("small").partition("&")[0])
    with pytest.raises(InvalidKeyError, match="cannot be loaded"):
        load_pkcs11_signer(f"pkcs11:object=small?module-path=/etc/passwd&pin-source={token.folder / 'pin'}")


def test_uri_is_read_with_its_escapes() -> None:
    uri = Pkcs11Uri.parse(
        "pkcs11:token=my%20token;object=k%C3%A9;id=%01%FF;slot-id=7?module-path=/lib/x.so&pin-source=file:/run/pin"
    )
    assert (uri.token, uri.label, uri.identifier, uri.slot) == ("my token", "ké", b"\x01\xff", 7)
    assert (uri.module, uri.pin_source) == (Path("/lib/x.so"), Path("/run/pin"))


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("https://example.org", "no PKCS #11 URI"),
        ("pkcs11:token=t?module-path=/x.so", "names no key"),
        ("pkcs11:object=k", "names no library"),
        ("pkcs11:object=k?module-path=x.so", "no absolute path"),
        ("pkcs11:object=k?module-name=../x", "is a path"),
        ("pkcs11:object=k?module-name=no-such-module", "no PKCS #11 library"),
        ("pkcs11:object=k?module-path=/x.so&pin-value=1234", "every user of this machine can read it"),
        ("pkcs11:object=k;object=l?module-path=/x.so", "the attribute object twice"),
        ("pkcs11:object=k;colour=red?module-path=/x.so", "the attribute 'colour'"),
        ("pkcs11:object?module-path=/x.so", "the attribute 'object'"),
        ("pkcs11:object=%FF?module-path=/x.so", "not UTF-8"),
        ("pkcs11:object=k%00?module-path=/x.so", "a zero octet"),
        ("pkcs11:object=k;slot-id=-1?module-path=/x.so", "the slot '-1'"),
        ("pkcs11:object=k;type=public?module-path=/x.so", "names no private key"),
        ("pkcs11:object=k?module-path=/x.so&pin-source=relative", "pin-source"),
        ("pkcs11:object=k?module-path=/x.so&pin-source=file://host/pin", "pin-source"),
    ],
)
def test_uri_that_names_too_little_or_tells_too_much_is_refused(uri: str, reason: str) -> None:
    with pytest.raises(InvalidOptionError, match=reason):
        Pkcs11Uri.parse(uri)
