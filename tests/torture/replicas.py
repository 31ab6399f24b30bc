"""Two replicas on one database, one of them stopped for a while, the other killed, while events stream to receivers."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from aiohttp import ClientSession

from bot.domain.events import EventType, Fact
from bot.domain.records import RecordId
from bot.ports import Transaction
from bot.store.store import SqlStore, open_store
from bot.wiring import system_clock
from tests.fakes.receiver import Fault
from tests.program import Program, start_program
from tests.torture.forked import forked
from tests.torture.report import Report
from tests.torture.witness import Books, Place, Witness, read_books

TENANT = "demo"
RECEIVERS = 3
SLOW, SLUGGISH = Fault(delay=2.0), Fault(delay=0.05)
"""What the last of the receivers takes over each event: until a replica is stopped or killed, so that both have all
their hands full at that moment; and at other times. The first receivers are quick."""
IN_FLIGHT_S = 2.5
"""So long after a replica was stopped what it had sent may still be taken."""
TAKEOVER_S = 10.0
HELD_S = 4.0
"""What goes on later than this had to wait for a lease of the other replica to run out."""
BATCH = 10
ALL_WITHIN_S, SETTLED_WITHIN_S = 60.0, 30.0


@asynccontextmanager
async def running_replicas(folder: Path, database_url: str) -> AsyncIterator[tuple[Program, Program]]:
    """Two programs, started at the same moment."""
    environment = {"DATABASE_URL": database_url}
    async with AsyncExitStack() as stack:
        programs = []
        for name in ("a", "b"):
            (folder / name).mkdir()
            program = await start_program(folder / name, environment, "--demo", spawn=forked)
            stack.push_async_callback(program.kill)
            programs.append(program)
        first, second = programs
        await asyncio.gather(first.ready(), second.ready())
        yield first, second


@dataclass(slots=True)
class Writer:
    """Adds events to `records` records, a few in each transaction.

    Attributes:
        written: each event with the second (`time.monotonic`) at which it was on disk.
    """

    store: SqlStore
    chance: random.Random
    records: int
    written: list[tuple[float, Place]] = field(default_factory=list)

    async def write(self, count: int, *, seconds: float) -> None:
        """`count` events, spread over so many seconds; at once if they are 0."""
        begin = time.monotonic()
        for done in range(0, count, BATCH):
            await asyncio.sleep(max(0.0, begin + seconds * done / count - time.monotonic()))
            records = [f"T-{self.chance.randrange(self.records)}" for _ in range(min(BATCH, count - done))]

            def work(tx: Transaction, records: list[str] = records) -> list[Place]:
                return [_add(tx, record) for record in records]

            places = await self.store.write(work)
            now = time.monotonic()
            self.written += [(now, place) for place in places]


def _add(tx: Transaction, record: str) -> Place:
    fact = Fact(type=EventType.NOTE_ADDED, record=RecordId("account", record), data={"text": f"of {record}"})
    return f"account/{record}", tx.add_event(fact).seq


@dataclass(frozen=True, slots=True)
class Incident:
    """A replica was stopped or killed. `at`: the second; `seen_until`: until when its consequences can show."""

    name: str
    at: float
    seen_until: float


async def run_replicas(
    folder: Path,
    database_url: str,
    *,
    events: int,
    records: int,
    stopped_s: float,
    seed: int,
    patience_s: float = 0.0,
) -> Report:
    """Write `events` events, stop one replica for `stopped_s` seconds, kill the other: what did the receivers get?

    `patience_s`: so much longer than promised may anything take.
    """
    report, chance = Report("replicas", seed), random.Random(seed)
    async with AsyncExitStack() as stack:
        witnesses = [await stack.enter_async_context(Witness()) for _ in range(RECEIVERS)]
        first, second = await stack.enter_async_context(running_replicas(folder, database_url))
        await _subscribe(first, witnesses)
        store = open_store(database_url, tenant=TENANT, clock=system_clock)
        await store.start()
        stack.push_async_callback(store.close)
        writer = Writer(store, chance, records)
        with report.noted():
            incidents = await _disturb(writer, witnesses[-1], first, second, events=events, stopped_s=stopped_s)
            for witness in witnesses:
                with suppress(AssertionError):  # what did not come is counted
                    await witness.take(events, within=ALL_WITHIN_S)
            books = await _settled(database_url)
    _count(report, writer, witnesses)
    report.rule("waiting", books.owed)
    report.rule("parked", books.parked)
    for incident in incidents:
        _measure(report, incident, writer, witnesses, TAKEOVER_S + patience_s)
    _check_repeats(report, incidents, witnesses, IN_FLIGHT_S + patience_s)
    return report


async def _subscribe(program: Program, witnesses: list[Witness]) -> None:
    async with ClientSession(headers={"Authorization": "Bearer demo"}) as http:
        for witness in witnesses:
            async with http.post(f"{program.base}/api/v1/webhooks", json=witness.webhook) as response:
                assert response.status == 201, await response.text()


async def _disturb(
    writer: Writer, slow: Witness, first: Program, second: Program, *, events: int, stopped_s: float
) -> tuple[Incident, Incident]:
    """A third of the events are written right before the first replica is stopped, a fourth before the second dies."""
    slow.always = SLOW
    await writer.write(events // 3, seconds=0)
    await asyncio.sleep(writer.chance.uniform(0, 0.2))
    first.pause()
    stopped, slow.always = time.monotonic(), SLUGGISH
    await writer.write(events // 4, seconds=stopped_s)
    first.resume()
    resumed, slow.always = time.monotonic(), SLOW
    await asyncio.sleep(writer.chance.uniform(1, 2))
    await writer.write(events // 4, seconds=0)
    await asyncio.sleep(writer.chance.uniform(0, 0.2))
    await second.kill()
    killed, slow.always = time.monotonic(), SLUGGISH
    await writer.write(events - len(writer.written), seconds=TAKEOVER_S)
    return Incident("the stop", stopped, resumed), Incident("the kill", killed, time.monotonic())


async def _settled(database_url: str) -> Books:
    """The books, once nothing waits any more, or after so long that what still waits is a fault."""
    until = time.monotonic() + SETTLED_WITHIN_S
    while True:
        books = await asyncio.to_thread(read_books, database_url)
        if not books.waiting or time.monotonic() > until:
            return books
        await asyncio.sleep(0.1)


def _count(report: Report, writer: Writer, witnesses: list[Witness]) -> None:
    written = {place for _, place in writer.written}
    report.measured["n"] = f"{len(written)} events x {len(witnesses)} receivers"
    for number, witness in enumerate(witnesses, 1):
        report.rule("lost", (f"receiver {number} {place}" for place in written - witness.places))
        report.rule("made up", (f"receiver {number} {place}" for place in witness.places - written))
        report.rule("inversions", (f"receiver {number} {place}" for place in [*witness.inversions, *witness.stale]))
        report.rule("refused", (f"receiver {number} {problem}" for problem in witness.problems))


def _measure(report: Report, incident: Incident, writer: Writer, witnesses: list[Witness], within_s: float) -> None:
    """How long after it the streams that had something waiting went on, and the quick receivers heard nothing."""
    in_doubt_until = incident.at + IN_FLIGHT_S
    waits = [wait for witness in witnesses for wait in _waits(in_doubt_until, writer, witness)]
    after = [IN_FLIGHT_S + wait for wait in waits]
    taken_over = [seconds for seconds in after if seconds > HELD_S]
    pauses = [
        later - earlier
        for witness in witnesses[:-1]
        for earlier, later in pairwise(at for at, _ in witness.taken)
        if incident.at < later and earlier < incident.seen_until
    ]
    report.measured |= {
        f"taken over after {incident.name}": f"{len(taken_over)} of {len(waits)} streams",
        f"takeover after {incident.name}": f"{max(after, default=0):.1f} s",
        f"longest pause after {incident.name}": f"{max(pauses, default=0):.1f} s",
    }
    report.rule("late takeovers", (f"{incident.name} {seconds:.1f} s" for seconds in after if seconds > within_s))
    report.rule("long pauses", (f"{incident.name} {pause:.1f} s" for pause in pauses if pause > within_s))
    report.rule("nothing to take over", [] if taken_over else [incident.name])


def _waits(moment: float, writer: Writer, witness: Witness) -> Iterator[float]:
    """For each record with an event on disk that the receiver does not have at `moment`: seconds until it gets one."""
    had = {(arrival.subject, arrival.seq) for at, arrival in witness.taken if at <= moment}
    waiting = {place[0] for at, place in writer.written if at <= moment and place not in had}
    for at, arrival in witness.taken:
        if at > moment and arrival.subject in waiting:
            waiting.remove(arrival.subject)
            yield at - moment


def _check_repeats(
    report: Report, incidents: tuple[Incident, ...], witnesses: list[Witness], in_flight_s: float
) -> None:
    """Only what was being sent when a replica was stopped or killed may come again, once a stream, and says so."""
    explained: Counter[tuple[str, int, str]] = Counter()
    for number, witness in enumerate(witnesses, 1):
        first: dict[str, float] = {}
        for at, arrival in witness.taken:
            before = first.setdefault(arrival.id, at)
            if before == at:
                continue
            causes = [one.name for one in incidents if before <= one.at + in_flight_s and at > one.at]
            place = f"receiver {number} {arrival.subject} {arrival.seq}, attempt {arrival.attempt}, {at - before:.1f} s"
            report.rule("doubled", [] if causes else [place])
            report.rule("unflagged", [place] if arrival.attempt == 1 else [])
            explained.update((cause, number, arrival.subject) for cause in causes[-1:])
    for incident in incidents:
        again = [key for key in explained if key[0] == incident.name]
        report.measured[f"told again after {incident.name}"] = len(again)
    report.rule("doubled", (f"{key} {count} times" for key, count in explained.items() if count > 1))
