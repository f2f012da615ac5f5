"""Attempts on the proofs that a package and its claims are in the log."""

from __future__ import annotations

import shutil

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bridge.trust.bundle import sign_statement
from bridge.trust.log.key_files import load_log_key
from bridge.trust.log.note_keys import ED25519_COSIGNATURE, NoteKey
from bridge.trust.log.opening import create_log
from bridge.trust.log.operations import append_statements, initialise_log
from bridge.trust.log.package_proofs import prove_package, write_proofs
from tests.trust.signed_models import evaluated, new_key, training
from tests.trust.tampering.attempt import attempt
from tests.trust.tampering.scene import CI, Scene, lines_of, put_lines, replace

ORIGIN = "example.org/models"


def _required(scene: Scene, **more: object) -> None:
    """The policy asks for the log from now on, and the package brings its proofs."""
    scene.set_policy(log={"keys": ["log.key.pub"]} | more)
    scene.proofs.write_bytes(write_proofs(prove_package(scene.log, scene.package)))


@attempt("package", "the proofs from the log are taken away", refused_by="log", says="there is no model.tlog-proofs")
def _stripped(scene: Scene) -> None:
    _required(scene)
    scene.proofs.unlink()


@attempt("package", "one of the proofs is taken away", refused_by="log", says="5 proof(s) for 6 statement(s)")
def _one_missing(scene: Scene) -> None:
    _required(scene)
    proofs = prove_package(scene.log, scene.package)
    scene.proofs.write_bytes(write_proofs(proofs[:-1]))


@attempt("package", "two proofs change places", refused_by="log", says="not shown to be in the log")
def _swapped(scene: Scene) -> None:
    _required(scene)
    first, second, *others = prove_package(scene.log, scene.package)
    scene.proofs.write_bytes(write_proofs([second, first, *others]))


@attempt("package", "a proof names another place in the log", refused_by="log", says="not shown to be in the log")
def _other_place(scene: Scene) -> None:
    _required(scene)
    replace(scene.proofs, b"index 2\n", b"index 1\n")


@attempt("package", "the state of the log that a proof rests on is changed", refused_by="log", says="does not fit the text")
def _other_state(scene: Scene) -> None:
    _required(scene)
    replace(scene.proofs, f"{ORIGIN}\n6\n".encode(), f"{ORIGIN}\n7\n".encode())


@attempt("package", "a trusted claim that is in no log is added", refused_by="log", says="6 proof(s) for 7 statement(s)")
def _secret_claim(scene: Scene) -> None:
    _required(scene)
    put_lines(scene, *lines_of(scene), sign_statement(evaluated(scene.root_sha256()), CI))


@attempt("package", "proofs from a log that nobody trusts", refused_by="log", says="not signed by a key that was given")
def _other_log(scene: Scene) -> None:
    _required(scene)
    other = scene.folder / "other"
    initialise_log(other, "example.com/other", scene.folder / "other.key", None)
    append_statements(other, [scene.package], scene.folder / "other.key", None)
    scene.proofs.write_bytes(write_proofs(prove_package(other, scene.package)))


@attempt("package", "proofs from another log under the same name", refused_by="log", says="not signed by a key that was given")
def _same_name(scene: Scene) -> None:
    _required(scene)
    other = scene.folder / "other"
    initialise_log(other, ORIGIN, scene.folder / "other.key", None)
    append_statements(other, [scene.package], scene.folder / "other.key", None)
    scene.proofs.write_bytes(write_proofs(prove_package(other, scene.package)))


@attempt("package", "proofs from a second version of the log, by its own key", refused_by="log", says="these signed: none")
def _forked(scene: Scene) -> None:
    public = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    witness = NoteKey("witness.example.org", public, ED25519_COSIGNATURE)
    (scene.folder / "witness.pub").write_text(f"{witness.to_text()}\n", encoding="utf-8")
    shutil.rmtree(scene.log)
    create_log(scene.log, load_log_key(scene.folder / "log.key", ORIGIN, None)).close()
    another = scene.folder / "another.bundle.json"
    another.write_bytes(sign_statement(training("a" * 64), new_key()))
    append_statements(scene.log, [another, scene.package], scene.folder / "log.key", None)
    _required(scene, witnesses=["witness.pub"])
