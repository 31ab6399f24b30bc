"""Stores for the outbox: the test's database, opened as often as there are replicas."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from bot.store.store import SqlStore, open_store
from tests.sqlite import new_sqlite
from tests.store.conftest import Watch

Open = Callable[[], Awaitable[SqlStore]]


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
async def opened(watch: Watch) -> AsyncIterator[Callable[[str], Awaitable[SqlStore]]]:
    """Opens stores and closes them after the test."""
    stores: list[SqlStore] = []

    async def open_one(url: str) -> SqlStore:
        stores.append(open_store(url, tenant="contoso", clock=watch))
        await stores[-1].start()
        return stores[-1]

    yield open_one
    for store in stores:
        await store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def replica(request: pytest.FixtureRequest, tmp_path: Path, opened: Callable[[str], Awaitable[SqlStore]]) -> Open:
    """Opens the test's database once more, as another replica would. For what order and locks decide: on both."""
    sqlite = request.param == "sqlite"
    url = new_sqlite(tmp_path / "outbox.db") if sqlite else request.getfixturevalue("postgres_url")
    return lambda: opened(url)


@pytest.fixture
async def store(tmp_path: Path, opened: Callable[[str], Awaitable[SqlStore]]) -> SqlStore:
    """On SQLite alone: for what the worker decides."""
    return await opened(new_sqlite(tmp_path / "outbox.db"))
