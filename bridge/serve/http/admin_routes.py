"""Metrics and the status page, on a port of their own. They read; nothing here changes anything."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Final

from bridge.errors import RequestRefusedError
from bridge.serve.http.messages import Request, Response, json_response
from bridge.serve.inference import Inference
from bridge.serve.observing.metrics import CONTENT_TYPE
from bridge.serve.observing.status import Status, status_of
from bridge.serve.observing.status_page import REFRESH_SECONDS, content_policy, render_status


class AdminRoutes:
    """Answers the port for operators."""

    def __init__(self, inference: Inference) -> None:
        self._inference: Final = inference
        self._begun: Final = time.monotonic()

    def admit(self, request: Request) -> None:
        """Only questions are taken."""
        if request.method not in {"GET", "HEAD"}:
            raise RequestRefusedError("method", "expected GET")

    async def answer(self, request: Request) -> Response:
        """The answer to a whole request."""
        match request.path:
            case "/metrics":
                return Response(200, self._inference.metrics.exposition(), CONTENT_TYPE)
            case "/status.json":
                return json_response(asdict(self._status()))
            case "/":
                page = render_status(self._status())
                headers = {"Content-Security-Policy": content_policy(page), "Refresh": str(REFRESH_SECONDS)}
                return Response(200, page.encode(), "text/html; charset=utf-8", headers)
        raise RequestRefusedError("not-found", "expected /, /status.json or /metrics")

    def _status(self) -> Status:
        uptime = time.monotonic() - self._begun
        return status_of(self._inference.repository, self._inference.metrics, ready=not self._inference.draining, uptime=uptime)
