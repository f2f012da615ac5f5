"""What people say of a model in a YAML file: the part of its provenance that no program can find out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.errors import InvalidOptionError
from bridge.trust.provenance.environment import Environment
from bridge.trust.provenance.schema import check_description
from bridge.trust.provenance.yaml_document import YAML_BYTES_AT_MOST, parse_yaml
from bridge.trust.small_files import read_small_file


@dataclass(frozen=True, slots=True)
class Description:
    """The members of the YAML file, as ``schemas/description-1.schema.json`` has them."""

    model: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    data: tuple[Mapping[str, Any], ...] = ()
    metrics: tuple[Mapping[str, Any], ...] = ()
    limitations: tuple[str, ...] = ()
    environment: Environment | None = None

    def to_json(self) -> dict[str, Any]:
        """What the statement carries of it: what is not said elsewhere in the statement, empty members left out."""
        members = {
            "model": dict(self.model),
            "framework": self.training.get("framework"),
            "approach": self.training.get("approach"),
            "data": [dict(item) for item in self.data],
            "metrics": [dict(item) for item in self.metrics],
            "limitations": list(self.limitations),
        }
        return {name: value for name, value in members.items() if value}


def read_description(path: str | os.PathLike[str]) -> Description:
    """The description in the YAML file ``path``; ``InvalidOptionError`` where it does not fit its schema."""
    place = Path(path)
    document = parse_yaml(read_small_file(place, what="description", most=YAML_BYTES_AT_MOST), what=str(place))
    check_description(document, what=str(place))
    return Description(
        model=document["model"],
        training=document.get("training", {}),
        data=tuple(document.get("data", ())),
        metrics=tuple(document.get("metrics", ())),
        limitations=tuple(document.get("limitations", ())),
        environment=_environment(document.get("environment")),
    )


def _environment(stated: Mapping[str, Any] | None) -> Environment | None:
    if stated is None:
        return None
    return Environment(
        python=stated["python"],
        implementation=stated.get("implementation", ""),
        platform=stated.get("platform", ""),
        machine=stated.get("machine", ""),
        packages=tuple(sorted(stated.get("packages", {}).items())),
        observed="as described",
    )


def description_in(predicate: Mapping[str, Any]) -> Description:
    """What the predicate of a training statement says of the model; empty where it says nothing, or nothing of the known form."""
    run = predicate.get("runDetails")
    said = run.get("cntkbridge_model") if isinstance(run, dict) else None
    if not isinstance(said, dict):
        return Description()
    training = {name: said[name] for name in ("framework", "approach") if name in said}
    document = {name: said[name] for name in ("model", "data", "metrics", "limitations") if name in said}
    try:
        check_description({"model": {"name": "-"}, **document, "training": training}, what="the statement")
    except InvalidOptionError:
        return Description()
    return Description(
        model=document.get("model", {}),
        training=training,
        data=tuple(document.get("data", ())),
        metrics=tuple(document.get("metrics", ())),
        limitations=tuple(document.get("limitations", ())),
    )
