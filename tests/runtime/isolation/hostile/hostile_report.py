"""A fork server whose workers tell of their sandbox what the model's bytes say: JSON, with ``report`` for the parent to read."""

import json
import os
import socket
import time
from collections.abc import Sequence

from bridge.runtime.isolation import fork_server_process, worker_process
from bridge.runtime.isolation.frames import Answer, Status, pack_answer
from bridge.runtime.isolation.job import Job
from bridge.runtime.sandbox.applying import ServerConfinement


def _work(job: Job, descriptors: Sequence[int], _: ServerConfinement, __: int) -> None:
    told = json.loads(os.pread(descriptors[4], job.model_bytes, 0))
    with socket.socket(fileno=descriptors[0]) as data:
        data.send(pack_answer(Answer(Status.CONFINED, 0, text=told["report"])))
        time.sleep(20)


def main(control: int) -> None:
    """Be the fork server, with those workers."""
    worker_process.work = _work  # type: ignore[assignment]
    fork_server_process.main(control)
