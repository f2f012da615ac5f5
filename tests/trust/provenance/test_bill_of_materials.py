"""The bill of materials is held against CycloneDX's own schema, which its Python library brings."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource

from bridge.trust.provenance.bill_of_materials import bill_of_materials
from bridge.trust.provenance.chain_verification import verify_chain
from bridge.trust.provenance.description import Description
from bridge.trust.provenance.model_card import ModelCard, card_from_chain
from bridge.trust.provenance.resource import Resource as Described
from tests.trust.provenance.histories import BOTH, FILE_SHA256, GRANDCHILD, MODEL, PACKAGE, converted

pytest.importorskip("cyclonedx", reason="CycloneDX's library, which brings the schema, is not installed")

FULL = ModelCard(
    name="package",
    root_sha256=PACKAGE,
    files=(("model.onnx", "ab" * 32), ("model.onnx.data", "cd" * 32)),
    inputs=("image float32 ['N', 1, 8, 8]",),
    outputs=("z float32 ['N', 10]",),
    description=Description(
        model={
            "name": "digits",
            "version": "1.4",
            "description": "Recognises digits.",
            "purpose": "Reads postal codes.",
            "owner": "Sorting team",
            "contact": "sorting@example.org",
            "licence": "Apache-2.0",
            "task": "classification",
            "architecture": "LeNet",
        },
        training={"approach": "supervised", "framework": "CNTK 2.7"},
        data=(
            {"name": "UCI", "licence": "CC BY 4.0", "use": "training", "personal_data": False, "sha256": "01" * 32},
            {"name": "held out", "version": "2", "description": "A third.", "source": "https://example.org"},
        ),
        metrics=(
            {"name": "accuracy", "value": 0.978, "data": "held out", "lower": 0.9, "upper": 0.99},
            {"name": "ok", "value": True},
        ),
        limitations=("Not for broad pens.",),
    ),
    datasets=(Described("digits", digest={"sha256": "ef" * 32}),),
    ancestors=(("model.dnn", MODEL, FILE_SHA256), ("", GRANDCHILD, "")),
    evaluations=({"kind": "equivalence", "result": "PASSED", "worst": {"maxAbs": 1e-6, "maxRel": "nan"}},),
    verified=True,
)


@pytest.fixture(scope="module")
def schema() -> Draft7Validator:
    place = files("cyclonedx.schema").joinpath("_res")
    names = ("bom-1.6.SNAPSHOT.schema.json", "spdx.SNAPSHOT.schema.json", "jsf-0.82.SNAPSHOT.schema.json")
    loaded: dict[str, Any] = {name: json.loads(place.joinpath(name).read_text("utf-8")) for name in names}
    # The main schema names the others by their files, relative to itself.
    registry: Registry[Any] = Registry().with_resources(
        (f"http://cyclonedx.org/schema/{name}", Resource.from_contents(document)) for name, document in loaded.items()
    )
    return Draft7Validator(loaded[names[0]], registry=registry)


@pytest.mark.parametrize("card", [FULL, ModelCard(name="model.dnn", root_sha256=MODEL, files=(("model.dnn", FILE_SHA256),))])
def test_bill_fits_the_official_schema(card: ModelCard, schema: Draft7Validator) -> None:
    document = bill_of_materials(card)
    assert [f"{list(error.path)}: {error.message}" for error in schema.iter_errors(document)] == []


def test_schema_of_the_test_refuses_what_it_should(schema: Draft7Validator) -> None:
    document = bill_of_materials(FULL)
    document["metadata"]["component"]["modelCard"]["modelParameters"]["approach"]["type"] = "guessing"
    assert not schema.is_valid(document)


def test_bill_holds_what_the_card_says() -> None:
    model = bill_of_materials(FULL)["metadata"]["component"]
    assert (model["type"], model["name"], model["version"]) == ("machine-learning-model", "digits", "1.4")
    assert model["pedigree"]["ancestors"][0]["hashes"] == [{"alg": "SHA-256", "content": FILE_SHA256}]
    assert [part["name"] for part in model["components"]] == ["model.onnx", "model.onnx.data"]
    metrics = model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    assert metrics[0]["confidenceInterval"] == {"lowerBound": "0.9", "upperBound": "0.99"}
    assert {"type": "equivalence: result", "value": "PASSED"} in metrics
    assert model["modelCard"]["considerations"]["technicalLimitations"] == ["Not for broad pens."]
    assert {"name": "cntk-bridge:claims-verified", "value": "true"} in model["properties"]


def test_data_sets_are_components_that_the_model_depends_on() -> None:
    document = bill_of_materials(FULL)
    assert [item["name"] for item in document["components"]] == ["digits", "UCI", "held out"]
    references = [item["bom-ref"] for item in document["components"]]
    assert document["dependencies"] == [{"ref": "model", "dependsOn": references}]
    assert [item["ref"] for item in document["metadata"]["component"]["modelCard"]["modelParameters"]["datasets"]] == references


def test_serial_number_follows_the_files() -> None:
    first, second = (bill_of_materials(ModelCard(name="x", files=(("a", digest * 32),))) for digest in ("ab", "cd"))
    assert first["serialNumber"] != second["serialNumber"]
    assert first["serialNumber"] == bill_of_materials(ModelCard(name="y", files=(("b", "ab" * 32),)))["serialNumber"]


def test_card_is_gathered_from_the_whole_chain() -> None:
    first = converted()
    made = converted(PACKAGE, first.lines, GRANDCHILD)
    card = card_from_chain(verify_chain("package", GRANDCHILD, made.claims(), BOTH))
    assert card.description.model["name"] == "digits"
    assert [root for _, root, _ in card.ancestors] == [PACKAGE, MODEL]
    assert [evaluation["result"] for evaluation in card.evaluations] == ["PASSED"]
    assert card.verified
