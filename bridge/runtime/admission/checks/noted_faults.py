"""What was noted while the file was read: unknown fields, fields twice, parts of ONNX that converted models never hold.

Protobuf's readers keep or drop unknown fields and take the last of two values; each engine merges two graphs in its own way. So
the bytes that one tool shows and another one runs need not say the same, unless there is only one way to read them.
"""

from __future__ import annotations

from bridge.errors import RefusedModelError
from bridge.runtime.admission.message import REFUSED_PART, REPEATED_FIELD, UNKNOWN_FIELD
from bridge.runtime.admission.reading import faults_of
from bridge.runtime.admission.subject import Subject


def check_unknown_fields(subject: Subject) -> None:
    """Every byte of the file belongs to a field of ONNX: nothing is hidden, nothing trails."""
    _refuse_first(subject, UNKNOWN_FIELD)


def check_repeated_fields(subject: Subject) -> None:
    """What may be there once is there once at most."""
    _refuse_first(subject, REPEATED_FIELD)


def check_parts(subject: Subject) -> None:
    """No training, sparse tensors, quantisation, device placement, segments, nor types other than tensors."""
    _refuse_first(subject, REFUSED_PART)


def _refuse_first(subject: Subject, check: str) -> None:
    for fault in faults_of(subject.model, check):
        raise RefusedModelError(check, fault.where, expected=fault.expected, found=fault.found)
