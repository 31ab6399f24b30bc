"""The settings in the database: apps, record types and admins."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, bindparam, func, select, update

from bot.domain.catalogue import Catalogue
from bot.domain.history import SettingsChange, Subject, Via
from bot.domain.settings import App, RecordType
from bot.domain.settings_json import (
    admins_from_store,
    admins_to_json,
    app_from_store,
    kept,
    record_type_from_store,
    to_json,
)
from bot.store.audit import AuditPart
from bot.store.schema import apps, record_types, settings
from bot.store.session import to_text
from bot.store.statements import Insert, Statement, add, mine, rows

_VERSION = Statement(lambda _: select(settings.c.version).where(mine(settings)))
_HOLD = Statement(lambda _: select(settings.c.version).where(mine(settings)).with_for_update())
_ADMINS = rows(settings)
_TYPE = rows(record_types, "name")
_TYPES = rows(record_types, order=("position",))
_APP = rows(apps, "id")
_APPS = rows(apps, order=("position",))
_FIRST = add(settings, version=1)
_KEEP_ADMINS = Statement(
    lambda _: update(settings).where(mine(settings)).values(admins=bindparam("given"), admin_names=bindparam("names"))
)


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


def load_record_types(connection: Connection, tenant: str) -> Catalogue | None:
    """A tenant's record types, from a database of any version of the schema; None before its first start."""
    part = SettingsPart(connection, tenant=tenant, now=0, known=Catalogue())
    version = part.settings_version()
    return Catalogue(types=part.record_types(), version=version) if version else None


class SettingsPart(AuditPart):
    """Reading and changing settings. Every change counts `settings.version` up, which every replica sees.

    What a newer program wrote and this one can't read is written back with every change.

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
        version = self.settings_version()
        if version != self.known.version:
            apps = [app_from_store(json.loads(row.document), app=row.id) for row in self._all(_APPS)]
            self.known = Catalogue(types=self.record_types(), apps=apps, admins=self._admins(), version=version)
        return self.known

    def settings_version(self) -> int:
        row = self._one(_VERSION)
        return row.version if row else 0

    def record_types(self) -> list[RecordType]:
        return [record_type_from_store(json.loads(row.document), name=row.name) for row in self._all(_TYPES)]

    def _admins(self) -> dict[str, str]:
        """Names are looked up: a program of version 0002 changes the ids and leaves the names as they are."""
        row = self._one(_ADMINS)
        if row is None:
            return {}
        return admins_from_store(json.loads(row.admins), json.loads(row.admin_names))

    def put_record_type(self, record_type: RecordType) -> None:
        self._count_change()
        self._keep_type(record_type)

    def put_app(self, app: App) -> None:
        self._count_change()
        self._keep_app(app)

    def put_admins(self, admins: Mapping[str, str]) -> None:
        self._count_change()
        row = self._run(_ADMINS).one()
        stored, names = json.loads(row.admins), json.loads(row.admin_names)
        read = admins_from_store(stored, names)
        self._run(
            _KEEP_ADMINS,
            given=to_text(kept(stored, sorted(read), sorted(admins))),
            names=to_text(kept(names, read, dict(admins))),
        )

    def lock_settings(self) -> None:
        """The row too: a program of version 0002 knows no other lock."""
        self._lock("settings")
        self._run(_HOLD)

    def seed(self, catalogue: Catalogue) -> None:
        """Write the first settings; nothing when there are some."""
        self.lock_settings()
        admins = catalogue.admins
        if self._one(_FIRST, admins=to_text(sorted(admins)), admin_names=to_text(dict(admins))) is None:
            return
        self.settings_changed = True
        for record_type in catalogue.types.values():
            self._keep_type(record_type)
            self._add_first(Subject.RECORD_TYPE, record_type.name, to_json(record_type))
        for app in catalogue.apps.values():
            self._keep_app(app)
            self._add_first(Subject.APP, app.id, to_json(app))
        self._add_first(Subject.ADMINS, "", admins_to_json(admins))

    def _add_first(self, subject: Subject, name: str, after: Mapping[str, Any]) -> None:
        self.add_settings_change(
            SettingsChange(subject=subject, name=name, via=Via.CONFIG, by=None, before=None, after=after)
        )

    def _count_change(self) -> None:
        """Counted before the change: the row is the lock behind which settings are changed one after the other."""
        self._run(_COUNT_CHANGE)
        self.settings_changed = True

    def _keep_type(self, record_type: RecordType) -> None:
        name, document = record_type.name, to_json(record_type)
        if row := self._one(_TYPE, name=name):
            stored = json.loads(row.document)
            document = kept(stored, to_json(record_type_from_store(stored, name=name)), document)
        self._run(_KEEP_TYPE, name=name, document=to_text(document))

    def _keep_app(self, app: App) -> None:
        document = to_json(app)
        if row := self._one(_APP, id=app.id):
            stored = json.loads(row.document)
            document = kept(stored, to_json(app_from_store(stored, app=app.id)), document)
        self._run(_KEEP_APP, id=app.id, document=to_text(document))
