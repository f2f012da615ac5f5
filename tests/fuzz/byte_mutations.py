"""Mutations of a file as a row of bytes: what faulty disks, cut-off downloads and people with a hex editor do."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

_STRANGE = (
    b"\xff" * 9 + b"\x01",
    b"\x80" * 10,
    b"\xff\xff\xff\xff\x0f",
    b"\x00",
    b"\x7f",
    b"\x80\x80\x04",
    b"\xff\xff\xff\xff\x07",
)


def mutate_bytes(source: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    """``source`` with one to four mutations; splices take their material from ``others``."""
    result = bytearray(source)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        if not result:
            break
        rng.choice(_MUTATIONS)(result, others, rng)
    return bytes(result)


def _flip_bit(octets: bytearray, _others: Sequence[bytes], rng: random.Random) -> None:
    octets[rng.randrange(len(octets))] ^= 1 << rng.randrange(8)


def _truncate(octets: bytearray, _others: Sequence[bytes], rng: random.Random) -> None:
    del octets[rng.randrange(len(octets)) :]


def _splice(octets: bytearray, others: Sequence[bytes], rng: random.Random) -> None:
    chunk = _chunk(rng.choice(others), rng)
    at = rng.randrange(len(octets))
    octets[at : at + rng.choice((0, len(chunk)))] = chunk


def _duplicate_chunk(octets: bytearray, _others: Sequence[bytes], rng: random.Random) -> None:
    chunk = _chunk(bytes(octets), rng)
    at = rng.randrange(len(octets))
    octets[at:at] = chunk * rng.choice((1, 1, 3))


def _delete_chunk(octets: bytearray, _others: Sequence[bytes], rng: random.Random) -> None:
    at = rng.randrange(len(octets))
    del octets[at : at + rng.randint(1, 40)]


def _edit_length(octets: bytearray, _others: Sequence[bytes], rng: random.Random) -> None:
    at = rng.randrange(len(octets))
    octets[at] = (octets[at] + rng.choice((-8, -2, -1, 1, 2, 8))) % 256


def _blow_up_varint(octets: bytearray, _others: Sequence[bytes], rng: random.Random) -> None:
    at = rng.randrange(len(octets))
    octets[at : at + rng.choice((0, 1))] = rng.choice(_STRANGE)


def _chunk(source: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(source))
    return source[at : at + rng.randint(1, 200)]


_MUTATIONS: tuple[Callable[[bytearray, Sequence[bytes], random.Random], None], ...] = (
    _flip_bit,
    _truncate,
    _splice,
    _duplicate_chunk,
    _delete_chunk,
    _edit_length,
    _blow_up_varint,
)
