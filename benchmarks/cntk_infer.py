"""The side of infer.py that runs inside CNTK's Python 3.6: answers one JSON line on standard output for each on standard input.

- ``{"do": "load", "model": PATH, "export": PATH or null, "output": NAME or null}`` loads a model, or the part of it that
  computes the named node, exports it to ONNX with CNTK's own exporter where a path is given, and answers
  ``{"export_failure": null or the reason}``;
- ``{"do": "feed", "input": NPY, "output": NPY}`` prepares the loaded model's only input, `[N, ...]` or `[N, T, ...]` over a
  sequence axis, evaluates it and writes what came out;
- ``{"do": "time", "runs": COUNT}`` answers ``{"seconds": [...]}``, one for each evaluation of the prepared input.
"""
# ruff: noqa: UP006, UP035  # Python 3.6 has no subscripted builtins.

import json
import os
import sys
import time
from typing import Any, Dict, TextIO

import cntk  # type: ignore[import-not-found]
import numpy as np
from scipy import sparse  # type: ignore[import-untyped]


class Bench:
    """The loaded model and the value that is ready to be fed to it."""

    def __init__(self) -> None:
        self._model = None  # type: Any
        self._value = None  # type: Any

    def load(self, request: Dict[str, Any]) -> Dict[str, Any]:
        """Load the model, or a part of it, and export it."""
        self._model = cntk.load_model(request["model"])
        if request["output"] is not None:
            self._model = cntk.combine([self._model.find_by_name(request["output"])])
        if request["export"] is None:
            return {"export_failure": None}
        try:
            self._model.save(request["export"], format=cntk.ModelFormat.ONNX)
        except Exception as error:  # noqa: BLE001  # Whatever stops CNTK's exporter is a result to show.
            return {"export_failure": str(error).splitlines()[0]}
        return {"export_failure": None}

    def feed(self, request: Dict[str, Any]) -> Dict[str, Any]:
        """Pack the input as CNTK holds it, so that timed runs do not pay for packing, and write the answer."""
        argument = self._model.arguments[0]
        batch = np.load(request["input"])
        if argument.is_sparse:
            self._value = cntk.Value.create(argument, [sparse.csr_matrix(sample) for sample in batch])
        elif len(argument.dynamic_axes) > 1:
            self._value = cntk.Value.create(argument, list(batch))
        else:
            self._value = cntk.Value(batch)
        np.save(request["output"], np.asarray(self._evaluate()))
        return {}

    def time(self, request: Dict[str, Any]) -> Dict[str, Any]:
        """Evaluate `runs` times."""
        seconds = []
        for _ in range(request["runs"]):
            started = time.perf_counter()
            self._evaluate()
            seconds.append(time.perf_counter() - started)
        return {"seconds": seconds}

    def _evaluate(self) -> Any:
        return self._model.eval({self._model.arguments[0]: self._value})


def serve(requests: TextIO, answers: TextIO, threads: int) -> None:
    """Answer requests until there are no more."""
    cntk.try_set_default_device(cntk.cpu())
    if threads:  # 0 leaves CNTK as it is installed.
        cntk.cntk_py.set_max_num_cputhreads(threads)
    bench = Bench()
    actions = {"load": bench.load, "feed": bench.feed, "time": bench.time}
    for line in requests:
        request = json.loads(line)
        answers.write(json.dumps(actions[request["do"]](request)) + "\n")
        answers.flush()


def main() -> None:
    """Keep standard output for answers alone: CNTK's library prints what it pleases, and may do so to standard error."""
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        serve(sys.stdin, answers, int(sys.argv[1]))


if __name__ == "__main__":
    main()
