"""The server that ``benchmarks/soak_server.py`` asks: models in sandboxed workers, small limits, clients with keys and a quota.

Admission would refuse the model that hangs and takes memory when it is told to; here it stands below that, as a model whose
faults nobody foresaw. Prints its ports as a line of JSON, and serves until it gets SIGTERM.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import bridge.serve.grpc

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "runtime" / "isolation" / "hostile"))

import uvloop  # noqa: E402  # gRPC's settings come first: the library reads them when it is loaded.

import bridge  # noqa: E402
from bridge.package.describing import describe_onnx  # noqa: E402
from bridge.package.interface import Bound, Interface, ServingLimits, Tensor  # noqa: E402
from bridge.runtime.isolation.limits import IsolationLimits  # noqa: E402
from bridge.runtime.isolation.model import IsolatedModel  # noqa: E402
from bridge.runtime.limits import RuntimeLimits  # noqa: E402
from bridge.runtime.served import ModelIdentity  # noqa: E402
from bridge.serve.observing.logs import Log  # noqa: E402
from bridge.serve.server import Server  # noqa: E402
from bridge.serve.settings import (  # noqa: E402
    BatchSettings,
    ClientSettings,
    HttpLimits,
    ModelSettings,
    QueueSettings,
    ServerSettings,
)

hostile_models: Any = importlib.import_module("hostile_models")
"""The models that the tests are about."""

MIXED, DIGITS = "mixed", "digits"
WORKERS = 2
HASTE = HttpLimits(request_bytes=1 << 20, header_seconds=1.0, body_seconds=1.0, idle_seconds=20.0)


def _isolated(model: bytes, interface: Interface, name: str) -> IsolatedModel:
    limits = RuntimeLimits(intra_op_threads=1)
    isolation = IsolationLimits(workers=WORKERS, spares=1, memory_bytes=2 << 30)
    return IsolatedModel(memoryview(model), {}, interface, ModelIdentity(name, "1", "0" * 64, ""), limits, isolation)


def _mixed() -> IsolatedModel:
    interface = Interface(
        kind="onnx",
        model_files=("model.onnx",),
        inputs=(Tensor("x", "float32", ("N", 4)),),
        outputs=(Tensor("y", "float32", ("N", 4)),),
        symbols={"N": Bound(1, 4096)},
        limits=ServingLimits(seconds=20.0),
    )
    return _isolated(hostile_models.mixed(), interface, MIXED)


def _digits() -> IsolatedModel:
    with TemporaryDirectory() as folder:
        result = bridge.convert(ROOT / "golden" / "digits_lenet" / "model.dnn", Path(folder) / "model.onnx")
        interface = describe_onnx(result, {"N": Bound(1, 64, "batch")}, ServingLimits(seconds=20.0))
        return _isolated(result.destination.read_bytes(), interface, DIGITS)


async def _serve(settings: ServerSettings, models: list[tuple[ModelSettings, IsolatedModel]]) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = Server(settings, models, Log(requests=True))
    await server.start()
    print(json.dumps(server.ports), flush=True)
    await stop.wait()
    await server.stop()


def main() -> None:
    """Serve. The arguments are SHA-256 digests of keys: of the client that may ask, and of the one with a small quota."""
    good, hasty = sys.argv[1:]
    queue = QueueSettings(requests=6)
    settings = [
        ModelSettings(MIXED, Path(MIXED), workers=WORKERS, batch=BatchSettings(rows=1), queue=queue),
        ModelSettings(DIGITS, Path(DIGITS), workers=WORKERS, batch=BatchSettings(rows=16), queue=queue),
    ]
    clients = (
        ClientSettings("good", key_sha256=good),
        ClientSettings("hasty", key_sha256=hasty, requests_per_second=5.0, burst=5, models=frozenset({DIGITS})),
    )
    server = ServerSettings(tuple(settings), port=0, grpc_port=0, admin_port=0, limits=HASTE, clients=clients)
    uvloop.run(_serve(server, list(zip(settings, (_mixed(), _digits()), strict=True))))


if __name__ == "__main__":
    main()
