"""Networks whose bytes are in order and whose graph is not: refused by the passes behind the reader, at once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bridge.conversion import convert
from bridge.errors import InvalidGraphError, RefusedError
from tests.source.v2.models import block, composite, function, input_, placeholder
from tests.source.v2.wire_writer import AxisValue, Double, Size, Value, dictionary

Record = dict[str, Value]


def refused(record: Record, folder: Path) -> str:
    """The sentence with which the conversion of ``record`` is refused, within seconds."""
    source = folder / "model.dnn"
    source.write_bytes(dictionary(record))
    start = time.process_time()
    with pytest.raises((InvalidGraphError, RefusedError)) as caught:
        convert(source, folder / "model.onnx")
    assert time.process_time() - start < 10
    return str(caught.value)


@pytest.mark.parametrize(
    "functions",
    [
        [function("A", "Plus", ["x", "A_Output_0"])],
        [function("A", "Plus", ["x", "B_Output_0"]), function("B", "Tanh", ["A_Output_0"])],
        [function("A", "Plus", ["x", "B_Output_0"]), block("B", "F", {"p": "A_Output_0"}), function("F", "Tanh", ["p"])],
        [function("F", "Plus", ["p", "A_Output_0"]), block("A", "F", {"p": "x"})],
    ],
)
def test_cycle_without_a_delay_is_refused(functions: list[Record], tmp_path: Path) -> None:
    assert "cycle" in refused(composite("A", [input_(), placeholder("p")], functions), tmp_path)


def test_unbound_placeholder_is_refused(tmp_path: Path) -> None:
    assert "p is not bound" in refused(composite("F", [placeholder("p")], [function("F", "Tanh", ["p"])]), tmp_path)


def test_inside_shared_by_blocks_with_different_arguments_is_refused_before_it_is_copied(tmp_path: Path) -> None:
    """Sixty layers, each of which uses the one below twice: copies would be more than there are bytes in the world."""
    leaves, functions = [input_(), placeholder("p0")], [function("F0", "Plus", ["p0", "p0"])]
    for layer in range(1, 60):
        inner, outer = f"p{layer - 1}", f"p{layer}"
        leaves.append(placeholder(outer))
        functions += [
            block(f"A{layer}", f"F{layer - 1}", {inner: outer}),
            block(f"B{layer}", f"F{layer - 1}", {inner: f"A{layer}_Output_0"}),
            function(f"F{layer}", "Plus", [f"A{layer}_Output_0", f"B{layer}_Output_0"]),
        ]
    functions.append(block("Root", "F59", {"p59": "x"}))
    assert "bound twice" in refused(composite("Root", leaves, functions), tmp_path)


@pytest.mark.parametrize(
    ("op", "inputs", "attributes"),
    [
        ("Times", ["x", "x"], {"outputRank": Size(1)}),
        ("OneHot", ["x"], {"numClass": Size(1 << 36), "onehotAxis": AxisValue(0)}),
        (
            "Pad",
            ["x"],
            {
                "paddingHead": [Size(1 << 36)],
                "paddingFoot": [Size(1)],
                "paddingMode": Size(0),
                "paddingConstantValue": Double(0.0),
            },
        ),
    ],
)
def test_value_of_too_many_elements_is_refused(op: str, inputs: list[str], attributes: Record, tmp_path: Path) -> None:
    record = composite("F", [input_("x", (1 << 20,))], [function("F", op, inputs, attributes)])
    assert "over 68719476736 elements" in refused(record, tmp_path)
