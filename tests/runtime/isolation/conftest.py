"""The isolated model made of any bytes, below the admission that would refuse the hostile ones."""

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from bridge.package.interface import Bound, Interface, ServingLimits, Tensor
from bridge.runtime.isolation.limits import IsolationLimits
from bridge.runtime.isolation.model import IsolatedModel
from bridge.runtime.limits import RuntimeLimits
from bridge.runtime.served import ModelIdentity

# Modules that the workers' server has to find too, which takes this path over.
sys.path.insert(0, str(Path(__file__).parent / "hostile"))

Make = Callable[..., IsolatedModel]


def interface() -> Interface:
    return Interface(
        kind="onnx",
        model_files=("model.onnx",),
        inputs=(Tensor("x", "float32", ("N", 4)),),
        outputs=(Tensor("y", "float32", ("N", 4)),),
        symbols={"N": Bound(1, 4096, "batch")},
        limits=ServingLimits(seconds=20.0),
    )


ONE_THREAD = RuntimeLimits(intra_op_threads=1)
TWO_GIGABYTES = IsolationLimits(memory_bytes=2 << 30)
IDENTITY = ModelIdentity("squares", "1", "0" * 64, "")


@pytest.fixture
def isolated() -> Iterator[Make]:
    """Makes isolated models, and closes them."""
    made: list[IsolatedModel] = []

    def make(
        model: bytes,
        limits: RuntimeLimits = ONE_THREAD,
        isolation: IsolationLimits = TWO_GIGABYTES,
        *,
        external: Mapping[str, memoryview] | None = None,
    ) -> IsolatedModel:
        one = IsolatedModel(memoryview(model), external or {}, interface(), IDENTITY, limits, isolation)
        made.append(one)
        return one

    yield make
    for one in made:
        one.close()
