"""Attempts on the transparency log."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bridge.trust.bundle import sign_statement
from bridge.trust.log.key_files import load_log_key
from bridge.trust.log.note_keys import NoteSigner
from bridge.trust.log.opening import create_log
from bridge.trust.log.operations import append_statements
from tests.trust.signed_models import new_key, training
from tests.trust.tampering.attempt import attempt
from tests.trust.tampering.scene import Scene, flip, replace

ORIGIN = "example.org/models"
ENTRY_BYTES = 2 + 32
"""A length, and a digest."""


def _only(folder: Path) -> Path:
    [found] = (path for path in folder.rglob("*") if path.is_file())
    return found


def _append_another(scene: Scene) -> None:
    path = scene.folder / "another.bundle.json"
    path.write_bytes(sign_statement(training("a" * 64), new_key()))
    append_statements(scene.log, [path], scene.folder / "log.key", None)


@attempt("log", "an entry is changed", refused_by="TransparencyLogError", says="root")
def _entry(scene: Scene) -> None:
    flip(_only(scene.log / "tile" / "entries"), 0.5)


@attempt("log", "a tile of hashes is changed", refused_by="TransparencyLogError", says="tile")
def _tile(scene: Scene) -> None:
    flip(_only(scene.log / "tile" / "0"), 0.5)


@attempt("log", "the entries are removed", refused_by="TransparencyLogError", says="entries")
def _removed(scene: Scene) -> None:
    shutil.rmtree(scene.log / "tile" / "entries")


@attempt("log", "the last entry is cut off", refused_by="InvalidBundleError", says="expected 6; found 5")
def _cut(scene: Scene) -> None:
    path = _only(scene.log / "tile" / "entries")
    path.write_bytes(path.read_bytes()[:-ENTRY_BYTES])


@attempt("log", "an earlier state is put back, whole and signed", refused_by="TransparencyLogError", says="kept.checkpoint")
def _truncated(scene: Scene) -> None:
    shutil.copytree(scene.log, scene.folder / "earlier")
    _append_another(scene)
    shutil.copy(scene.log / "checkpoint", scene.folder / "kept.checkpoint")
    shutil.rmtree(scene.log)
    (scene.folder / "earlier").rename(scene.log)


@attempt("log", "the log is written anew by whoever has its key", refused_by="TransparencyLogError", says="kept.checkpoint")
def _rewritten(scene: Scene) -> None:
    shutil.rmtree(scene.log)
    create_log(scene.log, load_log_key(scene.folder / "log.key", ORIGIN, None)).close()
    for _ in range(7):
        _append_another(scene)


@attempt("log", "a bit of the checkpoint's signature is flipped", refused_by="SignatureError", says="checkpoint")
def _signature(scene: Scene) -> None:
    path = scene.log / "checkpoint"
    *text, signature = path.read_text(encoding="utf-8").splitlines()
    dash, name, encoded = signature.split(" ")
    octets = bytearray(base64.b64decode(encoded))
    octets[-1] ^= 1
    path.write_text("\n".join([*text, f"{dash} {name} {base64.b64encode(octets).decode()}"]) + "\n", encoding="utf-8")


@attempt("log", "the checkpoint states another size", refused_by="SignatureError", says="checkpoint")
def _size(scene: Scene) -> None:
    replace(scene.log / "checkpoint", b"\n6\n", b"\n5\n")


@attempt("log", "a log of the same name under another key", refused_by="SignatureError", says="not signed by a key that was")
def _other_key(scene: Scene) -> None:
    shutil.rmtree(scene.log)
    create_log(scene.log, NoteSigner(ORIGIN, Ed25519PrivateKey.generate())).close()


@attempt("log", "the checkpoint is removed", refused_by="TransparencyLogError", says="checkpoint")
def _no_checkpoint(scene: Scene) -> None:
    (scene.log / "checkpoint").unlink()
