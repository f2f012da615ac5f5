"""What hardening says of itself: from which package, with which data and options, the new one came to be."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bridge.trust.provenance.authorship import timestamp
from bridge.trust.provenance.conversion import Origin
from bridge.trust.provenance.converter import converter_resource
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
    more: tuple[Resource, ...] = ()


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
    dependencies = (source, *inherited, hardening.data, *hardening.more, converter_resource())
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
            "runDetails": {
                "builder": {"id": CONVERTER, "version": {"cntk-bridge": __version__}},
                "metadata": {"startedOn": timestamp(hardening.started), "finishedOn": timestamp(hardening.finished)},
                "byproducts": [resource.to_json() for resource in byproducts],
                "cntkbridge_sourceVerified": hardening.parent_verified,
            },
        },
    )


def _bundle(data: bytes, name: str, role: str) -> Resource:
    digest = {"sha256": hashlib.sha256(data).hexdigest()}
    return Resource(name, digest=digest, media_type=BUNDLE_MEDIA_TYPE, annotations={ROLE: role})
