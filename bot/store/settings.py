"""The settings in the database: apps, record types and admins."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Table, bindparam, func, select, update

from bot.domain.catalogue import Catalogue
from bot.domain.records import App, RecordType
from bot.domain.wire import app_from_json, app_to_json, record_type_from_json, record_type_to_json
from bot.store.schema import apps, record_types, settings
from bot.store.session import Session, to_text
from bot.store.statements import Insert, Statement, add, mine, rows

_SETTINGS = rows(settings)
_TYPES = rows(record_types, order=("position",))
_APPS = rows(apps, order=("position",))
_FIRST = add(settings, version=1)
_ADMINS = Statement(lambda _: update(settings).where(mine(settings)).values(admins=bindparam("given")))


def _count_change(insert: Insert) -> Any:
    statement = insert(settings).values(tenant=bindparam("tenant"), version=1, admins="[]")
    return statement.on_conflict_do_update(index_elements=["tenant"], set_={"version": settings.c.version + 1})


def _keep(table: Table, key: str) -> Statement:
    """Replace a document where it stands, or add it as the last."""

    def build(insert: Insert) -> Any:
        last = select(func.coalesce(func.max(table.c.position), 0) + 1).where(mine(table)).scalar_subquery()
        given = {name: bindparam(name) for name in ("tenant", key, "document")}
        statement = insert(table).values(**given, position=last)
        return statement.on_conflict_do_update(
            index_elements=["tenant", key], set_={"document": statement.excluded.document}
        )

    return Statement(build)


_COUNT_CHANGE = Statement(_count_change)
_KEEP_TYPE = _keep(record_types, "name")
_KEEP_APP = _keep(apps, "id")


def load_catalogue(connection: Connection, tenant: str) -> Catalogue:
    """A tenant's settings as they are; version 0 before its first start."""
    return SettingsPart(connection, tenant=tenant, now=0, known=Catalogue(version=-1)).catalogue()


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
        row = self._one(_SETTINGS)
        version = row.version if row else 0
        if version != self.known.version:
            self.known = Catalogue(
                types=[record_type_from_json(json.loads(item.document)) for item in self._all(_TYPES)],
                apps=[app_from_json(json.loads(item.document)) for item in self._all(_APPS)],
                admins=json.loads(row.admins) if row else (),
                version=version,
            )
        return self.known

    def put_record_type(self, record_type: RecordType) -> None:
        self._count_change()
        self._keep_type(record_type)

    def put_app(self, app: App) -> None:
        self._count_change()
        self._keep_app(app)

    def put_admins(self, admins: Iterable[str]) -> None:
        self._count_change()
        self._run(_ADMINS, given=to_text(sorted(set(admins))))

    def seed(self, catalogue: Catalogue) -> None:
        """Write the first settings; nothing when there are some."""
        if self._one(_FIRST, admins=to_text(sorted(catalogue.admins))) is None:
            return
        self.settings_changed = True
        for record_type in catalogue.types.values():
            self._keep_type(record_type)
        for app in catalogue.apps.values():
            self._keep_app(app)

    def _count_change(self) -> None:
        """Counted before the change: the row is the lock behind which settings are changed one after the other."""
        self._run(_COUNT_CHANGE)
        self.settings_changed = True

    def _keep_type(self, record_type: RecordType) -> None:
        self._run(_KEEP_TYPE, name=record_type.name, document=to_text(record_type_to_json(record_type)))

    def _keep_app(self, app: App) -> None:
        self._run(_KEEP_APP, id=app.id, document=to_text(app_to_json(app)))
