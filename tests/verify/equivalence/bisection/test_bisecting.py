"""What bisection makes of few values, of weights beside the file, of models from elsewhere, and of names that would be code."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
import onnx
import pytest

import bridge
from bridge.errors import InvalidPackageError
from bridge.origins import VALUES_KEY
from tests.verify.equivalence.bisection import planted_faults
from verify.equivalence.backends import BackendError
from verify.equivalence.bisection import FirstOf, FreshConversion, RecordedValues, bisect_case, wanted_variables
from verify.equivalence.bisection.reproduction_script import SCRIPT
from verify.equivalence.cases import Batch, GoldenCase, load_case
from verify.report.document import LayerVerdict

RECORDED = Path(__file__).with_name("recorded")


class Some:
    """The recorded values of a few variables."""

    def __init__(self, case: GoldenCase, uids: Collection[str]) -> None:
        self._recorded = RecordedValues(case)
        self._uids = uids

    def value(self, uid: str) -> Batch | None:
        return self._recorded.value(uid) if uid in self._uids else None


def image(folder: Path) -> tuple[Path, GoldenCase]:
    case = load_case(RECORDED / "image")
    return bridge.convert(case.model_path(), folder / "model.onnx").destination, case


def edited(path: Path, edit: planted_faults.Edit) -> Path:
    model = onnx.load(path)
    edit(model.graph)
    onnx.save(model, path)
    return path


def test_variables_asked_for_are_those_that_the_model_has(tmp_path: Path) -> None:
    path, case = image(tmp_path)
    wanted = wanted_variables(path)
    recorded = {output.description.uid for output in case.outputs}
    assert set(wanted) <= recorded
    # What was folded into the convolution is not asked for: there is nothing to compare it with.
    assert [uid for uid in wanted if uid.startswith(("Convolution", "BatchNormalization"))] == [
        "BatchNormalization61_Output_0",
        "BatchNormalization121_Output_0",
    ]


def test_with_few_values_a_layer_spans_what_lies_between_them(tmp_path: Path) -> None:
    path, case = image(tmp_path)
    edited(path, planted_faults.no_transpose)
    found = bisect_case(path, case, Some(case, {"Pooling100_Output_0", "Splice161_Output_0"}), tmp_path / "shown")
    assert [layer.node for layer in found.layers] == ["pool (Pooling100)", "joined (Splice161)"]
    assert found.first_divergence == 1
    culprit = found.layers[1]
    assert culprit.operator == "BatchNormalization, TransposeAxes, Tanh, Splice"
    assert [node.split("/")[1] for node in culprit.onnx_nodes] == ["BatchNormalization", "Transpose", "Tanh", "Concat"]


def test_errors_downstream_are_not_the_layers_own(tmp_path: Path) -> None:
    path, case = image(tmp_path)
    found = bisect_case(edited(path, planted_faults.later_epsilon), case, RecordedValues(case))
    behind = found.layers[(found.first_divergence or 0) + 1 :]
    assert len(behind) > 5
    assert all(layer.verdict is LayerVerdict.AGREES for layer in behind)
    assert all((layer.max_abs or 0) > 10 * (layer.forced_max_abs or 0) for layer in behind)


def test_several_faults_are_all_marked_and_the_first_is_named(tmp_path: Path) -> None:
    path, case = image(tmp_path)
    for edit in (planted_faults.damaged_weight, planted_faults.later_epsilon):
        edited(path, edit)
    found = bisect_case(path, case, RecordedValues(case))
    differing = [layer.node for layer in found.layers if layer.verdict is LayerVerdict.DIFFERS]
    assert differing == ["again (BatchNormalization121)", "z (Plus364)"]
    assert found.culprit is not None
    assert found.culprit.node == differing[0]


def test_model_that_does_not_run_as_a_whole_has_no_errors_of_its_own_run(tmp_path: Path) -> None:
    path, case = image(tmp_path)
    found = bisect_case(edited(path, planted_faults.concat_of_rows), case, RecordedValues(case))
    assert all(layer.max_abs is None for layer in found.layers)
    assert [layer.node for layer in found.layers if layer.verdict is LayerVerdict.DIFFERS] == ["joined (Splice161)"]


def test_bytes_do_as_well_as_a_file(tmp_path: Path) -> None:
    path, case = image(tmp_path)
    assert bisect_case(path.read_bytes(), case, RecordedValues(case)) == bisect_case(path, case, RecordedValues(case))


def test_weights_beside_the_model_are_found_and_go_into_the_reproduction(tmp_path: Path) -> None:
    path, case = image(tmp_path)
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="weights", size_threshold=64)
    assert bisect_case(path, case, RecordedValues(case)).first_divergence is None
    model = onnx.load(path, load_external_data=False)
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    factors, kernel = tensors["Parameter207"], tensors["BatchNormalization61/W"]
    del factors.external_data[:]
    factors.external_data.extend(kernel.external_data)
    path.write_bytes(model.SerializeToString())
    found = bisect_case(path, case, RecordedValues(case), tmp_path / "elsewhere")
    assert found.culprit is not None
    assert found.culprit.node == "scaled (ElementTimes208)"
    layer = onnx.load(tmp_path / "elsewhere" / "layer.onnx", load_external_data=False)
    assert [tensor.data_location for tensor in layer.graph.initializer] == [onnx.TensorProto.DEFAULT]


def test_weights_beside_a_model_need_its_path(tmp_path: Path) -> None:
    path, case = image(tmp_path)
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="weights", size_threshold=64)
    with pytest.raises(BackendError, match="give its path"):
        bisect_case(path.read_bytes(), case, RecordedValues(case))
    (tmp_path / "weights").unlink()
    with pytest.raises(BackendError, match="'weights' beside it, which is missing"):
        bisect_case(path, case, RecordedValues(case))


def test_reproduction_holds_no_more_than_the_layer(tmp_path: Path) -> None:
    """Of a layer of sequences neither the network's inputs nor what computes the lengths of sequences."""
    case = load_case(RECORDED / "text")
    path = bridge.convert(case.model_path(), tmp_path / "model.onnx").destination
    bisect_case(edited(path, planted_faults.other_direction), case, RecordedValues(case), tmp_path / "shown")
    layer = onnx.load(tmp_path / "shown" / "layer.onnx")
    assert [node.op_type for node in layer.graph.node] == ["Transpose", "Cast", "LSTM", "Squeeze", "Transpose"]
    assert [value.name for value in layer.graph.input] == ["Plus1095/Add", "lengths/Expand"]
    with np.load(tmp_path / "shown" / "layer.npz") as stored:
        assert stored["input/1"].tolist() == [4, 6, 1, 3]


def test_names_of_the_model_do_not_become_code(tmp_path: Path) -> None:
    path, case = image(tmp_path)
    edited(path, planted_faults.no_transpose)
    model = onnx.load(path)
    hostile = '"""\nraise SystemExit(0)\n"""'
    for entry in model.metadata_props:
        if entry.key == VALUES_KEY:
            entry.value = entry.value.replace('"turned"', '"' + hostile.replace('"', '\\"').replace("\n", "\\n") + '"')
    onnx.save(model, path)
    found = bisect_case(path, case, RecordedValues(case), tmp_path / "shown")
    assert found.culprit is not None
    assert hostile in found.culprit.node
    assert (tmp_path / "shown" / "reproduce.py").read_text() == SCRIPT


def test_model_from_elsewhere_is_refused_with_what_is_missing(tmp_path: Path) -> None:
    path, case = image(tmp_path)
    model = onnx.load(path)
    kept = [entry for entry in model.metadata_props if entry.key != VALUES_KEY]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    with pytest.raises(BackendError, match="do not say which values are which of CNTK's"):
        bisect_case(model.SerializeToString(), case, RecordedValues(case))


def test_damaged_map_is_refused(tmp_path: Path) -> None:
    path, case = image(tmp_path)
    model = onnx.load(path)
    for entry in model.metadata_props:
        if entry.key == VALUES_KEY:
            entry.value = entry.value[:-1]
    with pytest.raises(InvalidPackageError, match="convert the source again"):
        bisect_case(model.SerializeToString(), case, RecordedValues(case))


def test_noise_is_refused() -> None:
    with pytest.raises(BackendError, match="cannot be read as an ONNX model"):
        wanted_variables(b"\xff" * 64)


@pytest.mark.parametrize("network", ["image", "text"])
def test_fresh_conversion_agrees_with_the_folded_one(network: str, tmp_path: Path) -> None:
    case = load_case(RECORDED / network)
    path = bridge.convert(case.model_path(), tmp_path / "model.onnx").destination
    found = bisect_case(path, case, FreshConversion(case.model_path(), case))
    assert found.first_divergence is None
    assert len(found.layers) == len(bisect_case(path, case, RecordedValues(case)).layers)


def test_fresh_conversion_finds_a_damaged_weight_without_cntk(tmp_path: Path) -> None:
    path, case = image(tmp_path)
    edited(path, planted_faults.damaged_weight)
    found = bisect_case(path, case, FreshConversion(case.model_path(), case))
    assert found.culprit is not None
    assert found.culprit.node == "z (Plus364)"


def test_first_source_that_has_a_value_gives_it() -> None:
    case = load_case(RECORDED / "image")
    uid = "Tanh158_Output_0"
    few, all_values = Some(case, {uid}), RecordedValues(case)
    both = FirstOf([few, all_values])
    assert both.value(uid) is few.value(uid)
    assert both.value("Pooling100_Output_0") is all_values.value("Pooling100_Output_0")
    assert both.value("Pooling100_Output_0") is not None
    assert both.value("no such variable") is None
