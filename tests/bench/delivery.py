"""What is measured of delivery; as elsewhere, what is compared takes turns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import TypeVar

from bot.domain.events import EventType
from tests.bench.load import ask, drive
from tests.bench.measure import Measured, Sample
from tests.bench.post_office import IN_FLIGHT, RECEIVERS, PostOffice, post_office, request
from tests.bench.readers import all_got, reading
from tests.bench.servers import Cores, Server
from tests.bench.traffic import record_id

T = TypeVar("T")
Load = tuple[str, Server, Callable[[], Awaitable[None]]]

ONE, THREE, UNADDRESSED = EventType.NOTE_ADDED, EventType.RECORD_UPDATED, EventType.CHAT_RENAMED
PACED = THREE
ARRIVALS = 3_000
"""Of each delivery, at all receivers together."""
PACE = 1_000
"""Events that are delivered in a second while unfurls are timed: the receivers answer no more."""
UNFURLING = 1.5
"""Seconds that unfurls are timed for."""
SWING = 0.2
"""Seconds of delivery before they are."""
INTERVAL = 0.01
"""Seconds from one unfurl to the next: so few that they are no load."""
NOTES = 40
READERS = 50
STREAMED = 1_000
"""Events, to each reader."""


async def deliver(folder: Path, cores: Cores, measured: Measured, *, rounds: int, say: Callable[[str], None]) -> None:
    """Run everything.

    Args:
        folder: for the database and logs; on a disk, since the product's writes wait for it.
    """
    async with post_office(folder, cores) as office:
        for kind in (ONE, THREE):  # warm up; the bare loop tells what the product told before
            for _, _, work in _loads(office, kind):
                await work()
        for number in range(rounds):
            say(f"delivery, round {number + 1} of {rounds}: to one receiver, to three, and beside unfurls")
            for kind in (ONE, THREE):
                for what, server, work in _turned(_loads(office, kind), number):
                    measured.samples.setdefault((what, IN_FLIGHT * RECEIVERS[kind]), []).append(
                        await _timed(office, server, work)
                    )
            for measure in _turned([_unfurl, _unfurl_beside], number):
                await measure(office, measured)
        say("notes, one after the other, and live streams")
        await _note(office, measured)
        for _ in range(rounds):
            await _stream(office, measured)


def _turned(order: Sequence[T], number: int) -> Sequence[T]:
    """Who was last in one round is first in the next."""
    return order if number % 2 == 0 else order[::-1]


def _loads(office: PostOffice, kind: EventType) -> list[Load]:
    async def tell() -> None:
        await office.owe(kind, ARRIVALS // RECEIVERS[kind])
        await office.told(kind, ARRIVALS // RECEIVERS[kind])

    async def post() -> None:
        await office.post(kind)

    return [("delivery", office.product, tell), ("posting", office.poster, post)]


async def _timed(office: PostOffice, server: Server, work: Callable[[], Awaitable[None]]) -> Sample:
    """From the first arrival to the last; processor time from the beginning to the end."""
    cpu = server.cpu_seconds()
    await work()
    cpu = None if cpu is None else (server.cpu_seconds() or 0.0) - cpu
    receivers = office.receivers
    return Sample(
        rate=receivers.count / receivers.elapsed,
        p50=None,
        cpu=None if cpu is None else cpu / receivers.count * 1000,
        busy=receivers.processor / receivers.elapsed,
    )


async def _unfurl(office: PostOffice, measured: Measured) -> None:
    run = await drive(office.product.port, office.links(), in_flight=1, seconds=UNFURLING, interval=INTERVAL)
    measured.beside[False].append(run)


async def _unfurl_beside(office: PostOffice, measured: Measured) -> None:
    """The same while events are delivered."""
    receivers, count = office.receivers, round(PACE * (UNFURLING + SWING + 0.5)) // RECEIVERS[PACED]
    receivers.pace = PACE
    await office.owe(PACED, count)
    await receivers.wait_for(round(PACE * SWING))
    before, started = receivers.count, perf_counter()
    run = await drive(office.product.port, office.links(), in_flight=1, seconds=UNFURLING, interval=INTERVAL)
    measured.delivered.append((receivers.count - before) / (perf_counter() - started))
    measured.beside[True].append(run)
    receivers.pace = None
    await office.told(PACED, count)


async def _note(office: PostOffice, measured: Measured) -> None:
    """From the answer to a note until a receiver has it, when there is nothing else to do."""
    for number in range(NOTES):
        office.receivers.clear()
        note = request("POST", f"/api/v1/records/account/{record_id(number)}/timeline", {"text": f"Note {number}"})
        await ask(office.product.port, note, status=201)
        answered = perf_counter()
        await office.receivers.wait_for(1)
        measured.told.append(office.receivers.arrivals[0][0].at - answered)


async def _stream(office: PostOffice, measured: Measured) -> None:
    async with reading(office.product.port, request("GET", "/api/v1/events/stream"), READERS) as readers:
        await office.owe(UNADDRESSED, STREAMED)
        measured.streamed.append(STREAMED / await all_got(readers, STREAMED))
