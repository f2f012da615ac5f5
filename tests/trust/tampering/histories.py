"""Attempts on claims, and on what they say: stripped, reordered, forged, old, unfavourable."""

from __future__ import annotations

import base64
import json
import os
import shutil
from pathlib import Path
from typing import Any

from bridge.trust.bundle import read_bundle, sign_statement
from bridge.trust.statement import Statement
from tests.trust.signed_models import DAY, NOW, evaluated, training
from tests.trust.tampering.attempt import attempt
from tests.trust.tampering.scene import CI, STRANGER, TEAM, Scene, convert_source, lines_of, put_lines, put_source

TRAINING, SIGNATURE, VERIFICATION, EQUIVALENCE, CONVERSION = range(5)


def _changed(line: bytes, **members: Any) -> bytes:
    """A claim whose statement says something else, under the signature of the old one."""
    bundle = json.loads(line)
    envelope = bundle["dsseEnvelope"]
    statement = json.loads(base64.b64decode(envelope["payload"]))
    statement["predicate"].update(members)
    envelope["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()
    return json.dumps(bundle, separators=(",", ":")).encode()


def _resigned(line: bytes, signer: Any, **members: Any) -> bytes:
    """A claim that says something else, signed by somebody else."""
    statement = Statement.from_bytes(read_bundle(line).payload).to_json()
    statement["predicate"] = dict(statement["predicate"]) | members
    return sign_statement(Statement.from_json(statement), signer)


@attempt("package", "all claims are taken away", refused_by="claims", says="no claim speaks of this artefact")
def _all_gone(scene: Scene) -> None:
    scene.claims.unlink()


def _without(index: int, what: str, says: str) -> None:
    @attempt("package", f"the claim about {what} is taken away", refused_by="claims", says=says)
    def act(scene: Scene) -> None:
        lines = lines_of(scene)
        put_lines(scene, *lines[:index], *lines[index + 1 :])


_without(TRAINING, "the training", "1 of 2 listed are missing")
_without(SIGNATURE, "the source's signature", "1 of 2 listed are missing")
_without(VERIFICATION, "the verification of the source", "1 of 2 listed are missing")
_without(EQUIVALENCE, "the equivalence", "1 of 2 listed are missing")
_without(CONVERSION, "the conversion", "speaks of another artefact")


def _flip_in(index: int, what: str, says: str, rule: str = "claims") -> None:
    @attempt("package", f"a bit of the claim about {what} is flipped", refused_by=rule, says=says)
    def act(scene: Scene) -> None:
        lines = lines_of(scene)
        bundle = json.loads(lines[index])
        signature = bundle["dsseEnvelope"]["signatures"][0]
        octets = bytearray(base64.b64decode(signature["sig"]))
        octets[-1] ^= 1
        signature["sig"] = base64.b64encode(octets).decode()
        lines[index] = json.dumps(bundle, separators=(",", ":")).encode()
        put_lines(scene, *lines)


_flip_in(TRAINING, "the training", "1 of 2 listed are missing")
_flip_in(EQUIVALENCE, "the equivalence", "1 of 2 listed are missing")
_flip_in(CONVERSION, "the conversion", "signature: forged or damaged")


@attempt("package", "claims are put in another order", refused_by="claims", says="but not in front or in another order")
def _reordered(scene: Scene) -> None:
    lines = lines_of(scene)
    put_lines(scene, lines[SIGNATURE], lines[TRAINING], *lines[VERIFICATION:])


@attempt("package", "inherited claims are moved behind the package's own", refused_by="claims", says="not in front")
def _behind(scene: Scene) -> None:
    lines = lines_of(scene)
    put_lines(scene, *lines[VERIFICATION:], *lines[:VERIFICATION])


@attempt("package", "a claim is repeated", refused_by="claims", says="line 6 of claims.jsonl repeats line 4")
def _repeated(scene: Scene) -> None:
    lines = lines_of(scene)
    put_lines(scene, *lines, lines[EQUIVALENCE])


@attempt("package", "the last claim is cut in half", refused_by="claims", says="was cut short, or added to")
def _cut(scene: Scene) -> None:
    os.truncate(scene.claims, scene.claims.stat().st_size - 500)


@attempt("package", "a trusted claim about another model is added", refused_by="claims", says="speaks of another artefact")
def _about_another(scene: Scene) -> None:
    put_lines(scene, *lines_of(scene), sign_statement(evaluated("a" * 64, devices=["cpu"]), CI))


@attempt("package", "the claims of another package", refused_by="claims", says="no claim speaks of this artefact")
def _of_another(scene: Scene) -> None:
    other = scene.folder / "other"
    put_source(scene, "2.1")
    convert_source(scene, other)
    shutil.copy(other / "claims.jsonl", scene.claims)


@attempt("package", "a line that is no claim is added", refused_by="claims", says="line 6 of claims.jsonl")
def _no_claim(scene: Scene) -> None:
    put_lines(scene, *lines_of(scene), b"{}")


@attempt("package", "a thousand and one claims", refused_by="claims", says="expected at most 1000")
def _many(scene: Scene) -> None:
    put_lines(scene, *[b"{}"] * 1001)


@attempt("package", "a JSON key stands twice in a claim", refused_by="claims", says="stands twice in one object")
def _twice(scene: Scene) -> None:
    lines = lines_of(scene)
    lines[EQUIVALENCE] = lines[EQUIVALENCE].replace(b'"dsseEnvelope":', b'"dsseEnvelope":{},"dsseEnvelope":', 1)
    put_lines(scene, *lines)


@attempt("package", "what the conversion says is changed", refused_by="claims", says="signature: forged or damaged")
def _changed_conversion(scene: Scene) -> None:
    *others, last = lines_of(scene)
    definition = Statement.from_bytes(read_bundle(last).payload).predicate["buildDefinition"]
    put_lines(scene, *others, _changed(last, buildDefinition=definition | {"externalParameters": {}}))


@attempt("package", "the conversion is stated by a stranger", refused_by="claims", says="no trusted claim says how")
def _strangers_conversion(scene: Scene) -> None:
    *others, last = lines_of(scene)
    put_lines(scene, *others, _resigned(last, STRANGER))


@attempt("package", "a stranger states the equivalence", refused_by="required-statements", says="equivalence-cpu is missing")
def _strangers_equivalence(scene: Scene) -> None:
    scene.set_policy(require={"package": ["equivalence-cpu"]})
    put_lines(scene, sign_statement(evaluated(scene.root_sha256(), devices=["cpu"]), STRANGER), _plain_conversion(scene))


@attempt("package", "who trains states the equivalence", refused_by="required-statements", says="no such statement by ci")
def _wrong_role(scene: Scene) -> None:
    put_lines(scene, sign_statement(evaluated(scene.root_sha256(), devices=["cpu"]), TEAM), _plain_conversion(scene))


@attempt("package", "the equivalence failed", refused_by="required-statements", says="equivalence-cpu is unfavourable")
def _failed(scene: Scene) -> None:
    put_lines(scene, *lines_of(scene), sign_statement(evaluated(scene.root_sha256(), devices=["cpu"], result="FAILED"), CI))


@attempt("package", "the equivalence holds by waivers", refused_by="required-statements", says="by waived tolerances alone")
def _waived(scene: Scene) -> None:
    put_lines(scene, *lines_of(scene), sign_statement(evaluated(scene.root_sha256(), devices=["cpu"], result="WARNED"), CI))


@attempt(
    "package",
    "a required test on a GPU is missing",
    refused_by="required-statements",
    says="equivalence-gpu is missing",
)
def _no_gpu(scene: Scene) -> None:
    scene.set_policy(require={"package": ["equivalence-gpu"]})


@attempt("package", "an old version is put back", refused_by="rollback", says="of version 1.7, and 2.0 was accepted before")
def _old_version(scene: Scene) -> None:
    put_source(scene, "1.7")
    (scene.folder / "versions.sqlite").rename(scene.folder / "aside")
    shutil.rmtree(scene.package)
    convert_source(scene, scene.package)
    (scene.folder / "aside").replace(scene.folder / "versions.sqlite")


@attempt("package", "a version below the minimum", refused_by="minimum-version", says="of version 2.0; expected at least 3")
def _below_minimum(scene: Scene) -> None:
    scene.set_policy(versions={"minimum": {"digits": "3"}, "remember": False})


@attempt("package", "the memory of versions is damaged", refused_by="rollback", says="cannot be read or written")
def _damaged_memory(scene: Scene) -> None:
    (scene.folder / "versions.sqlite").write_bytes(b"nothing" * 1000)


@attempt("package", "every statement is old", refused_by="maximum-age", says="the newest trusted statement is of")
def _old(scene: Scene) -> None:
    scene.set_policy(**{"maximum-age-days": {"package": 1e-9}})


def _plain_conversion(scene: Scene) -> bytes:
    """A conversion that lists no other claims, as an attacker would like it: only who has the key can make it."""
    predicate = dict(Statement.from_bytes(read_bundle(lines_of(scene)[CONVERSION]).payload).predicate)
    definition = predicate["buildDefinition"] | {"resolvedDependencies": []}
    run = {**predicate["runDetails"], "byproducts": []}
    return _resigned(lines_of(scene)[CONVERSION], CI, buildDefinition=definition, runDetails=run)


@attempt("source", "the claim about the training is taken away", refused_by="required-statements", says="training is missing")
def _source_stripped(scene: Scene) -> None:
    Path(f"{scene.source}.claims.jsonl").unlink()


@attempt("source", "a stranger states the training", refused_by="required-statements", says="training is missing")
def _source_stranger(scene: Scene) -> None:
    path = Path(f"{scene.source}.claims.jsonl")
    path.write_bytes(_resigned(path.read_bytes().strip(), STRANGER) + b"\n")


@attempt("source", "the training of another model", refused_by="claims", says="speaks of another artefact")
def _source_other(scene: Scene) -> None:
    Path(f"{scene.source}.claims.jsonl").write_bytes(sign_statement(training("a" * 64, version="2.0"), TEAM) + b"\n")


@attempt("source", "the claims are replaced by a pipe", refused_by="claims", says="no regular file")
def _source_pipe(scene: Scene) -> None:
    path = Path(f"{scene.source}.claims.jsonl")
    path.unlink()
    os.mkfifo(path)


@attempt("source", "an old version of the source is put back", refused_by="rollback", says="of version 1.9, and 2.0 was accepted")
def _source_old(scene: Scene) -> None:
    put_source(scene, "1.9")


@attempt("source", "a version that is none", refused_by="minimum-version", says="no version: '9; DROP TABLE highest'")
def _source_nonsense(scene: Scene) -> None:
    put_source(scene, "9; DROP TABLE highest")


@attempt("source", "the training was stated long ago", refused_by="maximum-age", says="the newest trusted statement is of")
def _source_aged(scene: Scene) -> None:
    put_source(scene, "2.0", at=NOW - 31 * DAY)


@attempt("source", "the training is stated in the future", refused_by="maximum-age", says="is from the future")
def _source_future(scene: Scene) -> None:
    put_source(scene, "2.0", at=NOW + 31 * DAY)
