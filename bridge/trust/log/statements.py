"""What a log records of a statement: the SHA-256 of its bundle. The statement itself may be large, secret, or elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import InvalidBundleError, InvalidOptionError
from bridge.trust.bundle import BUNDLE_LIMITS, read_bundle
from bridge.trust.small_files import StrPath, read_small_file

CLAIMS = "claims.jsonl"
SIGNATURE = "model.sig"
_CLAIMS_BYTES = 4 * BUNDLE_LIMITS.bytes


@dataclass(frozen=True, slots=True)
class LoggedStatement:
    """``entry`` is what the log holds, 32 bytes; ``source`` says where the bundle came from, as in ``claims.jsonl:3``."""

    source: str
    entry: bytes


def entry_of(bundle: bytes) -> bytes:
    """The entry of a bundle: the SHA-256 of its bytes, 32 bytes, which ``sha256sum`` prints too."""
    return hashlib.sha256(bundle).digest()


def statements_of(path: StrPath) -> tuple[LoggedStatement, ...]:
    """The statements of a bundle's file, of a ``.jsonl`` file with a bundle on each line, or of a signed package's folder.

    Of a package these are its signature, ``model.sig``, and all of its claims. Each has to have the form of a bundle
    (``InvalidBundleError`` with the file and line); whose signature it is, is not looked at: a log records what is said.
    """
    location = Path(path)
    if location.is_dir():
        found = tuple(_of_package(location))
        if not found:
            raise InvalidOptionError(f"'{location}' has neither {SIGNATURE} nor {CLAIMS}: it is no signed package")
        return found
    if location.suffix == ".jsonl":
        return tuple(_of_lines(location))
    return (_of_file(location),)


def _of_package(folder: Path) -> Iterator[LoggedStatement]:
    if (folder / SIGNATURE).exists():
        yield _of_file(folder / SIGNATURE)
    if (folder / CLAIMS).exists():
        yield from _of_lines(folder / CLAIMS)


def _of_file(path: Path) -> LoggedStatement:
    return _statement(str(path), read_small_file(path, what="bundle", most=BUNDLE_LIMITS.bytes))


def _of_lines(path: Path) -> Iterator[LoggedStatement]:
    data = read_small_file(path, what="file of bundles", most=_CLAIMS_BYTES)
    for number, line in enumerate(data.removesuffix(b"\n").split(b"\n"), start=1):
        yield _statement(f"{path}:{number}", line)


def _statement(source: str, bundle: bytes) -> LoggedStatement:
    try:
        read_bundle(bundle)
    except InvalidBundleError as error:
        raise InvalidBundleError(f"{source}: {error}") from error
    return LoggedStatement(source, entry_of(bundle))
