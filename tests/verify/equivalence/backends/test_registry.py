import onnxruntime
import pytest

from bridge.errors import InvalidOptionError
from tests.verify.equivalence.converted_models import golden_case, onnx_file
from verify.equivalence import check_case
from verify.equivalence.backends import RuntimeOptions
from verify.equivalence.backends.registry import Form, backend_kinds, choose_kinds

EVERY_FORM = tuple(Form)


def names(chosen: tuple[str, ...], forms: tuple[Form, ...] = EVERY_FORM) -> list[str]:
    return [kind.name for kind in choose_kinds(chosen, forms)]


def test_default_is_the_one_that_starts_quickest() -> None:
    assert names(()) == ["onnxruntime-cpu"]
    assert names((), (Form.TORCH, Form.SOURCE)) == ["pytorch-cpu"]


def test_all_are_those_that_are_available_and_run_the_model() -> None:
    found = names(("all",), (Form.ONNX,))
    assert found[:2] == ["onnxruntime-cpu", "onnx-reference"]
    assert "pytorch-cpu" not in found
    assert "cntk" not in names(("all",))


def test_backends_are_chosen_by_name_in_the_order_asked_for() -> None:
    assert names(("onnx-reference", "onnxruntime-cpu", "onnx-reference")) == ["onnx-reference", "onnxruntime-cpu"]


def test_name_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidOptionError, match="no backend 'tensorrt': expected all or one of onnxruntime-cpu"):
        names(("tensorrt",))


def test_backend_that_does_not_run_the_model_is_refused() -> None:
    with pytest.raises(InvalidOptionError, match="'pytorch-cpu' runs torch models, and this is one of onnx"):
        names(("pytorch-cpu",), (Form.ONNX,))


@pytest.mark.skipif("CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="this onnxruntime has CUDA")
def test_backend_that_is_not_available_is_refused_with_the_reason() -> None:
    with pytest.raises(InvalidOptionError, match="'onnxruntime-cuda' is not available: this onnxruntime has no CUDA"):
        names(("onnxruntime-cuda",))


def test_names_are_unique_and_nothing_runs_elsewhere() -> None:
    kinds = [kind.name for kind in backend_kinds()]
    assert len(set(kinds)) == len(kinds)
    assert not any("azure" in name for name in kinds)


@pytest.mark.parametrize("name", ["onnxruntime-cpu", "onnx-reference"])
def test_kind_starts_what_it_says(name: str) -> None:
    (kind,) = choose_kinds((name,), EVERY_FORM)
    assert kind.start is not None
    backend = kind.start(onnx_file("digits_lenet"), RuntimeOptions())
    assert backend.identity.name == name
    assert check_case(backend, golden_case("digits_lenet")).holds
