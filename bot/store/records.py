"""Records and people's access to them."""

from __future__ import annotations

from sqlalchemy import ColumnElement, delete, func, insert, select

from bot.domain.records import EVERYBODY, Privilege, Record, RecordId
from bot.store import schema
from bot.store.rows import record_of
from bot.store.session import Session, to_text


class RecordsPart(Session):
    """Records are replaced as a whole: the record system is the truth, and says it anew with each PUT."""

    def record(self, record: RecordId) -> Record | None:
        return self._read(record, self._mine(schema.access, type=record.type, id=record.id))

    def record_for(self, record: RecordId, person: str | None) -> Record | None:
        people = [EVERYBODY] if person is None else [EVERYBODY, person]
        entries = self._mine(schema.access, type=record.type, id=record.id)
        return self._read(record, entries & schema.access.c.person.in_(people))

    def _read(self, record: RecordId, entries: ColumnElement[bool]) -> Record | None:
        row = self._one(select(schema.records).where(self._mine(schema.records, type=record.type, id=record.id)))
        if row is None:
            return None
        access = schema.access.c
        rows = self._all(select(access.person, access.level).where(entries).order_by(access.person))
        return record_of(row, {entry.person: Privilege(entry.level) for entry in rows})

    def lock_record(self, record: RecordId) -> None:
        self._lock("record", record.type, record.id)

    def put_record(self, record: Record) -> None:
        self.lock_record(record.record)
        key = {"type": record.record.type, "id": record.record.id}
        owner = record.owner
        self._put(
            schema.records,
            **key,
            title=record.title,
            url=record.url,
            fields=to_text(dict(record.fields)),
            owner_id=owner and owner.id,
            owner_name=owner and owner.name,
            app=record.app,
            version=record.version,
        )
        self._execute(delete(schema.access).where(self._mine(schema.access, **key)))
        if record.access:
            entries = [
                {"tenant": self.tenant, **key, "person": person, "level": int(level)}
                for person, level in record.access.items()
            ]
            self._execute(insert(schema.access), entries)
        self._remember_version(record)

    def _remember_version(self, record: Record) -> None:
        key = {"type": record.record.type, "id": record.record.id}
        last = schema.timelines.c.last_version
        statement = self._insert(schema.timelines).values(
            tenant=self.tenant, **key, last_seq=0, last_version=record.version
        )
        higher = func.max if self._sqlite else func.greatest
        self._execute(
            statement.on_conflict_do_update(
                index_elements=["tenant", "type", "id"],
                set_={"last_version": higher(last, statement.excluded.last_version)},
            )
        )

    def delete_record(self, record: RecordId) -> None:
        self.lock_record(record)
        self._execute(delete(schema.records).where(self._mine(schema.records, type=record.type, id=record.id)))

    def last_version(self, record: RecordId) -> int:
        timelines = schema.timelines
        row = self._one(select(timelines.c.last_version).where(self._mine(timelines, type=record.type, id=record.id)))
        return row.last_version if row else 0
