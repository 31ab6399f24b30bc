"""What the parts of a transaction stand on: running statements for one tenant."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, Row
from sqlalchemy.engine import CursorResult

from bot.store.failures import UNSTORABLE, unprocessable
from bot.store.statements import Statement


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
        self._locked: set[tuple[str, ...]] = set()

    def _run(self, statement: Statement, **parameters: Any) -> CursorResult[Any]:
        """Run a statement for the tenant.

        Raises:
            Unprocessable: a value can't be stored, such as a text with a NUL character.
        """
        text, constants = statement.on(self._connection.dialect)
        try:
            return self._connection.exec_driver_sql(text, {**constants, "tenant": self.tenant, **parameters})
        except UNSTORABLE as error:
            raise unprocessable() from error

    def _run_for_each(self, statement: Statement, rows: Iterable[dict[str, Any]]) -> None:
        """Run a statement once for each of several sets of parameters."""
        text, constants = statement.on(self._connection.dialect)
        if many := [{**constants, "tenant": self.tenant, **row} for row in rows]:
            try:
                self._connection.exec_driver_sql(text, many)
            except UNSTORABLE as error:
                raise unprocessable() from error

    def _one(self, statement: Statement, **parameters: Any) -> Row[Any] | None:
        return self._run(statement, **parameters).first()

    def _all(self, statement: Statement, **parameters: Any) -> Sequence[Row[Any]]:
        return self._run(statement, **parameters).all()

    def _lock(self, *what: str) -> None:
        """Wait for whoever holds `what`, and hold it until the transaction ends.

        An advisory lock, since what is locked need not be there yet: of two transactions that both miss a chat and
        want to add it, a row lock would stop neither.
        """
        if self._connection.dialect.name == "sqlite" or what in self._locked:
            return
        digest = blake2b(json.dumps([self.tenant, *what]).encode(), digest_size=8).digest()
        key = int.from_bytes(digest, signed=True)
        self._connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%(key)s::bigint)", {"key": key})
        self._locked.add(what)
