from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests.verify import onnx_models
from tests.verify.equivalence.converted_models import GOLDEN, golden_case, onnx_file
from tests.verify.recorded_case import write_doubling_case
from verify.equivalence import BackendError, check_case, load_case
from verify.equivalence.backends.onnx_reference import OnnxReference
from verify.report.document import CaseVerdict, OutputVerdict

NETWORKS = sorted(path.parent.name for path in GOLDEN.glob("*/case.json"))


@pytest.mark.parametrize("name", NETWORKS)
def test_every_golden_network_holds(name: str) -> None:
    report = check_case(OnnxReference(onnx_file(name)), golden_case(name))
    assert report.holds, report.error or [output.reason for output in report.outputs]


def test_backend_says_what_it_is_and_what_the_converter_wrote() -> None:
    backend = OnnxReference(onnx_file("digits_lenet"))
    assert (backend.identity.name, backend.identity.version) == ("onnx-reference", onnx.__version__)
    assert backend.metadata["cntk_bridge.source.sha256"] == golden_case("digits_lenet").description.model_sha256
    assert next(iter(backend.inputs.values())).dtype == np.float32


def test_difference_is_seen(tmp_path: Path) -> None:
    backend = OnnxReference(onnx_models.write_model(tmp_path / "m.onnx", onnx_models.SQUARING))
    report = check_case(backend, load_case(write_doubling_case(tmp_path / "case")))
    assert report.outputs[0].verdict is OutputVerdict.DIFFERS


def test_operator_that_the_evaluator_lacks_is_an_error_and_no_pass(tmp_path: Path) -> None:
    node = helper.make_node("MaxRoiPool", ["x", "rois"], ["y"], pooled_shape=[1, 1])
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("x", "rois", "y")]
    model = helper.make_model(helper.make_graph([node], "g", values[:2], values[2:]))
    onnx.save(model, tmp_path / "m.onnx")
    with pytest.raises(BackendError, match=r"m\.onnx: the ONNX reference evaluator cannot run it: .*MaxRoiPool"):
        OnnxReference(tmp_path / "m.onnx")


def test_operator_that_fails_is_an_error_and_no_pass(tmp_path: Path) -> None:
    text = onnx_models.DOUBLING.replace("Add(x, x)", "MatMul(x, x)")
    backend = OnnxReference(onnx_models.write_model(tmp_path / "m.onnx", text))
    report = check_case(backend, load_case(write_doubling_case(tmp_path / "case")))
    assert report.verdict is CaseVerdict.ERROR
    assert report.error.startswith("the ONNX reference evaluator cannot run it: ")


def test_file_that_is_no_onnx_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "noise.onnx").write_bytes(b"noise")
    with pytest.raises(BackendError, match=r"noise\.onnx: the ONNX reference evaluator cannot run it"):
        OnnxReference(tmp_path / "noise.onnx")
