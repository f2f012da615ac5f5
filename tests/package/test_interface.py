import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from bridge.conversion import convert
from bridge.errors import InvalidOptionError, InvalidPackageError
from bridge.package.describing import describe_onnx, parse_bound
from bridge.package.interface import FORMAT, Bound, Interface, ServingLimits, Tensor, interface_schema, read_interface
from bridge.targets.pytorch.loading import PACKAGE_FORMAT
from tests.package.packages import GOLDEN


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> Interface:
    result = convert(GOLDEN / "lstm_tagger" / "model.dnn", tmp_path_factory.mktemp("tagger") / "model.onnx", index_inputs=True)
    return describe_onnx(result, {"T": Bound(2, 100)}, ServingLimits(seconds=5))


def test_published_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(interface_schema())


def test_loader_of_modules_knows_the_format() -> None:
    assert PACKAGE_FORMAT == FORMAT


def test_sequences_are_tied_to_their_lengths(tagger: Interface) -> None:
    words, lengths = tagger.inputs
    (tags,) = tagger.outputs
    assert (words.lengths, tags.lengths) == ("lengths", "lengths")
    assert (lengths.lengths_of, lengths.optional, lengths.minimum) == ("T", True, 1)
    assert tags.shape[:2] == ("N", "T")


def test_indices_of_one_hot_inputs_have_the_range_of_their_classes(tagger: Interface) -> None:
    words = tagger.inputs[0]
    assert (words.dtype, words.shape) == ("int64", ("N", "T"))
    assert (words.minimum, words.maximum) == (0, 79)
    assert not words.finite


def test_every_symbol_is_bounded_by_default_or_by_choice(tagger: Interface) -> None:
    assert tagger.symbols == {"N": Bound(1, 1024, "batch"), "T": Bound(2, 100, "steps")}
    assert tagger.limits.seconds == 5


def test_samples_have_to_be_finite(tmp_path: Path) -> None:
    result = convert(GOLDEN / "digits_lenet" / "model.dnn", tmp_path / "model.onnx")
    interface = describe_onnx(result, {}, ServingLimits())
    assert interface.inputs[0].finite
    assert not interface.outputs[0].finite
    assert interface.digests == {"model.onnx": result.sha256}


def test_interface_is_read_back(tagger: Interface) -> None:
    assert read_interface(tagger.to_bytes()) == tagger


def test_bound_of_a_dimension_that_the_model_does_not_have_is_refused(tmp_path: Path) -> None:
    result = convert(GOLDEN / "digits_lenet" / "model.dnn", tmp_path / "model.onnx")
    with pytest.raises(InvalidOptionError, match="no dimension is called 'T'; this model has N"):
        describe_onnx(result, {"T": Bound(1, 5)}, ServingLimits())


CHANGES: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (lambda document: document.update(format="other"), "format"),
    (lambda document: document.update(more=1), "'more' was unexpected"),
    (lambda document: document.pop("limits"), "'limits' is a required property"),
    (lambda document: document["inputs"][0].update(dtype="object"), "inputs.0.dtype"),
    (lambda document: document["inputs"][0].update(shape=[-1]), "inputs.0.shape"),
    (lambda document: document["inputs"][0].update(shape=["K"]), "no bounds for the symbol 'K'"),
    (lambda document: document["inputs"][1].update(lengths_of="K"), "no bounds for the symbol 'K'"),
    (lambda document: document["inputs"][0].update(lengths="words"), "'words' holds no lengths"),
    (lambda document: document["inputs"][0].update(lengths="nothing"), "'nothing' holds no lengths"),
    (lambda document: document["inputs"][0].update(minimum=80), "words: a minimum above the maximum"),
    (lambda document: document["inputs"].append(document["inputs"][0]), "two tensors have one name"),
    (lambda document: document["symbols"]["N"].update(minimum=2000), "N: a minimum above the maximum"),
    (lambda document: document["symbols"]["N"].update(maximum=1 << 40), "symbols.N.maximum"),
    (lambda document: document["limits"].update(seconds=0), "limits.seconds"),
]


@pytest.mark.parametrize(("change", "reason"), CHANGES)
def test_interface_that_contradicts_its_form_or_itself_is_refused(
    change: Callable[[dict[str, Any]], object], reason: str, tagger: Interface
) -> None:
    document = json.loads(tagger.to_bytes())
    change(document)
    with pytest.raises(InvalidPackageError, match=reason):
        read_interface(json.dumps(document).encode())


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"format": 1, "format": 2}', b"\xff", b"[" * 100_000])
def test_bytes_that_are_no_interface_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidPackageError):
        read_interface(data)


@pytest.mark.parametrize(
    ("text", "bound"), [("T=512", ("T", Bound(1, 512))), ("N=2..64", ("N", Bound(2, 64))), ("x_0=0..1", ("x_0", Bound(0, 1)))]
)
def test_bound_is_parsed(text: str, bound: tuple[str, Bound]) -> None:
    assert parse_bound(text) == bound


@pytest.mark.parametrize("text", ["", "T", "T=", "=5", "T=x", "T=5..2", "T=-1", "T=0", "T=1..", "T=99999999999", "T=1..2..3"])
def test_bound_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidOptionError, match="expected SYMBOL=MAXIMUM"):
        parse_bound(text)


def test_range_that_is_stated_is_kept() -> None:
    tensor = Tensor("x", "float32", ("N",), minimum=-1.5, maximum=2)
    interface = Interface("onnx", ("model.onnx",), (tensor,), (replace(tensor, name="y"),), {"N": Bound(1, 2)})
    assert read_interface(interface.to_bytes()).inputs == (tensor,)
