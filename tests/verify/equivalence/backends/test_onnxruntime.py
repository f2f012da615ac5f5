from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from tests.verify import onnx_models
from tests.verify.equivalence.converted_models import golden_case, onnx_file
from verify.equivalence import BackendError, OnnxRuntime, check_case
from verify.equivalence.backends import Optimisation, RuntimeOptions
from verify.equivalence.backends.onnxruntime import CUDA

HAS_CUDA = CUDA in onnxruntime.get_available_providers()


def test_identity_says_how_it_was_started(tmp_path: Path) -> None:
    path = onnx_models.write_model(tmp_path / "m.onnx", onnx_models.DOUBLING)
    identity = OnnxRuntime(path, options=RuntimeOptions(2, Optimisation.OFF)).identity
    assert (identity.name, identity.version, identity.device) == ("onnxruntime-cpu", onnxruntime.__version__, "cpu")
    assert identity.options == {"provider": "CPUExecutionProvider", "threads": "2", "optimisation": "off"}


@pytest.mark.parametrize("level", Optimisation)
def test_network_holds_at_every_level_of_optimisation(level: Optimisation) -> None:
    backend = OnnxRuntime(onnx_file("digits_lenet"), options=RuntimeOptions(1, level))
    assert check_case(backend, golden_case("digits_lenet")).holds


def test_level_of_optimisation_reaches_onnxruntime(tmp_path: Path) -> None:
    path = onnx_models.write_model(tmp_path / "m.onnx", onnx_models.DOUBLING)
    session = OnnxRuntime(path, options=RuntimeOptions(1, Optimisation.OFF))._session
    options = session.get_session_options()
    assert options.graph_optimization_level == onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    assert options.intra_op_num_threads == 1


def test_model_in_memory_is_run(tmp_path: Path) -> None:
    data = onnx_models.write_model(tmp_path / "m.onnx", onnx_models.DOUBLING).read_bytes()
    results = OnnxRuntime(data).run({"x": np.ones((1, 3), np.float32)})
    np.testing.assert_array_equal(results["y"], [[2, 2, 2]])


@pytest.mark.skipif(HAS_CUDA, reason="this onnxruntime has CUDA")
def test_provider_that_is_not_there_is_no_silent_run_on_the_cpu(tmp_path: Path) -> None:
    path = onnx_models.write_model(tmp_path / "m.onnx", onnx_models.DOUBLING)
    with pytest.raises(BackendError, match="this onnxruntime has no CUDAExecutionProvider; it has"):
        OnnxRuntime(path, provider=CUDA)


@pytest.mark.skipif(not HAS_CUDA, reason="this onnxruntime has no CUDA")
@pytest.mark.parametrize("tf32", ["0", "1"])
def test_network_holds_on_cuda(tf32: str) -> None:
    backend = OnnxRuntime(onnx_file("digits_lenet"), provider=CUDA, provider_options={"use_tf32": tf32})
    assert backend.identity.device == "cuda:0"
    report = check_case(backend, golden_case("digits_lenet"))
    assert not report.error
    assert report.holds or tf32 == "1"
