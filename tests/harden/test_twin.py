from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest

pytest.importorskip("torch")

import bridge
from bridge.errors import InvalidOptionError
from bridge.harden.agreement import agreement_report, require_agreement, served
from bridge.harden.correspondence import correspondence, with_weights
from bridge.harden.ensemble import DISAGREEMENT, class_axis, ensemble, ensemble_twin
from bridge.harden.samples import Array
from bridge.harden.twin import Twin, serving_model, twin_of_graph, twin_of_source
from bridge.package.interface import Interface, Tensor
from tests.harden.digits import GOLDEN, INTERFACE, NETWORK, digits, twin

X = digits().x[:12]


def bytes_of(model: ir.Model) -> bytes:
    data: bytes = ir.to_proto(serving_model(model)).SerializeToString()
    return data


def shaken(made: Twin, seed: int) -> ir.Model:
    """The same network with other weights."""
    draw = np.random.default_rng(seed)
    found = correspondence(made.model, made.names)
    arrays = {name: made.model.graph.initializers[name].const_value for name in found.initializers}
    noise = {name: tensor.numpy() for name, tensor in arrays.items() if tensor is not None}
    return with_weights(made.model, {name: (a + draw.normal(0, 0.1, a.shape)).astype(np.float32) for name, a in noise.items()})


@pytest.mark.parametrize("case", ["digits_lenet", "resnet20"])
@pytest.mark.parametrize("of_source", [True, False])
def test_a_twin_computes_what_the_package_does(case: str, of_source: bool, tmp_path: Path) -> None:
    converted = bridge.convert(GOLDEN / case / "model.dnn", tmp_path / "model.onnx")
    ports = [
        tuple(Tensor(port.name, port.dtype, port.shape) for port in ports) for ports in (converted.inputs, converted.outputs)
    ]
    interface = Interface("onnx", ("model.onnx",), ports[0], ports[1], {})
    if of_source:
        made = twin_of_source(memoryview((GOLDEN / case / "model.dnn").read_bytes()), interface, case)
    else:
        made = twin_of_graph(ir.load(tmp_path / "model.onnx"), interface, case)
    shape = [int(extent) for extent in ports[0][0].shape[1:]]
    x = np.random.default_rng(0).uniform(0, 1, (4, *shape)).astype(np.float32)
    module = made.module()
    require_agreement(module, served(tmp_path / "model.onnx"), {ports[0][0].name: x})
    assert agreement_report(module, served(bytes_of(made.model)), {ports[0][0].name: x}).holds
    assert all(parameter.requires_grad for parameter in module.parameters() if parameter.dim() > 1)


def test_a_twin_of_another_model_is_refused(tmp_path: Path) -> None:
    bridge.convert(NETWORK, tmp_path / "model.onnx")
    module = twin().with_model(shaken(twin(), 1)).module()
    with pytest.raises(InvalidOptionError, match="does not compute what the package does"):
        require_agreement(module, served(tmp_path / "model.onnx"), {"image": X})


def test_a_source_with_another_interface_is_refused() -> None:
    other = Interface("onnx", ("model.onnx",), INTERFACE.inputs, (Tensor("z", "float32", ("N", 10, 1)),), {})
    with pytest.raises(InvalidOptionError, match="outputs"):
        twin_of_source(memoryview(NETWORK.read_bytes()), other, "digits")


def test_what_is_served_has_no_dropout_and_no_notes() -> None:
    assert "Dropout" in {node.op_type for node in twin().model.graph}
    made = serving_model(twin().model)
    assert "Dropout" not in {node.op_type for node in made.graph}
    assert not any(node.metadata_props for node in made.graph)
    onnx.checker.check_model(ir.to_proto(made), full_check=True)


def members(count: int) -> tuple[list[ir.Model], list[Array]]:
    models = [shaken(twin(), seed) for seed in range(count)]
    return models, [served(bytes_of(model)).run({"image": X})["z"] for model in models]


def test_an_ensembles_onnx_file_gives_the_mean_of_its_members_logits() -> None:
    models, logits = members(3)
    made = ensemble(models, "z")
    onnx.checker.check_model(ir.to_proto(serving_model(made)), full_check=True)
    found = served(bytes_of(made)).run({"image": X})
    assert np.allclose(found["z"], np.mean(logits, axis=0), atol=1e-5)
    assert np.ptp(np.stack(logits), axis=0).max() > 0.5


def test_disagreement_is_the_share_of_members_that_decide_otherwise() -> None:
    models, logits = members(3)
    found = served(bytes_of(ensemble(models, "z"))).run({"image": X})
    votes = np.stack([own.argmax(axis=1) for own in logits])
    expected = (votes != found["z"].argmax(axis=1)).mean(axis=0)
    assert np.allclose(found[DISAGREEMENT], expected, atol=1e-6)
    assert expected.max() > 0


def test_an_ensemble_has_a_twin_that_computes_the_same() -> None:
    models, _ = members(2)
    made = ensemble_twin(twin(), models, "z")
    assert [port.name for port in made.lowered.outputs] == ["z", DISAGREEMENT]
    assert agreement_report(made.module(), served(bytes_of(made.model)), {"image": X}).holds


def test_ensembles_that_cannot_be_are_refused() -> None:
    models, _ = members(2)
    for given, output, reason in ((models[:1], "z", "two members"), (models, "y", "output 'y'")):
        with pytest.raises(InvalidOptionError, match=reason):
            ensemble(given, output)


@pytest.mark.parametrize(("shape", "axis"), [(("N", 10), 1), (("N", 1, 10), 2), (("N", 10, 1, 1), 1)])
def test_members_vote_along_the_one_axis_of_classes(shape: tuple[int | str, ...], axis: int) -> None:
    assert class_axis(shape) == axis


@pytest.mark.parametrize("shape", [("N", 4, 10), ("N", 1), ("N", "T", 10)])
def test_outputs_without_one_axis_of_classes_are_not_voted_on(shape: tuple[int | str, ...]) -> None:
    with pytest.raises(InvalidOptionError, match="votes"):
        class_axis(shape)
