"""The repository's golden networks, converted when a test first asks."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import bridge
from verify.equivalence import GoldenCase, load_case

GOLDEN = Path(__file__).parents[3] / "golden"
_SCRATCH = TemporaryDirectory(prefix="converted-models-")


@cache
def golden_case(name: str) -> GoldenCase:
    """A recorded case, by the name of its folder."""
    return load_case(GOLDEN / name)


@cache
def onnx_file(name: str) -> Path:
    """Its model as an ONNX file."""
    path = Path(_SCRATCH.name) / f"{name}.onnx"
    bridge.convert(GOLDEN / name / "model.dnn", path, outputs=golden_case(name).output_names())
    return path


@cache
def torch_folder(name: str) -> Path:
    """Its model as the folder of a PyTorch module."""
    path = Path(_SCRATCH.name) / name
    bridge.convert(GOLDEN / name / "model.dnn", path, outputs=golden_case(name).output_names(), target="torch")
    return path
