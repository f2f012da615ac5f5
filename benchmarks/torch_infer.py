"""How fast a converted model runs in PyTorch, beside the same network written by hand (``handwritten/``) with the same weights.

    python benchmarks/torch_infer.py [--models resnet20,...] [--batches 1,16] [--threads 1,2] [--seconds 2] [--gpu] [--json]

- ``ours``: ``bridge.convert``'s folder in ``bridge.load_torch``;
- ``by hand``: what one writes who knows the network and no CNTK.

Both take the same input, without gradients, in one process, and are measured in turns, a tenth of the time each. Figures are
medians of single calls; on a GPU each call is waited for. ``--gpu`` measures there, with batch 256 beside the others. The
answers are compared as well: the exit status is 1 where they differ.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from handwritten.lenet import LeNet
from handwritten.resnet import ResNet20
from handwritten.tagger import Tagger
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from turns import ROOT, Timer, confined_to, machine, medians, milliseconds, relative_difference

import bridge

STEPS = 25
"""Length of every sequence, in steps."""
TOLERANCE = 1e-4
"""Greatest difference of the answers that passes, relative to the greatest value."""
GOAL = 1.05
"""How many times the time of the network by hand the converted one may take."""


@dataclass(frozen=True)
class Subject:
    """A network to measure: its golden case, the one by hand, what to feed both, and what names become by hand."""

    name: str
    case: str
    by_hand: Callable[[], nn.Module]
    make_input: Callable[[int], dict[str, Tensor]]
    output: str
    names: tuple[tuple[str, str], ...]
    """Regular expressions for the names of the converted model's tensors, and what each becomes."""


def _images(batch: int, *shape: int) -> Tensor:
    return torch.rand(batch, *shape, generator=torch.Generator().manual_seed(1))


def _words(batch: int) -> dict[str, Tensor]:
    chosen = torch.randint(80, (batch, STEPS), generator=torch.Generator().manual_seed(1))
    return {"words": nn.functional.one_hot(chosen, 80).float()}


def _ragged_words(batch: int) -> dict[str, Tensor]:
    return {**_words(batch), "lengths": STEPS - torch.arange(batch) % STEPS}


_TAGGER_NAMES = (("^linear", "embedding"), ("^tags", "tag"))
SUBJECTS = (
    Subject(
        "resnet20",
        "resnet20",
        ResNet20,
        lambda batch: {"image": 255 * _images(batch, 3, 32, 32)},
        "z",
        (
            (r"^stage\.([36])\.conv3", r"blocks.\1.shortcut.0"),
            (r"^stage\.([36])\.norm3", r"blocks.\1.shortcut.1"),
            ("^stage", "blocks"),
            ("^z", "classify"),
        ),
    ),
    Subject("lstm_tagger", "lstm_tagger", Tagger, _words, "tags", _TAGGER_NAMES),
    Subject("lstm_tagger with lengths", "lstm_tagger", Tagger, _ragged_words, "tags", _TAGGER_NAMES),
    Subject(
        "digits_lenet",
        "digits_lenet",
        LeNet,
        lambda batch: {"image": _images(batch, 1, 8, 8)},
        "z",
        (("^dense1", "hidden"), ("^z", "classify")),
    ),
)


@dataclass(frozen=True)
class Row:
    """Medians in seconds for one model, batch and number of threads, which is ``None`` on a GPU.

    ``difference`` is the greatest of the two answers, relative to the greatest value.
    """

    model: str
    batch: int
    threads: int | None
    ours: float
    by_hand: float
    difference: float

    @property
    def ratio(self) -> float:
        """How many times the time by hand ours takes."""
        return self.ours / self.by_hand


def main() -> int:
    """Measure what the arguments ask for, and print it; 1 where answers differ."""
    arguments = _arguments()
    subjects = [subject for subject in SUBJECTS if subject.case in arguments.models.split(",")]
    batches = [int(batch) for batch in arguments.batches.split(",")]
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="bridge-benchmark-") as folder, torch.inference_mode():
        for subject in subjects:
            pair = _networks(subject, Path(folder) / subject.case)
            if arguments.gpu:
                rows += [_measure(subject, pair, batch, None, arguments.seconds) for batch in [*batches, 256]]
                continue
            for threads in (int(count) for count in arguments.threads.split(",")):
                with confined_to(threads):
                    torch.set_num_threads(threads)
                    rows += [_measure(subject, pair, batch, threads, arguments.seconds) for batch in batches]
    about = {**machine(), "torch": torch.__version__}
    if arguments.gpu:
        about["gpu"] = torch.cuda.get_device_name()
    if arguments.json:
        print(json.dumps({"machine": about, "rows": [{**asdict(row), "ratio": row.ratio} for row in rows]}, indent=2))
    else:
        _show(rows, about)
    return 1 if any(row.difference > TOLERANCE for row in rows) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cases = dict.fromkeys(subject.case for subject in SUBJECTS)
    parser.add_argument("--models", default=",".join(cases), help="golden cases, separated by commas")
    parser.add_argument("--batches", default="1,16", help="batch sizes, separated by commas")
    parser.add_argument("--threads", default="1,2", help="numbers of threads, separated by commas")
    parser.add_argument("--seconds", type=float, default=2.0, help="for how long each network runs each batch")
    parser.add_argument("--gpu", action="store_true", help="measure on a GPU, with batch 256 as well")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser.parse_args()


def _networks(subject: Subject, folder: Path) -> tuple[nn.Module, nn.Module]:
    """The converted network, and the one by hand with its weights."""
    bridge.convert(ROOT / "golden" / subject.case / "model.dnn", folder, target="torch")
    converted = bridge.load_torch(folder, allow_unsigned=True)
    by_hand = subject.by_hand().eval()
    by_hand.load_state_dict({_renamed(name, subject.names): tensor for name, tensor in converted.state_dict().items()})
    return converted, by_hand


def _renamed(name: str, rules: tuple[tuple[str, str], ...]) -> str:
    for pattern, replacement in rules:
        if re.search(pattern, name):
            return re.sub(pattern, replacement, name)
    return name


def _measure(subject: Subject, pair: tuple[nn.Module, nn.Module], batch: int, threads: int | None, seconds: float) -> Row:
    device = torch.device("cuda" if threads is None else "cpu")
    converted, by_hand = (network.to(device) for network in pair)
    feed = {name: value.to(device) for name, value in subject.make_input(batch).items()}
    got, want = converted(**feed)[subject.output], by_hand(*feed.values())
    typical = medians({"ours": _timer(converted, feed), "by_hand": _timer(by_hand, feed)}, seconds)
    difference = relative_difference(*(np.asarray(value.cpu()) for value in (got, want)))
    return Row(subject.name, batch, threads, typical["ours"], typical["by_hand"], difference)


def _timer(network: nn.Module, feed: dict[str, Tensor]) -> Timer:
    on_gpu = next(network.parameters()).is_cuda

    def run_and_time(runs: int) -> list[float]:
        seconds = []
        for _ in range(runs):
            started = time.perf_counter()
            network(**feed)
            if on_gpu:
                torch.cuda.synchronize()
            seconds.append(time.perf_counter() - started)
        return seconds

    return run_and_time


def _show(rows: list[Row], about: dict[str, str]) -> None:
    table = Table(title=f"Medians in milliseconds; the goal is a ratio of at most {GOAL}")
    for heading in ("model", "batch", "threads", "ours", "by hand", "ratio", "ours, per second", "difference"):
        table.add_column(heading, justify="left" if heading == "model" else "right")
    for row in rows:
        colour = "green" if row.ratio <= GOAL else "red"
        table.add_row(
            row.model,
            str(row.batch),
            "GPU" if row.threads is None else str(row.threads),
            milliseconds(row.ours),
            milliseconds(row.by_hand),
            f"[{colour}]{row.ratio:.3f}[/{colour}]",
            f"{row.batch / row.ours:,.0f}",
            f"{row.difference:.1e}",
        )
    console = Console(width=None if sys.stdout.isatty() else 130)
    console.print(table)
    console.print(", ".join(f"{name} {value}" for name, value in about.items()), markup=False)


if __name__ == "__main__":
    sys.exit(main())
