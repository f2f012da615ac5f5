"""The search for the first operator that differs."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from bridge.errors import InvalidReportError
from verify.report.document.codec import digits


class LayerVerdict(enum.StrEnum):
    """How a layer does when it is fed the reference's own values."""

    AGREES = "agrees"
    DIFFERS = "differs"
    UNTESTED = "untested"  # not looked at: the search had no need to, or the reference has no value


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A node of the source with the ONNX nodes it became.

    ``max_abs`` to ``sqnr_db`` are of the whole network's run, in which errors add up. ``forced_max_abs`` and ``forced_max_rel``
    are the layer's own: its inputs were the reference's. ``allowed`` is the greatest absolute error that the layer may add.
    """

    index: int
    node: str
    operator: str
    onnx_nodes: tuple[str, ...] = ()
    shape: tuple[int, ...] | None = None
    max_abs: float | None = digits(9, default=None)
    max_rel: float | None = digits(9, default=None)
    cosine: float | None = digits(15, default=None)
    sqnr_db: float | None = digits(6, default=None)
    forced_max_abs: float | None = digits(9, default=None)
    forced_max_rel: float | None = digits(9, default=None)
    allowed: float | None = digits(9, default=None)
    verdict: LayerVerdict = LayerVerdict.UNTESTED


@dataclass(frozen=True, slots=True)
class Reproduction:
    """Files that show the fault on their own, by their paths relative to the report."""

    onnx: str
    inputs: str
    script: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bisection:
    """``layers`` stand in the order of computation; ``first_divergence`` is the ``index`` of the first that differs by itself."""

    case: str
    backend: str
    layers: tuple[Layer, ...]
    first_divergence: int | None = None
    reproduction: Reproduction | None = None

    def __post_init__(self) -> None:
        if self.first_divergence is not None and self.culprit is None:
            raise InvalidReportError(
                "no such layer",
                field=f"bisections, case {self.case!r}, first_divergence",
                expected="the index of one of the layers",
                found=str(self.first_divergence),
            )

    @property
    def culprit(self) -> Layer | None:
        """The first layer that differs by itself."""
        return next((layer for layer in self.layers if layer.index == self.first_divergence), None)
