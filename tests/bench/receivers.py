"""Receivers of webhooks that cost little: raw HTTP/1.1, and what arrived is kept to be looked at afterwards."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter

from standardwebhooks import Webhook, WebhookVerificationError

LONGEST_WAIT = 20.0
"""Seconds from one arrival to the next; who needs longer is broken, not slow."""
GLANCE = 0.005
"""Seconds from one look at the count to the next."""
SAMPLED = 50
"""Of so many requests one signature is verified."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"


class WrongDelivery(Exception):
    """What arrived is not what was owed: an event is missing, doubled, out of order or badly signed."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request as it came. `at`: seconds by `perf_counter`, when its last byte was there."""

    at: float
    head: bytes
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


class Receivers:
    """Some receivers in this process, each on a port of its own.

    Attributes:
        urls: one a receiver.
        arrivals: of each receiver, since the last `clear`; count: of all of them.
        pace: how many requests all of them together answer in a second; None: each at once.
        processor: seconds of processor time that this process took from the first arrival to the last awaited one.
    """

    def __init__(self) -> None:
        self.urls: list[str] = []
        self.arrivals: list[list[Arrival]] = []
        self.count = 0
        self.pace: float | None = None
        self.processor = 0.0
        self._next_answer = 0.0
        self._processor_before = 0.0

    def clear(self) -> None:
        self.count = 0
        for arrivals in self.arrivals:
            arrivals.clear()

    @property
    def elapsed(self) -> float:
        """Seconds from the first arrival to the last."""
        times = [arrival.at for arrivals in self.arrivals for arrival in arrivals]
        return max(times) - min(times)

    async def wait_for(self, count: int) -> None:
        """Until so many requests arrived.

        Raises:
            WrongDelivery: for a long time none came.
        """
        seen, last = -1, perf_counter()
        while self.count < count:
            if seen != self.count:
                seen, last = self.count, perf_counter()
            elif perf_counter() > last + LONGEST_WAIT:
                raise WrongDelivery(f"{count} requests were owed, but after the first {seen} no more came.")
            await asyncio.sleep(GLANCE)
        self.processor = time.process_time() - self._processor_before

    def take(self, receiver: int, arrival: Arrival) -> float:
        """Keep what arrived. Returns when to answer it, by the loop's clock; 0 for at once."""
        if not self.count:
            self._processor_before = time.process_time()
        self.count += 1
        self.arrivals[receiver].append(arrival)
        if self.pace is None:
            return 0.0
        self._next_answer = max(self._next_answer + 1 / self.pace, asyncio.get_running_loop().time())
        return self._next_answer


class _Connection(asyncio.Protocol):
    """A sender's connection: one request after the other."""

    def __init__(self, receivers: Receivers, number: int) -> None:
        self._receivers = receivers
        self._number = number
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def data_received(self, data: bytes) -> None:
        data = self._data = self._data + data if self._data else data
        head = data.find(b"\r\n\r\n")
        length = _LENGTH.search(data, 0, head + 2) if head >= 0 else None
        if length is None or len(data) < (end := head + 4 + int(length[1])):
            return
        self._data = data[end:]
        due = self._receivers.take(self._number, Arrival(perf_counter(), data[:head], data[head + 4 : end]))
        if due:
            self._loop.call_at(due, self._answer)
        else:
            self._answer()

    def _answer(self) -> None:
        if self._transport is not None:
            self._transport.write(_TAKEN)


@asynccontextmanager
async def receiving(count: int) -> AsyncIterator[Receivers]:
    """`count` receivers on loopback, until the block ends."""
    receivers, loop, servers = Receivers(), asyncio.get_running_loop(), []
    try:
        for number in range(count):
            server = await loop.create_server(lambda number=number: _Connection(receivers, number), "127.0.0.1", 0)
            servers.append(server)
            receivers.arrivals.append([])
            receivers.urls.append(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook")
        yield receivers
    finally:
        for server in servers:
            server.close()


def check(arrivals: Sequence[Arrival], owed: Mapping[str, Sequence[int]], secret: str) -> None:
    """See that one receiver got what it was owed.

    Args:
        owed: the `seq` of the events by subject (`type/id`), in order.

    Raises:
        WrongDelivery: it did not.
    """
    told: dict[str, list[int]] = {}
    for arrival in arrivals:
        event = json.loads(arrival.body)
        told.setdefault(event["subject"], []).append(int(event["sequence"]))
    for subject in owed.keys() | told.keys():
        expected, got = list(owed.get(subject, ())), told.get(subject, [])
        if got != expected:
            raise WrongDelivery(f"Of {subject} the events {expected} were owed in this order, but {got} arrived.")
    verifier = Webhook(secret)
    for arrival in arrivals[::SAMPLED]:
        try:
            verifier.verify(arrival.body, arrival.headers)
        except WebhookVerificationError as error:
            raise WrongDelivery(f"A signature is wrong ({error}): {arrival.head!r}") from None
