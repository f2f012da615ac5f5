"""What hardening says of itself: from which package, with which data and options, the new one came to be."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bridge.trust.provenance.authorship import timestamp
from bridge.trust.provenance.chain_verification import verify_chain
from bridge.trust.provenance.conversion import Origin
from bridge.trust.provenance.converter import converter_resource
from bridge.trust.provenance.model_card import card_from_chain
from bridge.trust.provenance.predicates import (
    ACCOMPANYING,
    BUNDLE_MEDIA_TYPE,
    CONVERTER,
    DATASET,
    INHERITED,
    ROLE,
    SLSA_PROVENANCE,
    SOURCE,
)
from bridge.trust.provenance.resource import Resource
from bridge.trust.statement import Statement, Subject
from bridge.version import __version__

HARDENING_BUILD: Final = "https://cntk-bridge.dev/harden/v1"
"""The build type of a hardening. An identifier, from which nothing is ever fetched."""


@dataclass(frozen=True, slots=True)
class Hardening:
    """``parent`` is the package it began with; ``data`` the samples; ``parameters`` the method and everything chosen about it."""

    parent: Origin
    parent_verified: bool
    data: Resource
    parameters: Mapping[str, Any]
    started: datetime
    finished: datetime


def data_resource(name: str, sha256: str) -> Resource:
    """The file of samples, as a dependency."""
    return Resource(name, digest={"sha256": sha256}, annotations={ROLE: DATASET})


def hardening_statement(
    name: str,
    root_sha256: str,
    hardening: Hardening,
    *,
    reports: Sequence[Resource] = (),
    accompanying: Sequence[tuple[str, bytes]] = (),
) -> Statement:
    """The statement that the package ``name`` with OMS root digest ``root_sha256`` was made by hardening its parent.

    A SLSA provenance statement, of the form of a conversion's: the parent is its source, and the parent's claims are inherited.
    """
    parent = hardening.parent
    source = Resource(parent.name, digest={"sha256": parent.root_sha256}, annotations={ROLE: SOURCE})
    inherited = [_bundle(claim.data, claim.statement.predicate_type, INHERITED) for claim in parent.inherited]
    dependencies = (source, *inherited, hardening.data, converter_resource())
    byproducts = [*reports, *(_bundle(data, title, ACCOMPANYING) for title, data in accompanying)]
    return Statement(
        subject=(Subject(name, {"sha256": root_sha256}),),
        predicate_type=SLSA_PROVENANCE,
        predicate={
            "buildDefinition": {
                "buildType": HARDENING_BUILD,
                "externalParameters": {"source": parent.name, **hardening.parameters},
                "resolvedDependencies": [resource.to_json() for resource in dependencies],
            },
            "runDetails": _run(hardening, byproducts),
        },
    )


def _run(hardening: Hardening, byproducts: Sequence[Resource]) -> dict[str, Any]:
    run: dict[str, Any] = {
        "builder": {"id": CONVERTER, "version": {"cntk-bridge": __version__}},
        "metadata": {"startedOn": timestamp(hardening.started), "finishedOn": timestamp(hardening.finished)},
        "byproducts": [resource.to_json() for resource in byproducts],
        "cntkbridge_sourceVerified": hardening.parent_verified,
    }
    model = model_of(hardening.parent)
    return run | ({"cntkbridge_model": {"model": model}} if model else {})


def model_of(parent: Origin) -> dict[str, Any]:
    """Name and version that the model's training stated, where it did: hardened, it is still that model."""
    card = card_from_chain(verify_chain(parent.name, parent.root_sha256, parent.inherited, None))
    return {name: card.description.model[name] for name in ("name", "version") if name in card.description.model}


def _bundle(data: bytes, name: str, role: str) -> Resource:
    digest = {"sha256": hashlib.sha256(data).hexdigest()}
    return Resource(name, digest=digest, media_type=BUNDLE_MEDIA_TYPE, annotations={ROLE: role})
