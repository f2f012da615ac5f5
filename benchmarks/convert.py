"""How long a conversion takes and what memory it needs, beside what merely copying and hashing the file costs.

    python benchmarks/convert.py [--sizes 64,537,2200] [--repeats 3] [--folder DIR] [--json]

Models of dense 4096 x 4096 layers are written to a temporary folder, where four times the greatest size has to be free,
and measured:

- ``cp``: the command, source to a new file;
- ``sha256``: OpenSSL's SHA-256 of the source, through hashlib, one thread;
- ``convert``: ``bridge.convert``, which hashes source and results, in a fresh process that has converted a small model
  before, so that imports are not counted;
- ``verified``: the same with a signature of the source, which is verified before anything is parsed, so that hashing the source
  comes before the work and not beside it;
- ``process``: the process of ``convert`` from start to end, imports and the small model included;
- ``cntk``: CNTK 2.7 loading the model and exporting it to ONNX, in a process of its own, without its start; only where
  BRIDGE_CNTK_PYTHON names its interpreter (and BRIDGE_CNTK_LIBRARY_PATH the folder of its libraries). It hashes nothing.

Files are in the page cache throughout: figures are of the work, not of the disk. Each is the least of the repeats: what
else runs on the machine only adds. ``sha256`` says what the machine can do: without SHA instructions, hashing is nearly all
of a conversion, which hashes twice the file on two cores. Peak memory is the greatest resident set of the process
(``ru_maxrss``); the copy of the source in sealed memory counts in it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from cntk_writer import write_dense_model
from rich.console import Console
from rich.table import Table

LAYER_BYTES = 4096 * 4096 * 4

CNTK_EXPORT = """
import resource, sys, time
import cntk
started = time.time()
cntk.load_model(sys.argv[1]).save(sys.argv[2], format=cntk.ModelFormat.ONNX)
print(time.time() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


@dataclass(frozen=True)
class Run:
    """One measured run of a process: seconds, and its greatest resident set in bytes."""

    seconds: float
    peak_bytes: int


@dataclass(frozen=True)
class Row:
    """The figures for one size, in seconds and bytes. ``cntk_failure`` says why CNTK's are ``None``."""

    file_bytes: int
    cp: float
    sha256: float
    convert: float
    convert_peak: int
    verified: float
    verified_peak: int
    process: float
    cntk: float | None
    cntk_peak: int | None
    cntk_failure: str | None


def main() -> None:
    """Measure what the arguments ask for, and print it."""
    arguments = _arguments()
    if arguments.one:
        _convert_here(*(Path(path) for path in arguments.one), key=arguments.key)
        return
    sizes = [int(size) for size in arguments.sizes.split(",")]
    with tempfile.TemporaryDirectory(dir=arguments.folder, prefix="bridge-benchmark-") as folder:
        rows = [_measure(Path(folder), size, arguments.repeats) for size in sizes]
    if arguments.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        _show(rows)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="64,537,2200", help="sizes of models in MB, separated by commas")
    parser.add_argument("--repeats", type=int, default=3, help="runs of which the fastest is shown")
    parser.add_argument("--folder", help="where to put the models; by default the system's temporary folder")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--key", help=argparse.SUPPRESS)
    parser.add_argument("--one", nargs=3, metavar=("SMALL", "SOURCE", "DESTINATION"), help=argparse.SUPPRESS)
    return parser.parse_args()


def _measure(folder: Path, megabytes: int, repeats: int) -> Row:
    source, small = folder / "model.dnn", folder / "small.dnn"
    write_dense_model(small, layers=1, width=4)
    file_bytes = write_dense_model(source, layers=max(1, round(megabytes * 1_000_000 / LAYER_BYTES)))
    _sha256(source)  # Into the page cache, in case that writing left it elsewhere.
    key = _sign(folder, source)
    converted, verified, processes = [], [], []
    for _ in range(repeats):
        run, whole = _conversion(folder, small, source)
        converted.append(run)
        processes.append(whole)
        verified.append(_conversion(folder, small, source, key)[0])
    cntk = _cntk(folder, source, repeats)
    return Row(
        file_bytes=file_bytes,
        cp=_least_seconds(lambda: _cp(folder, source), repeats),
        sha256=_least_seconds(lambda: _sha256(source), repeats),
        convert=min(run.seconds for run in converted),
        convert_peak=max(run.peak_bytes for run in converted),
        verified=min(run.seconds for run in verified),
        verified_peak=max(run.peak_bytes for run in verified),
        process=min(processes),
        cntk=cntk.seconds if isinstance(cntk, Run) else None,
        cntk_peak=cntk.peak_bytes if isinstance(cntk, Run) else None,
        cntk_failure=None if isinstance(cntk, Run) else cntk,
    )


def _least_seconds(action: Callable[[], float], repeats: int) -> float:
    return min(action() for _ in range(repeats))


def _cp(folder: Path, source: Path) -> float:
    copy = folder / "copy"
    started = time.perf_counter()
    subprocess.run(["/bin/cp", source, copy], check=True)
    seconds = time.perf_counter() - started
    copy.unlink()
    return seconds


def _sha256(source: Path) -> float:
    started = time.perf_counter()
    with source.open("rb") as file:
        hashlib.file_digest(file, "sha256")
    return time.perf_counter() - started


def _sign(folder: Path, source: Path) -> Path:
    """Sign the source; the public key."""
    from bridge.trust.key_files import new_key_pair
    from bridge.trust.keys import load_private_key
    from bridge.trust.signature_files import sign

    pair = new_key_pair(folder / "key", password=None)
    sign(source, load_private_key(pair.private_path, None))
    return pair.public_path


def _conversion(folder: Path, small: Path, source: Path, key: Path | None = None) -> tuple[Run, float]:
    """One conversion in a process of its own, verified where there is a key, and the seconds of the whole process."""
    destination = folder / "out.onnx"
    root = Path(__file__).resolve().parents[1]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])}
    started = time.perf_counter()
    command = [sys.executable, __file__, "--one", str(small), str(source), str(destination)]
    command += ["--key", str(key)] if key is not None else []
    finished = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    whole = time.perf_counter() - started
    _remove_results(folder)
    return Run(**json.loads(finished.stdout)), whole


def _convert_here(small: Path, source: Path, destination: Path, *, key: str | None) -> None:
    """What the process started by ``_conversion`` does."""
    import bridge

    policy = None
    if key is not None:
        from bridge.trust.policy.document import policy_for

        policy = policy_for([key])
    bridge.convert(small, destination, policy=policy, allow_unsigned=policy is not None)
    destination.unlink()
    started = time.perf_counter()
    bridge.convert(source, destination, policy=policy)
    seconds = time.perf_counter() - started
    print(json.dumps(asdict(Run(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024))))


def _cntk(folder: Path, source: Path, repeats: int) -> Run | str:
    """CNTK's own load and export: the fastest run, or why there is none."""
    python = os.environ.get("BRIDGE_CNTK_PYTHON")
    if not python:
        return "BRIDGE_CNTK_PYTHON is not set"
    environment = {**os.environ, "LD_LIBRARY_PATH": os.environ.get("BRIDGE_CNTK_LIBRARY_PATH", "")}
    runs = []
    for _ in range(repeats):
        command = [python, "-W", "ignore", "-c", CNTK_EXPORT, str(source), str(folder / "out.cntk.onnx")]
        finished = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
        _remove_results(folder)
        if finished.returncode:
            return _last_line(finished.stderr) or f"ended with status {finished.returncode}"
        seconds, peak = finished.stdout.splitlines()[-1].split()
        runs.append(Run(float(seconds), int(peak)))
    return min(runs, key=lambda run: run.seconds)


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _remove_results(folder: Path) -> None:
    for path in folder.glob("out*"):
        path.unlink()


def _show(rows: Sequence[Row]) -> None:
    table = Table(title="Conversion of dense models: seconds, fastest run")
    table.add_column("file, MB")
    for row in rows:
        table.add_column(f"{row.file_bytes / 1e6:.0f}", justify="right")
    table.add_row("cp", *(f"{row.cp:.2f}" for row in rows))
    table.add_row("sha256", *(f"{row.sha256:.2f}" for row in rows))
    table.add_row("convert", *(f"{row.convert:.2f}" for row in rows))
    table.add_row("  / cp", *(f"{row.convert / row.cp:.1f}" for row in rows))
    table.add_row("  / sha256", *(f"{row.convert / row.sha256:.2f}" for row in rows))
    table.add_row("  GB/s", *(f"{row.file_bytes / 1e9 / row.convert:.2f}" for row in rows))
    table.add_row("  peak memory / file", *(f"{row.convert_peak / row.file_bytes:.2f}" for row in rows))
    table.add_row("verified", *(f"{row.verified:.2f}" for row in rows))
    table.add_row("  peak memory / file", *(f"{row.verified_peak / row.file_bytes:.2f}" for row in rows))
    table.add_row("process", *(f"{row.process:.2f}" for row in rows))
    table.add_row("cntk", *("-" if row.cntk is None else f"{row.cntk:.2f}" for row in rows))
    peaks = ("-" if row.cntk_peak is None else f"{row.cntk_peak / row.file_bytes:.2f}" for row in rows)
    table.add_row("  peak memory / file", *peaks)
    console = Console()
    console.print(table)
    for reason in sorted({row.cntk_failure for row in rows if row.cntk_failure}):
        console.print(f"cntk: {reason}")


if __name__ == "__main__":
    main()
