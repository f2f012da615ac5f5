"""Signed notes: text, an empty line, and signature lines (C2SP signed-note)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass

from bridge.errors import InvalidBundleError, SignatureError
from bridge.trust.log.note_keys import ED25519, NoteKey, NoteSigner, is_key_name

GREATEST_NOTE_BYTES = 256 << 10
GREATEST_SIGNATURES = 64
_KEY_ID_BYTES = 4
_SIGNATURE_MARK = "— "
_CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line. ``key_id`` has 4 bytes; what ``signature`` holds depends on the key's algorithm."""

    name: str
    key_id: bytes
    signature: bytes

    def is_by(self, key: NoteKey) -> bool:
        """Whether the line says that ``key`` signed; whether it did is another question."""
        return (self.name, self.key_id) == (key.name, key.key_id)

    def to_line(self) -> str:
        """The line with its end."""
        return f"{_SIGNATURE_MARK}{self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n"


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A note whose signatures nobody has looked at yet. ``text`` ends in a line end."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def to_bytes(self) -> bytes:
        """The note as it is stored and sent."""
        return (self.text + "\n" + "".join(signature.to_line() for signature in self.signatures)).encode()


def sign_note(text: str, signer: NoteSigner) -> SignedNote:
    """``text``, which ends in a line end, signed."""
    if not text.endswith("\n"):
        raise ValueError("the text of a note ends in a line end")
    return SignedNote(text, (NoteSignature(signer.name, signer.key.key_id, signer.sign(text.encode())),))


def read_note(data: bytes, *, what: str) -> SignedNote:
    """The note in ``data``, called ``what`` in errors: ``InvalidBundleError`` where it departs from the format."""
    if len(data) > GREATEST_NOTE_BYTES:
        raise InvalidBundleError(
            "too long for a note", field=what, expected=f"at most {GREATEST_NOTE_BYTES} bytes", found=str(len(data))
        )
    if _CONTROL.search(data):
        raise InvalidBundleError("a control character in a note", field=what)
    try:
        whole = data.decode()
    except UnicodeDecodeError as error:
        raise InvalidBundleError("a note that is not UTF-8", field=what, found=f"offset {error.start}") from error
    text, separator, lines = whole.rpartition("\n\n")
    if not separator or not lines.endswith("\n"):
        raise InvalidBundleError("not a signed note", field=what, expected="text, an empty line, and lines of signatures")
    found = lines[:-1].split("\n")
    if len(found) > GREATEST_SIGNATURES:
        raise InvalidBundleError(
            "too many signatures", field=what, expected=f"at most {GREATEST_SIGNATURES}", found=str(len(found))
        )
    return SignedNote(text + "\n", tuple(_signature(line, what) for line in found))


def _signature(line: str, what: str) -> NoteSignature:
    parts = line.removeprefix(_SIGNATURE_MARK).split(" ")
    if not line.startswith(_SIGNATURE_MARK) or len(parts) != 2 or not is_key_name(parts[0]):
        raise InvalidBundleError("not a signature line", field=what, expected="'— name base64'", found=repr(line[:100]))
    try:
        material = base64.b64decode(parts[1], validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidBundleError("a signature that is not base64", field=what, found=repr(parts[1][:100])) from error
    # Python decodes some texts that no encoder writes; a note has one spelling, so that no byte of it can change unseen.
    if len(material) <= _KEY_ID_BYTES or base64.b64encode(material).decode() != parts[1]:
        raise InvalidBundleError("a signature that is not base64 of a key id and a signature", field=what)
    return NoteSignature(parts[0], material[:_KEY_ID_BYTES], material[_KEY_ID_BYTES:])


def verify_note(note: SignedNote, keys: Iterable[NoteKey], *, what: str) -> NoteKey:
    """The first of ``keys`` that signed the note.

    Signatures by other keys are passed over, as the specification demands. One that says it is by a known key, and is not,
    damns the note. Raises ``SignatureError``.
    """
    signed_by: NoteKey | None = None
    for key in keys:
        for signature in note.signatures:
            if key.algorithm != ED25519 or not signature.is_by(key):
                continue
            if not key.verifies(signature.signature, note.text.encode()):
                raise SignatureError(f"{what}: the signature of {key.name} does not fit the text: one of the two was changed")
            signed_by = signed_by or key
    if signed_by is None:
        names = ", ".join(f"{s.name}+{s.key_id.hex()}" for s in note.signatures[:8])
        raise SignatureError(f"{what}: not signed by a key that was given; it is signed by {names}")
    return signed_by
