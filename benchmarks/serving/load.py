"""A bounded load of HTTP: so many connections, each with one request under way, for so many seconds. Standard library alone."""

from __future__ import annotations

import asyncio
import json
import sys
import time

_HEAD_ENDS = b"\r\n\r\n"


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> int:
    writer.write(request)
    head = await reader.readuntil(_HEAD_ENDS)
    lowered = head.lower()
    length = int(lowered.partition(b"content-length:")[2].partition(b"\r\n")[0])
    await reader.readexactly(length)
    return int(head.split(b" ", 2)[1])


async def _client(port: int, request: bytes, until: float, taken: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (begun := time.perf_counter()) < until:
        status = await _ask(reader, writer, request)
        if status != 200:
            raise SystemExit(f"answered {status}")
        taken.append(time.perf_counter() - begun)
    writer.close()


async def _load(port: int, path: str, body: bytes, connections: int, seconds: float) -> dict[str, float]:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    request = head.encode() + body
    warm: list[float] = []
    await asyncio.gather(*(_client(port, request, time.perf_counter() + 0.5, warm) for _ in range(connections)))
    taken: list[float] = []
    begun = time.perf_counter()
    await asyncio.gather(*(_client(port, request, begun + seconds, taken) for _ in range(connections)))
    took = time.perf_counter() - begun
    taken.sort()
    return {
        "throughput": len(taken) / took,
        "p50": taken[len(taken) // 2],
        "p99": taken[min(len(taken) - 1, int(len(taken) * 0.99))],
    }


if __name__ == "__main__":
    port, path, body_file, connections, seconds = sys.argv[1:]
    with open(body_file, "rb") as file:  # noqa: PTH123  # One import less.
        body = file.read()
    print(json.dumps(asyncio.run(_load(int(port), path, body, int(connections), float(seconds)))))
