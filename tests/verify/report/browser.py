"""Chromium without a window, asked over its debugging pipe: no driver, no network."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
TIMEOUT = 60.0  # seconds for an answer; a loaded machine takes its time to start a browser


@dataclass(frozen=True)
class Box:
    """A part of a picture, in pixels."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Seen:
    """How many colours a part of a picture has, and the one in its upper left corner, as red, green and blue."""

    colours: int
    first: tuple[int, int, int]


class Browser:
    """One browser with one page. Messages are JSON, each ended by a zero byte, over the descriptors 3 and 4."""

    def __init__(self, profile: Path) -> None:
        assert CHROMIUM is not None
        to_child, self._requests = os.pipe()
        self._answers, from_child = os.pipe()
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage", "--no-first-run"]
        flags += ["--disable-background-networking", "--disable-component-update", f"--user-data-dir={profile}"]
        # The child has its pipes at 3 and 4, wherever they are here.
        script = f'exec "$0" "$@" 3<&{to_child} 4>&{from_child}'
        self._process = subprocess.Popen(
            ["/bin/bash", "-c", script, CHROMIUM, *flags, "--remote-debugging-pipe", "about:blank"],
            pass_fds=(to_child, from_child),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_child)
        os.close(from_child)
        self._buffer = b""
        self._number = 0
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session: str | None = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    _session: str | None = None

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The answer to one request; events that arrive meanwhile are kept."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        waiting = memoryview(json.dumps(message).encode() + b"\0")
        while waiting:
            waiting = waiting[os.write(self._requests, waiting) :]
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def open(self, file: Path, *, width: int, height: int = 900, dark: bool = False) -> None:
        """Show a file at a width in CSS pixels, and wait until it is drawn."""
        self.events.clear()
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media="screen", features=[scheme])
        self.call("Page.navigate", url=file.as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._receive())

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def screenshot(self, *, whole: bool = False) -> bytes:
        """The page as PNG: what is in view, or all of it."""
        image = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(image["data"])

    def look(self, png: bytes, boxes: Sequence[Box]) -> list[Seen]:
        """What a picture holds within each box, found by the browser itself on an empty page."""
        self.call("Page.navigate", url="about:blank")
        source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
        measured = json.dumps([[box.x, box.y, box.width, box.height] for box in boxes])
        script = f"""(async () => {{
            const image = new Image(); image.src = "{source}"; await image.decode();
            const canvas = document.createElement('canvas'); canvas.width = image.width; canvas.height = image.height;
            const context = canvas.getContext('2d', {{willReadFrequently: true}}); context.drawImage(image, 0, 0);
            return {measured}.map(box => {{
                const pixels = new Uint32Array(context.getImageData(...box.map(Math.round)).data.buffer);
                return [new Set(pixels).size, pixels[0] & 255, pixels[0] >> 8 & 255, pixels[0] >> 16 & 255]; }}); }})()"""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return [Seen(count, (red, green, blue)) for count, red, green, blue in result["result"]["value"]]

    def named(self, method: str) -> list[dict[str, Any]]:
        """The parameters of all events of a name since the page was opened."""
        return [event["params"] for event in self.events if event.get("method") == method]

    def _receive(self) -> dict[str, Any]:
        deadline = time.monotonic() + TIMEOUT
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._answers], [], [], max(deadline - time.monotonic(), 0))
            chunk = os.read(self._answers, 1 << 20) if ready else b""
            assert chunk, f"no answer from {CHROMIUM}"
            self._buffer += chunk
        message, self._buffer = self._buffer.split(b"\0", 1)
        answer: dict[str, Any] = json.loads(message)
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for descriptor in (self._requests, self._answers):
            os.close(descriptor)
        # Chromium ends when its pipe does.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=10)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def browser_or_skip(profile: Path) -> Iterator[Browser]:
    """A browser for a fixture to give, where there is one."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with Browser(profile) as browser:
        yield browser
