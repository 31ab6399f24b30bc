"""A client that costs little: raw HTTP/1.1 on kept connections, sending bytes that were built before."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter

LONGEST_ANSWER = 30.0
"""Seconds to wait for the last answers; who needs longer is broken, not slow."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class LoadFailed(Exception):
    """A server answered something else than 200, or went away."""


@dataclass(slots=True)
class Run:
    """What one load showed.

    Attributes:
        latencies: seconds from each request to its whole answer.
        elapsed: seconds from the first request to the last answer.
    """

    latencies: list[float] = field(default_factory=list)
    elapsed: float = 0.0

    @property
    def count(self) -> int:
        return len(self.latencies)

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.count / self.elapsed

    @property
    def p50(self) -> float:
        return median(self.latencies)

    @property
    def p99(self) -> float:
        return sorted(self.latencies)[int(self.count * 0.99)]


async def drive(
    port: int, requests: Iterator[bytes], *, in_flight: int, seconds: float = 3600.0, interval: float = 0.0
) -> Run:
    """Send requests until they or the time run out; without a time they must have an end.

    Args:
        in_flight: connections; each sends its next request when the last one is answered.
        interval: seconds a connection lets pass from one request to the next, where the answer is quicker than that.

    Raises:
        LoadFailed: an answer was not 200, or did not come.
    """
    loop, run = asyncio.get_running_loop(), Run()
    started = perf_counter()
    connections = []
    for _ in range(in_flight):
        connection = _Connection(requests, run.latencies, until=started + seconds, interval=interval)
        await loop.create_connection(lambda connection=connection: connection, "127.0.0.1", port)
        connections.append(connection)
    try:
        async with asyncio.timeout(seconds + LONGEST_ANSWER):
            await asyncio.gather(*(connection.ended for connection in connections))
    except TimeoutError:
        raise LoadFailed(f"an answer took longer than {LONGEST_ANSWER:.0f} seconds") from None
    finally:
        for connection in connections:
            connection.close()
    run.elapsed = perf_counter() - started
    return run


class _Connection(asyncio.Protocol):
    """One request in flight."""

    def __init__(self, requests: Iterator[bytes], latencies: list[float], *, until: float, interval: float) -> None:
        self._requests = requests
        self._latencies = latencies
        self._until = until
        self._interval = interval
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._answer = b""
        self._sent = 0.0
        self.ended: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def _send(self) -> None:
        request = next(self._requests, None) if perf_counter() < self._until else None
        if request is None or self._transport is None:
            self._end(None)
            return
        self._sent = perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        answer = self._answer = self._answer + data if self._answer else data
        head = answer.find(b"\r\n\r\n")
        if head < 0:
            return
        length = _LENGTH.search(answer, 0, head)
        if not answer.startswith(b"HTTP/1.1 200") or length is None:
            self._end(LoadFailed(f"a request was answered {answer[:500]!r}"))
            return
        if len(answer) < head + 4 + int(length[1]):
            return
        self._answer = b""
        now = perf_counter()
        self._latencies.append(now - self._sent)
        wait = self._sent + self._interval - now
        if self._interval and wait > 0:
            self._loop.call_later(wait, self._send)
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._end(LoadFailed("a server closed the connection"))

    def _end(self, error: LoadFailed | None) -> None:
        if self.ended.done():
            return
        if error is None:
            self.ended.set_result(None)
        else:
            self.ended.set_exception(error)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


async def ask(port: int, request: bytes, *, status: int = 200) -> bytes:
    """The body of one answer, which must have this status."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(LONGEST_ANSWER):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            if not head.startswith(b"HTTP/1.1 %d" % status) or length is None:
                raise LoadFailed(f"a request was answered {head!r}")
            return await reader.readexactly(int(length[1]))
    finally:
        writer.close()
