"""The example of docs/bisection.md is what comes out."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import onnx
import pytest

import bridge
from tests.verify.equivalence.bisection.planted_faults import later_epsilon
from verify.equivalence.bisection import RecordedValues, bisect_case
from verify.equivalence.cases import load_case

PAGE = (Path(__file__).parents[4] / "docs" / "bisection.md").read_text()
RECORDED = Path(__file__).with_name("recorded") / "image"


def test_example_is_what_comes_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = bridge.convert(RECORDED / "model.dnn", tmp_path / "model.onnx").destination
    model = onnx.load(path)
    later_epsilon(model.graph)
    onnx.save(model, path)
    case = load_case(RECORDED)
    found = bisect_case(path, case, RecordedValues(case), tmp_path / "shown")
    rows = [line.strip("|").split("|") for line in PAGE.splitlines() if re.search(r"\| (agrees|differs) \|$", line)]
    shown = [(row[0].strip(), row[1].strip(), row[5].strip()) for row in rows]
    assert len(shown) == 7
    assert shown == [(layer.node, layer.operator, layer.verdict.value) for layer in found.layers[:7]]
    with pytest.raises(SystemExit):
        runpy.run_path(str(tmp_path / "shown" / "reproduce.py"), run_name="__main__")
    said = capsys.readouterr().out.splitlines()
    assert said[0] in PAGE
    assert said[1].split(";")[0][:22] in PAGE
