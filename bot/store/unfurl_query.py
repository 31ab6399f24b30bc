"""The hot path's one read: everything an unfurl must know, in one statement.

An unfurl costs hardly more than this, so the statement is compiled once and runs on a bare connection that stays open,
in autocommit: no pool, no `BEGIN`, no `COMMIT`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy import Engine, and_, bindparam, exists, select
from sqlalchemy.pool import PoolProxiedConnection

from bot.domain.catalogue import Catalogue
from bot.domain.people import Actor
from bot.domain.records import EVERYBODY, Privilege, Record, RecordId
from bot.ports import UnfurlFacts
from bot.store.failures import wrapped
from bot.store.rows import chat_of, privilege_of, texts_of
from bot.store.schema import access, chats, connections, guests, records, settings
from bot.store.statements import Statement


class _Row(NamedTuple):
    """The columns of the statement, in their order; the chat's have the names that `chat_of` reads."""

    settings_version: int | None
    type: str | None
    title: str
    url: str | None
    fields: str
    owner_id: str | None
    owner_name: str | None
    app: str | None
    version: int
    own: int | None
    everybody: int | None
    id: str | None
    kind: str
    topic: str
    state: str
    audience: str
    team: str | None
    service_url: str
    bot: str
    rostered: bool
    roster_at: int
    connected: bool
    guest: bool


def _statement(_: Any) -> Any:
    def this(table: Any, **equal: str) -> Any:
        """The row whose columns are what the parameters of these names say."""
        named = {"tenant": "tenant", **equal}
        return and_(*(table.c[column] == bindparam(name) for column, name in named.items()))

    record = {"type": "type", "id": "id"}
    own, everybody = access.alias("own"), access.alias("everybody")
    connected = exists().where(this(connections, chat="chat", **record))
    guest = exists().where(this(guests, person="person"))
    asked = select(bindparam("tenant").label("tenant")).subquery("asked")
    return (
        select(settings.c.version, records.c.type)
        .add_columns(records.c.title, records.c.url, records.c.fields, records.c.owner_id, records.c.owner_name)
        .add_columns(records.c.app, records.c.version.label("record_version"))
        .add_columns(own.c.level.label("own"), everybody.c.level.label("everybody"))
        .add_columns(chats.c.id, chats.c.kind, chats.c.topic, chats.c.state, chats.c.audience, chats.c.team)
        .add_columns(chats.c.service_url, chats.c.bot, chats.c.rostered, chats.c.roster_at)
        .add_columns(connected.label("connected"), guest.label("guest"))
        .select_from(asked)
        .outerjoin(settings, settings.c.tenant == asked.c.tenant)
        .outerjoin(records, this(records, **record))
        .outerjoin(own, this(own, **record, person="person"))
        .outerjoin(everybody, and_(this(everybody, **record), everybody.c.person == EVERYBODY))
        .outerjoin(chats, this(chats, id="chat"))
    )


_STATEMENT = Statement(_statement)


class UnfurlQuery:
    """Runs the statement on a connection that each thread keeps.

    Args:
        catalogue: the settings at a version: read anew when the version in the database is another one.
    """

    def __init__(self, engine: Engine, *, tenant: str, catalogue: Callable[[int], Catalogue]) -> None:
        self._sql, constants = _STATEMENT.on(engine.dialect)
        self._constants = {**constants, "tenant": tenant}
        self._engine = engine
        self._driver: Any = engine.dialect.loaded_dbapi
        self._catalogue = catalogue
        self._own = threading.local()
        self._opened: list[PoolProxiedConnection] = []

    def unfurl_facts(self, record: RecordId | None, person: str | None, chat: str) -> UnfurlFacts:
        """Blocking."""
        asked_type, asked_id = (record.type, record.id) if record else ("", "")
        row = _Row._make(
            self._run({**self._constants, "type": asked_type, "id": asked_id, "person": person or "", "chat": chat})
        )
        return UnfurlFacts(
            catalogue=self._catalogue(row.settings_version or 0),
            record=_record(row, record, person) if record and row.type is not None else None,
            chat=chat_of(row) if row.id is not None else None,
            connected=bool(row.connected),
            guest=bool(row.guest),
        )

    def _run(self, parameters: dict[str, Any]) -> Any:
        cursor = getattr(self._own, "cursor", None) or self._open()
        try:
            return cursor.execute(self._sql, parameters).fetchone()
        except self._driver.Error as error:
            if not self._engine.dialect.is_disconnect(error, cursor.connection, cursor):
                raise wrapped(error, self._sql, self._engine.dialect) from error
        self._forget()
        self._engine.dispose()  # what else is in the pool went away with the server
        try:  # it was idle when it lost its connection; a fresh one tells whether the server is back
            return self._open().execute(self._sql, parameters).fetchone()
        except self._driver.Error as error:
            self._forget()
            raise wrapped(error, self._sql, self._engine.dialect) from error

    def _open(self) -> Any:
        connection = self._engine.raw_connection()
        driver: Any = connection.driver_connection
        if self._engine.dialect.name != "sqlite":
            driver.autocommit = True
        self._own.connection = connection
        self._own.cursor = driver.cursor()
        self._opened.append(connection)
        return self._own.cursor

    def _forget(self) -> None:
        self._own.cursor = None
        self._opened.remove(self._own.connection)
        self._own.connection.invalidate()

    def close(self) -> None:
        """Close the threads' connections; they must have ended."""
        for connection in self._opened:
            connection.invalidate()
        self._opened.clear()


def _record(row: _Row, record: RecordId, person: str | None) -> Record:
    access: dict[str, Privilege] = {}
    if row.everybody is not None:
        access[EVERYBODY] = privilege_of(row.everybody)
    if row.own is not None and person is not None:
        access[person] = privilege_of(row.own)
    return Record(
        record=record,
        title=row.title,
        url=row.url,
        fields=texts_of(row.fields),
        owner=None if row.owner_name is None else Actor(id=row.owner_id, name=row.owner_name),
        app=row.app,
        access=access,
        version=row.version,
    )
