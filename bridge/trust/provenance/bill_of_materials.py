"""A model's card as a CycloneDX 1.6 bill of materials: an export of what the claims say, never a source of it.

The JSON is made here, because the library of CycloneDX has no model cards; a test holds it against the official schema.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from bridge.trust.provenance.authorship import timestamp
from bridge.trust.provenance.model_card import ModelCard
from bridge.version import __version__

SPEC_VERSION = "1.6"
_NAMESPACE = uuid.UUID("6a0b3f2e-7c5d-5b8e-9d1f-0c4e2a7b9d10")


def bill_of_materials(card: ModelCard) -> dict[str, Any]:
    """The document in JSON's types. Its serial number is made from the digests of the files: the same model, the same number."""
    identity = " ".join(digest for _, digest in card.files) or card.root_sha256
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPEC_VERSION,
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, identity)}",
        "version": 1,
        "metadata": {
            "timestamp": timestamp(),
            "tools": {"components": [{"type": "application", "name": "cntk-bridge", "version": __version__}]},
            "component": _model(card),
        },
        "components": [*_data(card)],
        "dependencies": [
            {"ref": "model", "dependsOn": [f"data-{index}" for index in range(len(list(_data(card))))]},
        ],
    }


def _model(card: ModelCard) -> dict[str, Any]:
    said = card.description.model
    component: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": "model",
        "name": said.get("name", card.name),
        "version": said.get("version"),
        "description": said.get("description"),
        "licenses": [{"license": {"name": said["licence"]}}] if "licence" in said else None,
        "publisher": said.get("owner"),
        "modelCard": _card(card),
        "pedigree": {"ancestors": [_ancestor(*ancestor) for ancestor in card.ancestors]} if card.ancestors else None,
        "components": [_file(name, digest) for name, digest in card.files],
        "properties": _properties(
            {
                "cntk-bridge:name": card.name,
                "cntk-bridge:oms-root-sha256": card.root_sha256,
                "cntk-bridge:claims-verified": str(card.verified).lower(),
                "cntk-bridge:contact": said.get("contact"),
            }
        ),
    }
    if len(card.files) == 1:
        component["hashes"] = [_hash(card.files[0][1])]
    return _stated(component)


def _card(card: ModelCard) -> dict[str, Any]:
    said, training = card.description.model, card.description.training
    limitations = list(card.description.limitations)
    parameters = {
        "approach": {"type": training["approach"]} if "approach" in training else None,
        "task": said.get("task"),
        "modelArchitecture": said.get("architecture"),
        "datasets": [{"ref": f"data-{index}"} for index, _ in enumerate(_data(card))],
        "inputs": [{"format": text} for text in card.inputs],
        "outputs": [{"format": text} for text in card.outputs],
    }
    considerations = {"useCases": [said["purpose"]] if "purpose" in said else None, "technicalLimitations": limitations}
    return _stated(
        {
            "modelParameters": _stated(parameters),
            "quantitativeAnalysis": _stated({"performanceMetrics": [*_metrics(card), *_tests(card)]}),
            "considerations": _stated(considerations),
        }
    )


def _metrics(card: ModelCard) -> Iterable[dict[str, Any]]:
    """What people measured, by their own account."""
    for metric in card.description.metrics:
        interval = {"lowerBound": _text(metric.get("lower")), "upperBound": _text(metric.get("upper"))}
        yield _stated(
            {
                "type": metric["name"],
                "value": _text(metric["value"]),
                "slice": metric.get("data"),
                "confidenceInterval": _stated(interval),
            }
        )


def _tests(card: ModelCard) -> Iterable[dict[str, Any]]:
    """What the tests of the model itself found."""
    for evaluation in card.evaluations:
        worst = evaluation.get("worst")
        figures = worst if isinstance(worst, dict) else {}
        yield {"type": f"{evaluation['kind']}: result", "value": str(evaluation["result"])}
        for name, title in (("maxAbs", "greatest absolute error"), ("maxRel", "greatest relative error")):
            if name in figures:
                yield {"type": f"{evaluation['kind']}: {title}", "value": _text(figures[name]) or ""}


def _data(card: ModelCard) -> Iterable[dict[str, Any]]:
    """The data sets: those that were hashed, then those that people name."""
    count = 0
    for resource in card.datasets:
        hashed = {"properties": _properties({"cntk-bridge:manifest-root-sha256": resource.sha256})}
        yield {"type": "data", "bom-ref": f"data-{count}", "name": resource.name or "data", **hashed}
        count += 1
    for item in card.description.data:
        use = {"cntk-bridge:use": item.get("use"), "cntk-bridge:source": item.get("source")}
        use |= {"cntk-bridge:sha256": item.get("sha256"), "cntk-bridge:personal-data": _text(item.get("personal_data"))}
        yield _stated(
            {
                "type": "data",
                "bom-ref": f"data-{count}",
                "name": item["name"],
                "version": item.get("version"),
                "description": item.get("description"),
                "licenses": [{"license": {"name": item["licence"]}}] if "licence" in item else None,
                "properties": _properties(use),
            }
        )
        count += 1


def _ancestor(name: str, root_sha256: str, file_sha256: str) -> dict[str, Any]:
    component: dict[str, Any] = {"type": "machine-learning-model", "name": name or "model"}
    if file_sha256:
        component["hashes"] = [_hash(file_sha256)]
    return component | {"properties": _properties({"cntk-bridge:oms-root-sha256": root_sha256})}


def _file(name: str, digest: str) -> dict[str, Any]:
    return {"type": "file", "bom-ref": f"file-{name}", "name": name, "hashes": [_hash(digest)]}


def _hash(sha256: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": sha256}


def _properties(values: Mapping[str, str | None]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items() if value]


def _stated(members: Mapping[str, Any]) -> dict[str, Any]:
    """Members that say something."""
    return {name: value for name, value in members.items() if value not in (None, "", [], {})}


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
