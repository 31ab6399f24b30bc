"""What the parts of a transaction stand on: running statements for one tenant."""

from __future__ import annotations

import json
from collections import namedtuple
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection

from bot.domain.documents import compact_ascii
from bot.store.failures import UNSTORABLE, unprocessable, wrapped
from bot.store.statements import Pages, Statement

_ABOVE_ALL = 2**62


def to_text(document: Any) -> str:
    """A document as it is stored: ASCII, so that no text in it can be one that PostgreSQL refuses."""
    return compact_ascii(document)


@dataclass(frozen=True, slots=True)
class Result:
    """What a statement returned (rows whose values have the names of the columns) and how many rows it was about."""

    rows: Sequence[Any]
    rowcount: int

    def one(self) -> Any:
        (row,) = self.rows
        return row

    def scalar_one(self) -> Any:
        return self.one()[0]


@cache
def _row_type(names: tuple[str, ...]) -> Any:
    return namedtuple("Row", names)


class Session:
    """One database transaction of one tenant.

    Locks matter on PostgreSQL only: on SQLite a writing transaction has the database for itself from its beginning.
    They are taken in this order, so that two transactions never wait for each other: chats, sorted; records, sorted;
    notes and idempotency keys; the settings; refusals; the outbox of chats; webhooks; the feed (by the transaction
    itself, when it ends); webhooks' streams, sorted (by who adds events, after the feed; workers hold nothing else).
    Whoever can't keep to it loses time, not data: PostgreSQL ends one of the two and the store repeats it.

    Attributes:
        news: the transaction adds something that somebody waits for, see `Store.on_change`.
    """

    news = False

    def __init__(self, connection: Connection, *, tenant: str, now: int) -> None:
        self.tenant = tenant
        self.now = now
        self._connection = connection
        self._driver: Any = connection.connection.driver_connection
        self._errors: Any = connection.dialect.loaded_dbapi.Error  # pyright: ignore[reportOptionalMemberAccess]
        self._locked: set[tuple[str, ...]] = set()

    def _run(self, statement: Statement, **parameters: Any) -> Result:
        """Run a statement for the tenant.

        Raises:
            Unprocessable: a value can't be stored, such as a text with a NUL character.
        """
        text, constants = statement.on(self._connection.dialect)
        return self._execute(text, {**constants, "tenant": self.tenant, **parameters})

    def _run_for_each(self, statement: Statement, rows: Iterable[dict[str, Any]]) -> int:
        """Run a statement once for each of several sets of parameters; how many rows it changed."""
        text, constants = statement.on(self._connection.dialect)
        many = [{**constants, "tenant": self.tenant, **row} for row in rows]
        return self._execute(text, many).rowcount if many else 0

    def _execute(self, text: str, parameters: dict[str, Any] | list[dict[str, Any]]) -> Result:
        """Run it with the driver's own cursor: SQLAlchemy's took 20 us with every statement, SQLite itself 2.

        What came back is fetched at once: a statement that is not at its end would hold up the commit.
        """
        cursor = self._driver.cursor()
        try:
            if isinstance(parameters, dict):
                cursor.execute(text, parameters)
            else:
                cursor.executemany(text, parameters)
            if cursor.description is None:
                return Result([], cursor.rowcount)
            row = _row_type(tuple([column[0] for column in cursor.description]))
            return Result([row._make(values) for values in cursor.fetchall()], cursor.rowcount)
        except self._errors as error:
            dialect = self._connection.dialect
            lost = dialect.is_disconnect(error, self._driver, cursor)
            if lost:
                self._connection.invalidate(error)
                self._connection.engine.dispose()  # what else is in the pool went away with the server
            failure = wrapped(error, text, dialect, lost=lost)
            raise unprocessable() if isinstance(failure, UNSTORABLE) else failure from error
        except UNSTORABLE as error:
            raise unprocessable() from error

    def _one(self, statement: Statement, **parameters: Any) -> Any:
        """The first row; None when there is none."""
        rows = self._run(statement, **parameters).rows
        return rows[0] if rows else None

    def _all(self, statement: Statement, **parameters: Any) -> Sequence[Any]:
        return self._run(statement, **parameters).rows

    def _page(self, pages: Pages, *, after: int, limit: int, newest_first: bool, **key: Any) -> Sequence[Any]:
        """Oldest first the rows above `after`; newest first those below it (0: from the newest)."""
        if newest_first:
            return self._all(pages.newest_first, before=after or _ABOVE_ALL, limit=limit, **key)
        return self._all(pages.oldest_first, after=after, limit=limit, **key)

    def _lock(self, *what: str) -> None:
        """Wait for whoever holds `what`, and hold it until the transaction ends.

        An advisory lock, since what is locked need not be there yet: of two transactions that both miss a chat and
        want to add it, a row lock would stop neither.
        """
        if self._connection.dialect.name == "sqlite" or what in self._locked:
            return
        digest = blake2b(json.dumps([self.tenant, *what]).encode(), digest_size=8).digest()
        key = int.from_bytes(digest, signed=True)
        self._execute("SELECT pg_advisory_xact_lock(%(key)s::bigint)", {"key": key})
        self._locked.add(what)
