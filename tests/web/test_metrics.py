"""What a scrape tells: gauges of the database, and what the parts count."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from bot.domain.deliveries import OutboxStatus
from bot.errors import Unavailable
from bot.web import health, metrics
from bot.web.metrics import CONNECTOR, Metrics, Sources
from tests.waiting import LIMIT, Gate, until
from tests.world import BOT, GROUP, World

NOW = 1_795_372_200_000_000
STATUS = {
    "chat": OutboxStatus(waiting=2, parked=1, oldest=NOW - 90_500_000),
    "webhook": OutboxStatus(waiting=0, parked=3),
}

Ask = Callable[[], Awaitable[Mapping[str, OutboxStatus]]]


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Each sample's value by its name and the values of its labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def scrape(sources: Sources) -> dict[tuple[str, ...], float]:
    return samples((await Metrics(sources).scrape()).decode())


async def nothing() -> Mapping[str, OutboxStatus]:
    return {}


async def known() -> Mapping[str, OutboxStatus]:
    return STATUS


async def test_what_waits_its_age_and_what_was_given_up_is_told_by_kind_of_destination() -> None:
    told = await scrape(Sources(outbox=known, clock=lambda: NOW))
    assert told["connect_chats_store_up",] == 1
    assert told["connect_chats_outbox_waiting", "chat"] == 2
    assert told["connect_chats_outbox_oldest_seconds", "chat"] == 90.5
    assert told["connect_chats_outbox_parked", "chat"] == 1
    assert told["connect_chats_outbox_waiting", "webhook"] == 0
    assert told["connect_chats_outbox_oldest_seconds", "webhook"] == 0
    assert told["connect_chats_outbox_parked", "webhook"] == 3


async def test_a_clock_that_is_behind_the_writers_makes_no_negative_age() -> None:
    told = await scrape(Sources(outbox=known, clock=lambda: NOW - 3_600_000_000))
    assert told["connect_chats_outbox_oldest_seconds", "chat"] == 0


async def test_what_the_parts_count_is_told_as_it_is_at_the_scrape() -> None:
    attempts: Counter[tuple[str, str]] = Counter()
    connector: Counter[str] = Counter()
    readers = [0, 0]
    measured = Metrics(
        Sources(
            outbox=nothing,
            clock=lambda: NOW,
            attempts=lambda: attempts,
            connector=lambda: connector,
            readers=lambda: readers[0],
            dropped=lambda: readers[1],
        )
    )
    told = samples((await measured.scrape()).decode())
    assert all(told[f"connect_chats_connector_{name}_total",] == 0 for name in CONNECTOR)
    attempts["webhook", "delivered"] += 5
    connector["throttled"] += 2
    readers[:] = 7, 1
    told = samples((await measured.scrape()).decode())
    assert told["connect_chats_outbox_attempts_total", "webhook", "delivered"] == 5
    assert told["connect_chats_connector_throttled_total",] == 2
    assert told["connect_chats_stream_readers",] == 7
    assert told["connect_chats_stream_readers_dropped_total",] == 1


async def down() -> Mapping[str, OutboxStatus]:
    raise Unavailable("The database does not answer. Try again in a moment.")


async def silent() -> Mapping[str, OutboxStatus]:
    await asyncio.sleep(60)
    raise AssertionError("nobody waits so long")


async def broken() -> Mapping[str, OutboxStatus]:
    raise RuntimeError("no such table")


@pytest.mark.parametrize("ask", [down, silent, broken])
async def test_without_the_database_the_rest_is_told_and_its_gauges_are_missing_not_old(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "PATIENCE", 0.1)
    asked = [known, ask]

    async def then() -> Mapping[str, OutboxStatus]:
        return await asked.pop(0)()

    measured = Metrics(Sources(outbox=then, clock=lambda: NOW, readers=lambda: 7))
    assert ("connect_chats_outbox_waiting", "chat") in samples((await measured.scrape()).decode())
    started = perf_counter()
    told = samples((await measured.scrape()).decode())
    assert perf_counter() - started < LIMIT, "it was not waited for"
    assert told["connect_chats_store_up",] == 0
    assert told["connect_chats_stream_readers",] == 7
    assert not [name for name, *_ in told if name in ("connect_chats_outbox_waiting", "connect_chats_outbox_parked")]


@dataclass(slots=True)
class Slow:
    """A server whose database takes its time, how often it was asked, and how many scrapes came."""

    client: TestClient = field(init=False)
    gate: Gate = field(default_factory=Gate)
    asked: int = 0
    scrapes: int = 0


@pytest.fixture
async def slow() -> AsyncIterator[Slow]:
    slow = Slow()

    async def ask() -> Mapping[str, OutboxStatus]:
        slow.asked += 1
        await slow.gate.passed()
        return STATUS

    @web.middleware
    async def count(request: web.Request, handler: Any) -> web.StreamResponse:
        slow.scrapes += 1
        return await handler(request)

    async def ready() -> None: ...

    app = web.Application(middlewares=[count])
    health.add_routes(app, ready=ready, metrics=Metrics(Sources(outbox=ask, clock=lambda: NOW)))
    async with TestClient(TestServer(app)) as slow.client:
        yield slow


async def test_many_scrapes_at_once_ask_the_database_once(slow: Slow) -> None:
    """Nobody needs a token for a scrape, so it must not be a lever."""

    async def one() -> int:
        async with slow.client.get("/metrics") as response:
            assert b'connect_chats_outbox_waiting{kind="chat"} 2.0' in await response.read()
            return response.status

    scraping = asyncio.gather(*(one() for _ in range(50)))
    await until(lambda: slow.scrapes == 50)
    slow.gate.open()
    assert await scraping == [200] * 50
    assert slow.asked == 1


async def test_a_scraper_that_hangs_up_takes_nothing_from_the_others(slow: Slow) -> None:
    impatient = asyncio.create_task(slow.client.get("/metrics"))
    await until(lambda: slow.scrapes == 1)
    patient = asyncio.create_task(slow.client.get("/metrics"))
    await until(lambda: slow.scrapes == 2)
    impatient.cancel()
    await asyncio.wait([impatient])
    slow.gate.open()
    async with await patient as response:
        assert response.status == 200


async def test_the_running_program_tells_what_waits_what_was_sent_and_how_it_fares_itself(world: World) -> None:
    await world.happens(membersAdded=[BOT])
    await world.api("POST", "/records/account/A-1001/chats", {"chat": GROUP})
    await told_there(world)
    async with world.http.get(f"{world.base}/metrics") as response:
        assert response.status == 200
        told = samples(await response.text())
    assert told["connect_chats_store_up",] == 1
    assert {("connect_chats_outbox_waiting", kind) for kind in ("chat", "webhook")} <= told.keys()
    assert told["connect_chats_connector_sent_total",] == 2, "a welcome, and word of the connection"
    assert told["process_resident_memory_bytes",] > 10_000_000


async def told_there(world: World) -> None:
    await until(lambda: len(world.said_in(GROUP)) == 2)
