"""What its owner does with a log, from files to files: make it, append to it, prove from it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import InvalidOptionError, WriteError
from bridge.trust.log.append import append_entries
from bridge.trust.log.checkpoint import Checkpoint, read_checkpoint
from bridge.trust.log.inclusion import prove_entry
from bridge.trust.log.key_files import AskPassword, load_log_key, new_log_key
from bridge.trust.log.note_keys import NoteKey
from bridge.trust.log.opening import create_log, open_log
from bridge.trust.log.proof_file import LogProof
from bridge.trust.log.statements import LoggedStatement, statements_of
from bridge.trust.log.whole_file import write_whole
from bridge.trust.small_files import StrPath


def initialise_log(log: StrPath, origin: str, private_key: StrPath, password: bytes | None) -> NoteKey:
    """Make an empty log called ``origin`` at ``log``, and the key that signs it.

    The private key goes to ``private_key``, the public one as a verifier key's line to the same name with ``.pub`` behind it.
    Raises ``WriteError`` where one of the three stands there already.
    """
    public_path = Path(f"{os.fspath(private_key)}.pub")
    for path in (Path(private_key), public_path):
        if os.path.lexists(path):
            raise WriteError(f"cannot write '{path}': it exists, and a key is never overwritten; name another file")
    signer = new_log_key(private_key, origin, password)
    write_whole(public_path, f"{signer.key.to_text()}\n".encode())
    create_log(log, signer).close()
    return signer.key


@dataclass(frozen=True, slots=True)
class LoggedAt:
    """A statement, and where it stands in the log."""

    statement: LoggedStatement
    index: int


def append_statements(
    log: StrPath,
    sources: Sequence[StrPath],
    private_key: StrPath,
    password: bytes | None,
    *,
    ask: AskPassword | None = None,
) -> tuple[tuple[LoggedAt, ...], int, Checkpoint]:
    """Append the statements of bundles, claims and packages: where each stands, how many were new, and the log's new state."""
    statements = [statement for source in sources for statement in statements_of(source)]
    with closing(open_log(log)) as storage:
        origin = read_checkpoint(storage.read_checkpoint(), what=f"{storage.location}/checkpoint").checkpoint.origin
        signer = load_log_key(private_key, origin, password, ask=ask)
        appended = append_entries(storage, [statement.entry for statement in statements], signer)
    places = tuple(LoggedAt(statement, index) for statement, index in zip(statements, appended.indices, strict=True))
    return places, appended.added, appended.checkpoint


def prove_statement(log: StrPath, bundle: StrPath, *, line: int | None = None) -> LogProof:
    """The proof that the log has a statement: the one in ``bundle``, or on its ``line`` (from 1) where it holds several."""
    with closing(open_log(log)) as storage:
        return prove_entry(storage, one_statement(bundle, line).entry)


def one_statement(bundle: StrPath, line: int | None) -> LoggedStatement:
    """The only statement in a file, or the one on ``line``. Raises ``InvalidOptionError`` where that is not one."""
    found = statements_of(bundle)
    if line is None and len(found) > 1:
        raise InvalidOptionError(f"'{bundle}' holds {len(found)} statements: say which by --line")
    if line is not None and not 1 <= line <= len(found):
        raise InvalidOptionError(f"'{bundle}' holds {len(found)} statement(s), and none on line {line}")
    return found[(line or 1) - 1]
