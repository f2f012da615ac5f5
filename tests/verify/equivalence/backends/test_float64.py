from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.verify import onnx_models
from tests.verify.equivalence.converted_models import GOLDEN, golden_case, onnx_file
from verify.equivalence import BackendError, OnnxRuntime, check_case
from verify.equivalence.backends import Backend
from verify.equivalence.backends.float64 import Float64
from verify.equivalence.backends.widening import widened
from verify.equivalence.feeding import feeds
from verify.report.document import Nearer

NETWORKS = sorted(path.parent.name for path in GOLDEN.glob("*/case.json"))

EVERY_KIND_OF_CONSTANT = """
<ir_version: 8, opset_import: ["" : 17]>
constants (float[N] x) => (float[N] y, float16[N] h, float[K] f) <float[1] third = {0.333333333}> {
    a = Constant<value_float = 0.1>()
    b = Constant<value = float[1] {0.1}>()
    p = Mul(x, third)
    q = Add(p, a)
    y = Add(q, b)
    h = Cast<to = 10>(y)
    one = Constant<value = int64[1] {3}>()
    f = ConstantOfShape(one)
}
"""
RESIZING = """
<ir_version: 8, opset_import: ["" : 17]>
resizing (float[1, 1, 2, 2] x) => (float[1, 1, 4, 4] y) <float[4] scales = {1, 1, 2, 2}> { y = Resize(x, , scales) }
"""


def float_types(model: onnx.ModelProto) -> set[int]:
    narrow = {onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16}
    types = {tensor.data_type for tensor in model.graph.initializer}
    types |= {item.type.tensor_type.elem_type for item in (*model.graph.input, *model.graph.output, *model.graph.value_info)}
    return types & narrow


@pytest.mark.parametrize("name", NETWORKS)
def test_recorded_values_lie_near_the_graph_in_double_precision(name: str) -> None:
    """The referee is an evaluation of the same graph: were it another graph, nothing would be near it."""
    case = golden_case(name)
    report = check_case(OnnxRuntime(onnx_file(name)), case, referee=Float64(onnx_file(name)))
    assert report.note == ""
    rulings = [output.referee for output in report.outputs if output.dtype != "int64"]
    assert rulings
    allowed = {"float16": 2e-2, "float32": 1e-3, "float64": 1e-6}
    for output, ruling in zip(report.outputs, rulings, strict=False):
        assert ruling is not None
        scale = max(1.0, *(float(np.abs(value).max()) for value in case.outputs[0].value))
        assert ruling.our_error <= allowed[output.dtype] * scale
        assert ruling.reference_error <= allowed[output.dtype] * scale


@pytest.mark.parametrize("name", ["lstm_tagger", "half_precision", "recurrence_by_hand"])
def test_nothing_narrow_is_left_in_a_converted_network(name: str) -> None:
    assert not float_types(widened(onnx_file(name)))


def test_every_kind_of_constant_is_widened(tmp_path: Path) -> None:
    referee = Float64(onnx_models.write_model(tmp_path / "m.onnx", EVERY_KIND_OF_CONSTANT))
    assert {port.dtype.name for port in (*referee.inputs.values(), *referee.outputs.values())} == {"float64"}
    third, tenth = np.float64(np.float32(0.333333333)), np.float64(np.float32(0.1))
    x = np.array([1.0, 3.0], np.float32)
    results = referee.run({"x": x})
    assert results["y"].tolist() == pytest.approx((x.astype(np.float64) * third + 2 * tenth).tolist(), rel=1e-15)
    np.testing.assert_array_equal(results["h"], results["y"])
    assert results["f"].dtype == np.float64


def test_operator_that_knows_float32_alone_stands_between_casts(tmp_path: Path) -> None:
    model = widened(onnx_models.write_model(tmp_path / "m.onnx", RESIZING))
    assert [node.op_type for node in model.graph.node] == ["Cast", "Resize"]
    results = Float64(tmp_path / "m.onnx").run({"x": np.arange(4, dtype=np.float32).reshape(1, 1, 2, 2)})
    assert results["y"].shape == (1, 1, 4, 4)
    assert results["y"].dtype == np.float64


def evaluator(referee: Backend) -> tuple[str, str]:
    options = referee.identity.options
    return options["evaluator"], options.get("reason", "")


def test_node_without_a_kernel_for_doubles_is_named() -> None:
    assert evaluator(Float64(onnx_file("lstm_tagger"))) == ("onnxruntime", "")
    by, reason = evaluator(Float64(onnx_file("digits_lenet")))
    assert by == "onnx's"
    assert "Conv" in reason
    assert "Plus403/Conv" in reason


def test_referee_names_the_side_that_is_nearer() -> None:
    """Ours is spoiled, by less than the tolerance."""
    case = golden_case("digits_lenet")
    backend = OnnxRuntime(onnx_file("digits_lenet"))
    truth = Float64(onnx_file("digits_lenet")).run(feeds(case, backend.inputs))["z"].astype(np.float64)

    class Spoiled(OnnxRuntime):
        def run(self, feeds: object) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]]:
            del feeds
            return {"z": (truth + 1e-4).astype(np.float32)}

    report = check_case(Spoiled(onnx_file("digits_lenet")), case, referee=Float64(onnx_file("digits_lenet")))
    ruling = report.outputs[0].referee
    assert ruling is not None
    assert ruling.nearer is Nearer.REFERENCE
    assert ruling.our_error == pytest.approx(1e-4, rel=0.05)
    assert ruling.reference_error < 1e-5


def test_file_that_is_no_onnx_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "noise.onnx").write_bytes(b"noise")
    with pytest.raises(BackendError, match="cannot be widened to float64"):
        Float64(tmp_path / "noise.onnx")
