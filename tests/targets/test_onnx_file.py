"""bridge.targets.onnx_file: what is written is valid ONNX, holds the weights, and is the same bytes every time."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnx_ir as ir
import onnxruntime as ort
import pytest

from bridge.errors import InvalidOptionError, WriteError
from bridge.targets.onnx_file import _refuse_too_long, write_onnx

INLINE = 1 << 30
EXTERNAL = 0

DENSE = """
<ir_version: 10, opset_import: ["" : 21]>
dense (float[N,300] x) => (float[N,400] y) {
    xw = MatMul(x, w)
    y = Add(xw, b)
}
"""


def _unaligned(array: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The same values at an odd address, as in a mapped file."""
    return np.frombuffer(b"x" + array.tobytes(), np.float32, offset=1).reshape(array.shape)


@pytest.fixture
def weights() -> dict[str, npt.NDArray[np.float32]]:
    random = np.random.default_rng(3)
    w, b = random.standard_normal((300, 400), np.float32), random.standard_normal(400, np.float32)
    return {"w": _unaligned(w), "b": _unaligned(b)}


@pytest.fixture
def dense(weights: dict[str, npt.NDArray[np.float32]]) -> ir.Model:
    return ir.from_onnx_text(DENSE, initializers=[ir.Tensor(array, name=name) for name, array in weights.items()])


def _initializers(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    loaded = onnx.load(path)
    return {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in loaded.graph.initializer}


@pytest.mark.parametrize("threshold", [INLINE, EXTERNAL])
def test_dense_layer_passes_the_checker_and_runs(
    tmp_path: Path, dense: ir.Model, weights: dict[str, npt.NDArray[np.float32]], threshold: int
) -> None:
    written = write_onnx(dense, tmp_path / "dense.onnx", external_data_threshold=threshold)
    onnx.checker.check_model(written.path, full_check=True)
    x = np.random.default_rng(4).standard_normal((2, 300), np.float32)
    (y,) = ort.InferenceSession(written.path).run(None, {"x": x})
    np.testing.assert_allclose(y, x @ weights["w"] + weights["b"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("threshold", [INLINE, EXTERNAL])
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(np.float32(2.5), id="float32 scalar"),
        pytest.param(np.arange(300, dtype=np.float64), id="float64"),
        pytest.param(np.arange(600, dtype=np.float16).reshape(2, 300), id="float16"),
        pytest.param(np.arange(-300, 300, dtype=np.int64), id="int64"),
        pytest.param(np.arange(1200) % 3 == 0, id="bool"),
        pytest.param(np.zeros((0, 3), np.float32), id="empty"),
        pytest.param(np.arange(600, dtype=np.float32).reshape(20, 30).T, id="transposed view"),
    ],
)
def test_initializer_of_any_type_and_shape_is_kept(tmp_path: Path, value: npt.NDArray[np.generic], threshold: int) -> None:
    value = np.asarray(value)
    kind = f"{ir.DataType.from_numpy(value.dtype).name.lower()}{list(value.shape) or ''}"
    text = f'<ir_version: 10, opset_import: ["" : 21]> g () => ({kind} y) {{ y = Identity(c) }}'
    tensor = ir.Tensor(value, name="c")
    written = write_onnx(ir.from_onnx_text(text, initializers=[tensor]), tmp_path / "m.onnx", external_data_threshold=threshold)
    onnx.checker.check_model(written.path, full_check=True)
    (y,) = ort.InferenceSession(written.path).run(None, {})
    assert y.dtype == value.dtype
    np.testing.assert_array_equal(y, value)


def test_initializers_of_nested_graphs_are_kept(tmp_path: Path) -> None:
    text = """
    <ir_version: 10, opset_import: ["" : 21]>
    choice (bool c, float[2] x) => (float[2] y) {
        y = If(c) <
            then_branch = yes () => (float[2] a) <float[2] k = {3, 4}> { a = Mul(x, k) },
            else_branch = no () => (float[2] b) { b = Mul(x, outer) }
        >
    }
    """
    outer = ir.Tensor(np.array([5, 6], np.float32), name="outer")
    written = write_onnx(ir.from_onnx_text(text, initializers=[outer]), tmp_path / "m.onnx")
    onnx.checker.check_model(written.path, full_check=True)
    session = ort.InferenceSession(written.path)
    x = np.ones(2, np.float32)
    np.testing.assert_array_equal(session.run(None, {"c": np.array(True), "x": x})[0], [3, 4])
    np.testing.assert_array_equal(session.run(None, {"c": np.array(False), "x": x})[0], [5, 6])


def test_lazy_tensor_is_computed_once(tmp_path: Path) -> None:
    computed: list[str] = []

    def compute() -> ir.Tensor[npt.NDArray[np.float32]]:
        computed.append("w")
        return ir.Tensor(np.ones((300, 400), np.float32), name="w")

    lazy = ir.LazyTensor(compute, ir.DataType.FLOAT, ir.Shape([300, 400]), name="w")
    bias = ir.Tensor(np.zeros(400, np.float32), name="b")
    written = write_onnx(ir.from_onnx_text(DENSE, initializers=[lazy, bias]), tmp_path / "m.onnx")
    np.testing.assert_array_equal(_initializers(written.path)["w"], np.ones((300, 400)))
    assert computed == ["w"]


def test_tensor_that_computes_another_size_than_it_states_leaves_nothing(tmp_path: Path) -> None:
    lazy = ir.LazyTensor(lambda: ir.Tensor(np.ones(7, np.float32)), ir.DataType.FLOAT, ir.Shape([300, 400]), name="w")
    bias = ir.Tensor(np.zeros(400, np.float32), name="b")
    with pytest.raises(ValueError, match="'w' says that it has 480000 bytes and computes 28"):
        write_onnx(ir.from_onnx_text(DENSE, initializers=[lazy, bias]), tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("threshold", [INLINE, EXTERNAL])
def test_result_names_files_sizes_and_hashes(tmp_path: Path, dense: ir.Model, threshold: int) -> None:
    written = write_onnx(dense, tmp_path / "dense.onnx", external_data_threshold=threshold)
    assert written.sha256 == hashlib.sha256(written.path.read_bytes()).hexdigest()
    assert written.size == written.path.stat().st_size
    if threshold == INLINE:
        assert (written.data_path, written.data_sha256, written.data_size) == (None, None, 0)
        assert [path.name for path in tmp_path.iterdir()] == ["dense.onnx"]
    else:
        assert written.data_path == tmp_path / "dense.onnx.data"
        assert written.data_sha256 == hashlib.sha256(written.data_path.read_bytes()).hexdigest()
        assert written.data_size == written.data_path.stat().st_size
        assert sorted(path.name for path in tmp_path.iterdir()) == ["dense.onnx", "dense.onnx.data"]


@pytest.mark.parametrize("threshold", [INLINE, EXTERNAL])
def test_same_model_gives_the_same_bytes(tmp_path: Path, weights: dict[str, npt.NDArray[np.float32]], threshold: int) -> None:
    hashes = set()
    for turn, order in enumerate([("a", "b"), ("b", "a")]):
        model = ir.from_onnx_text(DENSE, initializers=[ir.Tensor(array, name=name) for name, array in weights.items()])
        model.metadata_props.update(dict.fromkeys(order, "value"))
        model.graph.opset_imports.update({f"domain.{name}": 1 for name in order})
        (tmp_path / str(turn)).mkdir()
        written = write_onnx(model, tmp_path / str(turn) / "m.onnx", external_data_threshold=threshold)
        hashes.add((written.sha256, written.data_sha256))
    assert len(hashes) == 1


def test_fields_come_in_the_order_of_their_numbers(tmp_path: Path, dense: ir.Model) -> None:
    dense.metadata_props.update({"b": "2", "a": "1"})
    dense.producer_name, dense.doc_string = "us", "words"
    content = write_onnx(dense, tmp_path / "m.onnx").path.read_bytes()
    # Field by field, as protobuf itself would write the whole.
    again = onnx.ModelProto.FromString(content)
    graph = again.graph.ByteSize()
    again.ClearField("graph")
    around = again.SerializeToString(deterministic=True)
    opening = around.index(b"words") + len(b"words")
    assert content[:opening] == around[:opening]
    assert content[len(content) - len(around) + opening :] == around[opening:]
    assert len(content) - len(around) == 1 + 3 + graph  # The graph's tag, and its length in 3 bytes.
    assert [entry.key for entry in again.metadata_props] == ["a", "b"]


def test_model_file_states_what_onnx_ir_itself_would_state(tmp_path: Path, dense: ir.Model) -> None:
    dense.metadata_props["origin"] = "test"
    expected = ir.to_proto(dense)
    found = onnx.load(write_onnx(dense, tmp_path / "m.onnx").path)
    for proto in (expected, found):
        proto.graph.ClearField("value_info")  # An initializer's type stands in the initializer; ours is not said twice.
    assert found == expected


def test_model_is_not_changed(tmp_path: Path, dense: ir.Model) -> None:
    before = ir.to_proto(dense).SerializeToString(deterministic=True)
    write_onnx(dense, tmp_path / "m.onnx", external_data_threshold=EXTERNAL)
    assert ir.to_proto(dense).SerializeToString(deterministic=True) == before


def test_small_tensors_stay_in_the_model_file(tmp_path: Path) -> None:
    text = (
        '<ir_version: 10, opset_import: ["" : 21]> g (float[N,600] x) => (float[N,20,30] y) { z = Add(x, b) y = Reshape(z, s) }'
    )
    shape = ir.Tensor(np.array([0, 20, 30], np.int64), name="s")
    bias = ir.Tensor(np.zeros(600, np.float32), name="b")
    written = write_onnx(ir.from_onnx_text(text, initializers=[shape, bias]), tmp_path / "m.onnx", external_data_threshold=0)
    locations = {
        tensor.name: tensor.data_location for tensor in onnx.load(written.path, load_external_data=False).graph.initializer
    }
    assert locations == {"s": onnx.TensorProto.DEFAULT, "b": onnx.TensorProto.EXTERNAL}


def test_data_are_aligned_and_named_without_a_folder(tmp_path: Path) -> None:
    text = '<ir_version: 10, opset_import: ["" : 21]> g () => (float[N] y) { y = Concat <axis = 0> (a, b, c) }'
    tensors = [ir.Tensor(np.full(size, size, np.float32), name=name) for name, size in (("a", 301), ("b", 1 << 18), ("c", 302))]
    written = write_onnx(ir.from_onnx_text(text, initializers=tensors), tmp_path / "m.onnx", external_data_threshold=0)
    entries = [
        {entry.key: entry.value for entry in tensor.external_data}
        for tensor in onnx.load(written.path, load_external_data=False).graph.initializer
    ]
    assert [entry["location"] for entry in entries] == ["m.onnx.data"] * 3
    assert [int(entry["offset"]) for entry in entries] == [0, 65536, 65536 + (1 << 20)]
    assert [int(entry["length"]) for entry in entries] == [1204, 1 << 20, 1208]
    for name, values in _initializers(written.path).items():
        np.testing.assert_array_equal(values, next(tensor.numpy() for tensor in tensors if tensor.name == name))


def test_closing_metadata_are_asked_for_last_and_written(tmp_path: Path, dense: ir.Model) -> None:
    dense.metadata_props["known"] = "early"
    sizes: list[int] = []

    def late() -> dict[str, str]:
        sizes.extend(path.stat().st_size for path in tmp_path.iterdir() if path.stat().st_size >= 480_000)
        return {"known late": "source"}

    written = write_onnx(dense, tmp_path / "m.onnx", external_data_threshold=EXTERNAL, closing_metadata=late)
    assert sizes == [written.data_size]
    found = {entry.key: entry.value for entry in onnx.load(written.path).metadata_props}
    assert found == {"known": "early", "known late": "source"}


def test_failure_in_closing_metadata_keeps_what_stood_there(tmp_path: Path, dense: ir.Model) -> None:
    (tmp_path / "m.onnx").write_bytes(b"old model")
    (tmp_path / "m.onnx.data").write_bytes(b"old data")

    def fail() -> dict[str, str]:
        raise RuntimeError("the source changed")

    with pytest.raises(RuntimeError, match="the source changed"):
        write_onnx(dense, tmp_path / "m.onnx", external_data_threshold=EXTERNAL, closing_metadata=fail)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"m.onnx": b"old model", "m.onnx.data": b"old data"}


def test_former_pair_is_replaced(tmp_path: Path, dense: ir.Model, weights: dict[str, npt.NDArray[np.float32]]) -> None:
    (tmp_path / "m.onnx").write_bytes(b"old model")
    (tmp_path / "m.onnx.data").write_bytes(b"old data")
    write_onnx(dense, tmp_path / "m.onnx", external_data_threshold=EXTERNAL)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.onnx", "m.onnx.data"]
    np.testing.assert_array_equal(_initializers(tmp_path / "m.onnx")["w"], weights["w"])


@pytest.fixture
def _no_file_above_100_kb() -> Iterator[None]:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("_no_file_above_100_kb")
@pytest.mark.parametrize("threshold", [INLINE, EXTERNAL])
def test_file_that_the_system_does_not_take_leaves_what_stood_there(tmp_path: Path, dense: ir.Model, threshold: int) -> None:
    (tmp_path / "m.onnx").write_bytes(b"old")
    with pytest.raises(WriteError, match=r"File too large; the file system or a limit"):
        write_onnx(dense, tmp_path / "m.onnx", external_data_threshold=threshold)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"m.onnx": b"old"}


def test_missing_folder_is_named(tmp_path: Path, dense: ir.Model) -> None:
    with pytest.raises(WriteError, match=r"cannot write '.*/nowhere/m\.onnx'.*; create the folder first"):
        write_onnx(dense, tmp_path / "nowhere" / "m.onnx")


def test_folder_as_destination_is_refused(tmp_path: Path, dense: ir.Model) -> None:
    with pytest.raises(WriteError, match="it is a folder; name a file in it"):
        write_onnx(dense, tmp_path)


def test_folder_at_the_place_of_the_data_is_refused(tmp_path: Path, dense: ir.Model) -> None:
    (tmp_path / "m.onnx.data").mkdir()
    with pytest.raises(WriteError, match=r"m\.onnx\.data': it is a folder"):
        write_onnx(dense, tmp_path / "m.onnx", external_data_threshold=EXTERNAL)
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx.data"]


def test_pipe_as_destination_is_refused(tmp_path: Path, dense: ir.Model) -> None:
    os.mkfifo(tmp_path / "m.onnx")
    with pytest.raises(WriteError, match="it is a device, a pipe or a socket"):
        write_onnx(dense, tmp_path / "m.onnx")


@pytest.mark.parametrize("name", ["..", "m\udcff.onnx", "m\0.onnx"])
def test_name_that_no_model_can_have_is_refused(tmp_path: Path, dense: ir.Model, name: str) -> None:
    with pytest.raises(WriteError):
        write_onnx(dense, tmp_path / name)


def test_negative_threshold_is_refused(tmp_path: Path, dense: ir.Model) -> None:
    with pytest.raises(InvalidOptionError, match="external_data_threshold is -1; expected a number of bytes"):
        write_onnx(dense, tmp_path / "m.onnx", external_data_threshold=-1)


def test_initializer_without_a_value_is_an_error(tmp_path: Path, dense: ir.Model) -> None:
    dense.graph.initializers["w"].const_value = None
    with pytest.raises(ValueError, match="initializer 'w' has no value"):
        write_onnx(dense, tmp_path / "m.onnx")


def test_model_beyond_the_limit_of_protobuf_is_refused() -> None:
    with pytest.raises(WriteError, match=r"takes 2147483648 bytes, and protobuf allows 2147483647"):
        _refuse_too_long(Path("m.onnx"), 1 << 31)


@pytest.mark.slow
def test_model_of_more_than_two_gib_is_written_beside_whatever_the_threshold(tmp_path: Path) -> None:
    text = '<ir_version: 10, opset_import: ["" : 21]> g () => (uint8[N] y) { y = Gather(big, i) }'
    big = np.zeros(1 << 31, np.uint8)
    big[-1] = 7
    tensors = [ir.Tensor(big, name="big"), ir.Tensor(np.array([big.size - 1]), name="i")]
    written = write_onnx(ir.from_onnx_text(text, initializers=tensors), tmp_path / "m.onnx", external_data_threshold=1 << 40)
    assert written.data_size == 1 << 31
    onnx.checker.check_model(written.path, full_check=True)
    assert ort.InferenceSession(written.path).run(None, {})[0] == [7]
