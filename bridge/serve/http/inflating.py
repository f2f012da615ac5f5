"""Bodies that were compressed. What comes out is bounded while it comes out, so that a small body cannot become a huge one."""

from __future__ import annotations

import zlib
from typing import Final

from bridge.errors import RequestRefusedError

_WINDOW: Final = {"gzip": 31, "x-gzip": 31, "deflate": 15}


def inflate(body: bytes, encoding: str, limit: int) -> bytes:
    """``body`` without its ``Content-Encoding``, at most ``limit`` bytes. Raises ``RequestRefusedError``."""
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return body
    if name not in _WINDOW:
        raise RequestRefusedError("encoding", f"Content-Encoding: expected gzip, deflate or identity; found {ascii(name)[:60]}")
    decompressor = zlib.decompressobj(_WINDOW[name])
    try:
        inflated = decompressor.decompress(body, limit + 1)
    except zlib.error as error:
        raise RequestRefusedError("malformed", f"the body is not {name}") from error
    if len(inflated) > limit:
        raise RequestRefusedError("too-large", f"the body has more than {limit} bytes when inflated")
    if not decompressor.eof or decompressor.unused_data:
        raise RequestRefusedError("malformed", f"the body is not one whole stream of {name}")
    return inflated
