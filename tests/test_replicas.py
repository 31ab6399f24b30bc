"""Two processes on one database share the work; what one of them holds when it stops or dies the other takes over."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from alembic import command
from alembic.config import Config
from sqlalchemy import text

import bot.store
from bot.store.engine import open_engines
from bot.store.migrate import VERSIONS
from tests.fakes.connector import FakeConnector
from tests.postgres import Postgres
from tests.program import Program
from tests.torture.replicas import run_replicas, running_replicas
from tests.torture.settings import activity, run_settings
from tests.waiting import LIMIT
from tests.world import ALEX, GROUP

EVENTS, RECORDS, STOPPED_S = 1_500, 100, 12.0
SEED = int(os.environ.get("SEED", "20261122"))

Replicas = tuple[Program, Program]


async def test_one_replica_stopped_and_one_killed_every_event_arrives_once_and_in_order(
    postgres: Postgres, tmp_path: Path, measured: Callable[[object], None]
) -> None:
    """`make torture` does it with 10,000 events, stops the first replica for 30 s, and demands what is promised: that
    the other one takes over within ten seconds. Here other tests may keep both cores busy."""
    report = await run_replicas(
        tmp_path,
        postgres.create(),
        events=EVENTS,
        records=RECORDS,
        stopped_s=STOPPED_S,
        seed=SEED,
        patience_s=10.0,
    )
    measured(report)
    assert report.good, report.explained()


# Settings and activities ---------------------------------------------------------------------------------------------


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession(headers={"Authorization": "Bearer demo"}) as session:
        yield session


@pytest.fixture
async def replicas(postgres: Postgres, tmp_path: Path) -> AsyncIterator[Replicas]:
    async with running_replicas(tmp_path, postgres.create()) as running:
        yield running


@pytest.fixture
async def connector() -> AsyncIterator[FakeConnector]:
    async with FakeConnector(tls=False) as running:
        running.chats = {GROUP: [ALEX.member()]}
        yield running


async def test_a_setting_changed_at_one_replica_is_in_force_at_the_other(
    postgres: Postgres, tmp_path: Path, measured: Callable[[object], None]
) -> None:
    """Within a second, which `make torture` demands; here other tests may keep both cores busy."""
    report = await run_settings(tmp_path, postgres.create(), changes=6, seed=SEED, patience_s=LIMIT)
    measured(report)
    assert report.good, report.explained()


async def test_an_activity_delivered_to_both_replicas_has_one_effect_and_one_answer(
    replicas: Replicas, http: ClientSession, connector: FakeConnector
) -> None:
    async def deliver(program: Program, message: dict[str, Any]) -> int:
        async with http.post(f"{program.base}/api/messages", json=message) as response:
            return response.status

    said = ["connect A-1001", *(f"note number {number}" for number in range(5))]
    for number, words in enumerate(said):
        message = activity(connector, "message", str(number), text=words)
        assert await asyncio.gather(*(deliver(replica, message) for replica in replicas * 2)) == [200] * 4
    async with http.get(f"{replicas[0].base}/api/v1/records/account/A-1001/timeline") as response:
        events = [event["type"] for event in (await response.json())["events"]]
    assert events == ["record.created", "chat.connected", *["note.added"] * 5]
    assert len(connector.messages[GROUP]) == len(said)


# Starting together ---------------------------------------------------------------------------------------------------


async def test_two_programs_started_at_once_on_a_database_of_the_first_version_migrate_it_once_and_serve_its_data(
    postgres: Postgres, tmp_path: Path, http: ClientSession
) -> None:
    url = postgres.create()
    await asyncio.to_thread(first_version, url)
    async with running_replicas(tmp_path, url) as replicas:
        for replica in replicas:
            async with http.get(f"{replica.base}/api/v1/records/account/OLD-1/timeline") as response:
                (event,) = (await response.json())["events"]
            assert event["data"] == {"text": "from before"}
            assert "error" not in replica.log.read_text()
    engines = open_engines(url)
    with engines.reader.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [VERSIONS[-1]]
    engines.dispose()


def first_version(url: str) -> None:
    """A database as the first version left it, with a record that has a timeline."""
    engines = open_engines(url)
    with engines.writer.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(bot.store.__path__[0]) / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, VERSIONS[0])
        for statement in OLD_ROWS:
            connection.execute(text(statement))
    engines.dispose()


OLD_ROWS = (
    "INSERT INTO feeds (tenant, last_position) VALUES ('demo', 1)",
    "INSERT INTO timelines (tenant, type, id, last_seq, last_version) VALUES ('demo', 'account', 'OLD-1', 1, 0)",
    "INSERT INTO events (tenant, type, id, seq, event, position, at, kind, data) VALUES ('demo', 'account', 'OLD-1', 1,"
    " '01J00000000000000000000000', 1, 1795372200000000, 'note.added', '{\"text\": \"from before\"}')",
)
