"""A statement is a stranger's until somebody vouches for it, and is shown before that: whatever it says, the views stand."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from bridge.trust.bundle import sign_statement
from bridge.trust.digests import FileDigest
from bridge.trust.provenance.bill_of_materials import bill_of_materials
from bridge.trust.provenance.chain_json import history_json
from bridge.trust.provenance.chain_verification import verify_chain
from bridge.trust.provenance.claims import claims_file, read_claims
from bridge.trust.provenance.history import History
from bridge.trust.provenance.model_card import card_from_history
from bridge.trust.provenance.page import render_page
from bridge.trust.provenance.predicates import (
    CONVERSION_BUILD,
    MODEL_SIGNATURE,
    SLSA_PROVENANCE,
    TEST_RESULT,
    TRAINING_BUILD,
    VERIFICATION_SUMMARY,
)
from bridge.trust.provenance.terminal import provenance_tree
from bridge.trust.statement import Statement, Subject
from tests.trust.provenance.histories import CONVERTER, CONVERTER_TRUSTED, FILE_SHA256, PACKAGE

NUMBERS = st.integers(-(2**62), 2**62) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | st.text(max_size=20)
NAMES = st.sampled_from(
    """role dirty changedFiles files bytes name version purpose licence digest sha256 uri annotations worst maxAbs maxRel devices
    tolerances float32 rtol atol created model data metrics limitations value environment python packages observed platform result
    cntkbridge_summary cntkbridge_kind cntkbridge_model cntkbridge_statedBy cntkbridge_signer cntkbridge_sourceVerified policy
    passedTests failedTests configuration resources verificationResult timeVerified parameters source target outputs""".split()
) | st.text(max_size=8)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5), max_leaves=25
)
OBJECT = st.dictionaries(NAMES, ANYTHING, max_size=6)


@st.composite
def steps(draw: st.DrawFn) -> dict[str, Any]:
    """Provenance of the known form as far as it has to be, and of any form beyond."""
    definition = {
        "buildType": draw(st.sampled_from([TRAINING_BUILD, CONVERSION_BUILD, "https://example.org/build"])),
        "externalParameters": draw(OBJECT | ANYTHING),
        "internalParameters": draw(OBJECT | ANYTHING),
        "resolvedDependencies": [
            {"name": draw(st.text(max_size=9)), "digest": {"sha256": "ab" * 32}, "annotations": draw(OBJECT)} for _ in range(2)
        ],
    }
    run = {**draw(OBJECT), "builder": {"id": "x", "version": draw(ANYTHING)}, "metadata": draw(OBJECT | ANYTHING)}
    return {"buildDefinition": definition, "runDetails": run}


PREDICATES = st.one_of(
    st.tuples(st.just(SLSA_PROVENANCE), steps()),
    st.tuples(st.sampled_from([SLSA_PROVENANCE, TEST_RESULT, VERIFICATION_SUMMARY, MODEL_SIGNATURE, "https://e.x/y"]), OBJECT),
)


@settings(max_examples=25)
@given(st.lists(PREDICATES, min_size=1, max_size=3), st.text(max_size=20))
def test_views_stand_whatever_statements_say(predicates: list[tuple[str, dict[str, Any]]], name: str) -> None:
    subject = Subject(name, {"sha256": PACKAGE})
    lines = [sign_statement(Statement((subject,), kind, predicate), CONVERTER) for kind, predicate in predicates]
    claims = read_claims(claims_file(list(dict.fromkeys(lines))))
    history = History(
        name, PACKAGE, (FileDigest("m", "sha256", FILE_SHA256),), verify_chain(name, PACKAGE, claims, CONVERTER_TRUSTED)
    )
    console = Console(width=100, color_system=None)
    with console.capture() as capture:
        console.print(provenance_tree(history))
    assert "\x1b" not in capture.get()
    assert "<script" not in render_page(history)
    assert history_json(history)["root_digest"] == PACKAGE
    assert bill_of_materials(card_from_history(history))["specVersion"] == "1.6"
