"""The databases: 100,000 records for the product, and the same ones for the floor as it likes them best."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Table, insert

from bot.domain.records import EVERYBODY, Privilege
from bot.store import schema
from bot.store.engine import open_engines
from bot.store.migrate import migrate
from tests.bench.traffic import RECORDS, record_id
from tests.fakes.microsoft import TENANT

IN_ONE_GO = 20_000


def title_of(number: int) -> str:
    return f"Contoso branch {number}"


def fields_of(number: int) -> dict[str, str]:
    return {
        "Owner": f"Person {number % 97}",
        "Status": "Active" if number % 3 else "On hold",
        "City": ("Zürich", "Wien", "Lyon", "Porto")[number % 4],
        "Revenue": f"{number * 37 % 9_000_000:,} EUR",
    }


def seed_product(url: str) -> None:
    """Write the records as REST would have, each readable and connectable by everybody; too many to ask one by one."""
    engines = open_engines(url)
    try:
        migrate(engines.writer)
        with engines.writer.begin() as connection:
            for table, row in _ROWS.items():
                rows = map(row, range(RECORDS))
                while batch := list(islice(rows, IN_ONE_GO)):
                    connection.execute(insert(table), batch)
    finally:
        engines.dispose()


def _key(number: int) -> dict[str, Any]:
    return {"tenant": TENANT, "type": "account", "id": record_id(number)}


def _record(number: int) -> dict[str, Any]:
    rest = {"url": None, "owner_id": None, "owner_name": None, "app": None, "version": 1}
    return _key(number) | {"title": title_of(number), "fields": json.dumps(fields_of(number))} | rest


_ROWS: dict[Table, Callable[[int], dict[str, Any]]] = {
    schema.records: _record,
    schema.access: lambda number: _key(number) | {"person": EVERYBODY, "level": int(Privilege.APPEND)},
    schema.timelines: lambda number: _key(number) | {"last_seq": 0, "last_version": 1},
}


def seed_floor(path: Path) -> None:
    """One narrow table, its key the record's id."""

    def rows() -> Iterator[tuple[str, str, str]]:
        for number in range(RECORDS):
            yield record_id(number), title_of(number), json.dumps(fields_of(number))

    connection = sqlite3.connect(path)
    try:
        with connection:
            connection.execute("CREATE TABLE records (id TEXT PRIMARY KEY, title TEXT, fields TEXT) WITHOUT ROWID")
            connection.executemany("INSERT INTO records VALUES (?, ?, ?)", rows())
    finally:
        connection.close()
