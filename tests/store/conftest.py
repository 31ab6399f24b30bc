"""A store on SQLite and on PostgreSQL: every test that asks for one runs on both."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from bot.store.store import SqlStore, open_store
from tests.sqlite import new_sqlite
from tests.store.future import Rows

Open = Callable[..., Awaitable[SqlStore]]


class Watch:
    """A clock that stands still until it is told. Microseconds."""

    def __init__(self) -> None:
        self.now = 1_795_372_200_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return new_sqlite(tmp_path / "new folder" / "store.db")
    return request.getfixturevalue("postgres_url")


@pytest.fixture
async def open_another(database: str, watch: Watch) -> AsyncIterator[Open]:
    """Opens stores on the test's database, as another replica or another tenant would."""
    opened: list[SqlStore] = []

    async def open_one(tenant: str = "contoso") -> SqlStore:
        store = open_store(database, tenant=tenant, clock=watch)
        opened.append(store)
        await store.start()
        return store

    yield open_one
    for store in opened:
        await store.close()


@pytest.fixture
async def store(open_another: Open) -> SqlStore:
    return await open_another()


@pytest.fixture
def rows(database: str) -> Rows:
    """The test's database as a newer program writes it."""
    return Rows(database)
