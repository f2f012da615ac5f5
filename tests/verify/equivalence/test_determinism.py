import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from tests.verify import onnx_models
from tests.verify.equivalence.converted_models import golden_case, onnx_file
from tests.verify.recorded_case import write_doubling_case, write_ragged_doubling_case
from verify.equivalence import OnnxRuntime, load_case
from verify.equivalence.backends import Array, Backend, BackendError, Optimisation, RuntimeOptions
from verify.equivalence.backends.onnx_reference import OnnxReference
from verify.equivalence.determinism import check_determinism
from verify.report.document import Determinism, DeterminismVerdict

IDENTICAL, AGREES, DIFFERS = DeterminismVerdict.IDENTICAL, DeterminismVerdict.AGREES, DeterminismVerdict.DIFFERS
NEEDS_TWO_PROCESSORS = pytest.mark.skipif(os.cpu_count() == 1, reason="one processor has one number of threads")


class Tampering(OnnxRuntime):
    """onnxruntime, whose results are changed by a function of its options, of how often it ran, and of what it was fed."""

    def __init__(self, path: Path, options: RuntimeOptions, error: Callable[[RuntimeOptions, int, int], float]) -> None:
        super().__init__(path, options=options)
        self._error, self._given, self._runs = error, options, 0

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        self._runs += 1
        batch = len(next(iter(feeds.values())))
        error = self._error(self._given, self._runs, batch)
        return {
            name: (value.astype(np.float32) + np.float32(error)).astype(value.dtype) for name, value in super().run(feeds).items()
        }


def doubling(folder: Path, error: Callable[[RuntimeOptions, int, int], float]) -> dict[str, Determinism]:
    """The checks of a model that doubles, with errors planted."""
    path = onnx_models.write_model(folder / "m.onnx", onnx_models.DOUBLING)
    case = load_case(write_doubling_case(folder / "case"))
    return {item.check: item for item in check_determinism(case, lambda options: Tampering(path, options, error))}


@pytest.mark.parametrize("name", ["digits_lenet", "lstm_tagger", "gru_encoder", "transformer_over_sequence", "half_precision"])
def test_golden_network_is_steady(name: str) -> None:
    found = check_determinism(golden_case(name), lambda options: OnnxRuntime(onnx_file(name), options=options))
    assert [item.check for item in found] == ["repeat", "threads", "optimisation", "batch"]
    assert all(item.holds for item in found), found
    assert found[0].verdict is IDENTICAL


def test_sound_model_is_identical_in_everything(tmp_path: Path) -> None:
    found = doubling(tmp_path, lambda _options, _runs, _batch: 0)
    assert {item.verdict for item in found.values()} <= {IDENTICAL, DeterminismVerdict.SKIPPED}
    assert found["repeat"].max_abs == 0


def test_second_run_that_differs_by_one_bit_differs(tmp_path: Path) -> None:
    found = doubling(tmp_path, lambda _options, runs, _batch: 1e-6 if runs == 2 else 0)
    assert (found["repeat"].verdict, found["repeat"].identical) == (DIFFERS, False)
    assert found["repeat"].max_abs == pytest.approx(1e-6, rel=0.3)
    assert "y: other bits, within the tolerance" in found["repeat"].detail


@NEEDS_TWO_PROCESSORS
@pytest.mark.parametrize(("error", "verdict"), [(1e-6, AGREES), (0.5, DIFFERS)])
def test_number_of_threads_may_change_bits_and_not_more(tmp_path: Path, error: float, verdict: DeterminismVerdict) -> None:
    found = doubling(tmp_path, lambda options, _runs, _batch: error if options.threads == 1 else 0)
    assert (found["threads"].verdict, found["threads"].identical) == (verdict, False)
    assert found["optimisation"].verdict is IDENTICAL


@pytest.mark.parametrize(("error", "verdict"), [(1e-6, AGREES), (0.5, DIFFERS)])
def test_optimisations_may_change_bits_and_not_more(tmp_path: Path, error: float, verdict: DeterminismVerdict) -> None:
    found = doubling(tmp_path, lambda options, _runs, _batch: error if options.optimisation is Optimisation.OFF else 0)
    assert found["optimisation"].verdict is verdict
    assert found["repeat"].verdict is IDENTICAL


@pytest.mark.parametrize(("error", "verdict"), [(1e-6, AGREES), (0.5, DIFFERS)])
def test_company_in_the_batch_may_change_bits_and_not_more(tmp_path: Path, error: float, verdict: DeterminismVerdict) -> None:
    found = doubling(tmp_path, lambda _options, _runs, batch: error if batch == 1 else 0)
    assert found["batch"].verdict is verdict
    assert "y, sample 0" in found["batch"].detail


def test_samples_of_a_ragged_batch_are_run_alone(tmp_path: Path) -> None:
    path = onnx_models.write_model(tmp_path / "m.onnx", onnx_models.RAGGED_DOUBLING)
    case = load_case(write_ragged_doubling_case(tmp_path / "case"))
    found = {item.check: item for item in check_determinism(case, lambda options: OnnxRuntime(path, options=options))}
    assert found["batch"].verdict is IDENTICAL


def test_model_that_looks_at_the_whole_batch_is_seen(tmp_path: Path) -> None:
    text = onnx_models.DOUBLING.replace("y = Add(x, x)", "s = ReduceSum<keepdims = 1>(x)\n y = Add(x, s)")
    path = onnx_models.write_model(tmp_path / "m.onnx", text)
    case = load_case(write_doubling_case(tmp_path / "case"))
    found = {item.check: item for item in check_determinism(case, lambda options: OnnxRuntime(path, options=options))}
    assert found["batch"].verdict is DIFFERS


def test_evaluator_without_threads_has_no_check_of_them() -> None:
    def start(options: RuntimeOptions) -> Backend:
        del options
        return OnnxReference(onnx_file("lstm_tagger"))

    assert [item.check for item in check_determinism(golden_case("lstm_tagger"), start)] == ["repeat", "batch"]


def test_backend_that_fails_is_an_error_and_no_pass(tmp_path: Path) -> None:
    def error(_options: RuntimeOptions, runs: int, _batch: int) -> float:
        if runs > 1:
            raise BackendError("out of memory")
        return 0

    found = doubling(tmp_path, error)
    assert (found["repeat"].verdict, found["repeat"].holds) == (DeterminismVerdict.ERROR, False)
    assert found["repeat"].detail == "case: out of memory"
