"""Readers of a live stream of events that cost little: raw HTTP/1.1, and what they got is looked at afterwards."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from time import perf_counter

from tests.bench.receivers import GLANCE, LONGEST_WAIT, WrongDelivery

_FRAME = b"\ndata: "
_IDS = re.compile(rb"\nid: (.+)" + _FRAME)


class Reader(asyncio.Protocol):
    """One connection.

    Attributes:
        count: events so far.
        first, last: when the first and the latest came, seconds by `perf_counter`.
    """

    def __init__(self, request: bytes) -> None:
        self.count = 0
        self.first = self.last = 0.0
        self._request = request
        self._got: list[bytes] = []
        self._end = b""

    @property
    def open(self) -> bool:
        return bool(self._got)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._got.append(data)
        data = self._end + data
        self._end = data[1 - len(_FRAME) :]
        if frames := data.count(_FRAME):
            self.last = perf_counter()
            self.first = self.first or self.last
            self.count += frames

    def check(self, count: int) -> None:
        """See that it got so many events, each once.

        Raises:
            WrongDelivery: it did not.
        """
        ids = _IDS.findall(b"".join(self._got))
        if len(ids) != count or len(set(ids)) != count:
            raise WrongDelivery(f"Of {count} events a reader got {len(set(ids))}, in {len(ids)} frames.")


async def all_got(readers: Sequence[Reader], count: int) -> float:
    """Wait until each reader got so many events. Returns the seconds from the first arrival to the last.

    Raises:
        WrongDelivery: one did not get them, or one of them twice.
    """
    await _until(lambda: all(reader.count >= count for reader in readers))
    for reader in readers:
        reader.check(count)
    return max(reader.last for reader in readers) - min(reader.first for reader in readers)


async def _until(reached: Callable[[], bool]) -> None:
    until = perf_counter() + LONGEST_WAIT
    while not reached():
        if perf_counter() > until:
            raise WrongDelivery("A reader of a stream of events waits in vain.")
        await asyncio.sleep(GLANCE)


@asynccontextmanager
async def reading(port: int, request: bytes, count: int) -> AsyncIterator[list[Reader]]:
    """So many readers, all of them connected, until the block ends.

    Raises:
        WrongDelivery: one was not answered.
    """
    loop, transports, readers = asyncio.get_running_loop(), [], []
    try:
        for _ in range(count):
            transport, reader = await loop.create_connection(lambda: Reader(request), "127.0.0.1", port)
            transports.append(transport)
            readers.append(reader)
        await _until(lambda: all(reader.open for reader in readers))
        yield readers
    finally:
        for transport in transports:
            transport.close()
