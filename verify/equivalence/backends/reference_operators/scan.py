"""ONNX's Scan, along any axis and in both directions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx.reference.op_run import OpRun


class Scan(OpRun):
    """A graph run for each step of its scanned inputs, with states handed from step to step."""

    op_domain = ""

    def need_context(self) -> bool:
        """The body may read values of the graph around it."""
        return True

    def _run(self, *values: Any, context: Any = None, bindings: Any = None, **attributes: Any) -> tuple[Any, ...]:
        scanned_count = int(attributes["num_scan_inputs"])
        body = self.body  # type: ignore[attr-defined]
        states = list(values[: len(values) - scanned_count])
        directions = _filled(attributes.get("scan_input_directions"), scanned_count)
        axes = _filled(attributes.get("scan_input_axes"), scanned_count)
        scanned = [
            np.flip(np.moveaxis(value, axis, 0), axis=0) if backward else np.moveaxis(value, axis, 0)
            for value, axis, backward in zip(values[len(states) :], axes, directions, strict=True)
        ]
        steps = len(scanned[0])
        collected: list[list[Any]] = [[] for _ in body.output_names[len(states) :]]
        if steps == 0 and collected:
            raise RuntimeError("Scan over no steps: the shape of its outputs is not known")
        for step in range(steps):
            fed = dict(zip(body.input_names, (*states, *(value[step] for value in scanned)), strict=True))
            results = self._run_body(dict(context or {}) | fed, bindings=bindings)  # type: ignore[attr-defined]
            states = results[: len(states)]
            for rows, value in zip(collected, results[len(states) :], strict=True):
                rows.append(value)
        backward = _filled(attributes.get("scan_output_directions"), len(collected))
        axes = _filled(attributes.get("scan_output_axes"), len(collected))
        stacked = [
            np.stack(rows[::-1] if reverse else rows, axis=axis)
            for rows, axis, reverse in zip(collected, axes, backward, strict=True)
        ]
        return (*states, *stacked)


def _filled(given: Sequence[int] | None, count: int) -> list[int]:
    """An attribute with one number for each input or output; all 0 where it is absent."""
    return [0] * count if given is None else list(given)
