"""The chain as a tree in the terminal: ✓ for what is verified, ? for what could not be, ✗ for what is wrong."""

from __future__ import annotations

from rich.text import Text
from rich.tree import Tree

from bridge.trust.provenance.chain import Artefact, Check, CheckedClaim, Status
from bridge.trust.provenance.facts import facts_of, in_order, title_of
from bridge.trust.provenance.history import History
from verify.report.visible import visible

MARKS = {Status.VERIFIED: ("✓", "green"), Status.UNKNOWN: ("?", "yellow"), Status.FAILED: ("✗", "bold red")}


def provenance_tree(history: History) -> Tree:
    """The tree. Everything that comes from claims is text: nothing in it is obeyed as markup or by the terminal."""
    tree = Tree(_artefact_line(history.chain.root), guide_style="dim")
    for check in history.chain.checks:
        tree.add(_check_line(check))
    _add_claims(tree, history.chain.root)
    if history.chain.others:
        astray = tree.add(Text("claims that lead nowhere", style="bold red"))
        for claim in history.chain.others:
            _add_claim(astray, claim)
    return tree


def _add_claims(tree: Tree, artefact: Artefact) -> None:
    if artefact.repeated:
        tree.add(Text("its claims are told elsewhere in this tree", style="dim"))
    elif not artefact.claims:
        tree.add(_line(Status.UNKNOWN, "no claim speaks of it", "where it comes from is not known"))
    for claim in in_order(artefact.claims):
        _add_claim(tree, claim)


def _add_claim(tree: Tree, claim: CheckedClaim) -> None:
    branch = tree.add(_line(claim.signature.status, title_of(claim), claim.signature.detail))
    for name, fact in facts_of(claim):
        branch.add(Text.assemble((f"{visible(name)}  ", "dim"), visible(fact)))
    for check in claim.checks:
        branch.add(_check_line(check))
    for source in claim.sources:
        below = branch.add(Text.assemble(("from ", "dim"), _artefact_line(source)))
        _add_claims(below, source)


def _artefact_line(artefact: Artefact) -> Text:
    return Text.assemble((visible(artefact.name), "bold"), (f"  sha256:{artefact.sha256}", "dim"))


def _check_line(check: Check) -> Text:
    return _line(check.status, check.what, check.detail)


def _line(status: Status, what: str, detail: str) -> Text:
    mark, style = MARKS[status]
    return Text.assemble(
        (mark, style), " ", visible(what), ("  " + visible(detail), "dim" if status is Status.VERIFIED else style)
    )
