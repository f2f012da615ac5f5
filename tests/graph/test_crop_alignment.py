"""Automatic crops: offsets that CNTK 2.7 was measured to find, from nothing but the graph."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import InvalidGraphError
from bridge.graph.components import components
from bridge.graph.crop_alignment import AxisMap, crop_offset
from bridge.graph.inference import infer
from bridge.graph.model import NDShape
from bridge.graph.network import dissolve
from tests.lower.graphs import Graph

Chain = Callable[[Graph, str], str]


def convolution(kernel: int, *, auto: bool = False, stride: int = 1) -> Chain:
    def apply(graph: Graph, x: str) -> str:
        weights = graph.parameter(np.ones((1, 1, kernel, kernel), np.float32))
        return graph.op("Convolution", weights, x, strides=NDShape((stride, stride, 1)), autoPadding=(auto, auto, False))

    return apply


def pooling(window: int, stride: int) -> Chain:
    def apply(graph: Graph, x: str) -> str:
        return graph.op(
            "Pooling",
            x,
            poolingType=0,
            poolingWindowShape=NDShape((window, window)),
            strides=NDShape((stride, stride)),
            autoPadding=(False,),
        )

    return apply


def upsampling(kernel: int, stride: int) -> Chain:
    def apply(graph: Graph, x: str) -> str:
        weights = graph.parameter(np.ones((1, 1, kernel, kernel), np.float32))
        return graph.op("Convolution", weights, x, strides=NDShape((stride, stride, 1)), autoPadding=(False,), transpose=True)

    return apply


def through(*steps: Chain) -> Chain:
    def apply(graph: Graph, x: str) -> str:
        for step in steps:
            x = step(graph, x)
        return x

    return apply


def identity(graph: Graph, x: str) -> str:
    return graph.op("ReLU", x)


def offset_of(graph: Graph, crop: str) -> tuple[int, int]:
    network = dissolve(graph.model(crop))
    types = infer(network, components(network, [network.producers[crop].uid]))
    return crop_offset(network.producers[crop], network, types)


@pytest.mark.parametrize(
    ("cut", "reference", "offset"),
    [
        (convolution(1), convolution(3), 1),
        (convolution(2), convolution(3), 1),
        (convolution(1), convolution(4), 1),
        (convolution(1), convolution(5), 2),
        (convolution(3, auto=True), convolution(5, auto=True), 0),
        (through(pooling(2, 2), upsampling(4, 2)), identity, 1),
        (identity, through(convolution(3), identity, convolution(3)), 2),
        (through(convolution(3, auto=True, stride=2), upsampling(2, 2)), convolution(5), 2),
    ],
)
def test_the_offset_follows_from_both_ways_to_the_common_origin(cut: Chain, reference: Chain, offset: int) -> None:
    graph = Graph()
    x = graph.input("x", (1, 13, 13))
    assert offset_of(graph, graph.op("Crop", cut(graph, x), reference(graph, x))) == (offset, offset)


def test_a_crop_in_between_shifts_by_its_own_offset() -> None:
    graph = Graph()
    x = graph.input("x", (1, 12, 12))
    small = graph.op("Crop", x, graph.input("size", (1, 6, 5)), offset=(3, 2))
    assert offset_of(graph, graph.op("Crop", x, small)) == (2, 3)


def test_an_automatic_crop_in_between_lies_on_its_reference() -> None:
    graph = Graph()
    x = graph.input("x", (1, 12, 12))
    narrow = convolution(5)(graph, x)
    first = graph.op("Crop", x, narrow)
    assert offset_of(graph, graph.op("Crop", x, convolution(3)(graph, first))) == (3, 3)


def test_two_more_operands_stand_for_one_origin() -> None:
    graph = Graph()
    x, twin = graph.input("x", (1, 12, 12)), graph.input("twin", (1, 12, 12))
    crop = graph.op("Crop", convolution(1)(graph, x), convolution(3)(graph, twin), x, twin)
    assert offset_of(graph, crop) == (1, 1)


def test_operands_without_a_common_origin_are_refused() -> None:
    graph = Graph()
    x, other = graph.input("x", (1, 12, 12)), graph.input("other", (1, 10, 10))
    with pytest.raises(InvalidGraphError, match="no common origin"):
        offset_of(graph, graph.op("Crop", x, other))


@pytest.mark.parametrize(("cut", "reference"), [(identity, pooling(2, 2)), (convolution(3), identity)])
def test_another_scale_or_a_negative_offset_is_refused(cut: Chain, reference: Chain) -> None:
    graph = Graph()
    x = graph.input("x", (1, 12, 12))
    with pytest.raises(InvalidGraphError, match="expected x - offset"):
        offset_of(graph, graph.op("Crop", cut(graph, x), reference(graph, x)))


def test_a_long_chain_is_followed_without_recursion() -> None:
    graph = Graph()
    x = graph.input("x", (1, 6, 6))
    assert offset_of(graph, graph.op("Crop", x, through(*[identity] * 3000)(graph, x))) == (0, 0)


@given(*[st.fractions(-9, 9, max_denominator=4)] * 3, st.fractions(1, 4, max_denominator=4))
def test_maps_compose_and_invert(x: Fraction, shift: Fraction, other: Fraction, scale: Fraction) -> None:
    first, second = AxisMap(scale, shift), AxisMap(1 / scale, other)
    composed = second.after(first)
    assert composed.scale * x + composed.shift == second.scale * (first.scale * x + first.shift) + second.shift
    assert first.inverse().after(first) == AxisMap()
