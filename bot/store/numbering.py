"""Numbers that the database draws: one that was given is never given again, not after a copy or a restore either."""

from __future__ import annotations

from sqlalchemy import Connection, Table, text

_LAST_NUMBER = {
    "sqlite": "SELECT max(seq) FROM sqlite_sequence WHERE name = :table",
    "postgresql": "SELECT pg_sequence_last_value(pg_get_serial_sequence(:table, :column)::regclass)",
}
_CONTINUE_AFTER = {
    "sqlite": (
        "DELETE FROM sqlite_sequence WHERE name = :table",
        "INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :last)",
    ),
    "postgresql": ("SELECT setval(pg_get_serial_sequence(:table, :column)::regclass, :last)",),
}


def last_number(connection: Connection, table: Table) -> int:
    """The highest number that was given to a row of this table; 0 before the first."""
    return connection.execute(text(_LAST_NUMBER[connection.dialect.name]), _names(table)).scalar() or 0


def continue_after(connection: Connection, table: Table, last: int) -> None:
    """Have the next row of this table get the number after `last`, which must be positive."""
    for statement in _CONTINUE_AFTER[connection.dialect.name]:
        connection.execute(text(statement), {**_names(table), "last": last})


def _names(table: Table) -> dict[str, str]:
    assert table.autoincrement_column is not None, f"{table.name} has no numbers"
    return {"table": table.name, "column": table.autoincrement_column.name}
