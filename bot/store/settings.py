"""The settings in the database: apps, record types and admins."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Table, func, select, update

from bot.domain.catalogue import Catalogue
from bot.domain.records import App, RecordType
from bot.domain.wire import app_from_json, app_to_json, record_type_from_json, record_type_to_json
from bot.store import schema
from bot.store.session import Session, to_text


def stored_version(connection: Connection, tenant: str) -> int:
    """The version of the tenant's settings; 0 before its first start."""
    statement = select(schema.settings.c.version).where(schema.settings.c.tenant == tenant)
    return connection.execute(statement).scalar() or 0


def load_catalogue(connection: Connection, tenant: str) -> Catalogue:
    """Read the tenant's settings as they are."""
    row = connection.execute(select(schema.settings).where(schema.settings.c.tenant == tenant)).first()
    if row is None:
        return Catalogue()

    def documents(table: Table) -> list[Any]:
        statement = select(table.c.document).where(table.c.tenant == tenant).order_by(table.c.position)
        return [json.loads(document) for document in connection.execute(statement).scalars()]

    return Catalogue(
        types=[record_type_from_json(item) for item in documents(schema.record_types)],
        apps=[app_from_json(item) for item in documents(schema.apps)],
        admins=json.loads(row.admins),
        version=row.version,
    )


class SettingsPart(Session):
    """Reading and changing settings. Every change counts `settings.version` up, which every replica sees.

    Attributes:
        known: the settings as they were read last, in this transaction or before.
        settings_changed: by this transaction.
    """

    settings_changed = False

    def __init__(self, connection: Connection, *, tenant: str, now: int, known: Catalogue) -> None:
        super().__init__(connection, tenant=tenant, now=now)
        self.known = known

    def catalogue(self) -> Catalogue:
        """The settings as this transaction sees them."""
        if stored_version(self._connection, self.tenant) != self.known.version:
            self.known = load_catalogue(self._connection, self.tenant)
        return self.known

    def put_record_type(self, record_type: RecordType) -> None:
        self._count_change()
        self._keep(schema.record_types, record_type_to_json(record_type), name=record_type.name)

    def put_app(self, app: App) -> None:
        self._count_change()
        self._keep(schema.apps, app_to_json(app), id=app.id)

    def put_admins(self, admins: Iterable[str]) -> None:
        self._count_change()
        admins = to_text(sorted(set(admins)))
        self._execute(update(schema.settings).where(self._mine(schema.settings)).values(admins=admins))

    def seed(self, catalogue: Catalogue) -> None:
        """Write the first settings; nothing when there are some."""
        if not self._add(schema.settings, version=1, admins=to_text(sorted(catalogue.admins))):
            return
        self.settings_changed = True
        for record_type in catalogue.types.values():
            self._keep(schema.record_types, record_type_to_json(record_type), name=record_type.name)
        for app in catalogue.apps.values():
            self._keep(schema.apps, app_to_json(app), id=app.id)

    def _count_change(self) -> None:
        """Counted before the change: the row is the lock behind which settings are changed one after the other."""
        statement = self._insert(schema.settings).values(tenant=self.tenant, version=1, admins="[]")
        self._execute(
            statement.on_conflict_do_update(index_elements=["tenant"], set_={"version": schema.settings.c.version + 1})
        )
        self.settings_changed = True

    def _keep(self, table: Table, document: dict[str, Any], **key: str) -> None:
        change = update(table).where(self._mine(table, **key)).values(document=to_text(document))
        if self._execute(change).rowcount == 0:
            last = select(func.coalesce(func.max(table.c.position), 0)).where(self._mine(table)).scalar_subquery()
            self._add(table, **key, position=last + 1, document=to_text(document))
