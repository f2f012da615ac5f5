"""Signed notes, with the example of the specification, and all that departs from the form."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bridge.errors import InvalidBundleError, InvalidKeyError, SignatureError
from bridge.trust.log.note import GREATEST_NOTE_BYTES, SignedNote, read_note, sign_note, verify_note
from bridge.trust.log.note_keys import NoteKey, NoteSigner

# C2SP signed-note, "Example".
PUBLISHED_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
PUBLISHED_NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()
SIGNER = NoteSigner("example.org/log", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER = NoteSigner("example.org/log", Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))))


def test_published_example_is_accepted() -> None:
    key = NoteKey.from_text(PUBLISHED_KEY)
    note = read_note(PUBLISHED_NOTE, what="note")
    assert verify_note(note, [key], what="note") == key
    assert note.to_bytes() == PUBLISHED_NOTE
    assert key.to_text() == PUBLISHED_KEY


def test_what_is_signed_is_verified() -> None:
    note = read_note(sign_note("one\n\ntwo\n", SIGNER).to_bytes(), what="note")
    assert note.text == "one\n\ntwo\n"
    assert verify_note(note, [SIGNER.key], what="note") == SIGNER.key


def test_every_changed_byte_is_found() -> None:
    whole = sign_note("example.org/log\n5\n", SIGNER).to_bytes()
    for place in range(len(whole)):
        for flip in (1, 0x20, 0x80):
            changed = bytearray(whole)
            changed[place] ^= flip
            with pytest.raises((InvalidBundleError, SignatureError)):
                verify_note(read_note(bytes(changed), what="note"), [SIGNER.key], what="note")


def test_key_of_the_same_name_is_another_key() -> None:
    with pytest.raises(SignatureError, match=r"not signed by a key that was given; it is signed by example\.org/log"):
        verify_note(sign_note("text\n", SIGNER), [OTHER.key], what="note")


def test_unknown_signatures_are_passed_over() -> None:
    signed, strange = sign_note("text\n", SIGNER), sign_note("text\n", OTHER)
    both = SignedNote("text\n", (*strange.signatures, *signed.signatures))
    assert verify_note(read_note(both.to_bytes(), what="note"), [SIGNER.key], what="note") == SIGNER.key


def test_forged_signature_of_a_known_key_damns_the_note() -> None:
    forged = sign_note("other text\n", SIGNER).signatures
    note = SignedNote("text\n", (*forged, *sign_note("text\n", OTHER).signatures))
    with pytest.raises(SignatureError, match="does not fit the text"):
        verify_note(note, [SIGNER.key, OTHER.key], what="note")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "not a signed note"),
        (b"text\n", "not a signed note"),
        (b"text\n\n", "not a signed note"),
        (PUBLISHED_NOTE[:-1], "not a signed note"),
        (PUBLISHED_NOTE.replace(b"example.com", b"example com"), "not a signature line"),
        (PUBLISHED_NOTE.replace("—".encode(), b"-"), "not a signature line"),
        (PUBLISHED_NOTE.replace(b"Uw2Q", b"Uw*Q"), "not base64"),
        (PUBLISHED_NOTE.replace(b"yaQM=", b"yaQN="), "not base64 of"),
        (PUBLISHED_NOTE.replace(b"This", b"This\t"), "control character"),
        (PUBLISHED_NOTE.replace(b"This", b"\xff\xfe"), "not UTF-8"),
        ("text\n\n— a AAAA\n".encode(), "not base64 of"),
        (b"x" * (GREATEST_NOTE_BYTES + 1), "too long"),
        (b"text\n\n" + "— a AAAAAAA=\n".encode() * 65, "too many signatures"),
    ],
)
def test_other_form_is_refused(data: bytes, sentence: str) -> None:
    with pytest.raises(InvalidBundleError, match=sentence):
        read_note(data, what="note")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000",
        PUBLISHED_KEY.replace("530d", "530e"),
        PUBLISHED_KEY.replace("530d903a", "530D903A"),
        PUBLISHED_KEY.replace("example.com", "example com"),
        PUBLISHED_KEY[:-4],
        "a+00000000+" + base64.b64encode(b"\x02" + bytes(32)).decode(),
        "a+00000000+*",
        PUBLISHED_KEY + "+" * 2000,
    ],
)
def test_other_text_is_no_verifier_key(text: str) -> None:
    with pytest.raises(InvalidKeyError):
        NoteKey.from_text(text)


@pytest.mark.parametrize("name", ["", "two words", "a+b", "a\nb", "\u2028", "x" * 300])
def test_log_cannot_have_such_a_name(name: str) -> None:
    with pytest.raises(InvalidKeyError, match="cannot be called"):
        NoteSigner(name, SIGNER.private_key)
