"""Pad: numpy's modes of the same names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bridge.errors import InvalidGraphError
from bridge.graph.model import FREE
from tests.lower.graphs import BATCH, SEQUENCE, STATIC, Graph

rng = np.random.default_rng(83)

MODES = {0: "constant", 1: "reflect", 2: "symmetric"}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("axes", [STATIC, BATCH, SEQUENCE])
def test_modes_are_those_of_numpy(mode: int, axes: Any) -> None:
    graph = Graph()
    data = rng.standard_normal((*[2] * len(axes), 3, 4)).astype(np.float32)
    x = graph.input("x", (3, 4), axes)
    y = graph.op("Pad", x, paddingHead=(2, 1), paddingFoot=(0, 2), paddingMode=mode, paddingConstantValue=0.0)
    widths = [(0, 0)] * len(axes) + [(1, 2), (2, 0)]
    np.testing.assert_array_equal(graph.run(y, {x: data}), np.pad(data, widths, MODES[mode]))  # type: ignore[call-overload]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_the_constant_is_of_the_model_s_own_type(dtype: str) -> None:
    graph = Graph()
    x = graph.input("x", (2,), dtype=dtype)
    y = graph.op("Pad", x, paddingHead=(1,), paddingFoot=(1,), paddingMode=0, paddingConstantValue=1.5)
    result = graph.run(y, {x: [[7, 8]]})
    assert result.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(result, [[1.5, 7, 8, 1.5]])


@pytest.mark.parametrize("size", [2, 5])
def test_symmetric_padding_of_a_free_size(size: int) -> None:
    graph = Graph()
    data = np.arange(size, dtype=np.float32)
    x = graph.input("x", (FREE,))
    y = graph.op("Pad", x, paddingHead=(2,), paddingFoot=(1,), paddingMode=2, paddingConstantValue=0.0)
    np.testing.assert_array_equal(graph.run(y, {x: data[None]})[0], np.pad(data, (2, 1), "symmetric"))


@pytest.mark.parametrize(("mode", "widest"), [(1, 2), (2, 3)])
def test_mirroring_more_cells_than_there_are_is_refused(mode: int, widest: int) -> None:
    graph = Graph()
    x = graph.input("x", (3,))

    def pad(width: int) -> str:
        return graph.op("Pad", x, paddingHead=(width,), paddingFoot=(0,), paddingMode=mode, paddingConstantValue=0.0)

    assert graph.run(pad(widest), {x: [[1, 2, 3]]}).shape == (1, 3 + widest)
    with pytest.raises(InvalidGraphError, match=f"an axis that has {widest}"):
        graph.lower(pad(widest + 1))
