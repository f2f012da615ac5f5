"""How fast converted recurrent networks run, beside onnxruntime's own LSTM, beside CNTK, and fed indices for one-hot vectors.

    python benchmarks/recurrent.py [--slu PATH] [--batches 1,16] [--threads 1,2] [--seconds 2] [--json]
                                   [--cntk-python PATH] [--cntk-library-path DIR]

Two networks: ``tagger`` is golden/lstm_tagger; ``slu`` has the shape of the language-understanding models that Microsoft
published with CNTK, in the v1 format. CNTK makes it (cntk_slu.py), or ``--slu`` names the published file with both
directions, slu.forward.backward.cmf. CNTK is a Python 3.6 of its own, named by the options or by BRIDGE_CNTK_PYTHON and
BRIDGE_CNTK_LIBRARY_PATH; what needs it is left out without it.

- ``ours``: ``bridge.convert``'s result, fed one-hot vectors `[N, T, V]`;
- ``LSTM``: a model built by hand around onnxruntime's LSTM operator with the same weights (direct_lstm.py), in the operator's own
  layout, without lengths and padding: the least that the network can cost;
- ``indexed``: ours converted with ``index_inputs``, fed indices `[N, T]`;
- ``from tokens``: ours again, with the one-hot vectors built from the indices at every call, as its caller has to. What
  indices save a caller is ``from tokens`` over ``indexed``; the goal is held to the models alone, one-hot over indexed;
- ``CNTK``: CNTK 2.7 evaluating the model, with an input that it has packed beforehand, sparse where the model declares it so.

All take the same sequences, of 25 steps, and are measured in turns, a tenth of the time each, so that whatever else the
machine does meets all of them. Figures are medians of single runs. For ``n`` threads, all are confined to the same ``n``
processors. The answers are compared as well: the exit status is 1 where they differ, and 2 where a goal is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
from cntk_process import CntkProcess, add_options
from direct_lstm import Network, read_slu, read_tagger
from rich.console import Console
from rich.table import Table
from turns import ROOT, Feed, Timer, confined_to, machine, medians, milliseconds, open_session, relative_difference, session_timer

import bridge

STEPS = 25
"""Length of every sequence, in steps."""
TOLERANCE = 1e-3
"""Greatest difference that passes, relative to the greatest value."""
DIRECT_GOAL = 1.1
"""Ours takes at most so many times as long as the LSTM operator called directly."""


@dataclass(frozen=True)
class Subject:
    """A network to measure. Goals say how many times as long CNTK, by batch, and one-hot input take."""

    name: str
    model: Path
    read: Callable[[Path], Network]
    input: str
    output: str | None
    cntk_goals: Mapping[int, float]
    index_goal: float | None = None


@dataclass(frozen=True)
class Row:
    """Medians in seconds for one model, batch and number of threads; ``cntk`` is ``None`` where CNTK is not there.

    ``difference`` is the greatest among all answers, relative to the greatest value.
    """

    model: str
    batch: int
    threads: int
    ours: float
    direct: float
    indexed: float
    tokens: float
    cntk: float | None
    difference: float
    goals: dict[str, float] = field(default_factory=dict)

    @property
    def ratios(self) -> dict[str, float]:
        """Ours to the LSTM operator, CNTK to ours, one-hot to indexed, one-hot built from tokens to indexed."""
        ratios = {"direct": self.ours / self.direct, "indexed": self.ours / self.indexed, "tokens": self.tokens / self.indexed}
        return ratios if self.cntk is None else {**ratios, "cntk": self.cntk / self.ours}

    def reached(self, ratio: str) -> bool:
        """Whether the ratio is what it should be; true where there is no goal."""
        goal = self.goals.get(ratio)
        return goal is None or (self.ratios[ratio] <= goal if ratio == "direct" else self.ratios[ratio] >= goal)


def main() -> int:
    """Measure what the arguments ask for, and print it."""
    arguments = _arguments()
    python, library_path = arguments.cntk_python, arguments.cntk_library_path
    if not python:
        print("CNTK is not measured: neither --cntk-python nor BRIDGE_CNTK_PYTHON names its Python 3.6", file=sys.stderr)
    batches = [int(batch) for batch in arguments.batches.split(",")]
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="bridge-benchmark-") as name:
        folder = Path(name)
        subjects = _subjects(arguments.slu or _make_slu(python, library_path, folder))
        for threads in (int(count) for count in arguments.threads.split(",")):
            with confined_to(threads):
                cntk = CntkProcess(python, library_path, threads) if python else None
                for subject in subjects:
                    rows += _measure(folder, subject, batches, threads, cntk, arguments.seconds)
                if cntk is not None:
                    cntk.close()
    if arguments.json:
        shown = [{**asdict(row), "ratios": row.ratios, "missed": [r for r in row.ratios if not row.reached(r)]} for row in rows]
        print(json.dumps({"machine": machine(), "rows": shown}, indent=2))
    else:
        _show(rows)
    if any(row.difference > TOLERANCE for row in rows):
        return 1
    return 0 if all(row.reached(ratio) for row in rows for ratio in row.ratios) else 2


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slu", type=Path, metavar="PATH", help="the published model; by default CNTK makes one like it")
    parser.add_argument("--batches", default="1,16", help="batch sizes, separated by commas")
    parser.add_argument("--threads", default="1,2", help="numbers of threads, separated by commas")
    parser.add_argument("--seconds", type=float, default=2.0, help="for how long each engine runs each batch")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    add_options(parser)
    return parser.parse_args()


def _subjects(slu: Path | None) -> list[Subject]:
    tagger = Subject("tagger", ROOT / "golden" / "lstm_tagger" / "model.dnn", read_tagger, "words", None, {1: 10.0})
    if slu is None:
        return [tagger]
    return [tagger, Subject("slu", slu, read_slu, "query", "z", {1: 5.0, 16: 3.0}, index_goal=2.0)]


def _make_slu(python: str, library_path: str, folder: Path) -> Path | None:
    """Let CNTK write the network; ``None`` without CNTK."""
    if not python:
        return None
    destination = folder / "slu.dnn"
    script = Path(__file__).with_name("cntk_slu.py")
    environment = {**os.environ, "LD_LIBRARY_PATH": library_path}
    environment.pop("PYTHONPATH", None)
    subprocess.run(
        [python, "-B", "-W", "ignore", str(script), str(destination)], env=environment, check=True, stdout=sys.stderr, text=True
    )
    return destination


def _measure(
    folder: Path, subject: Subject, batches: list[int], threads: int, cntk: CntkProcess | None, seconds: float
) -> list[Row]:
    network = subject.read(subject.model)
    paths = {engine: folder / f"{subject.name}-{engine}.onnx" for engine in ("ours", "direct", "indexed")}
    bridge.convert(subject.model, paths["ours"])
    bridge.convert(subject.model, paths["indexed"], index_inputs=[subject.input])
    network.write(paths["direct"])
    sessions = {engine: open_session(path, threads) for engine, path in paths.items()}
    if cntk is not None:
        cntk.ask(do="load", model=str(subject.model), export=None, output=subject.output)
    rows = []
    for batch in batches:
        chosen = np.random.default_rng(1).integers(len(network.embedding), size=(batch, STEPS))
        value = np.eye(len(network.embedding), dtype=np.float32)[chosen]
        feeds: dict[str, Feed] = {
            "ours": {subject.input: value},
            "direct": network.feed(value),
            "indexed": {subject.input: chosen},
        }
        answers = {engine: session.run(None, feeds[engine])[0] for engine, session in sessions.items()}
        answers["direct"] = answers["direct"].swapaxes(0, 1)
        timers = {engine: session_timer(session, [feeds[engine]]) for engine, session in sessions.items()}
        timers["tokens"] = _timer_from_tokens(sessions["ours"], subject.input, chosen, len(network.embedding))
        if cntk is not None:
            answers["cntk"] = _ask_cntk(cntk, value, folder)
            timers["cntk"] = cntk.timer()
        difference = max(relative_difference(answers["ours"], answer) for answer in answers.values())
        rows.append(_row(subject, batch, threads, medians(timers, seconds), difference))
    return rows


def _timer_from_tokens(session: onnxruntime.InferenceSession, name: str, tokens: npt.NDArray[np.int64], vocabulary: int) -> Timer:
    """A run builds the one-hot vectors of ``tokens`` `[N, T]`, and feeds them."""

    def run_and_time(runs: int) -> list[float]:
        seconds = []
        for _ in range(runs):
            started = time.perf_counter()
            vectors = np.zeros((*tokens.shape, vocabulary), np.float32)
            np.put_along_axis(vectors, tokens[..., np.newaxis], 1, axis=-1)
            session.run(None, {name: vectors})
            seconds.append(time.perf_counter() - started)
        return seconds

    return run_and_time


def _row(subject: Subject, batch: int, threads: int, typical: dict[str, float], difference: float) -> Row:
    goals = {"direct": DIRECT_GOAL, "cntk": subject.cntk_goals.get(batch), "indexed": subject.index_goal}
    return Row(
        model=subject.name,
        batch=batch,
        threads=threads,
        ours=typical["ours"],
        direct=typical["direct"],
        indexed=typical["indexed"],
        tokens=typical["tokens"],
        cntk=typical.get("cntk"),
        difference=difference,
        goals={ratio: goal for ratio, goal in goals.items() if goal is not None},
    )


def _ask_cntk(cntk: CntkProcess, value: npt.NDArray[np.float32], folder: Path) -> npt.NDArray[np.float32]:
    """CNTK's answer to the batch, which stays fed."""
    given, taken = folder / "input.npy", folder / "output.npy"
    np.save(given, value)
    cntk.ask(do="feed", input=str(given), output=str(taken))
    answer: npt.NDArray[np.float32] = np.load(taken)
    return answer


def _show(rows: list[Row]) -> None:
    table = Table(title=f"Medians in milliseconds, sequences of {STEPS} steps; a ratio is red where it misses its goal")
    times = ("ours", "LSTM", "indexed", "from tokens", "CNTK 2.7")
    headings = (*times, "ours / LSTM", "CNTK / ours", "one-hot / indexed", "from tokens / indexed", "difference")
    for heading in ("model", "batch", "threads", *headings):
        table.add_column(heading, justify="left" if heading == "model" else "right")
    for row in rows:
        taken = [milliseconds(seconds) for seconds in (row.ours, row.direct, row.indexed, row.tokens, row.cntk)]
        ratios = [_ratio(row, ratio) for ratio in ("direct", "cntk", "indexed", "tokens")]
        table.add_row(row.model, str(row.batch), str(row.threads), *taken, *ratios, f"{row.difference:.1e}")
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table)
    console.print(", ".join(f"{name} {value}" for name, value in machine().items()), markup=False)


def _ratio(row: Row, ratio: str) -> str:
    """The ratio with its goal, green or red; without colour where there is none."""
    if ratio not in row.ratios:
        return "-"
    text, goal = f"{row.ratios[ratio]:.2f}", row.goals.get(ratio)
    if goal is None:
        return text
    colour, sign = "green" if row.reached(ratio) else "red", "≤" if ratio == "direct" else "≥"
    return f"[{colour}]{text}[/{colour}] ({sign} {goal:g})"


if __name__ == "__main__":
    sys.exit(main())
