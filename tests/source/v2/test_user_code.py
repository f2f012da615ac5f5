"""User-defined functions are named and never touched."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from bridge.errors import InvalidModelError
from bridge.graph.model import UserCode
from bridge.graph.operators import USER_DEFINED
from tests.source.v2.models import block, composite, function, input_, read, user_function
from tests.source.v2.wire_writer import Size

PYTHON: dict[str, Any] = {
    "class": "Evil; import os",
    "module": "bridge_test_never_imported",
    "op_name": "bridge_test_never_imported.Evil",
    "version": Size(1),
    "state": {"weights": np.zeros(3, np.float32)},
}
NATIVE: dict[str, Any] = {
    "type": "NativeUserDefinedFunction",
    "op": "Evil",
    "module": "/tmp/evil.so",  # noqa: S108 - a path as a hostile file might name it; nothing opens it
    "deserialize_method": "run",
    "version": Size(1),
}


def test_python_function_is_named_and_not_imported() -> None:
    model = read(composite("U", [input_()], [user_function("U", ["x"], **PYTHON)]))
    found = model.functions["U"]
    assert (found.op, found.inputs, found.outputs) == (USER_DEFINED, ("x",), ("U_Output_0",))
    assert found.user_code == UserCode(False, "bridge_test_never_imported.Evil", "bridge_test_never_imported", "Evil; import os")
    assert model.user_functions == (found,)
    assert "bridge_test_never_imported" not in sys.modules
    assert [(hazard.kind, hazard.subject) for hazard in model.hazards] == [("user-code", "U")]
    assert "bridge_test_never_imported" in model.hazards[0].detail


def test_native_function_is_named_with_library_and_symbol() -> None:
    model = read(composite("U", [input_()], [user_function("U", ["x"], native=True, **NATIVE)]))
    assert model.functions["U"].user_code == UserCode(True, "Evil", NATIVE["module"], "run")


def test_user_function_has_the_outputs_that_others_name() -> None:
    functions = [
        user_function("U", ["x"], **PYTHON),
        function("F", "Plus", ["U_Output_3", "U_Output_1"]),
        function("G", "Tanh", ["U_Output_1"]),
    ]
    model = read(composite("F", [input_()], functions))
    assert model.functions["U"].outputs == ("U_Output_1", "U_Output_3")


def test_block_around_a_user_function_has_the_outputs_that_others_name() -> None:
    functions = [user_function("U", ["x"], **PYTHON), block("B", "U", {}), function("F", "Tanh", ["B_Output_2"])]
    assert read(composite("F", [input_()], functions)).functions["B"].outputs == ("B_Output_2",)


@pytest.mark.parametrize("name", ["U_Output_01", "U_Output_", "U_Output_-1", "U_Output_99999999", "U_Output_1_"])
def test_name_that_is_no_output_of_a_user_function_is_refused(name: str) -> None:
    functions = [user_function("U", ["x"], **PYTHON), function("F", "Tanh", [name])]
    with pytest.raises(InvalidModelError, match="does not exist"):
        read(composite("F", [input_()], functions))


@pytest.mark.parametrize("key", ["native", "user_defined_state", "uid", "inputs", "version"])
def test_incomplete_user_function_is_refused(key: str) -> None:
    record = user_function("U", ["x"], **PYTHON)
    del record[key]
    with pytest.raises(InvalidModelError, match="missing"):
        read(composite("U", [input_()], [record]))
