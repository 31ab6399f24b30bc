"""A newer program changed the tables: what only adds is served, another generation is refused. On every database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bot.errors import SettingsInvalid
from bot.store.engine import open_engines
from bot.store.migrate import VERSIONS, migrate, stored_version
from bot.store.store import open_store
from tests.store.conftest import Watch
from tests.store.future import fill, read_everything


@pytest.fixture(params=["sqlite", "postgresql"])
def own_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Not the one that tests share: what is done to the tables here would stay."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    return request.getfixturevalue("postgres").create()


def run(url: str, *statements: str) -> Any:
    engines = open_engines(url)
    with engines.writer.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engines.dispose()


async def test_a_newer_schema_of_the_same_generation_is_served(own_database: str) -> None:
    newer = f"{VERSIONS[-1][:2]}99"
    store = open_store(own_database, tenant="contoso", clock=Watch())
    await store.start()
    await fill(store)
    await store.close()
    run(
        own_database,
        f"UPDATE alembic_version SET version_num = '{newer}'",
        "ALTER TABLE chats ADD COLUMN picture TEXT",
        "ALTER TABLE events ADD COLUMN place TEXT NOT NULL DEFAULT ''",
    )
    again = open_store(own_database, tenant="contoso", clock=Watch())
    await again.start()
    assert len((await read_everything(again, Watch()))["events"]) == 1
    await again.close()
    engines = open_engines(own_database)
    with engines.reader.connect() as connection:
        assert stored_version(connection) == newer, "it is not taken back"
    engines.dispose()


def test_a_schema_of_the_next_generation_is_refused(own_database: str) -> None:
    engines = open_engines(own_database)
    migrate(engines.writer)
    run(own_database, "UPDATE alembic_version SET version_num = '0100'")
    with pytest.raises(SettingsInvalid, match="'0100', which is newer"):
        migrate(engines.writer)
    engines.dispose()
