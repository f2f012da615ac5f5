"""What we sign, model_signing 1.1.1 accepts, and the reverse. It is run, not imitated."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from bridge.errors import IntegrityError
from bridge.trust.certificates import CertificateSigner, TrustedRoots
from bridge.trust.keys import CURVES, KeySigner, TrustedKey, public_pem
from bridge.trust.signature_files import sign, verify
from tests.trust.authority import AUTHORITY, Holder, certify
from tests.trust.peers import model_signing, needs_model_signing, with_model_signing

pytestmark = needs_model_signing


@pytest.fixture(params=["p256", pytest.param("p384", marks=pytest.mark.slow), pytest.param("p521", marks=pytest.mark.slow)])
def holder(request: pytest.FixtureRequest) -> Holder:
    """Somebody with a key on each of the curves, certified by an intermediate authority."""
    root = certify("root", extensions=AUTHORITY)
    middle = certify("middle", by=root, extensions=AUTHORITY)
    return certify("signer", by=middle, key=ec.generate_private_key(CURVES[request.param]()))


def _public(holder: Holder, folder: Path) -> Path:
    path = folder / "key.pub"
    path.write_bytes(public_pem(holder.ec_key.public_key()))
    return path


def _pem(path: Path, *holders: Holder) -> Path:
    path.write_bytes(b"".join(holder.pem for holder in holders))
    return path


def _accepts(*arguments: str | Path) -> bool:
    finished = model_signing(*arguments)
    return finished.returncode == 0 and "Verification succeeded" in finished.stdout


def test_folder_that_we_sign_is_accepted(holder: Holder, model: Path, tmp_path: Path) -> None:
    sign(model, KeySigner(holder.ec_key), ignore=["notes"])
    (model / "notes").touch()
    (model / "claims.jsonl").touch()
    command = ("verify", "key", "--public_key", _public(holder, tmp_path), "--signature", model / "model.sig", model)
    assert _accepts(*command)
    (model / "config.json").write_bytes(b"[]")
    assert not _accepts(*command)


@pytest.mark.slow
def test_file_that_we_sign_is_accepted(model: Path, private_key: ec.EllipticCurvePrivateKey, tmp_path: Path) -> None:
    signed = sign(model / "weights.bin", KeySigner(private_key))
    public = tmp_path / "key.pub"
    public.write_bytes(public_pem(private_key.public_key()))
    assert _accepts("verify", "key", "--public_key", public, "--signature", signed.signature_path, model / "weights.bin")


def test_chain_that_we_sign_with_is_accepted(model: Path, tmp_path: Path) -> None:
    root = certify("root", extensions=AUTHORITY)
    middle = certify("middle", by=root, extensions=AUTHORITY)
    leaf = certify("signer", by=middle)
    sign(model, CertificateSigner(KeySigner(leaf.ec_key), [leaf.certificate, middle.certificate]))
    stranger = certify("root", extensions=AUTHORITY)
    for trusted, accepted in ((root, True), (stranger, False)):
        chain = _pem(tmp_path / "trusted.pem", trusted)
        arguments = ("verify", "certificate", "--certificate_chain", chain, "--signature", model / "model.sig", model)
        assert _accepts(*arguments) == accepted


_VERIFY_AS_SIGNED = """
import sys
import model_signing
public, model, *signatures = sys.argv[1:]
for algorithm, signature in zip(signatures[::2], signatures[1::2]):
    hashing = model_signing.hashing.Config().use_file_serialization(hashing_algorithm=algorithm)
    config = model_signing.verifying.Config().use_elliptic_key_verifier(public_key=public)
    config.set_hashing_config(hashing).verify(model, signature)
"""


@pytest.mark.slow
def test_every_algorithm_that_we_sign_with_is_accepted(
    model: Path, private_key: ec.EllipticCurvePrivateKey, tmp_path: Path
) -> None:
    pytest.importorskip("blake3", reason="the extra blake3 is not installed")
    public = tmp_path / "key.pub"
    public.write_bytes(public_pem(private_key.public_key()))
    arguments: list[str | Path] = []
    for algorithm in ("sha256", "blake2b", "blake3"):
        signed = sign(model, KeySigner(private_key), algorithm=algorithm, signature=tmp_path / f"{algorithm}.sig")
        # Its command line knows SHA-256 alone, and its library calls BLAKE2b by another name.
        arguments += [algorithm.replace("2b", "2"), signed.signature_path]
    with_model_signing(_VERIFY_AS_SIGNED, public, model, *arguments)


@pytest.mark.slow
def test_folder_that_it_signs_is_accepted(holder: Holder, model: Path, tmp_path: Path) -> None:
    key = holder.write_key(tmp_path / "key")
    made = model_signing("sign", "key", "--private_key", key, "--signature", model / "model.sig", model)
    assert made.returncode == 0, made.stderr
    verifier = TrustedKey(holder.ec_key.public_key())
    assert len(verify(model, verifier).files) == 5
    (model / "parts" / "one.bin").unlink()
    with pytest.raises(IntegrityError, match=r"one\.bin"):
        verify(model, verifier)


def test_file_that_it_signs_is_accepted(model: Path, tmp_path: Path) -> None:
    holder = certify("signer")
    path, signature = model / "weights.bin", tmp_path / "weights.bin.sig"
    made = model_signing("sign", "key", "--private_key", holder.write_key(tmp_path / "key"), "--signature", signature, path)
    assert made.returncode == 0, made.stderr
    assert verify(path, TrustedKey(holder.ec_key.public_key()), signature=signature).name == "weights.bin"


def test_chain_that_it_signs_with_is_accepted(model: Path, tmp_path: Path) -> None:
    root = certify("root", extensions=AUTHORITY)
    middle = certify("middle", by=root, extensions=AUTHORITY)
    leaf = certify("signer", by=middle)
    made = model_signing(
        *("sign", "certificate", "--private_key", leaf.write_key(tmp_path / "key")),
        *("--signing_certificate", _pem(tmp_path / "leaf.pem", leaf)),
        *("--certificate_chain", _pem(tmp_path / "chain.pem", middle, root)),
        *("--signature", model / "model.sig", model),
    )
    assert made.returncode == 0, made.stderr
    assert verify(model, TrustedRoots([root.certificate])).identity.name == "CN=signer"


_SIGN = """
import sys
import model_signing
key, model, folder = sys.argv[1:]
for algorithm in ("sha256", "blake2"):
    hashing = model_signing.hashing.Config().set_ignored_paths(paths=[])
    hashing.use_shard_serialization(hashing_algorithm=algorithm, shard_size=1000)
    config = model_signing.signing.Config().use_elliptic_key_signer(private_key=key).set_hashing_config(hashing)
    config.sign(model, f"{folder}/{algorithm}.sig")
"""


@pytest.mark.slow
def test_pieces_that_it_signs_are_accepted(model: Path, tmp_path: Path) -> None:
    # Its own command line fails on them: the size of the pieces comes back to it as a floating-point number.
    holder = certify("signer")
    with_model_signing(_SIGN, holder.write_key(tmp_path / "key"), model, tmp_path)
    verifier, signatures = TrustedKey(holder.ec_key.public_key()), sorted(tmp_path.glob("*.sig"))
    assert [len(verify(model, verifier, signature=path).files) for path in signatures] == [256 + 3, 256 + 3]
    with (model / "weights.bin").open("r+b") as file:
        file.seek(128_500)
        file.write(b"!")
    for path in signatures:
        with pytest.raises(IntegrityError, match=r"weights\.bin:128000:129000"):
            verify(model, verifier, signature=path)
