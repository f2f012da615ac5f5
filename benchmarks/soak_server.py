"""The server under mixed traffic for a long time: good clients and bad ones at capacity, and workers killed at random.

    python benchmarks/soak_server.py [--seconds 600] [--callers 12]

It is a process of its own, with two models in sandboxed workers, asked over HTTP (JSON and binary tensors) and gRPC. Bad clients
send values that make a model hang or take memory, bodies that are no requests, are too large, or never end; they ask too often or
without a key, and leave before the answer comes. No answer may be wrong, no request may hang, memory and descriptors have to stay
where they are, and the server's metrics have to account for every request as its client saw it end.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from serving import traffic  # noqa: E402  # From this checkout.
from serving.traffic import Caller, Kind, Outcome, Target  # noqa: E402

from bridge.serve.clients.identity import new_key  # noqa: E402
from bridge.serve.refusals import REASONS  # noqa: E402

SHARES: Mapping[Kind, int] = {
    traffic.squares: 400,
    traffic.digits: 400,
    traffic.hostile: 40,
    traffic.infinite: 20,
    traffic.hasty: 40,
    traffic.forbidden: 20,
    traffic.malformed: 40,
    traffic.oversized: 15,
    traffic.oversized_message: 5,
    traffic.slow: 5,
    traffic.leaving: 15,
}
"""Of 1,000 requests."""
_UNREAD = {("http", "429"), ("http", "504"), ("http", "422")}
"""How a request ends whose client leaves: refused at once, or late, or with workers that were killed over it."""


@dataclass(slots=True)
class Result:
    """What clients saw, by kind and by outcome, and what the server counted.

    ``memory`` (in bytes) and ``descriptors`` are those of the server at a fifth of the time, and at the end.
    """

    kinds: Counter[tuple[str, Outcome]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    kills: int = 0
    longest: dict[str, float] = field(default_factory=dict)
    memory: tuple[int, int] = (0, 0)
    descriptors: tuple[int, int] = (0, 0)
    counted: Mapping[Outcome, float] = field(default_factory=dict)
    abandoned: float = 0.0
    seconds: float = 0.0

    @property
    def seen(self) -> Counter[Outcome]:
        """How requests ended, as their clients saw it."""
        seen: Counter[Outcome] = Counter()
        for (_, outcome), count in self.kinds.items():
            seen[outcome] += count
        return seen


def soak(seconds: float, callers: int = 12, *, hangs_from: float = 5.0, seed: int = 0) -> Result:
    """Run the traffic for ``seconds`` against a server that is started for it.

    A request that takes ``hangs_from`` seconds more than it may is a fault.
    """
    good, hasty = new_key(), new_key()
    result = Result(seconds=seconds)
    with _served(good[1], hasty[1]) as (process, ports):
        target = Target(ports["http"], ports["grpc"], good[0], hasty[0], *_samples())
        stop, lock = threading.Event(), threading.Lock()
        threads = [
            threading.Thread(target=_call, args=(Caller(target, random.Random(seed + number)), result, lock, stop, hangs_from))  # noqa: S311
            for number in range(callers)
        ]
        threads.append(threading.Thread(target=_kill, args=(process, result, stop, random.Random(seed))))  # noqa: S311
        for thread in threads:
            thread.start()
        time.sleep(seconds / 5)
        early = _resident(process), _descriptors(process)
        time.sleep(seconds * 4 / 5)
        stop.set()
        for thread in threads:
            thread.join(traffic.PATIENCE + 10)
            if thread.is_alive():
                result.faults.append("a client hangs")
        time.sleep(1.0)  # What clients left behind comes to its end.
        result.memory, result.descriptors = (early[0], _resident(process)), (early[1], _descriptors(process))
        _read_metrics(ports["admin"], result)
    _judge(result)
    return result


def _samples() -> tuple[np.ndarray, np.ndarray]:
    """Inputs of the model of digits, and what the engine makes of each by itself, in this process."""
    from tempfile import TemporaryDirectory

    import onnxruntime

    import bridge

    with TemporaryDirectory() as folder:
        path = bridge.convert(ROOT / "golden" / "digits_lenet" / "model.dnn", Path(folder) / "model.onnx").destination
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    samples = np.random.default_rng(0).random((32, 1, 8, 8), np.float32)
    name = session.get_inputs()[0].name
    return samples, np.concatenate([session.run(None, {name: sample[None]})[0] for sample in samples])


@contextmanager
def _served(*digests: str) -> Iterator[tuple[int, dict[str, int]]]:
    script = ROOT / "benchmarks" / "serving" / "soaked_server.py"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(script), *digests]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.pid, json.loads(process.stdout.readline())
            if process.poll() is not None:
                raise SystemExit("the server has ended")
        finally:
            process.terminate()
            process.wait(60)


def _call(caller: Caller, result: Result, lock: threading.Lock, stop: threading.Event, hangs_from: float) -> None:
    kinds, shares = list(SHARES), list(SHARES.values())
    while not stop.is_set():
        kind = caller.chance.choices(kinds, shares)[0]
        begun, fault = time.monotonic(), ""
        try:
            outcome = kind(caller)
            if outcome[1] not in traffic.EXPECTED[kind]:
                fault = f"{kind.__name__}: {outcome}"
            late = time.monotonic() - begun - traffic.AT_MOST_SECONDS.get(kind, traffic.PATIENCE)
            if late > hangs_from:
                fault = f"{kind.__name__}: {outcome}, {late:.1f} s late"
        except (traffic.WrongError, OSError, http.client.HTTPException) as error:
            outcome, fault = ("none", type(error).__name__), f"{kind.__name__}: {type(error).__name__}: {error}"
        took = time.monotonic() - begun
        with lock:
            result.kinds[kind.__name__, outcome] += 1
            result.longest[kind.__name__] = max(result.longest.get(kind.__name__, 0.0), took)
            if fault:
                result.faults.append(fault)
        if outcome[1] in traffic.FULL:
            time.sleep(0.002)
    caller.close()


def _kill(server: int, result: Result, stop: threading.Event, chance: random.Random) -> None:
    while not stop.wait(chance.uniform(0.2, 1.0)):
        workers = [worker for fork_server in _children(server) for worker in _children(fork_server)]
        if workers:
            try:
                os.kill(chance.choice(workers), signal.SIGKILL)
            except ProcessLookupError:
                continue
            result.kills += 1


def _children(process: int) -> list[int]:
    found: list[int] = []
    for listing in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            found += map(int, listing.read_text().split())
        except OSError:
            continue
    return found


def _resident(process: int) -> int:
    return int(Path(f"/proc/{process}/statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _descriptors(process: int) -> int:
    return len(list(Path(f"/proc/{process}/fd").iterdir()))


def _read_metrics(port: int, result: Result) -> None:
    connection = http.client.HTTPConnection(traffic.HOST, port, timeout=10)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    counted: Counter[Outcome] = Counter()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            carrier = sample.labels.get("carrier", "")
            if sample.name == "bridge_requests_answered_total":
                counted[carrier, traffic.OK[carrier]] += int(sample.value)
            elif sample.name == "bridge_requests_refused_total":
                status, code = REASONS[sample.labels["reason"]]
                counted[carrier, code if carrier == "grpc" else str(status)] += int(sample.value)
            elif sample.name == "bridge_requests_abandoned_total":
                result.abandoned += sample.value
    result.counted = {outcome: count for outcome, count in counted.items() if count}


def _judge(result: Result) -> None:
    """Hold what the server counted against what clients saw."""
    seen = result.seen
    left = seen.pop(("http", "left"), 0)
    beyond = {outcome for outcome in seen if outcome[0] == "library"}  # Refused before our server hears of it.
    unread = 0  # Whoever left may have been refused before that, and has not read it.
    for outcome in sorted({*seen, *result.counted} - beyond):
        more = int(result.counted.get(outcome, 0)) - seen[outcome]
        if more > 0 and outcome in _UNREAD:
            unread += more
        elif more:
            result.faults.append(f"{outcome}: clients saw {seen[outcome]}, the server counted {result.counted.get(outcome, 0)}")
    if unread + result.abandoned != left:
        result.faults.append(f"{left} clients left; the server counted {result.abandoned} of them, and refused {unread}")
    lost = sum(
        count
        for (kind, (_, status)), count in result.kinds.items()
        if status in traffic.LOST and kind in {"squares", "digits", "hasty"}
    )
    if 2 * lost > result.kills:
        result.faults.append(f"{lost} good requests failed, and {result.kills} workers were killed")


def main() -> None:
    """Print what was seen; exit status 1 where anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--callers", type=int, default=12)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1000))
    options = parser.parse_args()
    result = soak(options.seconds, options.callers, seed=options.seed)
    requests = sum(result.kinds.values())
    print(f"{requests} requests in {options.seconds:.0f} s, seed {options.seed}, load average {os.getloadavg()[0]:.1f}\n")
    for kind in SHARES:
        ends = {" ".join(outcome): count for (name, outcome), count in sorted(result.kinds.items()) if name == kind.__name__}
        print(f"{kind.__name__:<18}{ends}")
    print(f"\ncounted by server  { {' '.join(outcome): int(count) for outcome, count in sorted(result.counted.items())} }")
    print(f"abandoned          {result.abandoned:.0f}")
    print(f"killed at random   {result.kills}")
    print(f"longest, seconds   { {kind: round(seconds, 2) for kind, seconds in sorted(result.longest.items())} }")
    print(f"memory             {result.memory[0] / 2**20:.1f} MiB early, {result.memory[1] / 2**20:.1f} MiB at the end")
    print(f"descriptors        {result.descriptors[0]} early, {result.descriptors[1]} at the end")
    print(f"faults             {len(result.faults)}: {result.faults[:20]}")
    sys.exit(bool(result.faults))


if __name__ == "__main__":
    main()
