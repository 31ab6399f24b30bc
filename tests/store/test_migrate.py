"""The schema and its history."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Timer

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

import bot.store
from bot.errors import SettingsInvalid
from bot.store.engine import open_engines
from bot.store.migrate import VERSIONS, migrate
from bot.store.schema import metadata
from bot.store.store import open_store
from tests.postgres import Postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def bare(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """Two databases without a table."""
    if request.param == "sqlite":
        return [f"sqlite:///{tmp_path}/{name}.db" for name in ("one", "two")]
    postgres: Postgres = request.getfixturevalue("postgres")
    return [postgres.create() for _ in range(2)]


async def test_a_new_sqlite_database_is_made_with_its_folder_which_is_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new folder" / "inside"
    store = open_store(f"sqlite:///{folder}/store.db", tenant="contoso", clock=time.monotonic_ns)
    await store.start()
    await store.ping()
    await store.close()
    assert folder.stat().st_mode & 0o777 == 0o700


def schema_of(engine: Engine) -> dict[str, object]:
    """Everything the database says about its tables, but Alembic's own."""
    found: dict[str, object] = {}
    look = inspect(engine)
    for name in look.get_table_names():
        if name == "alembic_version":
            continue
        found[name] = {
            "columns": [{**column, "type": repr(column["type"])} for column in look.get_columns(name)],
            "key": look.get_pk_constraint(name),
            "foreign": sorted(look.get_foreign_keys(name), key=str),
            "unique": sorted(look.get_unique_constraints(name), key=str),
            "indexes": sorted(
                (
                    {**index, "dialect_options": {key: str(value) for key, value in index["dialect_options"].items()}}
                    for index in look.get_indexes(name)
                ),
                key=str,
            ),
            "options": look.get_table_options(name),
        }
    if engine.dialect.name == "sqlite":  # what is never given twice is not in what is inspected
        with engine.connect() as connection:
            found["autoincrement"] = connection.execute(
                text("SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%' ORDER BY name")
            ).all()
    return found


def test_a_migrated_database_is_like_one_made_at_once(bare: list[str]) -> None:
    migrated, fresh = (open_engines(url) for url in bare)
    migrate(migrated.writer)
    with fresh.writer.begin() as connection:
        metadata.create_all(connection)
    assert set(schema_of(fresh.writer)) >= set(metadata.tables)
    assert schema_of(migrated.writer) == schema_of(fresh.writer)
    migrated.dispose()
    fresh.dispose()


def test_starts_at_the_same_time_migrate_once(bare: list[str]) -> None:
    with ThreadPoolExecutor(4) as pool:
        engines = [open_engines(bare[0]) for _ in range(4)]
        list(pool.map(lambda one: migrate(one.writer), engines))
    assert set(inspect(engines[0].writer).get_table_names()) == {*metadata.tables, "alembic_version"}
    for one in engines:
        one.dispose()


def test_a_start_waits_for_another_program_that_is_making_the_file(tmp_path: Path) -> None:
    """SQLite itself would refuse at once."""
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    engines = open_engines(f"sqlite:///{tmp_path}/store.db")
    ends = Timer(0.1, other.rollback)
    ends.start()
    migrate(engines.writer)
    ends.join()
    other.close()
    assert set(inspect(engines.writer).get_table_names()) > set(metadata.tables)
    engines.dispose()


def test_a_database_of_a_newer_program_is_refused_with_what_to_do(bare: list[str]) -> None:
    engines = open_engines(bare[0])
    migrate(engines.writer)
    with engines.writer.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SettingsInvalid, match=r"'9999', which is newer .* Start the newer program"):
        migrate(engines.writer)
    engines.dispose()


def test_the_program_knows_the_versions_that_there_are() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(bot.store.__path__[0]) / "migrations"))
    scripts = ScriptDirectory.from_config(config)
    assert tuple(script.revision for script in scripts.walk_revisions())[::-1] == VERSIONS


def test_alembic_is_imported_only_when_there_is_something_to_migrate(tmp_path: Path) -> None:
    program = (
        "import sys; from bot.store.engine import open_engines; from bot.store.migrate import migrate;"
        f"migrate(open_engines('sqlite:///{tmp_path}/store.db').writer); print('alembic' in sys.modules)"
    )
    runs = [
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60).stdout
        for _ in range(2)
    ]
    assert runs == ["True\n", "False\n"]
