"""Files that are handed to a converter by mistake, each with a sentence that says what it is and what to do."""

from __future__ import annotations

from bridge.errors import NotAModelError
from bridge.source.v2.dictionary import Dictionary
from bridge.source.v2.wire import BYTES, VARINT

_SIGNATURES = (
    (
        "BVersion".encode("utf-16-le"),
        "a BrainScript checkpoint (.ckp)",
        "the model lies beside it, under the same name without .ckp",
    ),
    ("BCKP".encode("utf-16-le"), "a BrainScript checkpoint (.ckp)", "the model lies beside it, under the same name without .ckp"),
    (b"PK\x03\x04", "a ZIP archive (such as a PyTorch or numpy file)", "unpack it if the CNTK model is inside"),
    (b"\x1f\x8b", "a gzip archive", "unpack it first"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "give a model that CNTK saved"),
    (b"\x93NUMPY", "a numpy array", "give a model that CNTK saved"),
    (b"\x80\x02", "a Python pickle", "it would be run by reading it, so it is never read"),
    (b"\x80\x03", "a Python pickle", "it would be run by reading it, so it is never read"),
    (b"\x80\x04", "a Python pickle", "it would be run by reading it, so it is never read"),
    (b"version https://git-lfs", "a Git LFS pointer", "fetch the file itself with `git lfs pull`"),
    (b"<!DOCTYPE", "an HTML page, perhaps instead of a download", "download the model again"),
    (b"<html", "an HTML page, perhaps instead of a download", "download the model again"),
)

_ENTRY = 2 << 3 | BYTES
_VERSION = 1 << 3 | VARINT
_ONNX_FIELDS = (3, 4, 5, 6, 7, 8, 14, 20, 25)  # of ModelProto, beyond those that a dictionary has too
_MODEL_KEYS = ("version", "uid", "root", "inputs", "primitive_functions")


def refuse_by_first_bytes(data: memoryview) -> None:
    """Refuse what cannot be a dictionary, going by the first bytes. The name of a file is never looked at."""
    if not len(data):
        raise NotAModelError("the file is empty", expected="a CNTK model")
    head = bytes(data[:64])
    for signature, what, advice in _SIGNATURES:
        if head.startswith(signature):
            raise NotAModelError(f"the file is {what}", offset=0, expected="a CNTK model", advice=advice)
    if _is_onnx(head):
        raise NotAModelError("the file is an ONNX model", offset=0, expected="a CNTK model", advice="it needs no conversion")
    if head[0] not in (_VERSION, _ENTRY):
        raise NotAModelError(
            "the file is not a CNTK model",
            offset=0,
            expected="a protobuf dictionary (CNTK 2.x) or the marker BCN (BrainScript)",
            found=head[:8].hex(" "),
        )


def _is_onnx(head: bytes) -> bool:
    """Whether these are the first bytes of a ``ModelProto``: a version as in a dictionary, then another field or plain text."""
    if len(head) < 4 or head[0] != _VERSION or head[1] >= 0x80:
        return False
    if head[2] == _ENTRY and head[3]:
        # A producer's name begins with a letter, an entry of a dictionary with the tag of its key or, oddly, of its value.
        return head[4:5].isalpha() and head[3] < 0x80
    next_tag = head[2:3] if head[2] != _ENTRY else head[4:5]  # the name may be empty
    return next_tag != b"" and next_tag[0] >> 3 in _ONNX_FIELDS and next_tag[0] & 7 in (VARINT, BYTES)


def refuse_other_dictionaries(top: Dictionary) -> None:
    """Refuse dictionaries that CNTK writes for other purposes than a model."""
    kind = top.get("type")
    if kind == "CompositeFunction" and all(key in top for key in _MODEL_KEYS):
        return
    if "Learners" in top:
        raise NotAModelError(
            "the file is the checkpoint of a trainer (its learners' state)",
            expected="a CNTK model",
            advice="the model lies beside it, under the same name without .ckp",
        )
    if kind == "Learner":
        raise NotAModelError(
            "the file is the state of a learner", expected="a CNTK model", advice="give the model that it trained"
        )
    if kind == "CompositeFunction":
        missing = ", ".join(key for key in _MODEL_KEYS if key not in top)
        raise NotAModelError(
            "the file is a CNTK function that lacks parts of a model", found=f"no {missing}", advice="save the model again"
        )
    raise NotAModelError(
        "the file is a dictionary of CNTK, but not a model",
        expected="type 'CompositeFunction'",
        found=f"type {kind[:80]!r}" if isinstance(kind, str) else "no type",
    )
