"""Timelines and the feed of all events."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, select
from ulid import ULID

from bot.domain.events import Event, Fact
from bot.domain.records import RecordId
from bot.store import schema
from bot.store.rows import event_of
from bot.store.session import Session, to_text


class EventsPart(Session):
    """An event gets two numbers, each under a row that stays locked until the transaction ends.

    `seq` is taken when it is added, under the record's row in `timelines`. Its position in the feed is taken under the
    tenant's row in `feeds`, which everybody who adds events needs, so as late as can be: added events are kept aside
    and written when the transaction ends, or when it reads events itself. Since a position is given out only after the
    transaction with the one before it has ended, positions become visible in their order: who reads on from the last
    one seen misses none.
    """

    def __init__(self, connection: Connection, *, tenant: str, now: int) -> None:
        super().__init__(connection, tenant=tenant, now=now)
        self._added: list[dict[str, Any]] = []

    def add_event(self, fact: Fact) -> Event:
        self._lock("record", fact.record.type, fact.record.id)
        event = Event(
            id=str(ULID.from_timestamp(self.now // 1000)), seq=self._next_seq(fact.record), at=self.now, fact=fact
        )
        self._added.append(
            {
                "tenant": self.tenant,
                "type": fact.record.type,
                "id": fact.record.id,
                "seq": event.seq,
                "event": event.id,
                "at": event.at,
                "kind": fact.type.value,
                "actor_id": fact.actor and fact.actor.id,
                "actor_name": fact.actor and fact.actor.name,
                "chat_id": fact.chat and fact.chat.id,
                "chat_kind": fact.chat and fact.chat.kind,
                "chat_topic": fact.chat and fact.chat.topic,
                "data": to_text(dict(fact.data)),
            }
        )
        return event

    def _next_seq(self, record: RecordId) -> int:
        timelines = schema.timelines
        statement = self._insert(timelines).values(
            tenant=self.tenant, type=record.type, id=record.id, last_seq=1, last_version=0
        )
        counted = statement.on_conflict_do_update(
            index_elements=["tenant", "type", "id"], set_={"last_seq": timelines.c.last_seq + 1}
        )
        return self._execute(counted.returning(timelines.c.last_seq)).scalar_one()

    def write_events(self) -> None:
        """Give the added events their positions in the feed and write them."""
        if not self._added:
            return
        added, self._added = self._added, []
        feeds = schema.feeds
        statement = self._insert(feeds).values(tenant=self.tenant, last_position=len(added))
        counted = statement.on_conflict_do_update(
            index_elements=["tenant"], set_={"last_position": feeds.c.last_position + len(added)}
        )
        last = self._execute(counted.returning(feeds.c.last_position)).scalar_one()
        for position, row in enumerate(added, last - len(added) + 1):
            row["position"] = position
        self._execute(insert(schema.events), added)

    def events(self, record: RecordId, *, after: int = 0, limit: int, newest_first: bool = False) -> list[Event]:
        self.write_events()
        seq = schema.events.c.seq
        statement = select(schema.events).where(self._mine(schema.events, type=record.type, id=record.id)).limit(limit)
        if newest_first:
            statement = (statement.where(seq < after) if after else statement).order_by(seq.desc())
        else:
            statement = statement.where(seq > after).order_by(seq)
        return [event_of(row) for row in self._all(statement)]

    def last_seq(self, record: RecordId) -> int:
        timelines = schema.timelines
        row = self._one(select(timelines.c.last_seq).where(self._mine(timelines, type=record.type, id=record.id)))
        return row.last_seq if row else 0

    def feed(self, *, after: int, limit: int) -> list[tuple[int, Event]]:
        self.write_events()
        position = schema.events.c.position
        later = select(schema.events).where(self._mine(schema.events), position > after)
        return [(row.position, event_of(row)) for row in self._all(later.order_by(position).limit(limit))]
