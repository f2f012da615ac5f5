"""How fast a converted model runs in onnxruntime, beside CNTK itself and beside CNTK's own ONNX export in the same onnxruntime.

    python benchmarks/infer.py [--models resnet20,...] [--batches 1,16] [--threads 1,2,own] [--seconds 2] [--json]
                               [--cntk-python PATH] [--cntk-library-path DIR]

CNTK is a Python 3.6 of its own, named by the options or by BRIDGE_CNTK_PYTHON and BRIDGE_CNTK_LIBRARY_PATH; without it
only the converted model is measured.

- ``ours``: ``bridge.convert``'s result, one call for the whole batch;
- ``export``: what CNTK's exporter writes. Its batch is fixed at 1, so that a batch is fed sample by sample;
- ``cntk``: CNTK 2.7 evaluating the model, with an input that it has packed beforehand, one call for the whole batch.

All three take the same input and are measured in turns, a tenth of the time each, so that whatever else the machine does
meets all of them. Figures are medians of single runs. For ``n`` threads, all are confined to the same ``n`` processors;
onnxruntime is given ``n`` threads within an operator and one between operators, CNTK ``n`` by OMP_NUM_THREADS,
MKL_NUM_THREADS and its own setting. ``own`` threads leave every engine as it is installed, which is what people run. The
answers are compared as well: the exit status is 1 where the converted model's differ from CNTK's.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
from cntk_process import CntkProcess, add_options
from rich.console import Console
from rich.table import Table
from turns import OWN, ROOT, confined_to, machine, medians, milliseconds, open_session, relative_difference, session_timer

import bridge

Array = npt.NDArray[np.float32]
STEPS = 25
"""Length of every sequence, in steps."""
TOLERANCE = 1e-3
"""Greatest difference from CNTK that passes, relative to the greatest value."""
GOALS = {"export": 1.0, "cntk": 7.0}
"""How many times faster than each ours should be: CNTK's export everywhere, CNTK itself at batch 1 on the larger networks."""


@dataclass(frozen=True)
class Subject:
    """A network to measure: its golden case, and what to feed it."""

    name: str
    make_input: Callable[[int], Array]
    sequence: bool = False
    held_to_goal: bool = True

    @property
    def model(self) -> Path:
        """The CNTK file."""
        return ROOT / "golden" / self.name / "model.dnn"


def _words(batch: int) -> Array:
    chosen = np.random.default_rng(1).integers(80, size=(batch, STEPS))
    return np.eye(80, dtype=np.float32)[chosen]


def _images(*shape: int) -> Callable[[int], Array]:
    return lambda batch: np.random.default_rng(2).random((batch, *shape), dtype=np.float32)


SUBJECTS = (
    Subject("resnet20", lambda batch: 255 * _images(3, 32, 32)(batch)),
    Subject("lstm_tagger", _words, sequence=True),
    Subject("digits_lenet", _images(1, 8, 8), held_to_goal=False),
)


@dataclass(frozen=True)
class Row:
    """Medians in seconds for one model, batch and number of threads, which is 0 for each engine's own choice.

    They are ``None`` where an engine was not there or failed. ``difference`` is the greatest of the converted model's answers
    from CNTK's, relative to CNTK's greatest value.
    """

    model: str
    batch: int
    threads: int
    ours: float
    export: float | None
    cntk: float | None
    difference: float | None
    export_failure: str | None = None

    def times_faster(self, engine: str) -> float | None:
        """How many times ``engine`` takes as long as ours."""
        seconds: float | None = getattr(self, engine)
        return None if seconds is None else seconds / self.ours


def main() -> int:
    """Measure what the arguments ask for, and print it; 1 where answers differ."""
    arguments = _arguments()
    python, library_path = arguments.cntk_python, arguments.cntk_library_path
    if not python:
        print("CNTK is not measured: neither --cntk-python nor BRIDGE_CNTK_PYTHON names its Python 3.6", file=sys.stderr)
    wanted = arguments.models.split(",")
    subjects = [subject for subject in SUBJECTS if subject.name in wanted]
    batches = [int(batch) for batch in arguments.batches.split(",")]
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="bridge-benchmark-") as folder:
        for threads in (OWN if count == "own" else int(count) for count in arguments.threads.split(",")):
            with confined_to(threads):
                cntk = CntkProcess(python, library_path, threads) if python else None
                for subject in subjects:
                    rows += _measure_subject(Path(folder), subject, batches, threads, cntk, arguments.seconds)
                if cntk is not None:
                    cntk.close()
    if arguments.json:
        print(json.dumps({"machine": machine(), "rows": [asdict(row) for row in rows]}, indent=2))
    else:
        _show(rows)
    return 1 if any(row.difference is not None and row.difference > TOLERANCE for row in rows) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--models", default=",".join(subject.name for subject in SUBJECTS), help="golden cases, separated by commas"
    )
    parser.add_argument("--batches", default="1,16", help="batch sizes, separated by commas")
    parser.add_argument("--threads", default="1,2,own", help="numbers of threads, separated by commas")
    parser.add_argument("--seconds", type=float, default=2.0, help="for how long each engine runs each batch")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    add_options(parser)
    return parser.parse_args()


def _measure_subject(
    folder: Path, subject: Subject, batches: list[int], threads: int, cntk: CntkProcess | None, seconds: float
) -> list[Row]:
    converted, exported = folder / f"{subject.name}.onnx", folder / f"{subject.name}-cntk.onnx"
    bridge.convert(subject.model, converted, target="onnx")
    failure = None
    if cntk is not None:
        failure = cntk.ask(do="load", model=str(subject.model), export=str(exported), output=None)["export_failure"]
    ours = open_session(converted, threads)
    export = open_session(exported, threads) if cntk is not None and failure is None else None
    rows = []
    for batch in batches:
        value = subject.make_input(batch)
        timers = {"ours": session_timer(ours, _feeds(ours, [value]))}
        difference = None
        if export is not None:
            timers["export"] = session_timer(export, _feeds(export, _samples(subject, value)))
        if cntk is not None:
            timers["cntk"] = cntk.timer()
            difference = _difference(ours, cntk, value, folder)
        typical = medians(timers, seconds)
        rows.append(
            Row(
                model=subject.name,
                batch=batch,
                threads=threads,
                ours=typical["ours"],
                export=typical.get("export"),
                cntk=typical.get("cntk"),
                difference=difference,
                export_failure=failure,
            )
        )
    return rows


def _samples(subject: Subject, value: Array) -> list[Array]:
    """The batch as CNTK's export takes it: one sample at a time, a sequence with its steps in front, `[T, 1, ...]`."""
    return [value[i, :, np.newaxis] if subject.sequence else value[i : i + 1] for i in range(len(value))]


def _feeds(session: onnxruntime.InferenceSession, values: list[Array]) -> list[dict[str, Array]]:
    """Each value under the name of the session's first input."""
    return [{session.get_inputs()[0].name: value} for value in values]


def _difference(session: onnxruntime.InferenceSession, cntk: CntkProcess, value: Array, folder: Path) -> float:
    """Feed ``value`` to both; the greatest difference, relative to CNTK's greatest value."""
    given, taken = folder / "input.npy", folder / "output.npy"
    np.save(given, value)
    cntk.ask(do="feed", input=str(given), output=str(taken))
    want = np.load(taken)
    got = session.run(None, {session.get_inputs()[0].name: value})[0]
    return relative_difference(got, want)


def _show(rows: list[Row]) -> None:
    table = Table(title="Medians in milliseconds; the ratios say how many times faster the converted model is")
    for heading in ("model", "batch", "threads", "ours", "CNTK export", "CNTK 2.7", "x export", "x CNTK", "difference"):
        table.add_column(heading, justify="left" if heading == "model" else "right")
    for row in rows:
        ratios = [_ratio(row, engine) for engine in ("export", "cntk")]
        times = [milliseconds(seconds) for seconds in (row.ours, row.export, row.cntk)]
        difference = "-" if row.difference is None else f"{row.difference:.1e}"
        table.add_row(row.model, str(row.batch), str(row.threads or "own"), *times, *ratios, difference)
    console = Console(width=None if sys.stdout.isatty() else 130)
    console.print(table)
    for model, reason in {row.model: row.export_failure for row in rows if row.export_failure}.items():
        console.print(f"CNTK does not export {model}: {reason}", markup=False)
    console.print(", ".join(f"{name} {value}" for name, value in machine().items()), markup=False)


def _ratio(row: Row, engine: str) -> str:
    """The ratio, red where a goal that holds for the row is missed."""
    times = row.times_faster(engine)
    if times is None:
        return "-"
    held = engine == "export" or (row.batch == 1 and next(s.held_to_goal for s in SUBJECTS if s.name == row.model))
    colour = "default" if not held else "green" if times >= GOALS[engine] else "red"
    return f"[{colour}]{times:.2f}[/{colour}]"


if __name__ == "__main__":
    sys.exit(main())
