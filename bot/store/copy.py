"""Copying a whole database into an empty one: from SQLite to PostgreSQL, or the other way.

python -m bot.store.copy ADDRESS    copies the database at ADDRESS into the one that DATABASE_URL names

Stop the program first: what it writes after the copy has begun stays behind.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Connection, Engine, Table, func, insert, make_url, select, text
from sqlalchemy.exc import DBAPIError

from bot.config import read_settings
from bot.errors import ConnectChatsError, SettingsInvalid
from bot.store.engine import open_engines
from bot.store.migrate import VERSIONS, migrate, stored_version
from bot.store.numbering import continue_after, last_number
from bot.store.schema import metadata

BATCH = 1000


def copy(source: str, target: str) -> Mapping[str, int]:
    """Copy every row of every tenant, all or nothing; how many, by table.

    Raises:
        SettingsInvalid: an address can't be used, the source is not of this program's version, or the target holds
            something already.
    """
    _must_be_there(source)
    old, new = open_engines(source), open_engines(target)
    try:
        _must_be_current(old.reader)
        migrate(new.writer)
        with old.reader.begin() as reading, new.writer.begin() as writing:
            for connection in (reading, writing):
                _take_your_time(connection)
            _must_be_empty(writing)
            copied = {table.name: _copy_rows(table, reading, writing) for table in metadata.sorted_tables}
            for table in metadata.sorted_tables:
                _copy_numbering(table, reading, writing)
            return copied
    finally:
        old.dispose()
        new.dispose()


def _must_be_there(source: str) -> None:
    """SQLite would make an empty file for a mistyped name."""
    if source.startswith("sqlite:///") and not Path(make_url(source).database or "").is_file():
        raise SettingsInvalid([f"There is no file {make_url(source).database!r} to copy from. Name another."])


def _must_be_current(source: Engine) -> None:
    with source.connect() as connection:
        version = stored_version(connection)
    if version != VERSIONS[-1]:
        raise SettingsInvalid(
            [
                f"The database to copy from has version {version or 'none'!r}, this program's is {VERSIONS[-1]!r}. "
                "Start this program on it once, which brings it to its version, stop it and copy then."
            ]
        )


def _must_be_empty(target: Connection) -> None:
    for table in metadata.sorted_tables:
        if target.execute(select(func.count()).select_from(select(table).limit(1).subquery())).scalar():
            raise SettingsInvalid(
                [
                    f"The database that DATABASE_URL names holds something already, in its table {table.name!r}. "
                    "Nothing was copied. Make a new, empty database and name that one."
                ]
            )


def _take_your_time(connection: Connection) -> None:
    """Each of the two waits while the other one works."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"))


def _copy_rows(table: Table, reading: Connection, writing: Connection) -> int:
    count = 0
    found = reading.execution_options(yield_per=BATCH).execute(select(table))
    for rows in found.mappings().partitions():
        writing.execute(insert(table), [dict(row) for row in rows])
        count += len(rows)
    return count


def _copy_numbering(table: Table, reading: Connection, writing: Connection) -> None:
    """Numbers that the database draws go on where they were."""
    if table.autoincrement_column is not None and (last := last_number(reading, table)):
        continue_after(writing, table, last)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bot.store.copy", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("address", help="such as sqlite:///data/connect-chats.db: what to copy from")
    source = parser.parse_args(arguments).address
    settings, _ = read_settings()
    try:
        copied = copy(source, settings.database_url.get_secret_value())
    except ConnectChatsError as error:
        print(f"Nothing was copied. {error}", file=sys.stderr)
        return 2
    except DBAPIError as error:
        print(f"Nothing was copied. A database refused: {error.orig}", file=sys.stderr)
        return 2
    for table, count in copied.items():
        print(f"{count:>10,} {table}")
    print("Everything was copied. Start the program with this DATABASE_URL, and keep the old database until it serves.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
