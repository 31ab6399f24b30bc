"""Records and people's access to them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import bindparam, case, or_, select

from bot.domain.records import EVERYBODY, Record, RecordId
from bot.store.rows import privilege_of, record_of
from bot.store.schema import access, records, timelines
from bot.store.session import Session, to_text
from bot.store.statements import Insert, Statement, append, mine, put, remove, rows

_RECORD = rows(records, "type", "id")
_PUT_RECORD = put(records)
_REMOVE_RECORD = remove(records, "type", "id")
_ACCESS = rows(access, "type", "id", order=("person",))
_ACCESS_FOR = Statement(
    lambda _: (
        select(access)
        .where(mine(access, "type", "id"), or_(access.c.person == EVERYBODY, access.c.person == bindparam("person")))
        .order_by(access.c.person)
    )
)
_ADD_ACCESS = append(access)
_REMOVE_ACCESS = remove(access, "type", "id")
_TIMELINE = rows(timelines, "type", "id")


def _remember_version(insert: Insert) -> Any:
    last, given = timelines.c.last_version, bindparam("version")
    key = {name: bindparam(name) for name in ("tenant", "type", "id")}
    statement = insert(timelines).values(**key, last_seq=0, last_version=given)
    return statement.on_conflict_do_update(
        index_elements=list(key), set_={"last_version": case((given > last, given), else_=last)}
    )


_REMEMBER_VERSION = Statement(_remember_version)


def key_of(record: RecordId) -> dict[str, str]:
    """The columns that say which record."""
    return {"type": record.type, "id": record.id}


class RecordsPart(Session):
    """Records are replaced as a whole: the record system is the truth, and says it anew with each PUT."""

    def record(self, record: RecordId) -> Record | None:
        row = self._one(_RECORD, **key_of(record))
        return None if row is None else _with_access(row, self._all(_ACCESS, **key_of(record)))

    def record_for(self, record: RecordId, person: str | None) -> Record | None:
        row = self._one(_RECORD, **key_of(record))
        # Asked for in any case: a missing record must not answer sooner than a forbidden one.
        entries = self._all(_ACCESS_FOR, **key_of(record), person=person or EVERYBODY)
        return None if row is None else _with_access(row, entries)

    def lock_record(self, record: RecordId) -> None:
        self._lock("record", record.type, record.id)

    def put_record(self, record: Record) -> None:
        self.lock_record(record.record)
        key, owner = key_of(record.record), record.owner
        self._run(
            _PUT_RECORD,
            **key,
            title=record.title,
            url=record.url,
            fields=to_text(dict(record.fields)),
            owner_id=owner and owner.id,
            owner_name=owner and owner.name,
            app=record.app,
            version=record.version,
        )
        self._run(_REMOVE_ACCESS, **key)
        self._run_for_each(
            _ADD_ACCESS, ({**key, "person": person, "level": int(level)} for person, level in record.access.items())
        )
        self._run(_REMEMBER_VERSION, **key, version=record.version)

    def delete_record(self, record: RecordId) -> None:
        self.lock_record(record)
        self._run(_REMOVE_RECORD, **key_of(record))

    def last_version(self, record: RecordId) -> int:
        row = self._one(_TIMELINE, **key_of(record))
        return row.last_version if row else 0

    def last_seq(self, record: RecordId) -> int:
        row = self._one(_TIMELINE, **key_of(record))
        return row.last_seq if row else 0


def _with_access(row: Any, entries: Iterable[Any]) -> Record:
    return record_of(row, {entry.person: privilege_of(entry.level) for entry in entries})
