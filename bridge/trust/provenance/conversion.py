"""What a conversion says of itself: from which bytes, with which claims, by which program and options, a package came to be."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bridge.trust.provenance.authorship import timestamp
from bridge.trust.provenance.claims import Claim
from bridge.trust.provenance.converter import converter_resource
from bridge.trust.provenance.predicates import (
    ACCOMPANYING,
    BUNDLE_MEDIA_TYPE,
    CONVERSION_BUILD,
    CONVERTER,
    INHERITED,
    ROLE,
    SLSA_PROVENANCE,
    SOURCE,
)
from bridge.trust.provenance.resource import Resource
from bridge.trust.statement import Statement, Subject
from bridge.version import __version__


@dataclass(frozen=True, slots=True)
class Origin:
    """The source of a conversion: ``root_sha256`` is its OMS root digest, ``sha256`` that of the file itself.

    ``inherited`` are the claims about it and about what it came from, in the order in which they are handed on.
    """

    name: str
    sha256: str
    root_sha256: str
    inherited: tuple[Claim, ...] = ()

    def to_resource(self) -> Resource:
        """The source as a dependency."""
        return Resource(self.name, digest={"sha256": self.root_sha256}, annotations={ROLE: SOURCE, "fileSha256": self.sha256})


@dataclass(frozen=True, slots=True)
class Conversion:
    """How the source was converted.

    ``options`` are the caller's; ``source_verified`` says whether a signature of the source was checked. ``model`` are the name
    and version that its training gave the model, where that is known: the package is still that model.
    """

    origin: Origin
    options: Mapping[str, Any]
    opset: int
    source_format: str
    source_verified: bool
    started: datetime
    finished: datetime
    model: Mapping[str, str] = field(default_factory=dict)


def conversion_statement(
    name: str,
    root_sha256: str,
    conversion: Conversion,
    *,
    reports: Sequence[Resource] = (),
    accompanying: Sequence[tuple[str, bytes]] = (),
) -> Statement:
    """The statement that the package ``name`` with OMS root digest ``root_sha256`` is the result of this conversion.

    ``reports`` are the files of the package that tell of its tests; ``accompanying`` are the bundles that are made together with
    this statement, each with its title, so that none of them can be taken away unseen.
    """
    byproducts = [*reports, *(_bundle(data, title, ACCOMPANYING) for title, data in accompanying)]
    return Statement(
        subject=(Subject(name, {"sha256": root_sha256}),),
        predicate_type=SLSA_PROVENANCE,
        predicate={"buildDefinition": _definition(conversion), "runDetails": _run(conversion, byproducts)},
    )


def _definition(conversion: Conversion) -> dict[str, Any]:
    origin = conversion.origin
    inherited = [_bundle(claim.data, claim.statement.predicate_type, INHERITED) for claim in origin.inherited]
    return {
        "buildType": CONVERSION_BUILD,
        "externalParameters": {"source": origin.name, **conversion.options},
        "internalParameters": {"opset": conversion.opset, "sourceFormat": conversion.source_format},
        "resolvedDependencies": [resource.to_json() for resource in (origin.to_resource(), *inherited, converter_resource())],
    }


def _run(conversion: Conversion, byproducts: Sequence[Resource]) -> dict[str, Any]:
    run: dict[str, Any] = {
        "builder": {"id": CONVERTER, "version": {"cntk-bridge": __version__}},
        "metadata": {"startedOn": timestamp(conversion.started), "finishedOn": timestamp(conversion.finished)},
        "byproducts": [resource.to_json() for resource in byproducts],
        "cntkbridge_sourceVerified": conversion.source_verified,
    }
    return run | ({"cntkbridge_model": {"model": dict(conversion.model)}} if conversion.model else {})


def _bundle(data: bytes, name: str, role: str) -> Resource:
    return Resource(
        name, digest={"sha256": hashlib.sha256(data).hexdigest()}, media_type=BUNDLE_MEDIA_TYPE, annotations={ROLE: role}
    )
