"""What a worker and its parent say to each other: one packet per message, fixed fields, nothing that is interpreted.

The parent trusts no byte of an answer: every length, index, type and extent is held against what it knows before it is used. All
numbers are little-endian. A request is a header, the wanted outputs by number, and one description (``tensor``) per input::

    "BRQ1"  u16 outputs  u16 inputs  u64 sequence  { u16 output }  { tensor }
    tensor: u16 number  u8 type  u8 rank  u32 zero  u64 offset  { u64 extent }

An answer is a header, and then descriptions of tensors as above (``done``), or a sentence in UTF-8 (``failed``, ``stopped``), or
JSON (``confined``)::

    "BRA1"  u8 status  u8 zero  u16 tensors  u64 sequence  { tensor } | text
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

PACKET_BYTES: Final = 128 << 10
TEXT_BYTES: Final = 2000
TENSORS: Final = 1000
RANK: Final = 32

DTYPES: Final = tuple(
    np.dtype(name)
    for name in (
        "float16",
        "float32",
        "float64",
        "int8",
        "uint8",
        "int16",
        "uint16",
        "int32",
        "uint32",
        "int64",
        "uint64",
        "bool",
    )
)
_CODES: Final = {dtype: code for code, dtype in enumerate(DTYPES)}

_REQUEST: Final = struct.Struct("<4sHHQ")
_ANSWER: Final = struct.Struct("<4sBBHQ")
_TENSOR: Final = struct.Struct("<HBBIQ")
_REQUEST_MAGIC: Final = b"BRQ1"
_ANSWER_MAGIC: Final = b"BRA1"
SEQUENCE: Final = struct.Struct("<Q")
SEQUENCE_AT: Final = 8  # in requests and in answers
GO: Final = b"load"  # what the parent says, once, when the sandbox suffices


class Status(IntEnum):
    """What an answer says."""

    DONE = 0
    FAILED = 1
    STOPPED = 2
    CONFINED = 3
    LOADED = 4


class ProtocolError(Exception):
    """A packet that no worker of ours sends. Whoever sent it is not to be trusted with another request."""


@dataclass(frozen=True, slots=True)
class Placed:
    """One tensor in an area: its number in the interface, type, extents, and where it begins, in bytes."""

    index: int
    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Request:
    """One inference: the inputs as they lie in the area, and the numbers of the outputs that are wanted."""

    sequence: int
    outputs: tuple[int, ...]
    inputs: tuple[Placed, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a worker says. ``tensors`` for ``DONE``, ``text`` otherwise; none of it is believed yet."""

    status: Status
    sequence: int
    tensors: tuple[Placed, ...] = ()
    text: str = ""


def _placed(tensors: Sequence[Placed]) -> bytes:
    return b"".join(
        _TENSOR.pack(tensor.index, _CODES[tensor.dtype], len(tensor.shape), 0, tensor.offset)
        + struct.pack(f"<{len(tensor.shape)}Q", *tensor.shape)
        for tensor in tensors
    )


def unnumbered(packet: memoryview) -> bytes:
    """All of a request or an answer but its number, in which those of the same shapes differ."""
    return bytes(packet[:SEQUENCE_AT]) + bytes(packet[SEQUENCE_AT + SEQUENCE.size :])


def pack_request(request: Request) -> bytes:
    """The packet of a request."""
    header = _REQUEST.pack(_REQUEST_MAGIC, len(request.outputs), len(request.inputs), request.sequence)
    return header + struct.pack(f"<{len(request.outputs)}H", *request.outputs) + _placed(request.inputs)


def unpack_request(packet: memoryview) -> Request:
    """The request in a packet. Raises ``ProtocolError``."""
    if len(packet) < _REQUEST.size:
        raise ProtocolError(f"a request of {len(packet)} bytes")
    magic, outputs, inputs, sequence = _REQUEST.unpack_from(packet)
    start = _REQUEST.size + 2 * outputs
    if magic != _REQUEST_MAGIC or len(packet) < start:
        raise ProtocolError("a request that is none")
    wanted = struct.unpack_from(f"<{outputs}H", packet, _REQUEST.size)
    return Request(sequence, wanted, _unpack_tensors(packet, start, inputs))


def pack_answer(answer: Answer) -> bytes:
    """The packet of an answer. Its text is cut to what a packet holds."""
    tail = _placed(answer.tensors) if answer.status is Status.DONE else answer.text.encode("utf-8", "replace")[:TEXT_BYTES]
    return _ANSWER.pack(_ANSWER_MAGIC, answer.status, 0, len(answer.tensors), answer.sequence) + tail


def unpack_answer(packet: memoryview) -> Answer:
    """The answer in a packet from a worker that may have been taken over. Raises ``ProtocolError``."""
    if not _ANSWER.size <= len(packet) <= PACKET_BYTES:
        raise ProtocolError(f"an answer of {len(packet)} bytes")
    magic, status, zero, tensors, sequence = _ANSWER.unpack_from(packet)
    if magic != _ANSWER_MAGIC or zero != 0 or status > max(Status):
        raise ProtocolError("an answer that is none")
    if status == Status.DONE:
        return Answer(Status.DONE, sequence, _unpack_tensors(packet, _ANSWER.size, tensors))
    if tensors or len(packet) > _ANSWER.size + TEXT_BYTES:
        raise ProtocolError("an answer with more than a sentence")
    return Answer(Status(status), sequence, text=_printable(packet[_ANSWER.size :]))


def _unpack_tensors(packet: memoryview, start: int, count: int) -> tuple[Placed, ...]:
    if count > TENSORS:
        raise ProtocolError(f"{count} tensors")
    found: list[Placed] = []
    for _ in range(count):
        if len(packet) < start + _TENSOR.size:
            raise ProtocolError("a packet that ends within a tensor")
        index, code, rank, zero, offset = _TENSOR.unpack_from(packet, start)
        start += _TENSOR.size
        if code >= len(DTYPES) or rank > RANK or zero != 0 or len(packet) < start + 8 * rank:
            raise ProtocolError("a tensor that is none")
        found.append(Placed(index, DTYPES[code], struct.unpack_from(f"<{rank}Q", packet, start), offset))
        start += 8 * rank
    if start != len(packet):
        raise ProtocolError(f"{len(packet) - start} bytes behind the last tensor")
    return tuple(found)


def _printable(text: memoryview) -> str:
    """A stranger's sentence, without what could steer a terminal or forge a line of a log."""
    decoded = bytes(text).decode("utf-8", "replace")
    return "".join(character if character.isprintable() else " " for character in decoded)
