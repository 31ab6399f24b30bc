"""What the parts of a transaction stand on: running statements for one tenant."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Executable, Row, Table, and_, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import CursorResult

from bot.store.failures import UNSTORABLE, unprocessable


def to_text(document: Any) -> str:
    """A document as it is stored: ASCII, so that no text in it can be one that PostgreSQL refuses."""
    return json.dumps(document, separators=(",", ":"))


class Session:
    """One database transaction of one tenant.

    Locks matter on PostgreSQL only: on SQLite a writing transaction has the database for itself from its beginning.
    They are taken in this order, so that two transactions never wait for each other: chats, sorted; records, sorted;
    notes and idempotency keys; the outbox of chats; the feed (by the transaction itself, when it ends). Whoever can't
    keep to it loses time, not data: PostgreSQL ends one of the two and the store repeats it.
    """

    def __init__(self, connection: Connection, *, tenant: str, now: int) -> None:
        self.tenant = tenant
        self.now = now
        self._connection = connection
        self._sqlite = connection.dialect.name == "sqlite"
        self._locked: set[tuple[str, ...]] = set()

    def _execute(self, statement: Executable, rows: Sequence[dict[str, Any]] | None = None) -> CursorResult[Any]:
        """Run a statement.

        Raises:
            Unprocessable: a value can't be stored, such as a text with a NUL character.
        """
        try:
            return self._connection.execute(statement, rows)
        except UNSTORABLE as error:
            raise unprocessable() from error

    def _one(self, statement: Executable) -> Row[Any] | None:
        return self._execute(statement).first()

    def _all(self, statement: Executable) -> Sequence[Row[Any]]:
        return self._execute(statement).all()

    def _mine(self, table: Table, **equal: Any) -> ColumnElement[bool]:
        """The tenant's rows of a table with these values. Every statement says its `where` with this."""
        return and_(table.c.tenant == self.tenant, *(table.c[name] == value for name, value in equal.items()))

    def _insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        return sqlite.insert(table) if self._sqlite else postgresql.insert(table)

    def _add(self, table: Table, **values: Any) -> bool:
        """Insert a row; False when one with its key is there already (or was just committed by somebody else)."""
        statement = self._insert(table).values(tenant=self.tenant, **values).on_conflict_do_nothing()
        return self._one(statement.returning(table.c.tenant)) is not None  # the row count of an insert is not reported

    def _put(self, table: Table, **values: Any) -> None:
        """Insert a row, or replace the one with its key."""
        statement = self._insert(table).values(tenant=self.tenant, **values)
        key = [column.name for column in table.primary_key]
        replaced = {name: statement.excluded[name] for name in values if name not in key}
        self._execute(statement.on_conflict_do_update(index_elements=key, set_=replaced))

    def _lock(self, *what: str) -> None:
        """Wait for whoever holds `what`, and hold it until the transaction ends.

        An advisory lock, since what is locked need not be there yet: of two transactions that both miss a chat and
        want to add it, a row lock would stop neither.
        """
        if self._sqlite or what in self._locked:
            return
        digest = blake2b(json.dumps([self.tenant, *what]).encode(), digest_size=8).digest()
        self._execute(select(func.pg_advisory_xact_lock(literal(int.from_bytes(digest, signed=True), BigInteger))))
        self._locked.add(what)
