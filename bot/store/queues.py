"""What must still be told to webhooks: owed -> claim -> deliver -> told | later | parked.

A stream is what one webhook is told of one record. Its row is the lock: whoever adds to what the stream owes, claims it
or settles it holds that row, and only then looks at what is owed, in a statement of its own that sees what the last
holder wrote. Locking the owed rows themselves would let a second replica take a stream's second event ahead of the
first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import and_, bindparam, delete, exists, func, literal_column, select, true, tuple_, update

from bot.domain.deliveries import EventDelivery
from bot.domain.events import Event
from bot.domain.webhooks import Webhook, WebhookState
from bot.store.rows import event_of, webhook_of
from bot.store.schema import events, owed, parked, streams, webhooks
from bot.store.session import Session, to_text
from bot.store.statements import Insert, Statement, given, mine, rows

_STREAM = ("webhook", "type", "id")
_KEY = ("tenant", *_STREAM)
_EVENT = (*_STREAM, "seq")
_NOW = bindparam("now")
_NOBODY = literal_column("0")
_IS_EVENT = and_(*(events.c[name] == owed.c[name] for name in ("tenant", "type", "id", "seq")))
ACTIVE = webhooks.c.state == literal_column(f"'{WebhookState.ACTIVE.value}'")


@dataclass(frozen=True, slots=True)
class Subscribers:
    """A tenant's webhooks, disabled ones too. `version`: of the list, as `feeds.webhooks` counts."""

    version: int
    webhooks: tuple[Webhook, ...] = ()


def _columns(table: Any, names: Iterable[str]) -> list[Any]:
    return [table.c[name] for name in names]


def _same(table: Any, other: Any) -> Any:
    """Rows of the same stream."""
    return and_(*(table.c[name] == other.c[name] for name in _KEY))


def _owe_streams(insert: Insert) -> Any:
    """Streams that wait already keep their time."""
    listed = given(insert, *_columns(streams, _STREAM))
    new = select(*_columns(listed, _KEY), _NOW, _NOBODY, literal_column("0")).where(true())
    statement = insert(streams).from_select([*_KEY, "due_at", "lease_until", "fence"], new)
    return statement.on_conflict_do_update(
        index_elements=list(_KEY), set_={"due_at": statement.excluded.due_at}, where=streams.c.due_at.is_(None)
    )


def _owe(insert: Insert) -> Any:
    listed = given(insert, *_columns(owed, (*_STREAM, "seq", "at")))
    new = select(*_columns(listed, (*_KEY, "seq", "at")), _NOW, literal_column("0"))
    return insert(owed).from_select([*_KEY, "seq", "at", "since", "attempts"], new)


def _due(_: Insert) -> Any:
    """Streams that are due and free: those somebody holds are due when the lease ends."""
    return (
        select(streams.c.type, streams.c.id)
        .where(mine(streams, "webhook"), streams.c.due_at <= _NOW)
        .order_by(streams.c.due_at)
        .limit(bindparam("limit"))
        .with_for_update(skip_locked=True, key_share=True)
    )


def _heads(insert: Insert) -> Any:
    """The oldest owed event of each of the given streams."""
    listed, older = given(insert, *_columns(streams, _STREAM)), owed.alias("older")
    oldest = select(func.min(older.c.seq)).where(_same(older, streams)).scalar_subquery()
    return (
        select(events, owed.c.since, owed.c.attempts, streams.c.fence)
        .select_from(listed)
        .join(streams, _same(streams, listed))
        .join(owed, and_(_same(owed, streams), owed.c.seq == oldest))
        .join(events, _IS_EVENT)
        .order_by(listed.c.place)
    )


def _held(insert: Insert) -> Any:
    """Those of the given streams that somebody holds, locked in the order given."""
    listed = given(insert, *_columns(streams, _STREAM))
    return (
        select(*_columns(streams, _STREAM), streams.c.fence)
        .select_from(listed)
        .join(streams, _same(streams, listed))
        .where(streams.c.lease_until > _NOBODY)
        .order_by(listed.c.place)
        .with_for_update(of=streams, key_share=True)
    )


def _is_given(insert: Insert, table: Any, *names: str) -> Any:
    listed = given(insert, *_columns(table, names))
    return tuple_(*_columns(table, ("tenant", *names))).in_(select(*_columns(listed, ("tenant", *names))))


def _change(**values: Any) -> Statement:
    """Change the given streams."""
    return Statement(lambda insert: update(streams).where(_is_given(insert, streams, *_STREAM)).values(**values))


def _park(insert: Insert) -> Any:
    given_up = (
        select(owed.c.tenant, owed.c.webhook, events.c.position, owed.c.attempts, _NOW, bindparam("why"))
        .join(events, _IS_EVENT)
        .where(mine(owed, *_EVENT))
    )
    return insert(parked).from_select([column.name for column in parked.c], given_up)


_WEBHOOK = rows(webhooks, "id")
WEBHOOKS = rows(webhooks, order=("created_at", "id"))
_OWE_STREAMS = Statement(_owe_streams)
_OWE = Statement(_owe)
_DUE_WEBHOOKS = Statement(
    lambda _: (
        select(webhooks.c.id)
        .where(
            mine(webhooks),
            ACTIVE,
            exists().where(
                streams.c.tenant == webhooks.c.tenant, streams.c.webhook == webhooks.c.id, streams.c.due_at <= _NOW
            ),
        )
        .order_by(webhooks.c.created_at, webhooks.c.id)
    )
)
_DUE = Statement(_due)
_HEADS = Statement(_heads)
_HELD = Statement(_held)
_UNTIL = bindparam("until")
_LEASE = _change(due_at=_UNTIL, lease_until=_UNTIL, fence=streams.c.fence + 1)
_RENEW = _change(due_at=_UNTIL, lease_until=_UNTIL)
_POSTPONE = Statement(
    lambda _: (
        update(streams)
        .where(mine(streams, *_STREAM, "fence"), streams.c.lease_until > _NOBODY)
        .values(due_at=_UNTIL, lease_until=_NOBODY)
    )
)
_GO_ON = _change(
    due_at=select(_NOW).where(_same(owed, streams)).limit(1).correlate(streams).scalar_subquery(),
    lease_until=_NOBODY,
)
_COUNT_TRY = Statement(
    lambda insert: update(owed).where(_is_given(insert, owed, *_EVENT)).values(attempts=owed.c.attempts + 1)
)
_SETTLE = Statement(lambda insert: delete(owed).where(_is_given(insert, owed, *_EVENT)))
_PARK = Statement(_park)
_OWED = rows(owed, *_EVENT)
_TOOK = Statement(lambda _: update(webhooks).where(mine(webhooks, "id")).values(delivered_at=_NOW))
_FAILED = Statement(
    lambda _: update(webhooks).where(mine(webhooks, "id")).values(failed_at=_NOW, error=bindparam("why"))
)


def _stream_of(held: EventDelivery) -> tuple[str, str, str]:
    record = held.event.fact.record
    return held.webhook.id, record.type, record.id


def _streams(held: Iterable[EventDelivery]) -> str:
    """As the parameter `rows`."""
    return to_text([_stream_of(one) for one in held])


def _events(held: Iterable[EventDelivery]) -> str:
    """As the parameter `rows`."""
    return to_text([(*_stream_of(one), one.event.seq) for one in held])


class QueuesPart(Session):
    """A worker holds a stream by a lease, as it holds a chat's messages (`OutboxPart`): no transaction is open while it
    speaks to the network, and who comes back with an old fence is refused.

    Attributes:
        subscribers: as they were read last, in this transaction or before.
    """

    subscribers = Subscribers(version=0)

    def _owe(self, added: Sequence[Event], version: int) -> None:
        """Owe the events to those who want them. `version`: of the list of webhooks; nothing is read when it is known.

        The tenant's row in `feeds` must be held.
        """
        if version != self.subscribers.version:
            self.subscribers = Subscribers(version, tuple(map(webhook_of, self._all(WEBHOOKS))))
        wanted = [
            (webhook.id, event.fact.record.type, event.fact.record.id, event.seq, event.at)
            for webhook in self.subscribers.webhooks
            for event in added
            if webhook.wants(event.fact)
        ]
        if wanted:
            touched = sorted({row[:3] for row in wanted})
            self._run(_OWE_STREAMS, rows=to_text(touched), now=self.now)
            self._run(_OWE, rows=to_text(wanted), now=self.now)

    def due_webhooks(self) -> list[str]:
        return [row.id for row in self._all(_DUE_WEBHOOKS, now=self.now)]

    def claim_events(self, webhook: str, *, limit: int, lease: int) -> list[EventDelivery]:
        found = self._one(_WEBHOOK, id=webhook)
        if found is None or found.state != WebhookState.ACTIVE.value:
            return []
        due = self._all(_DUE, webhook=webhook, now=self.now, limit=limit)
        if not due:
            return []
        told, until = webhook_of(found), self.now + lease
        claimed = [
            EventDelivery(
                webhook=told,
                event=event_of(row),
                attempts=row.attempts + 1,
                since=row.since,
                fence=row.fence + 1,
                lease_until=until,
            )
            for row in self._all(_HEADS, rows=to_text([(webhook, *row) for row in due]))
        ]
        self._run(_LEASE, rows=_streams(claimed), until=until)
        self._run(_COUNT_TRY, rows=_events(claimed))
        return claimed

    def renew_events(self, held: Sequence[EventDelivery], *, lease: int) -> list[EventDelivery]:
        until = self.now + lease
        still = [replace(one, lease_until=until) for one in self._still_held(held)[0]]
        self._run(_RENEW, rows=_streams(still), until=until)
        return still

    def delivered_events(self, told: Sequence[EventDelivery]) -> list[EventDelivery]:
        held, lost = self._still_held(told)
        self._run(_SETTLE, rows=_events(held))
        self._run(_GO_ON, rows=_streams(held), now=self.now)
        for webhook in sorted({one.webhook.id for one in held}):
            self._run(_TOOK, id=webhook, now=self.now)
        return lost

    def postpone_event(self, held: EventDelivery, *, until: int, error: str) -> bool:
        key = dict(zip(_STREAM, _stream_of(held), strict=True))
        if self._replayed_meanwhile(held):
            until = min(until, self.now)
        if self._run(_POSTPONE, **key, fence=held.fence, until=until).rowcount != 1:
            return False
        self._run(_FAILED, id=held.webhook.id, now=self.now, why=error)
        return True

    def park_event(self, held: EventDelivery, *, error: str) -> bool:
        if self._replayed_meanwhile(held):
            return self.postpone_event(held, until=self.now, error=error)
        if not self._still_held([held])[0]:
            return False
        key = dict(zip(_EVENT, (*_stream_of(held), held.event.seq), strict=True))
        self._run(_PARK, **key, now=self.now, why=error)
        self._run(_SETTLE, rows=_events([held]))
        self._run(_GO_ON, rows=_streams([held]), now=self.now)
        self._run(_FAILED, id=held.webhook.id, now=self.now, why=error)
        return True

    def _replayed_meanwhile(self, held: EventDelivery) -> bool:
        """Somebody asked for a replay while it was tried: what the try would say of its schedule is out of date."""
        key = dict(zip(_EVENT, (*_stream_of(held), held.event.seq), strict=True))
        row = self._one(_OWED, **key)
        return row is not None and row.since != held.since

    def _still_held(self, claimed: Iterable[EventDelivery]) -> tuple[list[EventDelivery], list[EventDelivery]]:
        """Those whose streams are still the claimer's, locked, and the others."""
        asked = sorted(claimed, key=_stream_of)  # the order in which everybody locks streams
        found = self._all(_HELD, rows=_streams(asked)) if asked else ()
        fences = {(row.webhook, row.type, row.id): row.fence for row in found}
        held = [one for one in asked if fences.get(_stream_of(one)) == one.fence]
        lost = [one for one in asked if fences.get(_stream_of(one)) != one.fence]
        return held, lost
