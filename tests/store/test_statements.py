"""Statements that are compiled once."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
from sqlalchemy import select
from sqlalchemy.dialects import sqlite

import bot.store
from bot.store.engine import open_engines
from bot.store.migrate import migrate
from bot.store.schema import chats as table
from bot.store.statements import Statement

ROOMS = [import_module(f"bot.store.{module.name}") for module in iter_modules(bot.store.__path__)]

MANY_AT_ONCE = re.compile(
    r"SEARCH (settings|record_types|apps|last_notes|webhooks|feeds) "  # few rows
    r"|SEARCH (outbox USING INDEX ix_outbox_(undone|parked)|owed|parked) "  # which hold nothing but what is asked for
)
ALWAYS_WHOLE = {"SCAN CONSTANT ROW", "SCAN asked", "SCAN waiting", "SCAN locked", "SCAN listed VIRTUAL TABLE INDEX 1:"}


def statements() -> dict[str, Statement]:
    found: dict[str, Statement] = {}
    for room in ROOMS:
        for name, value in vars(room).items():
            for number, item in enumerate(value if isinstance(value, tuple) else (value,)):
                if isinstance(item, Statement):
                    found[f"{room.__name__}.{name}.{number}"] = item
    return found


def test_a_statement_about_every_tenant_is_refused() -> None:
    with pytest.raises(AssertionError, match="every tenant"):
        Statement(lambda _: select(table)).on(sqlite.dialect(paramstyle="named"))


def test_on_sqlite_no_statement_reads_a_whole_table(tmp_path: Path) -> None:
    """SQLite keeps no statistics here, so its choice does not depend on what is in the tables. `listed` is what a
    statement is handed over."""
    engines = open_engines(f"sqlite:///{tmp_path}/store.db")
    migrate(engines.writer)
    with engines.writer.connect() as connection:
        for name, statement in statements().items():
            text, constants = statement.on(connection.dialect)
            unbound = dict.fromkeys(sqlite_parameters(text), 0)
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", {**unbound, **constants}).all()
            whole = [row.detail for row in plan if row.detail.startswith("SCAN") and "USING" not in row.detail]
            assert set(whole) <= ALWAYS_WHOLE, name
            by_tenant_only = [row.detail for row in plan if "(tenant=?)" in row.detail]
            assert all(map(MANY_AT_ONCE.match, by_tenant_only)), (name, by_tenant_only)
    engines.dispose()


def sqlite_parameters(text: str) -> list[str]:
    return re.findall(r"(?<!:):([a-z_0-9]+)", text)
