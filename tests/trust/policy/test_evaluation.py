"""bridge.trust.policy.evaluation: every rule, refusing and passing, on real signed packages."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import PolicyError
from bridge.trust.explaining import explain
from bridge.trust.policy.document import load_policy
from bridge.trust.policy.model import Policy
from bridge.trust.policy.rules import RULES, Decision, Outcome
from bridge.trust.signers import Signer
from bridge.trust.statement import Statement
from bridge.trust.verified import verify_file, verify_folder
from bridge.trust.versions_seen import VersionsSeen
from tests.trust.signed_models import (
    DAY,
    NOW,
    Authority,
    claims,
    evaluated,
    fingerprint,
    made,
    new_key,
    root_digest,
    signed_file,
    signed_package,
    training,
    write_policy,
    write_public,
)

CONTENT = b"the graph"
ROOT = root_digest(CONTENT)
TEAM, CI, STRANGER = new_key(), new_key(), new_key()


def _policy(folder: Path, **more: Any) -> Policy:
    signers = {name: {"keys": [write_public(folder, name, signer)]} for name, signer in (("team", TEAM), ("ci", CI))}
    document = {"policy": 1, "signers": signers, "accept": {"source": ["team"], "package": ["ci"]}}
    return load_policy(write_policy(folder, document | {"versions": {"store": "versions.sqlite"}} | more))


def _package(folder: Path, *signed: tuple[Statement, Signer], signer: Signer = CI) -> Path:
    package = signed_package(folder / "package", signer, {"model.onnx": CONTENT})
    (package / "claims.jsonl").write_bytes(claims((made(ROOT), signer), *signed))
    return package


def _refused(package: Path, policy: Policy) -> tuple[str, str]:
    """The rule that refuses, and its sentence; the explanation has to name the same rule."""
    with pytest.raises(PolicyError) as caught:
        verify_folder(package, policy)
    decision = explain(package, policy)
    assert decision.refusals[0].rule == caught.value.rule
    return caught.value.rule, str(caught.value)


def _accepted(package: Path, policy: Policy) -> Decision:
    with verify_folder(package, policy) as verified:
        assert explain(package, policy).accepted
        return verified.decision


def test_decision_lists_every_rule_in_order(tmp_path: Path) -> None:
    decision = _accepted(_package(tmp_path), _policy(tmp_path))
    assert [outcome.rule for outcome in decision.outcomes] == list(RULES)
    assert (decision.signer, decision.root_digest, decision.role) == ("ci", ROOT, "package")
    document = decision.to_json()
    assert document["accepted"] is True
    assert document["policy"]["sha256"] == _policy(tmp_path).sha256
    assert document["identity"]["fingerprint"] == fingerprint(CI)


def test_nobody_configured_for_the_role(tmp_path: Path) -> None:
    policy = _policy(tmp_path, accept={"source": ["team"]})
    rule, sentence = _refused(_package(tmp_path), policy)
    assert rule == "signers"
    assert "nobody is configured who may sign a package" in sentence


def test_missing_signature(tmp_path: Path) -> None:
    package = _package(tmp_path)
    (package / "model.sig").unlink()
    assert _refused(package, _policy(tmp_path))[0] == "signature"


def test_signature_of_a_stranger(tmp_path: Path) -> None:
    rule, sentence = _refused(_package(tmp_path, signer=STRANGER), _policy(tmp_path))
    assert rule == "signature"
    assert "ci: signed by the key with the hint" in sentence


def test_signature_of_another_role(tmp_path: Path) -> None:
    rule, sentence = _refused(_package(tmp_path, signer=TEAM), _policy(tmp_path))
    assert rule == "role"
    assert "of team, which may not sign a package; expected ci" in sentence
    source = signed_file(tmp_path / "source", CI)
    with pytest.raises(PolicyError, match="rule role"):
        verify_file(source, _policy(tmp_path))


def test_revoked_key(tmp_path: Path) -> None:
    assert _refused(_package(tmp_path), _policy(tmp_path, revoked={"keys": [fingerprint(CI)]}))[0] == "revoked-key"


def test_revoked_digests_of_model_and_file(tmp_path: Path) -> None:
    package = _package(tmp_path)
    rule, sentence = _refused(package, _policy(tmp_path, revoked={"digests": [f"sha256:{ROOT}"]}))
    assert rule == "revoked-digest"
    assert f"the model with the root digest {ROOT} is revoked" in sentence
    file = _accepted(package, _policy(tmp_path))
    digest = verify_folder(package, _policy(tmp_path)).model.files[0].digest
    assert file.accepted
    assert "'model.onnx' with the digest" in _refused(package, _policy(tmp_path, revoked={"digests": [digest]}))[1]


def test_a_revoked_signature_stays_revoked_in_a_bundle_of_other_bytes(tmp_path: Path) -> None:
    package = _package(tmp_path)
    revoked = verify_folder(package, _policy(tmp_path)).model.statement_sha256
    signature = package / "model.sig"
    signature.write_bytes(json.dumps(json.loads(signature.read_bytes()), indent=2).encode())
    assert _accepted(package, _policy(tmp_path)).accepted
    rule, sentence = _refused(package, _policy(tmp_path, revoked={"digests": [revoked]}))
    assert rule == "revoked-digest"
    assert f"the signature with the digest {revoked} is revoked" in sentence


def test_changed_byte_is_the_rule_integrity_in_an_explanation(tmp_path: Path) -> None:
    package = _package(tmp_path)
    (package / "model.onnx").write_bytes(b"The graph")
    decision = explain(package, _policy(tmp_path))
    assert [outcome.rule for outcome in decision.refusals] == ["integrity"]
    outcomes = {outcome.rule: outcome.outcome for outcome in decision.outcomes}
    assert outcomes["signature"] is Outcome.PASSED
    assert outcomes["claims"] is Outcome.NOT_APPLIED


def test_claims_about_something_else(tmp_path: Path) -> None:
    rule, sentence = _refused(_package(tmp_path, (training("a" * 64), TEAM)), _policy(tmp_path))
    assert rule == "claims"
    assert "speaks of another artefact" in sentence


def test_package_without_the_claim_that_says_how_it_was_made(tmp_path: Path) -> None:
    package = _package(tmp_path)
    (package / "claims.jsonl").unlink()
    rule, sentence = _refused(package, _policy(tmp_path))
    assert rule == "claims"
    assert "no claim speaks of this artefact" in sentence
    (package / "claims.jsonl").write_bytes(claims((made(ROOT), STRANGER)))
    assert "no trusted claim says how the package was made" in _refused(package, _policy(tmp_path))[1]


def test_claims_that_are_none(tmp_path: Path) -> None:
    package = _package(tmp_path)
    (package / "claims.jsonl").write_bytes(b"{}\n")
    assert _refused(package, _policy(tmp_path))[0] == "claims"


REQUIRE = {"require": {"package": ["equivalence-cpu", "equivalence-gpu"]}}


def test_required_statements_that_are_there(tmp_path: Path) -> None:
    both = _package(tmp_path, (evaluated(ROOT, devices=["cpu", "cuda:0"]), CI))
    assert _accepted(both, _policy(tmp_path, **REQUIRE)).accepted


@pytest.mark.parametrize(
    ("statements", "sentence"),
    [
        ([], "equivalence-cpu is missing: no such statement by team, ci; equivalence-gpu is missing"),
        ([(evaluated(ROOT, devices=["cpu"]), CI)], "equivalence-gpu is missing"),
        ([(evaluated(ROOT, devices=["cuda:0"]), CI)], "equivalence-cpu is missing"),
        ([(evaluated(ROOT, devices=["cpu", "cuda"]), STRANGER)], "equivalence-cpu is missing"),
        ([(evaluated(ROOT, devices=["cpu", "cuda"], result="FAILED"), CI)], "equivalence-cpu is unfavourable"),
        ([(evaluated(ROOT, devices=["cpu", "cuda"], result="passed"), CI)], "equivalence-cpu is unfavourable"),
        ([(evaluated(ROOT, devices=["cpu", "cuda"], result="WARNED"), CI)], "equivalence-cpu holds by waived tolerances alone"),
        ([(evaluated(ROOT, devices=["cpu", "cuda"], kind="robustness"), CI)], "equivalence-cpu is missing"),
        (
            [(evaluated(ROOT, devices=["cpu", "cuda"]), CI), (evaluated(ROOT, devices=["cpu"], result="FAILED"), TEAM)],
            "equivalence-cpu is unfavourable",
        ),
    ],
)
def test_required_statements_that_are_not(tmp_path: Path, statements: list[tuple[Statement, Signer]], sentence: str) -> None:
    rule, told = _refused(_package(tmp_path, *statements), _policy(tmp_path, **REQUIRE))
    assert rule == "required-statements"
    assert sentence in told


def test_unfavourable_statement_of_a_stranger_does_no_harm(tmp_path: Path) -> None:
    package = _package(
        tmp_path, (evaluated(ROOT, devices=["cpu", "cuda"]), CI), (evaluated(ROOT, devices=["cpu"], result="FAILED"), STRANGER)
    )
    assert _accepted(package, _policy(tmp_path, **REQUIRE)).accepted


def test_waived_tolerances_are_accepted_where_the_policy_says_so(tmp_path: Path) -> None:
    package = _package(tmp_path, (evaluated(ROOT, devices=["cpu", "cuda"], result="WARNED"), CI))
    assert _accepted(package, _policy(tmp_path, **REQUIRE, **{"accept-waived": True})).accepted


def test_statement_by_somebody_who_may_not_make_it_counts_for_nothing(tmp_path: Path) -> None:
    package = _package(tmp_path, (evaluated(ROOT, devices=["cpu", "cuda"]), TEAM))
    accept = {"source": ["team"], "package": ["ci"], "statements": {"equivalence-cpu": ["ci"], "equivalence-gpu": ["team"]}}
    assert (
        "equivalence-cpu is missing: no such statement by ci" in _refused(package, _policy(tmp_path, accept=accept, **REQUIRE))[1]
    )


def test_statement_under_a_revoked_key_and_revoked_statement_count_for_nothing(tmp_path: Path) -> None:
    package = _package(tmp_path, (training(ROOT), TEAM))
    require = {"require": {"package": ["training"]}}
    assert _accepted(package, _policy(tmp_path, **require)).accepted
    assert _refused(package, _policy(tmp_path, revoked={"keys": [fingerprint(TEAM)]}, **require))[0] == "required-statements"
    [_, line] = (package / "claims.jsonl").read_bytes().splitlines()
    revoked = {"digests": [hashlib.sha256(line).hexdigest()]}
    assert _refused(package, _policy(tmp_path, revoked=revoked, **require))[0] == "required-statements"


def test_other_statements_are_required_by_their_type(tmp_path: Path) -> None:
    wanted = "https://example.org/approval/v1"
    approval = Statement(training(ROOT).subject, wanted, {})
    policy = _policy(tmp_path, require={"package": [wanted]})
    assert _accepted(_package(tmp_path, (approval, CI)), policy).accepted
    assert f"{wanted} is missing" in _refused(_package(tmp_path, (training(ROOT), CI)), policy)[1]


AGE = {"maximum-age-days": {"package": 30}}


def test_statement_of_the_last_days_is_young_enough(tmp_path: Path) -> None:
    assert _accepted(_package(tmp_path, (training(ROOT, at=NOW - 29 * DAY), TEAM)), _policy(tmp_path, **AGE)).accepted


@pytest.mark.parametrize(
    ("statements", "sentence"),
    [
        ([], "no trusted statement tells its time"),
        ([(training(ROOT, at=NOW - 31 * DAY), TEAM)], "the newest trusted statement is of"),
        ([(training(ROOT, at=NOW + DAY), TEAM)], "a trusted statement is from the future"),
        ([(training(ROOT), STRANGER)], "no trusted statement tells its time"),
    ],
)
def test_old_model_is_refused(tmp_path: Path, statements: list[tuple[Statement, Signer]], sentence: str) -> None:
    rule, told = _refused(_package(tmp_path, *statements), _policy(tmp_path, **AGE))
    assert rule == "maximum-age"
    assert sentence in told


def test_clock_that_is_a_little_ahead_is_forgiven(tmp_path: Path) -> None:
    statement = training(ROOT, at=NOW + dt.timedelta(minutes=2))
    assert _accepted(_package(tmp_path, (statement, TEAM)), _policy(tmp_path, **AGE)).accepted


def test_minimum_version(tmp_path: Path) -> None:
    policy = _policy(tmp_path, versions={"minimum": {"digits": "2.10"}, "store": "versions.sqlite"})
    rule, sentence = _refused(_package(tmp_path, (training(ROOT, version="2.9"), TEAM)), policy)
    assert rule == "minimum-version"
    assert "'digits' is of version 2.9; expected at least 2.10" in sentence
    assert "no trusted statement gives name and version" in _refused(_package(tmp_path, (training(ROOT), TEAM)), policy)[1]
    assert "no version: 'latest'" in _refused(_package(tmp_path, (training(ROOT, version="latest"), TEAM)), policy)[1]
    decision = _accepted(_package(tmp_path, (training(ROOT, version="2.10"), TEAM)), policy)
    assert (decision.model, decision.version) == ("digits", "2.10")


def test_older_version_is_refused_once_a_newer_one_was_accepted(tmp_path: Path) -> None:
    policy = _policy(tmp_path)
    _accepted(_package(tmp_path / "new", (training(ROOT, version="2"), TEAM)), policy)
    old = _package(tmp_path / "old", (training(ROOT, version="1"), TEAM))
    rule, sentence = _refused(old, policy)
    assert rule == "rollback"
    assert "of version 1, and 2 was accepted before" in sentence
    assert _accepted(old, _policy(tmp_path, versions={"remember": False})).accepted


def test_what_is_asked_of_the_machine_is_explained_and_refuses_nothing_here(tmp_path: Path) -> None:
    runtime = {"minimum-sandbox": "seccomp", "guards": {"require": ["range"], "digests": ["c" * 64]}}
    decision = explain(_package(tmp_path), _policy(tmp_path, runtime=runtime))
    sandbox, guards = decision.outcomes[-2:]
    assert decision.accepted
    assert (sandbox.rule, guards.rule) == ("sandbox", "guards")
    assert sandbox.outcome is guards.outcome is Outcome.NOT_APPLIED
    asked = f"input guards of the kinds range, of a file whose sha256 is {'c' * 64}"
    assert guards.detail == f"asked where the package is loaded: {asked}"
    assert not {"sandbox", "guards", "libraries"} & {
        each.rule for each in explain(_package(tmp_path), _policy(tmp_path)).outcomes
    }
    refused = explain(_package(tmp_path, signer=STRANGER), _policy(tmp_path, runtime=runtime))
    assert not refused.accepted
    assert refused.outcomes[-1].rule == "guards"


def test_nothing_is_remembered_of_what_is_refused_or_explained(tmp_path: Path) -> None:
    policy = _policy(tmp_path, **AGE)
    package = _package(tmp_path, (training(ROOT, version="7", at=NOW - 99 * DAY), TEAM))
    assert _refused(package, policy)[0] == "maximum-age"
    assert VersionsSeen(tmp_path / "versions.sqlite").highest("digits") is None


def test_version_without_a_trusted_signature_is_not_believed(tmp_path: Path) -> None:
    policy = _policy(tmp_path, versions={"require": True, "store": "versions.sqlite"})
    assert _refused(_package(tmp_path, (training(ROOT, version="9"), STRANGER)), policy)[0] == "minimum-version"


def test_several_refusals_are_told_together(tmp_path: Path) -> None:
    policy = _policy(tmp_path, **AGE, **REQUIRE, revoked={"digests": [ROOT]})
    rule, sentence = _refused(_package(tmp_path), policy)
    assert rule == "revoked-digest"
    assert "required-statements refuses too" in sentence
    assert "maximum-age refuses too" in sentence


def _certified(folder: Path, **certificates: Any) -> Policy:
    entry = {"ci": {"certificates": {"roots": ["root.pem"], **certificates}}}
    return load_policy(write_policy(folder, {"policy": 1, "signers": entry, "accept": {"package": ["ci"]}}))


def test_certificate_under_a_trusted_root(tmp_path: Path) -> None:
    signer = Authority(tmp_path).signer("build@ci.example.org")
    package = _package(tmp_path, signer=signer)
    for patterns in (["email:*@ci.example.org"], ["subject:CN=build@*"], ["dns:x", "email:build@ci.example.org"]):
        decision = _accepted(package, _certified(tmp_path, identities=patterns))
        assert decision.identity is not None
        assert decision.identity.name == "CN=build@ci.example.org"


@pytest.mark.parametrize("pattern", ["email:*@example.org", "email:build", "dns:*", "email:*@ci.example.or", "uri:*"])
def test_certificate_of_somebody_else(tmp_path: Path, pattern: str) -> None:
    signer = Authority(tmp_path).signer("build@ci.example.org")
    rule, sentence = _refused(_package(tmp_path, signer=signer), _certified(tmp_path, identities=[pattern]))
    assert rule == "signature"
    assert "certified under a trusted root, but none of" in sentence


def test_expired_certificate(tmp_path: Path) -> None:
    signer = Authority(tmp_path).signer("build@ci.example.org", until=NOW - DAY)
    rule, sentence = _refused(_package(tmp_path, signer=signer), _certified(tmp_path))
    assert rule == "signature"
    assert "expired" in sentence


def test_revoked_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    signer, other = authority.signer("build@ci.example.org"), authority.signer("other@ci.example.org")
    authority.revocation_list(signer)
    policy = _certified(tmp_path, **{"revocation-lists": ["revoked.crl"]})
    assert "revoked" in _refused(_package(tmp_path, signer=signer), policy)[1]
    assert _accepted(_package(tmp_path, signer=other), policy).accepted


def test_certificate_that_only_claims_to_be_under_the_root(tmp_path: Path) -> None:
    (tmp_path / "evil").mkdir()
    evil = Authority(tmp_path / "evil").signer("build@ci.example.org")
    Authority(tmp_path)
    assert _refused(_package(tmp_path, signer=evil), _certified(tmp_path))[0] == "signature"
