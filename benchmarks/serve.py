"""Ours against MLServer and LitServe: the same ONNX file, the same processors, the same requests, in turns in one run.

    python benchmarks/serve.py [--case resnet20] [--seconds 2] [--turns 3] [--connections 1 4 16 64] [--peers FOLDER]

Each server runs in a process of its own and is asked over the loopback interface by a load generator in another. Requests are
JSON with one sample. Figures are requests a second and the median and 99th percentile of the time to an answer. Each
runs once with one worker and once with one for each processor ("x2"); the last column has our throughput, with one, over its.
Whoever is not measured is stopped: LitServe's workers look for work without a pause, and the others would pay for that.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
GOLDEN = HERE.parent / "golden"
BRIDGE = (sys.executable, "-c", "from bridge.cli import main; main()")
CASES = {"digits_lenet": (1, 1, 8, 8), "resnet20": (1, 3, 32, 32)}


@dataclass(frozen=True, slots=True)
class Contender:
    """A server to start: its command line, the path that answers inferences, the one that tells that it is there."""

    name: str
    command: tuple[str, ...]
    infer: str
    ready: str
    port: int
    folder: Path | None = None


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def packaged(case: str, folder: Path) -> Path:
    """The case as a package, signed with a key beside it."""
    package = folder / "package"
    key = folder / "key"
    subprocess.run([*BRIDGE, "keys", "new", "--output-path", key, "--no-password"], check=True, stdout=subprocess.DEVNULL)
    arguments = ["convert", GOLDEN / case / "model.dnn", "--allow-unsigned", "--package", "--sign-key", key, "-o", package]
    subprocess.run([*BRIDGE, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return package


def contenders(package: Path, case: str, peers: Path, batch: int, threads: int, workers: int) -> list[Contender]:
    """Ours and theirs, each with one worker and with ``workers``: which is better depends on the model."""
    model, key, found = package / "model.onnx", package.parent / "key.pub", []
    python = peers / "bin" / "python"
    for each in sorted({1, workers}):
        mark = "" if each == 1 else f" x{each}"
        port = free_port()
        ours = [*BRIDGE, "serve", f"{case}={package}", "--public-key", str(key), "--port", str(port), "--admin-port", "0"]
        ours += ["--batch", str(batch), "--threads", str(threads), "--workers", str(each)]
        found.append(Contender("cntk-bridge" + mark, tuple(ours), f"/v2/models/{case}/infer", "/v2/health/ready", port))
        if not python.exists():
            continue
        port = free_port()
        folder = mlserver_folder(package.parent, model, case, port, batch, threads, each)
        command = [str(peers / "bin" / "mlserver"), "start", str(folder)]
        ready = f"/v2/models/{case}/ready"
        found.append(Contender("MLServer" + mark, tuple(command), f"/v2/models/{case}/infer", ready, port, folder))
        port = free_port()
        script = str(HERE / "serving" / "litserve_server.py")
        command = [str(python), script, str(model), "image", *map(str, (port, batch, threads, each))]
        found.append(Contender("LitServe" + mark, tuple(command), "/predict", "/health", port))
    return found


def mlserver_folder(parent: Path, model: Path, case: str, port: int, batch: int, threads: int, workers: int) -> Path:
    """MLServer's two files of settings. One worker is its own process, which saves it passing requests on."""
    folder = parent / f"mlserver-{batch}-{workers}"
    folder.mkdir(exist_ok=True)
    settings = {"http_port": port, "grpc_port": free_port(), "metrics_port": free_port(), "host": "127.0.0.1"}
    processes = 0 if workers == 1 else workers
    (folder / "settings.json").write_text(json.dumps(settings | {"parallel_workers": processes, "debug": False}))
    said = {"name": case, "implementation": "mlserver_runtime.OnnxModel"}
    said_more = {"parameters": {"uri": str(model), "extra": {"threads": threads}}}
    batching = {"max_batch_size": batch, "max_batch_time": 0.002} if batch > 1 else {}
    (folder / "model-settings.json").write_text(json.dumps(said | said_more | batching))
    return folder


@contextmanager
def started(contender: Contender, body: Path) -> Iterator[int]:
    """The server, from its first answer to its end: MLServer is ready before its workers are.

    What is given is the number of its group of processes, which is stopped: see :func:`awake`.
    """
    environment = os.environ | {"PYTHONPATH": f"{HERE / 'serving'}:{HERE.parent}", "PYTHONWARNINGS": "ignore"}
    process = subprocess.Popen(
        contender.command,
        cwd=contender.folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        waits = 0
        while not (_answers(contender.port, contender.ready, None) and _answers(contender.port, contender.infer, body)):
            time.sleep(0.1)
            waits += 1
            if waits > 600 or process.poll() is not None:
                raise SystemExit(f"{contender.name} did not start")
        os.killpg(process.pid, signal.SIGSTOP)
        yield process.pid
    finally:
        os.killpg(process.pid, signal.SIGCONT)
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        # LitServe leaves its workers behind.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def awake(group: int) -> Iterator[None]:
    """Let a stopped server run."""
    os.killpg(group, signal.SIGCONT)
    try:
        yield
    finally:
        os.killpg(group, signal.SIGSTOP)


def _answers(port: int, path: str, body: Path | None) -> bool:
    """Whether the server has an answer there."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    content = body.read_bytes() if body is not None else None
    try:
        connection.request("GET" if content is None else "POST", path, content, {"Content-Type": "application/json"})
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def measure(contender: Contender, body: Path, connections: int, seconds: float) -> dict[str, float]:
    """One row of the table, measured by the load generator in a process of its own."""
    script = HERE / "serving" / "load.py"
    command = [sys.executable, str(script), str(contender.port), contender.infer, str(body), str(connections), str(seconds)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", choices=CASES, default="resnet20")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32, 64])
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 32])
    parser.add_argument("--threads", type=int, default=1, help="of the engine, for each worker")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--peers", type=Path, default=HERE.parent / ".peers-serving-benchmark")
    given = parser.parse_args()
    shape = CASES[given.case]
    data = np.random.default_rng(0).random(shape, np.float32).round(4).ravel().tolist()
    document = {"inputs": [{"name": "image", "datatype": "FP32", "shape": list(shape), "data": data}]}
    print(f"{given.case}, {len(os.sched_getaffinity(0))} processors, load average {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        body = folder / "body.json"
        body.write_text(json.dumps(document))
        package = packaged(given.case, folder)
        for batch in given.batch:
            print(f"\nbatches of up to {batch}")
            print(f"{'server':<15}{'at once':>8}{'a second':>10}{'median ms':>11}{'99 % ms':>10}{'ours/it':>9}")
            found = contenders(package, given.case, given.peers, batch, given.threads, given.workers)
            with ExitStack() as stack:
                groups = {contender: stack.enter_context(started(contender, body)) for contender in found}
                for connections in given.connections:
                    compare(groups, body, connections, given.seconds, given.turns)


def compare(groups: Mapping[Contender, int], body: Path, connections: int, seconds: float, turns: int) -> None:
    """Print a row for each: medians over ``turns`` in which they follow each other, so that what else runs meets all of them."""
    rows: dict[str, list[dict[str, float]]] = {contender.name: [] for contender in groups}
    for _ in range(turns):
        for contender, group in groups.items():
            with awake(group):
                rows[contender.name].append(measure(contender, body, connections, seconds))
    ours = 0.0
    for name, measured in rows.items():
        row = {figure: statistics.median(each[figure] for each in measured) for figure in measured[0]}
        ours = ours or row["throughput"]
        times = f"{row['p50'] * 1e3:>11.2f}{row['p99'] * 1e3:>10.2f}{ours / row['throughput']:>9.2f}"
        print(f"{name:<15}{connections:>8}{row['throughput']:>10.0f}{times}", flush=True)


if __name__ == "__main__":
    main()
