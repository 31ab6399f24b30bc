"""Statements, each written once with SQLAlchemy and compiled once per kind of database.

Building a statement and finding it in SQLAlchemy's cache took 120 us here with every use, the database itself 20. So
the values in them are parameters with names, and what is kept is the text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy import (
    JSON,
    ClauseElement,
    Column,
    ColumnElement,
    Dialect,
    Subquery,
    Table,
    and_,
    bindparam,
    cast,
    delete,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

Insert = Callable[[Table], Any]
"""The `insert` of a dialect: each has an `on_conflict_do_...` of its own."""

_INSERTS: dict[str, Insert] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class Statement:
    """A statement with parameters, one of which is `tenant`: one that does not ask for it is refused.

    Args:
        build: what makes it, given the dialect's `insert`.
    """

    def __init__(self, build: Callable[[Insert], ClauseElement]) -> None:
        self._build = build
        self._compiled: dict[str, tuple[str, dict[str, Any]]] = {}

    def on(self, dialect: Dialect) -> tuple[str, dict[str, Any]]:
        """Its text, and the values of the parameters that are always the same."""
        found = self._compiled.get(dialect.name)
        if found is None:
            compiled: Any = self._build(_INSERTS[dialect.name]).compile(dialect=dialect)
            constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
            assert "tenant" in compiled.binds, f"this statement is about every tenant: {compiled}"
            found = self._compiled[dialect.name] = str(compiled), constants
        return found


def mine(table: Any, *columns: str) -> ColumnElement[bool]:
    """The tenant's rows, those where each of these columns is what the parameter of its name says."""
    return and_(*(table.c[name] == bindparam(name) for name in ("tenant", *columns)))


def rows(table: Table, *columns: str, order: tuple[str, ...] = ()) -> Statement:
    """Whole rows where these columns are as asked for."""
    ordered = [table.c[name] for name in order]
    return Statement(lambda _: select(table).where(mine(table, *columns)).order_by(*ordered))


def put(table: Table) -> Statement:
    """Insert a row, or replace the one with its key. Each column is a parameter."""

    def build(insert: Insert) -> ClauseElement:
        statement = insert(table).values(_parameters(table))
        replaced = {column.name: statement.excluded[column.name] for column in table.c if not column.primary_key}
        return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=replaced)

    return Statement(build)


def add(table: Table, **values: Any) -> Statement:
    """Insert a row and return its tenant; nothing when one with its key is there already. Each column that has no value
    here is a parameter."""
    return Statement(
        lambda insert: (
            insert(table).values({**_parameters(table), **values}).on_conflict_do_nothing().returning(table.c.tenant)
        )
    )


def append(table: Table) -> Statement:
    """Insert a row. Each column is a parameter, but not the number that the database draws."""
    return Statement(lambda insert: insert(table).values(_parameters(table)))


class Pages(NamedTuple):
    """Reading on in a table: at most `limit` rows above the parameter `after`, or below the parameter `before`."""

    oldest_first: Statement
    newest_first: Statement


def pages(table: Table, *columns: str, by: str) -> Pages:
    """Of the rows where these columns are as asked for, in the order of the column `by`."""
    place = table.c[by]
    older, newer = place < bindparam("before"), place > bindparam("after")

    def build(which: ColumnElement[bool], order: ColumnElement[Any]) -> Statement:
        found = select(table).where(mine(table, *columns), which).order_by(order).limit(bindparam("limit"))
        return Statement(lambda _: found)

    return Pages(oldest_first=build(newer, place.asc()), newest_first=build(older, place.desc()))


def remove(table: Table, *columns: str) -> Statement:
    """Delete the rows where these columns are as asked for."""
    return Statement(lambda _: delete(table).where(mine(table, *columns)))


def given(insert: Insert, *columns: Column[Any]) -> Subquery:
    """The tenant with each of the rows handed over in the one parameter `rows`, a JSON list of lists: values for these
    columns, and `place`. So one statement is about any number of rows.

    `insert` tells the dialect.
    """
    rows = bindparam("rows")
    if insert is sqlite.insert:
        each = func.json_each(rows).table_valued("value", "key", name="listed")
        values = [func.json_extract(each.c.value, literal_column(f"'$[{n}]'")) for n in range(len(columns))]
        place = each.c.key
    else:
        listed = func.json_array_elements(cast(rows, JSON)).table_valued(
            "value", with_ordinality="place", name="listed"
        )
        each = listed.render_derived()
        values = [each.c.value.op("->>")(literal_column(str(n))) for n in range(len(columns))]
        place = each.c.place
    named = [cast(value, column.type).label(column.name) for value, column in zip(values, columns, strict=True)]
    found = select(bindparam("tenant").label("tenant"), *named, place.label("place"))
    if insert is not sqlite.insert:
        # Not to be merged with what it is joined to: PostgreSQL would take the tenant for a good choice among the rows
        # of a table it knows little of, and read all of them instead of looking for those given.
        found = found.offset(literal_column("0"))
    return found.subquery("given")


def _parameters(table: Table) -> dict[str, Any]:
    return {column.name: bindparam(column.name) for column in table.c if column is not table.autoincrement_column}
