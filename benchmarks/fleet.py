"""What Ray Serve costs and gives: `bridge serve`, and fleets of one and of two replicas, the same package, in turns in one run.

    python benchmarks/fleet.py [--case resnet20] [--seconds 3] [--turns 3] [--connections 1 8 32] [--replicas 1 2] [--haproxy]

One thread of the engine for each run. `bridge serve` has one worker and two; a fleet has one worker in each replica. With
--haproxy fleets stand behind the HAProxy that comes with Ray, in place of its proxy in Python. Figures as in benchmarks/serve.py.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from serve import BRIDGE, CASES, Contender, free_port, measure, packaged, started


def contenders(folder: Path, case: str, batch: int, replicas: Sequence[int]) -> list[Contender]:
    """The servers, each with a configuration of its own."""
    servers = [_contender(f"serve, {workers} at once", folder, case, batch, workers=workers) for workers in (1, 2)]
    return servers + [_contender(f"fleet of {count}", folder, case, batch, replicas=count) for count in replicas]


def _contender(name: str, folder: Path, case: str, batch: int, *, workers: int = 1, replicas: int = 0) -> Contender:
    port = free_port()
    model = {
        "name": case,
        "package": "package",
        "policy": "policy.yaml",
        "workers": workers,
        "threads": 1,
        "batch": {"rows": batch},
    }
    listen = {"port": port} | ({} if replicas else {"admin_port": None})
    document = {"format": "cntk-bridge/serve/1", "listen": listen, "log_requests": False, "models": [model]}
    configuration = folder / f"{name.replace(', ', '-').replace(' ', '-')}-{batch}.yaml"
    configuration.write_text(json.dumps(document))  # JSON is YAML.
    options = (
        ("fleet", str(configuration), "--replicas", str(replicas)) if replicas else ("serve", "--config", str(configuration))
    )
    return Contender(name, (*BRIDGE, *options), f"/v2/models/{case}/infer", "/v2/health/ready", port)


def _policy(folder: Path) -> None:
    policy = {"policy": 1, "signers": {"bench": {"keys": ["key.pub"]}}, "accept": {"package": ["bench"]}}
    (folder / "policy.yaml").write_text(json.dumps(policy))


def compare(found: Sequence[Contender], body: Path, connections: int, seconds: float, turns: int) -> None:
    """Print a row for each: medians over ``turns`` in which they follow each other."""
    rows: dict[str, list[dict[str, float]]] = {contender.name: [] for contender in found}
    for _ in range(turns):
        for contender in found:
            rows[contender.name].append(measure(contender, body, connections, seconds))
    for name, measured in rows.items():
        row = {figure: statistics.median(each[figure] for each in measured) for figure in measured[0]}
        print(
            f"{name:<18}{connections:>8}{row['throughput']:>10.0f}{row['p50'] * 1e3:>11.2f}{row['p99'] * 1e3:>10.2f}", flush=True
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", choices=CASES, default="resnet20")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--replicas", type=int, nargs="+", default=[1, 2], help="of each fleet; with --haproxy one fleet alone")
    parser.add_argument("--haproxy", action="store_true")
    given = parser.parse_args()
    if given.haproxy:
        os.environ["RAY_SERVE_ENABLE_HA_PROXY"] = "1"
    shape = CASES[given.case]
    data = np.random.default_rng(0).random(shape, np.float32).round(4).ravel().tolist()
    document = {"inputs": [{"name": "image", "datatype": "FP32", "shape": list(shape), "data": data}]}
    print(f"{given.case}, {len(os.sched_getaffinity(0))} processors, load average {os.getloadavg()[0]:.1f}")
    print(f"{'server':<18}{'at once':>8}{'a second':>10}{'median ms':>11}{'99 % ms':>10}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        body = folder / "body.json"
        body.write_text(json.dumps(document))
        packaged(given.case, folder)
        _policy(folder)
        with ExitStack() as stack:
            found = contenders(folder, given.case, given.batch, given.replicas)
            for contender in found:
                stack.enter_context(started(contender, body))
            for connections in given.connections:
                compare(found, body, connections, given.seconds, given.turns)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"{error}: {error.stderr}") from error
