"""Engines for SQLite and PostgreSQL: one that writes, one that can only read."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from bot.errors import SettingsInvalid

BUSY_TIMEOUT_MS = 5_000
CONNECT_TIMEOUT_S = 5
STATEMENT_TIMEOUT_MS = 15_000
LOCK_TIMEOUT_MS = 10_000
IDLE_TIMEOUT_MS = 5_000
"""PostgreSQL ends a transaction in which nothing happens for so long: its program was stopped, or its machine is gone.
Shorter than `LOCK_TIMEOUT_MS`, so that those who wait for what it holds need not give up."""
_SQLITE_CACHE = "PRAGMA cache_size=-512"
"""KiB for each of the three connections: the system keeps the file in memory anyway, and reading it there costs as
little. SQLite's own choice is 2,000."""

_QUIET = {"hide_parameters": True}  # errors are logged; what people wrote is not


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    """Where transactions begin.

    Attributes:
        writer: begins transactions that hold what they read (SQLite: `BEGIN IMMEDIATE`).
        hurried: like `writer`, but a power cut may undo its last transactions, the last first (SQLite: it does not wait
            for the disk; PostgreSQL: the same as `writer`).
        reader: its connections refuse to write, and a transaction sees one instant.
        writers, readers, unfurlers: how many threads of each kind are worth having.
    """

    writer: Engine
    hurried: Engine
    reader: Engine
    writers: int
    readers: int
    unfurlers: int

    @property
    def sqlite(self) -> bool:
        return self.writer.dialect.name == "sqlite"

    def dispose(self) -> None:
        self.writer.dispose()
        self.hurried.dispose()
        self.reader.dispose()


def open_engines(url: str) -> Engines:
    """Engines for `DATABASE_URL`; nothing is opened yet.

    Raises:
        SettingsInvalid: the address can't be used.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise SettingsInvalid(
            ["DATABASE_URL is not an address. Write it like sqlite:///data/connect-chats.db."]
        ) from None
    match parsed.drivername:
        case "sqlite":
            return _sqlite(parsed)
        case "postgresql" | "postgres":
            return _postgresql(parsed.set(drivername="postgresql+psycopg"))
    raise SettingsInvalid(["DATABASE_URL must start with sqlite:/// or postgresql://."])


def _sqlite(url: URL) -> Engines:
    if not url.database or url.database == ":memory:":
        raise SettingsInvalid(
            ["DATABASE_URL names no file: it would all be forgotten. Write it like sqlite:///data/connect-chats.db."]
        )
    folder = Path(url.database).parent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # what people wrote is not for other users of the machine
    except OSError as error:
        raise SettingsInvalid(
            [f"DATABASE_URL names a file in {str(folder)!r}, which can't be made: {error.strerror}. Name another."]
        ) from None
    # Named parameters, as psycopg takes them: compiled statements run on both with the same values.
    options: dict[str, Any] = {
        **_QUIET,
        "paramstyle": "named",
        "connect_args": {"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
    }
    writer, hurried, reader = (create_engine(url, **options) for _ in range(3))
    event.listen(writer, "connect", _sqlite_writer)
    event.listen(hurried, "connect", _sqlite_writer)
    event.listen(hurried, "connect", _sqlite_hurried)
    event.listen(reader, "connect", _sqlite_reader)
    # Without IMMEDIATE two transactions that read before they write lose one another's updates or fail as locked.
    for engine in (writer, hurried):
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    event.listen(reader, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return Engines(writer=writer, hurried=hurried, reader=reader, writers=1, readers=1, unfurlers=1)


def _sqlite_writer(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # sqlite3's own BEGINs come too late (python/cpython#54133)
    if _log_ahead(connection) != "wal":
        raise SettingsInvalid(
            ["DATABASE_URL names a file where SQLite can't keep a write-ahead log. Put it on a local disk."]
        )
    connection.execute("PRAGMA synchronous=FULL")  # acknowledged means on disk
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute(_SQLITE_CACHE)


def _log_ahead(connection: Any) -> str:
    """Ask for the write-ahead log; the kind of log that is kept then.

    While another program writes into a new file, SQLite refuses this at once instead of waiting as it does elsewhere.
    """
    give_up_at = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            return connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                raise
            time.sleep(0.01)


def _sqlite_hurried(connection: Any, _: Any) -> None:
    connection.execute("PRAGMA synchronous=NORMAL")  # written to the log, which the next durable commit syncs


def _sqlite_reader(connection: Any, _: Any) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA query_only=ON")
    connection.execute(_SQLITE_CACHE)


def _postgresql(url: URL) -> Engines:
    readers, writers, unfurlers = 4, 4, 4
    options: dict[str, Any] = {
        **_QUIET,
        # A peer that vanished is noticed by the time a statement would have timed out.
        "connect_args": {"connect_timeout": CONNECT_TIMEOUT_S, "tcp_user_timeout": STATEMENT_TIMEOUT_MS},
        "pool_timeout": CONNECT_TIMEOUT_S,
        "max_overflow": 1,
    }
    writer = create_engine(url, pool_size=writers, isolation_level="READ COMMITTED", **options)
    reader = create_engine(url, pool_size=readers + unfurlers, **options)
    event.listen(writer, "connect", _postgresql_settings)
    event.listen(reader, "connect", _postgresql_settings)
    event.listen(reader, "connect", _postgresql_reader)
    return Engines(writer=writer, hurried=writer, reader=reader, writers=writers, readers=readers, unfurlers=unfurlers)


def _postgresql_settings(connection: Any, _: Any) -> None:
    """Limits; and what is asked for often is in memory, so looking up a row costs hardly more than reading past it:
    PostgreSQL's own guess, made for disks that turn, has it read all of 20,000 streams to find 64."""
    autocommit, connection.autocommit = connection.autocommit, True
    connection.execute(
        f"SET statement_timeout = {STATEMENT_TIMEOUT_MS}; SET lock_timeout = {LOCK_TIMEOUT_MS}; "
        f"SET idle_in_transaction_session_timeout = {IDLE_TIMEOUT_MS}; SET random_page_cost = 1.1"
    )
    connection.autocommit = autocommit


def _postgresql_reader(connection: Any, _: Any) -> None:
    """A transaction of several statements sees one instant, as on SQLite; only reading, it never has to be repeated."""
    from psycopg import IsolationLevel  # not needed, and maybe not there, where the store is SQLite

    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    connection.read_only = True
