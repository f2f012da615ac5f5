"""Servers that run in a thread of the test, with the repository's own golden models."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnxruntime
import uvloop

import bridge
from bridge.package.describing import describe_onnx
from bridge.package.interface import Bound, Interface, ServingLimits
from bridge.runtime.in_process import InProcessModel
from bridge.runtime.limits import RuntimeLimits
from bridge.runtime.served import ModelIdentity, ServedModel
from bridge.serve.observing.logs import Log
from bridge.serve.server import Models, Server
from bridge.serve.settings import ModelSettings, ServerSettings

GOLDEN = Path(__file__).parents[2] / "golden"
LENET, TAGGER = "digits_lenet", "lstm_tagger"
ROOT_DIGEST = "ab" * 32
SIGNER = "key sha256:0123456789abcdef"


@cache
def converted(case: str) -> tuple[bytes, Interface]:
    """A golden model as ONNX, with the interface that its package would have."""
    with TemporaryDirectory() as folder:
        result = bridge.convert(GOLDEN / case / "model.dnn", Path(folder) / "model.onnx")
        interface = describe_onnx(result, {"N": Bound(1, 64, "batch")}, ServingLimits(seconds=20.0))
        return result.destination.read_bytes(), interface


def loaded(case: str, name: str = "", version: str = "1", *, seconds: float = 20.0) -> ServedModel:
    """A golden model in this process."""
    model, interface = converted(case)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    identity = ModelIdentity(name or case, version, ROOT_DIGEST, SIGNER)
    interface = replace(interface, limits=ServingLimits(seconds=seconds))
    return InProcessModel(session, interface, identity, RuntimeLimits(intra_op_threads=1))


def example(case: str, rows: int = 1, steps: int | None = None, seed: int = 0) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
    """Inputs of that many samples, each sequence of ``steps``."""
    generator = np.random.default_rng(seed)
    if case == LENET:
        return {"image": generator.random((rows, 1, 8, 8), np.float32)}
    return {"words": generator.random((rows, steps or 5, 80), np.float32)}


@dataclass(frozen=True, slots=True)
class Running:
    """A server that listens; ``log`` is what it has written, whole once it has stopped."""

    http: int
    grpc: int
    admin: int
    log: StringIO
    server: Server


def model_settings(name: str, **changes: Any) -> ModelSettings:
    """Settings of a model whose package is not looked at."""
    return ModelSettings(name, Path(name), **changes)


def models_for(*cases: str) -> Models:
    """Golden models under their own names."""
    return [(model_settings(case), loaded(case)) for case in cases]


@contextmanager
def running(models: Models, **changes: Any) -> Iterator[Running]:
    """A server on free ports of the loopback interface, for the time of the block."""
    log = StringIO()
    options: Mapping[str, Any] = {"port": 0, "grpc_port": 0, "admin_port": 0, "drain_seconds": 10.0} | changes
    settings = ServerSettings(tuple(setting for setting, _ in models), **options)
    started, ended = threading.Event(), threading.Event()
    held: list[Any] = []

    async def live() -> None:
        try:
            server = Server(settings, models, Log(log))
            try:
                await server.start()
            except BaseException:
                await server.stop()
                raise
            held.extend((server, asyncio.get_running_loop()))
        finally:
            started.set()
        stop = asyncio.Event()
        held.append(stop)
        await stop.wait()
        await server.stop()

    def run() -> None:
        uvloop.run(live())
        ended.set()

    thread = threading.Thread(target=run, name="server")
    thread.start()
    started.wait()
    while len(held) < 3 and thread.is_alive():
        thread.join(0.001)
    server, loop, stop = held
    try:
        ports = server.ports
        yield Running(ports.get("http", 0), ports.get("grpc", 0), ports.get("admin", 0), log, server)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        assert ended.is_set(), "the server did not stop"
