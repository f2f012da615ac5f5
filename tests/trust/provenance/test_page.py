"""The page of a chain, as text and in a real browser."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from bridge.trust.bundle import sign_statement
from bridge.trust.digests import FileDigest
from bridge.trust.provenance.chain import Check, Status
from bridge.trust.provenance.chain_verification import verify_chain
from bridge.trust.provenance.claims import claims_file, read_claims
from bridge.trust.provenance.description import Description
from bridge.trust.provenance.history import History
from bridge.trust.provenance.page import render_page
from bridge.trust.provenance.terminal import provenance_tree
from bridge.trust.provenance.training import training_statement
from tests.trust.provenance.histories import (
    BOTH,
    CONVERTER_TRUSTED,
    FACTS,
    FILE_SHA256,
    MODEL,
    PACKAGE,
    TRAINER,
    converted,
    signature_of,
)
from tests.verify.report.browser import Browser, browser_or_skip

HOSTILE = "<script>document.title='run'</script><img src=http://192.0.2.1/x onerror=alert(1)>\x1b[31m\u202e\r\n'\"&"


def history(*, verifier: object = BOTH, lines: list[bytes] | None = None, name: str = "package") -> History:
    claims = read_claims(claims_file(converted().lines if lines is None else lines))
    chain = verify_chain(name, PACKAGE, claims, verifier)  # type: ignore[arg-type] # One of the verifiers above, or none.
    checks = (Check("files", Status.VERIFIED, "5 as the signature lists them"),)
    files = (FileDigest("model.onnx", "sha256", FILE_SHA256),)
    return History(name, PACKAGE, files, replace(chain, checks=(*checks, *chain.checks)))


def hostile() -> History:
    """A chain whose every text tries to be something else."""
    description = Description(model={"name": HOSTILE, "purpose": HOSTILE}, limitations=(HOSTILE,))
    statement = training_statement(HOSTILE, MODEL, replace(FACTS, description=description))
    inherited = [sign_statement(statement, TRAINER), signature_of("model.dnn", FILE_SHA256, TRAINER)]
    return history(lines=converted(inherited=inherited).lines, name=HOSTILE)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    yield from browser_or_skip(tmp_path_factory.mktemp("profile"))


def tree_text(shown: History) -> str:
    console = Console(width=200, record=True, force_terminal=False)
    with console.capture() as capture:
        console.print(provenance_tree(shown))
    return capture.get()


def test_tree_marks_what_is_verified_unknown_and_wrong() -> None:
    text = tree_text(history(verifier=CONVERTER_TRUSTED, lines=converted().lines[1:]))
    assert re.search(r"✓ equivalence test: PASSED +by key sha256", text)
    assert "✗ inherited claims  1 of 2 listed are missing" in text
    assert re.search(r"\? signed +by nobody who is trusted", text)
    assert "from model.dnn" in text


def test_tree_shows_claims_that_lead_nowhere() -> None:
    text = tree_text(history(lines=[*converted().lines, converted(root="cd" * 32).lines[-1]]))
    assert "claims that lead nowhere" in text
    assert "✗ own claims  speaks of another artefact" in text


def test_tree_obeys_nothing_that_claims_say() -> None:
    text = tree_text(hostile())
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "<script>" in text


def test_page_says_verified_only_where_everything_is() -> None:
    assert "<h1>Verified</h1>" in render_page(history())
    assert "<h1>Not verified</h1>" in render_page(history(verifier=None))
    assert "<h1>Not verified</h1>" in render_page(history(verifier=CONVERTER_TRUSTED))
    assert "<h1>Broken</h1>" in render_page(history(lines=converted().lines[1:]))


def test_page_names_nothing_to_fetch_and_escapes_what_claims_say() -> None:
    text = render_page(hostile())
    assert "<script" not in text
    assert "<img" not in text
    assert not re.search(r"\b(src|href)=[\"'](?!#)", text)
    assert "default-src 'none'" in html.unescape(text)
    assert "\x1b" not in text


@pytest.mark.parametrize("width", [1200, 390])
@pytest.mark.parametrize("kind", ["whole", "broken", "hostile"])
def test_page_fits_its_window_and_asks_for_nothing(kind: str, width: int, browser: Browser, tmp_path: Path) -> None:
    shown = {"whole": history, "broken": lambda: history(lines=converted().lines[1:]), "hostile": hostile}[kind]()
    page = tmp_path / "provenance.html"
    page.write_text(render_page(shown), encoding="utf-8")
    browser.open(page, width=width)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    requested = [event["request"]["url"] for event in browser.named("Network.requestWillBeSent")]
    assert requested == [page.as_uri()]
    assert browser.named("Log.entryAdded") == []
    assert browser.named("Runtime.exceptionThrown") == []
    verdict = {"whole": "Verified", "broken": "Broken", "hostile": "Verified"}[kind]
    assert browser.evaluate("document.querySelector('[role=status] h1').innerText") == verdict
    assert browser.evaluate("document.querySelectorAll('.artefact').length") == 2
    assert browser.evaluate("document.title").startswith("Provenance of")
    assert browser.evaluate("getComputedStyle(document.querySelector('.claim')).borderTopStyle") == "solid"
