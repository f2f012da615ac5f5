"""User-defined functions: refused where the outputs asked for need them, left out unread where they do not."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

import bridge
from bridge.conversion import lower_bytes
from bridge.errors import UserCodeError
from bridge.lower import LoweringOptions
from tests.source.v2.models import block, composite, function, input_, user_function
from tests.source.v2.wire_writer import Size, dictionary

CUSTOM = Path(__file__).parents[1] / "docs" / "migrating" / "examples" / "custom.dnn"
PYTHON: dict[str, Any] = {
    "class": "Evil",
    "module": "bridge_test_never_imported",
    "op_name": "bridge_test_never_imported.Evil",
    "version": Size(1),
}


def lowered(root: str, functions: list[Any], outputs: list[str] | None = None) -> Any:
    return lower_bytes(memoryview(dictionary(composite(root, [input_()], functions))), outputs, LoweringOptions())[1]


def test_what_needs_user_code_is_refused_with_the_output_to_ask_for(tmp_path: Path) -> None:
    with pytest.raises(UserCodeError, match=r"the outputs need 1 user-defined function.*double.*such as 'hidden'") as caught:
        bridge.convert(CUSTOM, tmp_path / "model.onnx")
    assert caught.value.instead == ["hidden"]
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("target", ["onnx", "torch"])
def test_output_below_the_user_code_converts(tmp_path: Path, target: str) -> None:
    result = bridge.convert(CUSTOM, tmp_path / "below", outputs=["hidden"], target=target)
    assert [port.name for port in result.outputs] == ["hidden"]
    assert [warning for warning in result.warnings if "user code" in warning and "'__main__.Double'" in warning]
    if target == "onnx":
        session = onnxruntime.InferenceSession(str(tmp_path / "below"), providers=["CPUExecutionProvider"])
        (hidden,) = session.run(None, {"features": np.ones((2, 4), np.float32)})
        assert np.asarray(hidden).shape == (2, 3)


def test_other_output_of_the_model_is_named() -> None:
    functions = [
        user_function("U", ["x"], **PYTHON),
        function("F", "Tanh", ["U_Output_0"], name="needy"),
        function("G", "Tanh", ["x"], name="clean"),
        function("R", "Combine", ["F_Output_0", "G_Output_0"]),
    ]
    with pytest.raises(UserCodeError) as caught:
        lowered("R", functions)
    assert caught.value.instead == ["clean"]
    assert [port.name for port in lowered("R", functions, ["clean"]).outputs] == ["clean"]
    assert "bridge_test_never_imported" not in sys.modules


def test_native_user_code_on_inputs_alone_leaves_nothing_to_ask_for() -> None:
    native = {"type": "NativeUserDefinedFunction", "op": "Evil", "module": "/nowhere/evil.so", "deserialize_method": "run"}
    with pytest.raises(UserCodeError, match=r"native 'Evil', would load 'run' from '/nowhere/evil.so'.*save the part") as caught:
        lowered("U", [user_function("U", ["x"], native=True, version=Size(1), **native)])
    assert caught.value.instead == []


def test_further_output_of_a_block_around_user_code_is_refused_as_user_code() -> None:
    functions = [user_function("U", ["x"], **PYTHON), block("B", "U", {}), function("F", "Tanh", ["B_Output_2"])]
    with pytest.raises(UserCodeError, match="bridge_test_never_imported"):
        lowered("F", functions)


def test_user_code_inside_a_loop_is_found() -> None:
    functions = [
        user_function("U", ["P_Output_0"], **PYTHON),
        function("F", "Plus", ["x", "U_Output_0"], name="state"),
        function("P", "PastValue", ["F_Output_0", "x"], {"offset": Size(1)}),
    ]
    with pytest.raises(UserCodeError):
        lowered("F", functions)
