"""DSSE, the envelope around a signed payload. What is signed is the payload's type and bytes together, never JSON."""

from __future__ import annotations


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """The bytes that a signature covers: ``DSSEv1 <length> <type> <length> <payload>``, lengths in bytes and in decimal."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
