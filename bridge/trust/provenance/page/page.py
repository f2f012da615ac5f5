"""The page as a whole: the verdict, who signed, and the chain from the artefact back to what it came from."""

from __future__ import annotations

from importlib.resources import files

from bridge.trust.provenance.authorship import timestamp
from bridge.trust.provenance.chain import Artefact, Chain, Check, CheckedClaim, Status
from bridge.trust.provenance.facts import facts_of, in_order, title_of
from bridge.trust.provenance.history import History
from bridge.version import __version__
from verify.report.html.markup import Markup, joined, tag
from verify.report.html.page import page
from verify.report.html.table import Column, Row, table
from verify.report.html.verdict_sign import CROSS, EXCLAMATION_MARK, TICK, verdict_sign

_SIGNS = {Status.VERIFIED: "✓", Status.UNKNOWN: "?", Status.FAILED: "✗"}
_WORDS = {Status.VERIFIED: "Verified", Status.UNKNOWN: "Not verified", Status.FAILED: "Broken"}
_PATHS = {
    Status.VERIFIED: TICK,
    Status.UNKNOWN: EXCLAMATION_MARK,
    Status.FAILED: CROSS,
}


def render_page(history: History) -> str:
    """The page, complete in itself: no script, and nothing that would be fetched."""
    chain = history.chain
    status = verdict_of(chain)
    sections = [_section("chain", "The chain", _chain(chain)), _section("signers", "Who signed", _signers(chain))]
    foot = tag("footer", tag("p", f"cntk-bridge {__version__} · {timestamp()} · sha256:{history.root_sha256}"))
    style = files("bridge.trust.provenance.page").joinpath("provenance.css").read_text("utf-8")
    title = f"Provenance of {history.name}: {_WORDS[status].lower()}"
    return page(title, joined(_banner(history, status), tag("main", *sections), foot), style)


def verdict_of(chain: Chain) -> Status:
    """Failed where a link fails, verified where all hold and all signers are trusted, unknown in between."""
    if not chain.holds:
        return Status.FAILED
    return Status.VERIFIED if chain.verified else Status.UNKNOWN


def _banner(history: History, status: Status) -> Markup:
    sign = verdict_sign(_PATHS[status])
    words = tag("div", tag("h1", _WORDS[status]), tag("p", _sentence(history.chain, status), class_="lead"))
    eyebrow = tag("p", "Provenance · ", tag("b", history.name), class_="eyebrow")
    verdict = tag("div", sign, words, class_=f"verdict {status.value}", role="status")
    return tag("header", eyebrow, verdict, tag("dl", *_tiles(history), class_="tiles"))


def _sentence(chain: Chain, status: Status) -> str:
    claims = list(chain.all_claims())
    if status is Status.FAILED:
        first = chain.failures[0]
        more = f", and {len(chain.failures) - 1} more" if len(chain.failures) > 1 else ""
        return f"{first.what}: {first.detail}{more}."
    if status is Status.VERIFIED:
        return f"All {len(claims)} claims are signed by somebody who is trusted here, and every link leads where it says."
    unknown = sum(claim.signature.status is not Status.VERIFIED for claim in claims)
    return f"Every link leads where it says, and {unknown} of {len(claims)} claims are signed by nobody who is trusted here."


def _tiles(history: History) -> list[Markup]:
    claims = list(history.chain.all_claims())
    verified = sum(claim.signature.status is Status.VERIFIED for claim in claims)
    checks = list(history.chain.all_checks())
    failed = len(history.chain.failures)
    return [
        _tile("Signatures verified", f"{verified} of {len(claims)}", "one per claim", bad=False, note=verified < len(claims)),
        _tile("Checks that fail", str(failed), f"of {len(checks)}", bad=failed > 0),
        _tile("Steps", str(len(list(_artefacts(history.chain.root))) - 1), "from what it was made of", bad=False),
        _tile("Files", str(len(history.files)), "in the artefact", bad=False),
    ]


def _tile(title: str, figure: str, detail: str, *, bad: bool, note: bool = False) -> Markup:
    body = joined(tag("dd", figure, class_="figure"), tag("dd", detail, class_="detail"))
    return tag("div", tag("dt", title), body, class_=f"tile {'bad' if bad else 'note' if note else 'good'}")


def _section(name: str, title: str, content: Markup) -> Markup:
    return tag("section", tag("h2", title), content, id=name)


def _chain(chain: Chain) -> Markup:
    parts = [_checks(chain.checks), tag("div", *_artefact(chain.root), class_="chain")]
    if chain.others:
        astray = tag("ul", *(_claim(claim) for claim in chain.others), class_="claims")
        parts += [tag("h3", "Claims that lead nowhere", class_="sub"), astray]
    return joined(*parts)


def _artefact(artefact: Artefact) -> list[Markup]:
    """An artefact with its claims, and below it what it was made from."""
    head = tag(
        "div", tag("h3", artefact.name or "unnamed"), tag("span", f"sha256:{artefact.sha256}", class_="digest"), class_="head"
    )
    parts = [head]
    if artefact.repeated:
        parts.append(tag("p", "Its claims are told elsewhere on this page.", class_="nothing"))
    elif artefact.claims:
        parts.append(tag("ul", *(_claim(claim) for claim in in_order(artefact.claims)), class_="claims"))
    else:
        parts.append(tag("p", "No claim speaks of it: where it comes from is not known.", class_="nothing"))
    made = [tag("div", *parts, class_="artefact")]
    for claim in artefact.claims:
        for source in claim.sources:
            made += [tag("p", "made from", class_="made-from"), *_artefact(source)]
    return made


def _claim(claim: CheckedClaim) -> Markup:
    mark = tag("span", _SIGNS[claim.signature.status], class_=f"mark {claim.signature.status.value}", aria_hidden="true")
    by = f"{claim.signature.status.value}: {claim.signature.detail}"
    facts = [part for name, fact in facts_of(claim) for part in (tag("dt", name), tag("dd", fact))]
    return tag(
        "li",
        tag("div", mark, tag("h4", title_of(claim)), class_="claim-head"),
        tag("p", by, class_="by"),
        tag("dl", *facts, class_="facts") if facts else None,
        _checks(claim.checks) if claim.checks else None,
        class_="claim",
    )


def _checks(checks: tuple[Check, ...]) -> Markup:
    items = (tag("li", tag("b", f"{check.what}:"), f" {check.detail}", class_=f"check {check.status.value}") for check in checks)
    return tag("ul", *items, class_="checks")


def _signers(chain: Chain) -> Markup:
    counts: dict[tuple[str, str], int] = {}
    for claim in chain.all_claims():
        who = (claim.identity.name, claim.identity.kind) if claim.identity is not None else ("nobody who is trusted here", "")
        counts[who] = counts.get(who, 0) + 1
    rows = [Row((name, kind, str(count))) for (name, kind), count in counts.items()]
    return table("Signers", (Column("Signer", "code"), Column("By"), Column("Claims", "figure")), rows)


def _artefacts(artefact: Artefact) -> list[Artefact]:
    return [artefact, *(deeper for claim in artefact.claims for source in claim.sources for deeper in _artefacts(source))]
