"""What a bill of materials says of a model, gathered from the chain of its claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bridge.trust.provenance.chain import Artefact, Chain, CheckedClaim
from bridge.trust.provenance.description import Description, description_in
from bridge.trust.provenance.history import History
from bridge.trust.provenance.predicates import DATASET, TEST_RESULT
from bridge.trust.provenance.resource import Resource
from bridge.trust.resource_names import SINGLE_FILE


@dataclass(frozen=True, slots=True)
class ModelCard:
    """``root_sha256`` is the OMS root digest, empty where it is not known yet; ``files`` are (name, SHA-256).

    ``inputs`` and ``outputs`` are told in words; ``ancestors`` are (name, OMS root digest, SHA-256 of the file or an empty text),
    the nearest first. ``evaluations`` are the summaries of the tests of the model itself. ``verified`` says whether all that was
    taken from claims was signed by somebody who is trusted.
    """

    name: str = ""
    root_sha256: str = ""
    files: tuple[tuple[str, str], ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    description: Description = field(default_factory=Description)
    datasets: tuple[Resource, ...] = ()
    ancestors: tuple[tuple[str, str, str], ...] = ()
    evaluations: tuple[Mapping[str, Any], ...] = ()
    verified: bool = False


def card_from_history(history: History) -> ModelCard:
    """The card of a model or package as it lies on disk, with its root digest and its files."""
    files = [file for file in history.files if file.algorithm == "sha256"]
    return replace(
        card_from_chain(history.chain),
        name=history.name,
        root_sha256=history.root_sha256,
        files=tuple((file.name if file.name != SINGLE_FILE else history.name, file.digest) for file in files),
    )


def card_from_chain(chain: Chain) -> ModelCard:
    """What the claims say: description and data sets of the nearest training, ancestors, tests of the artefact itself."""
    trained = next((claim for claim in chain.all_claims() if claim.step is not None and claim.step.is_training), None)
    return ModelCard(
        name=chain.root.name,
        description=description_in(trained.claim.statement.predicate) if trained is not None else Description(),
        datasets=_datasets(trained),
        ancestors=tuple(_ancestors(chain.root)),
        evaluations=tuple(_evaluations(chain.root)),
        verified=chain.verified,
    )


def _datasets(trained: CheckedClaim | None) -> tuple[Resource, ...]:
    if trained is None or trained.step is None:
        return ()
    return tuple(resource for resource in trained.step.dependencies if resource.role == DATASET)


def _ancestors(artefact: Artefact) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    for claim in artefact.claims:
        listed = {resource.sha256: resource for resource in claim.step.sources} if claim.step is not None else {}
        for source in claim.sources:
            file = listed[source.sha256].annotations.get("fileSha256") if source.sha256 in listed else None
            found.append((source.name, source.sha256, file if isinstance(file, str) else ""))
            found += _ancestors(source)
    return found


def _evaluations(artefact: Artefact) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for claim in artefact.claims:
        statement = claim.claim.statement
        summary = statement.predicate.get("cntkbridge_summary")
        if statement.predicate_type == TEST_RESULT and artefact.sha256 in claim.claim.subjects:
            result = statement.predicate.get("result")
            said = summary if isinstance(summary, dict) else {}
            found.append({**said, "result": result, "kind": statement.predicate.get("cntkbridge_kind", "test")})
    return found
