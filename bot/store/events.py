"""Timelines and the feed of all events."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, bindparam, select
from ulid import ULID

from bot.domain.events import Event, Fact
from bot.domain.records import RecordId
from bot.store.queues import QueuesPart
from bot.store.records import key_of
from bot.store.rows import event_of
from bot.store.schema import events, feeds, timelines
from bot.store.session import to_text
from bot.store.statements import Insert, Statement, append, mine, pages, rows


def _take_seq(insert: Insert) -> Any:
    key = {name: bindparam(name) for name in ("tenant", "type", "id")}
    statement = insert(timelines).values(**key, last_seq=1, last_version=0)
    return statement.on_conflict_do_update(
        index_elements=list(key), set_={"last_seq": timelines.c.last_seq + 1}
    ).returning(timelines.c.last_seq)


def _take_positions(insert: Insert) -> Any:
    count = bindparam("count")
    statement = insert(feeds).values(tenant=bindparam("tenant"), last_position=count)
    return statement.on_conflict_do_update(
        index_elements=["tenant"], set_={"last_position": feeds.c.last_position + count}
    ).returning(feeds.c.last_position, feeds.c.webhooks)


_TAKE_SEQ = Statement(_take_seq)
_TAKE_POSITIONS = Statement(_take_positions)
_APPEND = append(events)
_TIMELINE = pages(events, "type", "id", by="seq")
_FEED = Statement(
    lambda _: (
        select(events)
        .where(mine(events), events.c.position > bindparam("after"))
        .order_by(events.c.position)
        .limit(bindparam("limit"))
    )
)

_END = rows(feeds)


class EventsPart(QueuesPart):
    """An event gets two numbers, each under a row that stays locked until the transaction ends.

    `seq` is taken when it is added, under the record's row in `timelines`. Its position in the feed is taken under the
    tenant's row in `feeds`, which everybody who adds events needs, so as late as can be: added events are kept aside
    and written when the transaction ends, or when it reads events itself. Since a position is given out only after the
    transaction with the one before it has ended, positions become visible in their order: who reads on from the last
    one seen misses none.
    """

    def __init__(self, connection: Connection, *, tenant: str, now: int) -> None:
        super().__init__(connection, tenant=tenant, now=now)
        self._added: list[Event] = []

    def add_event(self, fact: Fact) -> Event:
        self._lock("record", fact.record.type, fact.record.id)
        seq = self._run(_TAKE_SEQ, **key_of(fact.record)).scalar_one()
        event = Event(id=str(ULID.from_timestamp(self.now // 1000)), seq=seq, at=self.now, fact=fact)
        self._added.append(event)
        self.news = True
        return event

    def write_events(self) -> None:
        """Give the added events their positions in the feed, write them and owe them to the webhooks."""
        if not self._added:
            return
        added, self._added = self._added, []
        feed = self._run(_TAKE_POSITIONS, count=len(added)).one()
        first = feed.last_position - len(added) + 1
        self._run_for_each(_APPEND, (_row(event, position) for position, event in enumerate(added, first)))
        self._owe(added, feed.webhooks)

    def events(self, record: RecordId, *, after: int = 0, limit: int, newest_first: bool = False) -> list[Event]:
        self.write_events()
        found = self._page(_TIMELINE, **key_of(record), after=after, limit=limit, newest_first=newest_first)
        return [event_of(row) for row in found]

    def feed(self, *, after: int, limit: int) -> list[tuple[int, Event]]:
        self.write_events()
        return [(row.position, event_of(row)) for row in self._all(_FEED, after=after, limit=limit)]

    def last_position(self) -> int:
        self.write_events()
        row = self._one(_END)
        return row.last_position if row else 0


def _row(event: Event, position: int) -> dict[str, Any]:
    fact = event.fact
    return {
        **key_of(fact.record),
        "seq": event.seq,
        "position": position,
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
