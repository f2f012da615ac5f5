"""Numbers as people read them, the same in every form of report."""

from __future__ import annotations

import math
from collections.abc import Sequence

from verify.report.document import Allowed, Minimum, Output

NONE = "–"


def error_figure(value: float | None) -> str:
    """An error with two significant digits: ``3.1e-3``, ``0.21``, ``250``, ``0``, ``inf``."""
    if value is None:
        return NONE
    if value == 0:
        return "0"
    if not math.isfinite(value):
        return str(value)
    if 0.1 <= abs(value) < 1000:
        return f"{value:.2g}" if abs(value) < 99.5 else f"{value:.0f}"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def value_figure(value: float | None) -> str:
    """A tensor's element, with the nine digits that tell any two float32 values apart."""
    return NONE if value is None else f"{value:.9g}"


def tolerance_figure(tolerance: Allowed | Minimum | None) -> str:
    """Both parts of a tolerance: ``rtol 1e-3, atol 1e-5``."""
    if tolerance is None:
        return NONE
    return f"rtol {_short(tolerance.rtol)}, atol {_short(tolerance.atol)}"


def count_figure(count: int) -> str:
    """A count, in groups of three digits."""
    return f"{count:,}"


def plural(count: int, singular: str, several: str = "") -> str:
    """A count with its noun: ``1 case``, ``20 cases``."""
    return f"{count_figure(count)} {singular if count == 1 else several or f'{singular}s'}"


def seconds_figure(seconds: float) -> str:
    """A time with a unit that fits: ``840 µs``, ``12 ms``, ``3.2 s``."""
    if seconds >= 100:
        return f"{seconds:.0f} s"
    if seconds >= 1:
        return f"{seconds:.1f} s"
    if seconds >= 0.001:
        return f"{seconds * 1e3:.3g} ms" if seconds < 0.1 else f"{seconds * 1e3:.0f} ms"
    return f"{seconds * 1e6:.0f} µs"


def shape_figure(shape: Sequence[int] | None) -> str:
    """A shape: ``50 × 10``; ``scalar`` for none of dimensions."""
    if shape is None:
        return NONE
    return " × ".join(str(size) for size in shape) if shape else "scalar"


def index_figure(index: Sequence[int]) -> str:
    """An element's index: ``(0, 7)``."""
    return f"({', '.join(str(part) for part in index)})"


def share_figure(ratio: float | None) -> str:
    """How much of a bound is used: ``0 %``, ``4.2 %``, ``31×``, ``∞``."""
    if ratio is None:
        return NONE
    if not math.isfinite(ratio):
        return "∞"
    if ratio > 1:
        return f"{ratio:.2g}×" if ratio < 100 else f"{ratio:.0f}×" if ratio < 1e4 else f"{error_figure(ratio)}×"
    return probability_figure(ratio) if ratio == 0 or ratio >= 1e-4 else "< 0.01 %"


def probability_figure(probability: float) -> str:
    """A probability in per cent, with two significant digits."""
    percentage = 100 * probability
    return f"{percentage:.0f} %" if percentage >= 9.95 else f"{percentage:.2g} %"


def tolerance_used(output: Output) -> float | None:
    """How many times the tolerance the output needs: at most 1 where it agrees, infinite where none would do.

    ``None`` where nothing was compared, and where nothing at all was allowed.
    """
    metrics, allowed = output.metrics, output.tolerance
    if metrics is None or allowed is None:
        return None
    if metrics.minimum is None:
        return math.inf
    if allowed.atol > 0:
        return metrics.minimum.atol / allowed.atol
    return metrics.minimum.rtol / allowed.rtol if allowed.rtol > 0 else None


def _short(value: float) -> str:
    return error_figure(value).replace(".0e", "e")
