"""Convolution over the sequence axis, as CNTK saves it: lengths from each sequence's own, values as if it ran alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bridge.errors import InvalidGraphError, UnsupportedOperatorsError
from bridge.graph.model import DEFAULT_BATCH_AXIS, Axis, AxisKind, NDShape
from tests.lower.graphs import BATCH, SEQUENCE, Graph, static_axis
from tests.lower.window_reference import auto_padding, convolve

Numbers = npt.NDArray[Any]
rng = np.random.default_rng(97)

NEW_AXES = (DEFAULT_BATCH_AXIS, Axis(AxisKind.SEQUENCE, name="convolved"))


def sequence_convolution(graph: Graph, weights: Numbers, data: str, stride: int, *, auto: bool) -> str:
    """The primitives that CNTK makes of it, for data of channels alone."""
    kernel = graph.parameter(weights)
    window: dict[str, Any] = {"strides": NDShape((stride, 1)), "autoPadding": (auto, False)}
    unpacked = graph.op("UnpackSequence", data, sequenceUnpackPaddingValue=0.0, sequenceUnpackSuppressMaskOutput=True)
    swap: dict[str, Any] = {"axis1": static_axis(0), "axis2": static_axis(1)}
    convolved = graph.op("Convolution", kernel, graph.op("TransposeAxes", unpacked, **swap), **window)
    lengths = graph.op("ConvolutionSequenceShape", kernel, data, sequential=True, **window)
    return graph.op("ToSequence", graph.op("TransposeAxes", convolved, **swap), lengths, newDynamicAxes=NEW_AXES)


@pytest.mark.parametrize("auto", [True, False])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (2, 1), (4, 2), (1, 2)])
def test_each_sequence_is_convolved_as_if_alone(kernel: int, stride: int, auto: bool) -> None:
    graph = Graph()
    weights = rng.standard_normal((2, 3, kernel)).astype(np.float32)
    x = graph.input("x", (3,), SEQUENCE)
    y = sequence_convolution(graph, weights, x, stride, auto=auto)
    lengths = [7, 4, 6]
    data = np.full((3, 7, 3), np.nan)
    for row, length in zip(data, lengths, strict=True):
        row[:length] = rng.standard_normal((length, 3))
    found = graph.run_all([y], {x: data}, lengths)
    made = [-(-length // stride) if auto else (length - kernel) // stride + 1 for length in lengths]
    np.testing.assert_array_equal(found[f"{y}_lengths"], made)
    for sample, row, length, count in zip(data, found[y], lengths, made, strict=True):
        lower = auto_padding(length, kernel, stride)[0] if auto else 0
        expected = convolve(sample[:length].T, weights, (stride,), (lower,), (count,)).T
        np.testing.assert_allclose(row[:count], expected, rtol=1e-4, atol=1e-5)
        assert not row[count:].any()


def lengths_of(graph: Graph, data: str, kernel: int, stride: int, *, auto: bool) -> str:
    weights = graph.parameter(np.ones((1, 1, kernel)))
    return graph.op(
        "ConvolutionSequenceShape", weights, data, sequential=True, strides=NDShape((stride, 1)), autoPadding=(auto, False)
    )


def test_a_sequence_shorter_than_the_window_leaves_nothing() -> None:
    graph = Graph()
    x = graph.input("x", (1,), SEQUENCE)
    y = lengths_of(graph, x, kernel=4, stride=2, auto=False)
    np.testing.assert_array_equal(graph.run(y, {x: np.zeros((4, 7, 1))}, lengths=[1, 3, 4, 7]), [[0], [0], [1], [2]])


@pytest.mark.parametrize(("stride", "warned"), [(2, False), (3, True)])
def test_padding_that_depends_on_the_longest_sequence_is_said(stride: int, warned: bool) -> None:
    graph = Graph()
    x = graph.input("x", (1,), SEQUENCE)
    report = graph.lower(lengths_of(graph, x, kernel=3, stride=stride, auto=True)).report
    assert any("longest" in warning for warning in report.warnings) == warned


def test_data_without_a_sequence_axis_is_refused() -> None:
    graph = Graph()
    x = graph.input("x", (1,), BATCH)
    with pytest.raises((InvalidGraphError, UnsupportedOperatorsError), match="no sequence axis"):
        graph.lower(lengths_of(graph, x, kernel=3, stride=1, auto=True))
