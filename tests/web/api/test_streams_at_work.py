"""Streams while twenty write and fifty listen, come and go: nothing is missed, nothing comes twice, all is in order."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import Counter
from contextlib import aclosing
from dataclasses import dataclass, field

import pytest
from aiohttp import ClientSession, StreamReader, TCPConnector

from bot.domain.records import RecordId
from bot.ports import Transaction
from tests.store.examples import noted
from tests.web.api.conftest import Api, serving
from tests.web.api.event_source import listening

SEED = 20261123
RECORDS = [RecordId("account", f"A-{number}") for number in range(20)]
KEEP = 500
"""Events a server keeps in memory: few, so that listeners fall behind them all the time."""
POLLERS = 5
TOGETHER = 10
"""Events in one transaction, at most."""
WITHIN_S = 400

_EVENT = re.compile(rb'id: (\S+)\ndata: \{"id":"(\w+)"')


@dataclass(slots=True)
class Listener:
    """Somebody who hears events. `heard`: their ids, in the order they came; `cuts`: how often the connection broke."""

    heard: list[str] = field(default_factory=list)
    cuts: int = 0
    _last_id: str = ""

    async def follow(self, api: Api, path: str, expected: int, *, http: ClientSession, chance: random.Random) -> None:
        """Follow from the first event until so many were heard, and come back whenever the connection breaks."""
        while len(self.heard) < expected:
            how = {"Last_Event_ID": self._last_id} if self._last_id else {}
            async with listening(api, path if how else f"{path}?after=0", http=http, **how) as stream:
                await self._take(stream.response.content, chance.choice((1, 3, 10, 100)), expected, chance)
                stream.response.close()
            self.cuts += 1
            await asyncio.sleep(chance.uniform(0, 0.2))

    async def _take(self, content: StreamReader, pieces: int, expected: int, chance: random.Random) -> None:
        """Take so many pieces, cut anywhere; one in five times slowly. An event that did not come whole is lost."""
        slow, half = chance.random() < 0.2, b""
        while pieces and len(self.heard) < expected:
            whole, end, half = (half + await content.read(chance.randint(1, 200_000))).rpartition(b"\n\n")
            events = _EVENT.findall(whole + end)
            self.heard += [event.decode() for _, event in events]
            self._last_id = events[-1][0].decode() if events else self._last_id
            pieces -= 1
            await asyncio.sleep(chance.uniform(0, 0.1) if slow else 0)

    async def poll(self, api: Api, expected: int, *, chance: random.Random) -> None:
        """Ask for page after page of the feed until so many were heard."""
        after = ""
        while len(self.heard) < expected:
            page = (await api.ask("GET", f"/events?limit={chance.choice((7, 100, 1000))}{after}")).json
            after = f"&after={page['next']}"
            self.heard += [event["id"] for event in page["events"]]
            await asyncio.sleep(chance.uniform(0, 0.1))

    def compare(self, happened: list[str]) -> tuple[int, int, bool]:
        """How many events were missed, how many came twice, and whether they came in the order they happened."""
        heard, true = Counter(self.heard), Counter(happened)
        return sum((true - heard).values()), sum((heard - true).values()), self.heard == happened


async def write(api: Api, records: list[RecordId], chance: random.Random) -> None:
    """Add an event to each of these, several in a transaction."""
    while records:
        count = chance.randint(1, TOGETHER)
        together, records = sorted(records[:count], key=str), records[count:]

        def work(tx: Transaction, together: list[RecordId] = together) -> None:
            for record in together:
                tx.add_event(noted(record, text="Credit approved", by="Megan Bowen"))

        await api.store.write(work)


async def truth(api: Api) -> dict[RecordId | None, list[str]]:
    """The ids of each record's events, whose `seq` have no gaps, and under None of all, in the order of the feed."""
    feed = [event for _, event in await api.store.read(lambda tx: tx.feed(after=0, limit=1_000_000))]
    found: dict[RecordId | None, list[str]] = {None: [event.id for event in feed]}
    for record in RECORDS:
        events = [event for event in feed if event.fact.record == record]
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        found[record] = [event.id for event in events]
    return found


async def write_and_listen(writing: Api, reading: Api, *, writers: int, each: int, listeners: int) -> None:
    """Write at one server and listen at another (or the same), until everybody has heard everything.

    `listeners` hear all events, and for each record there is one more.
    """
    chance, begun = random.Random(SEED), time.perf_counter()
    plans = [RECORDS, *(chance.choices(RECORDS, k=each) for _ in range(writers))]
    expected = Counter(record for plan in plans for record in plan)
    of_all, polling = [Listener() for _ in range(listeners)], [Listener() for _ in range(POLLERS)]
    of_record = {record: Listener() for record in RECORDS}
    await write(writing, plans[0], chance)  # each record is there now, and can be followed
    async with (
        asyncio.timeout(WITHIN_S),
        ClientSession(connector=TCPConnector(limit=0, force_close=True)) as http,
        asyncio.TaskGroup() as everybody,
    ):
        for plan in plans[1:]:
            everybody.create_task(write(writing, plan, chance))
        for listener in of_all:
            follow = listener.follow(reading, "/events/stream", expected.total(), http=http, chance=chance)
            everybody.create_task(follow)
        for record, listener in of_record.items():
            path = f"/records/account/{record.id}/timeline/stream"
            everybody.create_task(listener.follow(reading, path, expected[record], http=http, chance=chance))
        for listener in polling:
            everybody.create_task(listener.poll(reading, expected.total(), chance=chance))
    listened = [(None, listener) for listener in (*of_all, *polling)] + list(of_record.items())
    happened = await truth(writing)
    results = [listener.compare(happened[what]) for what, listener in listened]
    print(
        f"\nseed={SEED} n={expected.total()} events x {len(listened)} listeners in {time.perf_counter() - begun:.0f} s "
        f"cuts={sum(listener.cuts for _, listener in listened)} missed={sum(missed for missed, _, _ in results)} "
        f"doubled={sum(doubled for _, doubled, _ in results)} out of order={sum(not order for *_, order in results)}"
    )
    assert set(results) == {(0, 0, True)}


@pytest.mark.long
async def test_fifty_listeners_hear_all_that_twenty_write_once_and_in_order(sqlite_url: str) -> None:
    async with aclosing(serving(sqlite_url, keep=KEEP)) as servers:
        api = await anext(servers)
        await write_and_listen(api, api, writers=20, each=1000, listeners=30)


async def test_what_is_written_at_one_replica_is_heard_at_the_other_once_and_in_order(postgres_url: str) -> None:
    async with aclosing(serving(postgres_url)) as one, aclosing(serving(postgres_url, keep=KEEP)) as other:
        await write_and_listen(await anext(one), await anext(other), writers=20, each=100, listeners=10)
