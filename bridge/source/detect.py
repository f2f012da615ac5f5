"""Which of the two formats a file is in, decided by its first bytes alone.

The decision is never revised: a file that fails in one reader is not offered to the other, so that no file can be two models.
"""

from __future__ import annotations

from typing import Literal

Format = Literal["v1", "v2"]

V1_MAGIC = "BCN\0".encode("utf-16-le")


def detect_format(data: memoryview) -> Format:
    """The format that ``data`` must be in if it is a CNTK model at all: ``v1`` by its magic number, otherwise ``v2``.

    The v2 format has no magic number of its own (except for files beyond 2 GiB), so whether it *is* a model is for its reader
    to find out. The suffix of a file name says nothing.
    """
    return "v1" if bytes(data[: len(V1_MAGIC)]) == V1_MAGIC else "v2"
