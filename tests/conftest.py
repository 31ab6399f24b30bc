"""What tests of several rooms share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.postgres import Postgres, running_postgres
from tests.world import World, running_world


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long ones first, and mark what needs PostgreSQL: what asks for its server, and each test's turn on it."""
    for item in items:
        turn = item.callspec.params.values() if isinstance(item, pytest.Function) and hasattr(item, "callspec") else ()
        if "postgres" in getattr(item, "fixturenames", ()) or "postgresql" in turn:
            item.add_marker(pytest.mark.postgres)
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The PostgreSQL server of this test session."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Postgres) -> str:
    """A database for this test: migrated, without a row."""
    return postgres.empty()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """The whole program in demo mode, on SQLite, with a fake connector."""
    async with running_world(tmp_path) as running:
        yield running
