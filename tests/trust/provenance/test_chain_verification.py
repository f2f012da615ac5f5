"""What was done to a file of claims shows in the chain, link by link."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.trust.bundle import sign_statement
from bridge.trust.provenance.chain import DEPTH_AT_MOST, LINKS_AT_MOST, Chain, Status
from bridge.trust.provenance.chain_verification import verify_chain
from bridge.trust.provenance.claims import claims_file, read_claims
from bridge.trust.provenance.predicates import SLSA_PROVENANCE
from bridge.trust.signers import Verifier
from bridge.trust.statement import Statement, Subject
from tests.trust.provenance.histories import (
    BOTH,
    CONVERTER,
    CONVERTER_TRUSTED,
    GRANDCHILD,
    MODEL,
    PACKAGE,
    STRANGER,
    TRAINER,
    TRAINER_TRUSTED,
    Made,
    converted,
    evaluated,
    trained,
)


def chain_of(lines: Sequence[bytes], root: str = PACKAGE, verifier: Verifier | None = BOTH) -> Chain:
    return verify_chain("package", root, read_claims(claims_file(lines)), verifier)


def reasons(chain: Chain) -> str:
    return "\n".join(f"{check.what}: {check.detail}" for check in chain.failures)


@pytest.fixture(scope="module")
def made() -> Made:
    return converted()


def test_whole_chain_is_verified_link_by_link(made: Made) -> None:
    chain = chain_of(made.lines)
    assert chain.verified
    assert [claim.claim.line for claim in chain.all_claims()] == [3, 4, 1, 2]
    (conversion,) = [claim for claim in chain.root.claims if claim.sources]
    assert [source.sha256 for source in conversion.sources] == [MODEL]
    assert {check.what: check.status for check in conversion.checks} == {
        "inherited claims": Status.VERIFIED,
        "own claims": Status.VERIFIED,
    }


def test_chain_of_two_conversions_leads_to_the_training(made: Made) -> None:
    chain = chain_of(converted(PACKAGE, made.lines, GRANDCHILD).lines, GRANDCHILD)
    assert chain.verified
    assert len(list(chain.all_claims())) == 6
    first = next(claim for claim in chain.root.claims if claim.sources).sources[0]
    second = next(claim for claim in first.claims if claim.sources).sources[0]
    assert (first.sha256, second.sha256) == (PACKAGE, MODEL)


def test_without_anybody_to_trust_links_are_checked_and_signatures_unknown(made: Made) -> None:
    chain = chain_of(made.lines, verifier=None)
    assert chain.holds
    assert not chain.verified
    assert {claim.signature.status for claim in chain.all_claims()} == {Status.UNKNOWN}


def test_signer_who_is_not_trusted_is_unknown_and_keeps_the_chain_from_being_verified(made: Made) -> None:
    chain = chain_of(made.lines, verifier=CONVERTER_TRUSTED)
    assert chain.holds
    assert not chain.verified
    unknown = [claim.claim.line for claim in chain.all_claims() if claim.signature.status is Status.UNKNOWN]
    assert unknown == [1, 2]


TAMPERED: dict[str, tuple[Callable[[list[bytes]], list[bytes]], str]] = {
    "first inherited claim taken away": (lambda lines: lines[1:], "1 of 2 listed are missing, the first is number 1"),
    "second inherited claim taken away": (
        lambda lines: [lines[0], *lines[2:]],
        "1 of 2 listed are missing, the first is number 2",
    ),
    "all inherited claims taken away": (lambda lines: lines[2:], "2 of 2 listed are missing"),
    "inherited claims in another order": (lambda lines: [lines[1], lines[0], *lines[2:]], "not in front or in another order"),
    "own claims in front": (lambda lines: [*lines[2:], *lines[:2]], "the claim that lists them stands among them"),
    "own test taken away": (lambda lines: [*lines[:2], lines[3]], "own claims: 1 of 1 listed are missing: test"),
    "conversion taken away": (lambda lines: lines[:3], "speaks of another artefact"),
    "everything taken away": (lambda _: [], "no claim speaks of this artefact"),
    "own claims taken away": (lambda lines: lines[:2], "no claim speaks of this artefact"),
    "claim about the source brought in behind": (
        lambda lines: [*lines, evaluated(MODEL, TRAINER)],
        "speaks of another artefact",
    ),
    "claim about the source brought in front": (lambda lines: [evaluated(MODEL, TRAINER), *lines], "not in front"),
    "claim about the source brought in between": (
        lambda lines: [*lines[:2], evaluated(MODEL, TRAINER), *lines[2:]],
        "speaks of another artefact",
    ),
    "claim about another package replayed": (lambda lines: [*lines, evaluated("cd" * 32)], "speaks of another artefact"),
    "claims of another package": (lambda _: converted(root="cd" * 32).lines, "no claim speaks of this artefact"),
    "other claim in an inherited one's place": (
        lambda lines: [trained(STRANGER)[0], *lines[1:]],
        "1 of 2 listed are missing, the first is number 1",
    ),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_tampered_claims_do_not_hold_and_say_why(case: str, made: Made) -> None:
    tamper, reason = TAMPERED[case]
    chain = chain_of(tamper(made.lines))
    assert not chain.holds
    assert not chain.verified
    assert reason in reasons(chain)


LINES = converted(PACKAGE, converted().lines, GRANDCHILD).lines


@given(st.permutations(LINES), st.integers(0, len(LINES)))
def test_no_other_order_and_no_part_of_the_claims_holds(shuffled: list[bytes], count: int) -> None:
    some = shuffled[:count]
    # The step's own claims may stand in any order; alone, a test says nothing of a history, and the policy may ask for one.
    harmless = some in ([*LINES[:4], LINES[5], LINES[4]], LINES, [LINES[4]])
    assert chain_of(some, GRANDCHILD).holds == harmless


def test_later_test_of_the_package_may_be_added(made: Made) -> None:
    chain = chain_of([*made.lines, evaluated(PACKAGE, kind="robustness")])
    assert chain.verified
    assert len(chain.root.claims) == 3


def test_bundle_that_a_stranger_signed_anew_is_missed(made: Made) -> None:
    forged = [trained(STRANGER)[0], *made.lines[1:]]
    assert "listed are missing" in reasons(chain_of(forged, verifier=None))


def test_artefact_that_comes_from_itself_is_refused() -> None:
    loop = converted(PACKAGE, [], PACKAGE)
    assert "is said to come from itself" in reasons(chain_of(loop.lines))


def test_history_that_is_too_deep_is_refused() -> None:
    made, root = converted(), PACKAGE
    for step in range(DEPTH_AT_MOST + 1):
        source, root = root, f"{step:064x}"
        made = converted(source, made.lines, root)
    assert f"deeper than {DEPTH_AT_MOST} steps" in reasons(chain_of(made.lines, root))


def test_history_of_too_many_links_is_refused_in_time() -> None:
    chain = chain_of([_made_from(f"{half}{number:063x}" for number in range(LINKS_AT_MOST // 2)) for half in "abc"])
    assert reasons(chain) == f"source: the history has more than {LINKS_AT_MOST} links"
    assert sum(len(claim.sources) for claim in chain.all_claims()) <= LINKS_AT_MOST


def _made_from(digests: Iterable[str]) -> bytes:
    sources = [{"digest": {"sha256": digest}, "annotations": {"role": "source"}} for digest in digests]
    definition = {"buildType": "https://example.org/build", "externalParameters": {}, "resolvedDependencies": sources}
    predicate = {"buildDefinition": definition, "runDetails": {"builder": {"id": "https://example.org"}}}
    return sign_statement(Statement((Subject("package", {"sha256": PACKAGE}),), SLSA_PROVENANCE, predicate), CONVERTER)


def test_damaged_signature_fails_and_that_of_a_stranger_is_unknown(made: Made) -> None:
    bundle = json.loads(made.lines[2])
    signature = base64.b64decode(bundle["dsseEnvelope"]["signatures"][0]["sig"])
    bundle["dsseEnvelope"]["signatures"][0]["sig"] = base64.b64encode(signature[:-1] + bytes([signature[-1] ^ 1])).decode()
    later = [*made.lines, evaluated(PACKAGE, STRANGER, kind="robustness"), json.dumps(bundle).encode()]
    by_line = {claim.claim.line: claim.signature for claim in chain_of(later).all_claims()}
    assert by_line[5].status is Status.UNKNOWN
    assert by_line[6].status is Status.FAILED
    assert "forged or damaged" in by_line[6].detail
    assert chain_of(later, verifier=TRAINER_TRUSTED).holds  # Nobody can tell whether it is the converter's.


def test_source_without_a_digest_leads_nowhere() -> None:
    dependency = {"name": "model.dnn", "uri": "file:model.dnn", "annotations": {"role": "source"}}
    definition = {"buildType": "https://example.org/build", "externalParameters": {}, "resolvedDependencies": [dependency]}
    statement = Statement(
        (Subject("package", {"sha256": PACKAGE}),),
        SLSA_PROVENANCE,
        {"buildDefinition": definition, "runDetails": {"builder": {"id": "https://example.org"}}},
    )
    chain = chain_of([sign_statement(statement, CONVERTER)])
    assert "model.dnn is named without its SHA-256" in reasons(chain)


@pytest.mark.parametrize(
    ("predicate", "reason"),
    [
        ({}, "predicate.buildDefinition"),
        ({"buildDefinition": {}, "runDetails": {}}, "predicate.runDetails.builder"),
        ({"buildDefinition": {}, "runDetails": {"builder": {"id": "x"}}}, "predicate.buildDefinition.buildType"),
        (
            {"buildDefinition": {"buildType": "x", "resolvedDependencies": 5}, "runDetails": {"builder": {"id": "x"}}},
            "resolvedDependencies",
        ),
        (
            {"buildDefinition": {"buildType": "x", "resolvedDependencies": [{}]}, "runDetails": {"builder": {"id": "x"}}},
            "a resource that nothing identifies",
        ),
        (
            {
                "buildDefinition": {"buildType": "x", "resolvedDependencies": [{"digest": {"sha256": "no digest"}}]},
                "runDetails": {"builder": {"id": "x"}},
            },
            "resolvedDependencies[0].digest",
        ),
    ],
)
def test_statement_of_unsound_form_fails_with_its_member(predicate: dict[str, object], reason: str, made: Made) -> None:
    unsound = sign_statement(Statement((Subject("package", {"sha256": PACKAGE}),), SLSA_PROVENANCE, predicate), CONVERTER)
    chain = chain_of([*made.lines, unsound])
    assert reason in reasons(chain)
    assert "line 5" in reasons(chain)


def test_source_without_claims_ends_the_chain() -> None:
    chain = chain_of(converted(MODEL, []).lines)
    assert chain.verified
    (conversion,) = [claim for claim in chain.root.claims if claim.sources]
    assert conversion.sources[0].claims == ()


def test_two_steps_from_one_source_tell_its_claims_once() -> None:
    made = converted()
    again = converted(MODEL, trained_lines := made.lines[:2])
    chain = chain_of([*trained_lines, *made.lines[2:], again.lines[-1], again.lines[-2]])
    assert chain.holds
    sources = [source for claim in chain.root.claims for source in claim.sources]
    assert [source.repeated for source in sources] == [False, True]


def test_statement_about_several_artefacts_counts_for_each() -> None:
    subjects = (Subject("other", {"sha256": "cd" * 32}), Subject("package", {"sha256": PACKAGE}))
    made = converted(MODEL, [])
    statement = read_claims(claims_file(made.lines))[0].statement
    both = sign_statement(Statement(subjects, statement.predicate_type, statement.predicate), CONVERTER)
    assert chain_of([*made.lines, both]).verified
