"""PNG files, written by hand: a few chunks around compressed rows."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np

from verify.robustness.attacks.scores import Array

_GREY, _COLOUR = 0, 2


def png(pixels: Array) -> bytes:
    """The file of an image ``(H, W)`` in grey or ``(H, W, 3)`` in colour, in uint8."""
    height, width = pixels.shape[:2]
    kind = _GREY if pixels.ndim == 2 else _COLOUR
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def png_text(pixels: Array) -> str:
    """The file in base64."""
    return base64.b64encode(png(pixels)).decode()


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
