"""The plots: where their marks stand."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from tests.verify.report.sample_reports import HOSTILE, different_report
from verify.report.document import Agreement, Bisection, Histogram
from verify.report.html.markup import Markup
from verify.report.html.plots.flips import Decisions, flips_plot
from verify.report.html.plots.histogram import added_up, histogram_plot
from verify.report.html.plots.layers import layers_plot
from verify.report.html.plots.margins import Margin, margins_plot
from verify.report.html.plots.timing import BackendTimes, timing_plot

SVG = "{http://www.w3.org/2000/svg}"


def _parse(plot: Markup) -> ET.Element:
    return ET.fromstring(plot)  # noqa: S314 - our own text.


def _marks(plot: Markup, element: str, *classes: str) -> list[ET.Element]:
    found = _parse(plot).iter(f"{SVG}{element}")
    return [mark for mark in found if set(classes) <= set(mark.attrib.get("class", "").split())]


def _bisection() -> Bisection:
    return different_report().bisections[0]


def test_the_first_divergence_is_marked_at_its_layer() -> None:
    plot = layers_plot(_bisection())
    (line,) = _marks(plot, "line", "mark")
    (ring,) = _marks(plot, "circle", "ring")
    (culprit,) = _marks(plot, "circle", "own", "differs")
    assert line.attrib["x1"] == ring.attrib["cx"] == culprit.attrib["cx"] == f"{100 * 21.5 / 34:.3f}%"
    assert ring.attrib["cy"] == culprit.attrib["cy"]
    assert "BatchNormalization Block247" in plot


def test_a_greater_error_stands_higher() -> None:
    heights = [float(mark.attrib["cy"]) for mark in _marks(layers_plot(_bisection()), "circle", "own")]
    assert len(heights) == 34
    assert min(heights) == heights[21]
    assert max(heights) == heights[2]  # an error of 0 is at the foot


def test_without_a_divergence_nothing_is_marked() -> None:
    plot = layers_plot(replace(_bisection(), first_divergence=None))
    assert not _marks(plot, "line", "mark")
    assert "No layer differs by itself." in plot


def test_histograms_over_the_same_edges_are_added() -> None:
    edges = (0.0, 1e-6, 1e-3, float("inf"))
    totals = added_up([Histogram(edges, (1, 2, 0)), Histogram(edges, (3, 0, 1)), Histogram((0.0, 1.0), (0,))])
    assert totals == [Histogram(edges, (4, 2, 1))]


def test_bars_are_as_high_as_their_share_and_none_that_counts_vanishes() -> None:
    bars = _marks(histogram_plot(Histogram((0.0, 1e-6, 1e-5, 1e-4, 1e-3), (0, 500_000, 250_000, 1)), "Errors"), "rect", "bar")
    heights = [float(bar.attrib["height"]) for bar in bars]
    assert len(heights) == 3  # the empty end is left out
    assert heights[0] == pytest.approx(2 * heights[1], rel=1e-4)
    assert heights[2] == 2


def test_outputs_beyond_their_tolerance_stand_beyond_the_line() -> None:
    plot = margins_plot(
        [Margin("ort", "a", 0.01, "agrees"), Margin("ort", "b", 61.0, "differs"), Margin("torch", "c", 0.0, "agrees")]
    )
    (line,) = _marks(plot, "line", "limit-line")
    limit = float(line.attrib["x1"].rstrip("%"))
    (beyond,) = _marks(plot, "circle", "margin", "differs")
    within = _marks(plot, "circle", "margin", "agrees")
    assert float(beyond.attrib["cx"].rstrip("%")) > limit
    assert all(float(mark.attrib["cx"].rstrip("%")) < limit for mark in within)
    assert "the worst, b on ort, needs 61×" in plot


def test_fewer_samples_make_a_longer_bar() -> None:
    def decided(samples: int, flips: int, upper: float) -> Decisions:
        told = Agreement(
            samples=samples, classes=10, argmax_flips=flips, explained_flips=0, unexplained_flips=flips, flip_rate_upper=upper
        )
        return Decisions(f"z{samples}", told)

    plot = flips_plot([decided(50, 0, 0.071), decided(1000, 0, 0.0037), decided(100, 2, 0.07)], left_out=3)
    lengths = [float(bar.attrib["width"].rstrip("%")) for bar in _marks(plot, "rect", "bar")]
    assert lengths[0] > lengths[1]
    (seen,) = _marks(plot, "circle", "rate")
    assert "differs" in seen.attrib["class"]
    assert "3 outputs with fewer flips" in plot


def test_the_slowest_backend_fills_its_row() -> None:
    bars = _marks(
        timing_plot([BackendTimes("a", (0.5, 0.5)), BackendTimes("b", (4.0,)), BackendTimes("c", (0.0,))]), "rect", "bar"
    )
    assert [bar.attrib["width"] for bar in bars] == ["25.000%", "100.000%", "0.400%"]


def test_names_in_plots_are_text() -> None:
    layers = tuple(replace(layer, node=HOSTILE) for layer in _bisection().layers)
    for plot in (
        layers_plot(replace(_bisection(), layers=layers)),
        margins_plot([Margin(HOSTILE, HOSTILE, 0.5, "agrees")]),
        timing_plot([BackendTimes(HOSTILE, (1.0,))]),
    ):
        assert not re.search("<script|\x00|\u202e", plot)
        _parse(plot)


def test_every_plot_says_in_words_what_it_shows() -> None:
    label = _parse(layers_plot(_bisection())).find("div[@role='img']")
    assert label is not None
    assert label.attrib["aria-label"].startswith(
        "Error per layer. 34 layers in the order of computation. The first divergence is at"
    )
