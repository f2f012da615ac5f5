"""Every version of the format, in both precisions."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.errors import UnsupportedVersionError
from bridge.graph.model import Axis, AxisKind, DataType, NDShape, VariableKind
from tests.source.v1.bcn_writer import BcnFile
from tests.source.v1.networks import BIAS, KERNELS, WEIGHT, convolutional, producer, read, recurrent, root_names

ALL_VERSIONS = range(1, 32)
BATCH = Axis(AxisKind.BATCH, name="defaultBatchAxis")


@pytest.mark.parametrize("double", [False, True], ids=["float", "double"])
@pytest.mark.parametrize("version", ALL_VERSIONS)
def test_a_recurrent_network_reads_the_same_in_every_version(version: int, double: bool) -> None:
    model = read(recurrent(version, double=double))
    data_type = DataType.DOUBLE if double else DataType.FLOAT

    assert (model.format, model.format_version) == ("v1", f"version {version}")
    assert root_names(model) == ["out", "total"]
    x, weight, bias = (model.variables[name] for name in ("x", "W", "b"))
    assert (x.kind, x.shape, x.data_type) == (VariableKind.INPUT, (3,), data_type)
    assert x.dynamic_axes == (Axis(AxisKind.SEQUENCE, name=""), BATCH)
    assert (weight.kind, bias.kind) == (VariableKind.PARAMETER, VariableKind.CONSTANT)
    assert weight.value is not None
    assert bias.value is not None
    np.testing.assert_array_equal(weight.value.array(), np.reshape(WEIGHT, (3, 2)))
    np.testing.assert_array_equal(bias.value.array(), np.reshape(BIAS, (1, 2)))
    assert weight.value.array().dtype == (np.float64 if double else np.float32)

    assert producer(model, "Wx").op == "Times"
    assert producer(model, "Wx").inputs == ("W", "x")
    assert producer(model, "Wx").attributes == {"outputRank": 1, "inferInputRankToMap": -1}
    delay = producer(model, "before")
    assert delay.op == "PastValue"
    assert delay.attributes == {"offset": 1}
    assert delay.inputs[0] == "h_Output_0"
    initial = model.variables[delay.inputs[1]]
    assert (initial.kind, initial.shape, initial.data_type) == (VariableKind.CONSTANT, (), data_type)
    assert initial.value is not None
    # Version 1 did not store the initial value: it is CNTK's own default.
    assert initial.value.array() == pytest.approx(0.25 if version >= 2 else 0.1)

    lower = producer(model, "lower").attributes
    assert lower == {"axis": Axis(AxisKind.STATIC, 0), "beginIndex": 1, "endIndex": 2, "sliceStrides": 1}
    assert producer(model, "swapped").op == "Splice"
    assert producer(model, "swapped").attributes == {"axis": Axis(AxisKind.STATIC, 0)}
    random = (7, 5) if version >= 16 else (0, 0)
    assert producer(model, "out").attributes == {"dropoutRate": 0.0, "rngSeed": random[0], "rngOffset": random[1]}
    assert producer(model, "total").attributes == {
        "axisVec": (Axis(AxisKind.ALL_STATIC),),
        "reductionOpName": "Sum",
        "reductionKeepDimensions": True,
    }


@pytest.mark.parametrize("double", [False, True], ids=["float", "double"])
@pytest.mark.parametrize("version", ALL_VERSIONS)
def test_a_convolutional_network_reads_the_same_in_every_version(version: int, double: bool) -> None:
    model = read(convolutional(version, double=double))

    kernels = model.variables["kernels"]
    assert kernels.value is not None
    assert kernels.shape == kernels.value.shape == (3, 2, 2, 2)
    np.testing.assert_array_equal(kernels.value.values, KERNELS)
    convolution = producer(model, "convolved")
    assert convolution.inputs == ("kernels", "image")
    assert convolution.attributes["kernelShape"] == NDShape((2, 2, 2))
    assert convolution.attributes["autoPadding"] == (True, True, False)
    assert convolution.attributes["strides"] == NDShape((1, 1, 2))
    normalized = producer(model, "normalized")
    assert normalized.op == "BatchNormalization"
    assert len(normalized.inputs) == 6
    assert normalized.attributes["epsilon"] == 0.5
    assert normalized.attributes["normalizationTimeConstant"] == 3.0
    assert normalized.attributes["blendTimeConstant"] == (4.0 if version >= 6 else 0.0)
    assert normalized.attributes["useCuDNNEngine"] is False
    count = model.variables[normalized.inputs[5]]
    assert count.value is not None
    assert count.shape == (1,)
    assert count.value.array()[0] == 0
    pooled = producer(model, "pooled")
    assert (pooled.op, pooled.attributes["poolingType"]) == ("Pooling", 0)
    assert pooled.attributes["poolingWindowShape"] == NDShape((2, 2, 1))


@pytest.mark.parametrize("version", ALL_VERSIONS)
def test_the_inverse_deviation_of_old_batch_normalizations_becomes_a_variance(version: int) -> None:
    model = read(convolutional(version))

    stored = np.array([4, 5, 7], np.float64)
    spread = model.variables["spread"].value
    assert spread is not None
    expected = 1 / stored**2 + 0.5 if version < 13 else stored
    np.testing.assert_allclose(spread.array().astype(np.float64).reshape(-1), expected, rtol=1e-6)


@pytest.mark.parametrize("version", [0, 32, 1 << 40])
def test_a_version_that_no_release_writes_is_refused(version: int) -> None:
    file = recurrent(31)
    file.version = version or 31
    data = file.build() if version else file.build().replace((31).to_bytes(8, "little"), bytes(8), 1)

    with pytest.raises(UnsupportedVersionError, match=rf"version.*expected 1 to 31; found {version}"):
        read(data)


def test_the_precision_of_a_node_is_its_own_from_version_7_on() -> None:
    file = BcnFile(7)
    file.input("x", 2)
    file.double = True
    file.parameter("w", (2,), [1.0, 2.0])
    single, file.nodes[0] = file.nodes[0], (*file.nodes[0][:3], "float")
    assert single[3] is None
    file.node("Plus", "sum", inputs=("x", "w"))

    model = read(file)

    assert model.variables["x"].data_type is DataType.FLOAT
    assert model.variables["w"].data_type is DataType.DOUBLE


def test_an_empty_precision_means_that_of_the_first_matrix() -> None:
    file = BcnFile(31, double=True)
    file.input("x", 2)
    file.parameter("w", (2,), [1.0, 2.0])
    file.node("Plus", "sum", inputs=("x", "w"))
    file.nodes = [(op, name, body, "") for op, name, body, _ in file.nodes]

    assert {variable.data_type for variable in read(file).variables.values()} == {DataType.DOUBLE}


def test_a_file_without_any_matrix_is_single_precision() -> None:
    file = BcnFile(3)
    file.input("x", 2)
    file.node("Sigmoid", "y", inputs=("x",))

    assert read(file).variables["x"].data_type is DataType.FLOAT
