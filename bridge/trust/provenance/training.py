"""Where a trained model comes from: what can be found out by looking, and what people say of it, in one SLSA statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.trust.provenance.authorship import Authorship, authorship
from bridge.trust.provenance.dataset_manifest import manifest_resource
from bridge.trust.provenance.description import Description, read_description
from bridge.trust.provenance.environment import Environment, environment_of
from bridge.trust.provenance.file_resource import file_resource
from bridge.trust.provenance.predicates import CONFIGURATION, SCRIPT, SLSA_PROVENANCE, TRAINER, TRAINING_BUILD
from bridge.trust.provenance.repository import Repository, find_repository
from bridge.trust.provenance.resource import Resource
from bridge.trust.statement import Statement, Subject
from bridge.version import __version__


@dataclass(frozen=True, slots=True)
class TrainingFacts:
    """Everything that is known of a training; see ``collect``."""

    authorship: Authorship
    environment: Environment
    repository: Repository | None = None
    script: Resource | None = None
    configuration: Resource | None = None
    datasets: tuple[Resource, ...] = ()
    description: Description = field(default_factory=Description)


def collect(
    *,
    description: Path | None = None,
    repository: Path | None = None,
    script: Path | None = None,
    configuration: Path | None = None,
    datasets: Sequence[Path] = (),
    training_python: Path | None = None,
    personal: bool = True,
) -> TrainingFacts:
    """Find out what can be found out, and read the rest from the YAML file ``description``.

    ``repository``: a folder in the training repository; by default the one that the script lies in, or the current folder.
    ``datasets``: folders, which are hashed file by file, or manifests of them that were written before.
    ``training_python``: the interpreter that the training ran under; a described environment goes before it, and without
    either the environment of this program is recorded, which the statement says. ``personal`` false leaves out who and where.

    Raises ``InvalidOptionError`` for what cannot be read or does not fit its schema.
    """
    place = repository or script or Path()
    found = find_repository(place, required=repository is not None)
    root = found.root if found is not None else None
    said = read_description(description) if description is not None else Description()
    return TrainingFacts(
        authorship=authorship(place, personal=personal),
        environment=said.environment if said.environment is not None else environment_of(training_python),
        repository=found,
        script=file_resource(script, SCRIPT, root=root) if script is not None else None,
        configuration=file_resource(configuration, CONFIGURATION, root=root) if configuration is not None else None,
        datasets=tuple(manifest_resource(dataset) for dataset in datasets),
        description=said,
    )


def training_statement(name: str, root_sha256: str, facts: TrainingFacts) -> Statement:
    """The statement that the artefact with OMS root digest ``root_sha256``, called ``name``, came out of this training."""
    return Statement(
        subject=(Subject(name, {"sha256": root_sha256}),),
        predicate_type=SLSA_PROVENANCE,
        predicate={"buildDefinition": _definition(facts), "runDetails": _run(facts)},
    )


def _definition(facts: TrainingFacts) -> dict[str, Any]:
    named = {"script": facts.script, "configuration": facts.configuration}
    parameters: dict[str, Any] = {name: resource.name for name, resource in named.items() if resource is not None}
    if facts.description.training.get("parameters"):
        parameters["parameters"] = dict(facts.description.training["parameters"])
    repository = facts.repository.to_resource() if facts.repository is not None else None
    resources = [repository, facts.script, facts.configuration, *facts.datasets]
    return {
        "buildType": TRAINING_BUILD,
        "externalParameters": parameters,
        "internalParameters": {"environment": facts.environment.to_json()},
        "resolvedDependencies": [resource.to_json() for resource in resources if resource is not None],
    }


def _run(facts: TrainingFacts) -> dict[str, Any]:
    training = facts.description.training
    metadata = {"startedOn": _moment(training.get("started")), "finishedOn": _moment(training.get("finished"))}
    return {
        "builder": {"id": TRAINER, "version": {"cntk-bridge": __version__}},
        "metadata": {name: value for name, value in metadata.items() if value},
        "cntkbridge_statedBy": facts.authorship.to_json(),
        "cntkbridge_model": facts.description.to_json(),
    }


def _moment(text: str | None) -> str | None:
    """SLSA wants a time of day; a bare date is taken as its first moment in UTC."""
    return f"{text}T00:00:00Z" if text is not None and len(text) == len("2019-05-01") else text
