import pytest

torch = pytest.importorskip("torch")

import numpy as np

from tests.verify.equivalence.converted_models import golden_case, torch_folder
from verify.equivalence import BackendError, check_case
from verify.equivalence.backends import RuntimeOptions
from verify.equivalence.backends.pytorch import PyTorch, cuda_unavailable

NO_CUDA = cuda_unavailable()


def test_network_holds_and_the_backend_says_what_it_is() -> None:
    backend = PyTorch(torch_folder("lstm_tagger"))
    assert check_case(backend, golden_case("lstm_tagger")).holds
    assert (backend.identity.name, backend.identity.device) == ("pytorch-cpu", "cpu")
    assert backend.identity.version == torch.__version__


def test_settings_of_the_process_are_put_back() -> None:
    before = torch.get_num_threads(), torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    backend = PyTorch(torch_folder("lstm_tagger"), options=RuntimeOptions(threads=before[0] + 1))
    assert check_case(backend, golden_case("lstm_tagger")).holds
    assert (torch.get_num_threads(), torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32) == before


def test_inputs_that_the_module_refuses_are_an_error_of_the_backend() -> None:
    backend = PyTorch(torch_folder("digits_lenet"))
    with pytest.raises(BackendError, match="PyTorch does not run it: "):
        backend.run({name: np.zeros((1, 2, 3), np.float32) for name in backend.inputs})


@pytest.mark.skipif(not NO_CUDA, reason="there is a GPU here")
def test_gpu_that_is_not_there_is_no_silent_run_on_the_cpu() -> None:
    with pytest.raises(BackendError, match=r"built without CUDA|finds no GPU"):
        PyTorch(torch_folder("digits_lenet"), device="cuda")


@pytest.mark.skipif(bool(NO_CUDA), reason=NO_CUDA or "there is a GPU here")
@pytest.mark.parametrize("tf32", [False, True])
@pytest.mark.parametrize("name", ["digits_lenet", "lstm_tagger"])
def test_network_holds_on_cuda(name: str, tf32: bool) -> None:
    backend = PyTorch(torch_folder(name), device="cuda", tf32=tf32)
    assert backend.identity.name == ("pytorch-cuda-tf32" if tf32 else "pytorch-cuda")
    report = check_case(backend, golden_case(name))
    assert not report.error
    assert report.holds or tf32
