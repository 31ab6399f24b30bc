"""What tests of several rooms share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.postgres import Postgres, running_postgres
from tests.world import World, running_world


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
