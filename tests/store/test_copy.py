"""Moving from one database to another takes everything along, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Boolean, Column, Table, Text, delete, insert, select, text

from bot.errors import SettingsInvalid
from bot.store.copy import BATCH, copy, main
from bot.store.engine import open_engines
from bot.store.migrate import migrate
from bot.store.schema import events, metadata, outbox, refusals, settings_changes
from tests.postgres import Postgres

ROWS = 3
NUMBERED = (outbox, settings_changes, refusals)
MANY = 2 * BATCH + 1
Make = Callable[[], str]


@pytest.fixture
def makers(tmp_path: Path, postgres: Postgres) -> dict[str, Make]:
    """What makes an empty database, by kind."""
    names = iter("abcdef")
    return {"sqlite": lambda: f"sqlite:///{tmp_path}/{next(names)}.db", "postgresql": postgres.create}


def value(column: Column[Any], number: int) -> Any:
    """One that depends on the row's number only, so that every reference leads to a row."""
    if isinstance(column.type, Text):
        return f"text {number} \\ „🚀“"
    if isinstance(column.type, Boolean):
        return number % 2 == 0
    return number + 2**40 if column.name.endswith("_at") else number


def fill(url: str) -> None:
    """Rows in every table there is; in one of them more than are copied at once."""
    engines = open_engines(url)
    migrate(engines.writer)
    with engines.writer.begin() as connection:
        for table in metadata.sorted_tables:
            numbers = range(1, MANY if table is events else ROWS + 1)
            rows = [{column.name: value(column, number) for column in table.c} for number in numbers]
            connection.execute(insert(table), rows)
        for table in NUMBERED:
            connection.execute(delete(table).where(table.c.number == ROWS))
            if connection.dialect.name == "postgresql":
                connection.execute(text(f"SELECT setval('{table.name}_number_seq', {ROWS})"))
    engines.dispose()


def everything(url: str) -> dict[str, list[Any]]:
    engines = open_engines(url)
    with engines.reader.connect() as connection:
        found = {
            table.name: connection.execute(select(table).order_by(*table.primary_key)).all()
            for table in metadata.sorted_tables
        }
    engines.dispose()
    return found


def next_number(url: str, table: Table) -> int:
    """The number that the table's next row gets."""
    engines = open_engines(url)
    with engines.writer.connect() as connection:
        row = {column.name: value(column, 1) for column in table.c if column is not table.c.number}
        number = connection.execute(insert(table).values(row).returning(table.c.number)).scalar_one()
    engines.dispose()
    return number


@pytest.mark.parametrize("kinds", [("sqlite", "postgresql"), ("postgresql", "sqlite")], ids=" to ".join)
def test_every_row_of_every_table_is_copied_and_numbers_are_never_given_twice(
    makers: dict[str, Make], kinds: tuple[str, str]
) -> None:
    old, new = (makers[kind]() for kind in kinds)
    fill(old)
    copied = copy(old, new)
    assert copied == {name: len(rows) for name, rows in everything(old).items()}
    assert all(copied.values())
    assert everything(new) == everything(old)
    for table in NUMBERED:
        assert next_number(new, table) == next_number(old, table) == ROWS + 1


def test_a_database_that_holds_something_is_not_touched(makers: dict[str, Make]) -> None:
    old, new = makers["sqlite"](), makers["sqlite"]()
    fill(old)
    fill(new)
    before = everything(new)
    with pytest.raises(SettingsInvalid, match=r"holds something already.* Nothing was copied"):
        copy(old, new)
    assert everything(new) == before


def test_a_copy_that_breaks_off_leaves_nothing(makers: dict[str, Make], monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = makers["sqlite"](), makers["postgresql"]()
    fill(old)
    engines = open_engines(old)
    with engines.writer.begin() as connection:  # SQLite keeps it, PostgreSQL refuses it
        connection.execute(text("UPDATE outbox SET message = 'half' || char(0) WHERE number = 1"))
    engines.dispose()
    monkeypatch.setenv("DATABASE_URL", new)
    assert main([old]) == 2
    assert not any(everything(new).values())


def test_a_mistyped_or_old_source_is_refused_with_what_to_do(makers: dict[str, Make]) -> None:
    old, new = makers["sqlite"](), makers["sqlite"]()
    with pytest.raises(SettingsInvalid, match="no file"):
        copy(old, new)
    engines = open_engines(old)
    migrate(engines.writer)
    with engines.writer.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    engines.dispose()
    with pytest.raises(SettingsInvalid, match=r"version '0000'.*Start this program on it once"):
        copy(old, new)


def test_from_the_command_line_it_copies_to_where_the_setting_points(
    makers: dict[str, Make], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = makers["sqlite"](), makers["sqlite"]()
    fill(old)
    monkeypatch.setenv("DATABASE_URL", new)
    assert main([old]) == 0
    assert "2,000 events" in capsys.readouterr().out
    assert everything(new) == everything(old)
    assert main([old]) == 2
    assert "Make a new, empty database" in capsys.readouterr().err
