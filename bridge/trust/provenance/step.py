"""How an artefact was made, as a SLSA provenance statement says it: from what, with what, and with which claims inherited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from bridge.errors import InvalidBundleError
from bridge.trust.provenance.predicates import (
    ACCOMPANYING,
    CONVERSION_BUILD,
    INHERITED,
    REPORT,
    SLSA_PROVENANCE,
    SOURCE,
    TRAINING_BUILD,
)
from bridge.trust.provenance.resource import Resource, resources_from_json
from bridge.trust.statement import Statement


@dataclass(frozen=True)
class Step:
    """``parameters`` are what the caller chose; ``builder`` and ``started`` to ``finished`` are the signer's word."""

    build_type: str
    builder: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    dependencies: tuple[Resource, ...] = ()
    byproducts: tuple[Resource, ...] = ()
    started: str = ""
    finished: str = ""

    @cached_property
    def sources(self) -> tuple[Resource, ...]:
        """The artefacts that the result was made from."""
        return tuple(resource for resource in self.dependencies if resource.role == SOURCE)

    @cached_property
    def inherited(self) -> tuple[Resource, ...]:
        """The claims about its sources that the step found, in their order."""
        return tuple(resource for resource in self.dependencies if resource.role == INHERITED)

    @cached_property
    def accompanying(self) -> tuple[Resource, ...]:
        """The claims that were made together with the step's own."""
        return tuple(resource for resource in self.byproducts if resource.role == ACCOMPANYING)

    @cached_property
    def reports(self) -> tuple[Resource, ...]:
        """The reports that were written."""
        return tuple(resource for resource in self.byproducts if resource.role == REPORT)

    @property
    def is_conversion(self) -> bool:
        """Whether it is one of our conversions, of which more is known than of any build."""
        return self.build_type == CONVERSION_BUILD

    @property
    def is_training(self) -> bool:
        """Whether it is a training as ``bridge sign --provenance`` states it."""
        return self.build_type == TRAINING_BUILD


def step_of(statement: Statement) -> Step | None:
    """The step that a statement tells of, ``None`` for statements of other kinds. Raises ``InvalidBundleError``."""
    if statement.predicate_type != SLSA_PROVENANCE:
        return None
    definition = _object(statement.predicate, "buildDefinition", "predicate")
    run = _object(statement.predicate, "runDetails", "predicate")
    builder = _object(run, "builder", "predicate.runDetails")
    metadata = run.get("metadata") or {}
    parameters = definition.get("externalParameters") or {}
    for place, value in (("runDetails.metadata", metadata), ("buildDefinition.externalParameters", parameters)):
        if not isinstance(value, dict):
            raise InvalidBundleError("not an object", field=f"predicate.{place}", found=type(value).__name__)
    return Step(
        build_type=_text(definition, "buildType", "predicate.buildDefinition"),
        builder=_text(builder, "id", "predicate.runDetails.builder"),
        parameters=parameters,
        dependencies=resources_from_json(
            definition.get("resolvedDependencies"), "predicate.buildDefinition.resolvedDependencies"
        ),
        byproducts=resources_from_json(run.get("byproducts"), "predicate.runDetails.byproducts"),
        started=_text(metadata, "startedOn", "predicate.runDetails.metadata", required=False),
        finished=_text(metadata, "finishedOn", "predicate.runDetails.metadata", required=False),
    )


def _object(members: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    value = members.get(name)
    if not isinstance(value, dict):
        raise InvalidBundleError("missing", field=f"{where}.{name}", expected="an object", found=type(value).__name__)
    return value


def _text(members: Mapping[str, Any], name: str, where: str, *, required: bool = True) -> str:
    value = members.get(name) or ""
    if not isinstance(value, str) or (required and not value):
        raise InvalidBundleError("missing", field=f"{where}.{name}", expected="a text", found=type(value).__name__)
    return value
