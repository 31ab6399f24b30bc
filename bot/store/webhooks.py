"""Webhooks: who is told of events, and how they fare."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import and_, bindparam, case, exists, func, select, update

from bot.domain.deliveries import ParkedEvent
from bot.domain.settings_json import kept
from bot.domain.webhooks import Webhook, WebhookStatus
from bot.store.events import EventsPart
from bot.store.queues import WEBHOOKS
from bot.store.rows import event_of, webhook_of
from bot.store.schema import events, feeds, owed, parked, streams, webhooks
from bot.store.session import to_text
from bot.store.statements import Insert, Statement, mine, remove, rows

_NOW = bindparam("now")
_FILTERS = ("types", "record_types")
_GIVEN = ("url", "secrets", *_FILTERS, "state", "created_at")


def _put(insert: Insert) -> Any:
    """How it fared so far stays."""
    values = {name: bindparam(name) for name in ("tenant", "id", *_GIVEN)}
    statement = insert(webhooks).values(**values, error="")
    replaced = {name: statement.excluded[name] for name in _GIVEN}
    return statement.on_conflict_do_update(index_elements=["tenant", "id"], set_=replaced)


def _count_change(insert: Insert) -> Any:
    statement = insert(feeds).values(tenant=bindparam("tenant"), last_position=0, webhooks=1)
    return statement.on_conflict_do_update(index_elements=["tenant"], set_={"webhooks": feeds.c.webhooks + 1})


def _lock_streams(_: Insert) -> Any:
    locked = select(streams.c.id).where(mine(streams, "webhook")).order_by(streams.c.type, streams.c.id)
    return select(func.count()).select_from(locked.with_for_update(key_share=True).subquery("locked"))


_EVENT = and_(events.c.tenant == parked.c.tenant, events.c.position == parked.c.position)


def _unpark(insert: Insert) -> Any:
    columns = (events.c.type, events.c.id, events.c.seq, events.c.at, _NOW, parked.c.attempts)
    again = select(parked.c.tenant, parked.c.webhook, *columns).join(events, _EVENT).where(mine(parked, "webhook"))
    return insert(owed).from_select([column.name for column in owed.c], again)


_WEBHOOK = rows(webhooks, "id")
_PUT = Statement(_put)
_COUNT_CHANGE = Statement(_count_change)
_REMOVE_ALL = tuple(remove(table, "webhook") for table in (parked, owed, streams))
_REMOVE = remove(webhooks, "id")
_WAITING = Statement(
    lambda _: (
        select(func.count().label("waiting"), func.min(owed.c.at).label("oldest"))
        .select_from(owed)
        .where(mine(owed, "webhook"))
    )
)
_COUNT_PARKED = Statement(lambda _: select(func.count()).select_from(parked).where(mine(parked, "webhook")))
_PARKED = Statement(
    lambda _: (
        select(events, parked.c.attempts, parked.c.parked_at, parked.c.error)
        .select_from(parked)
        .join(events, _EVENT)
        .where(mine(parked, "webhook"))
        .order_by(parked.c.position)
        .limit(bindparam("limit"))
    )
)
_LOCK_STREAMS = Statement(_lock_streams)
_UNPARK = Statement(_unpark)
_CLEAR_PARKED = remove(parked, "webhook")
_BEGIN_AGAIN = Statement(
    lambda _: (
        update(owed)
        .where(mine(owed, "webhook"))
        .values(since=_NOW, attempts=case((owed.c.attempts > 1, 1), else_=owed.c.attempts))
    )
)
_ALL_DUE = Statement(
    lambda _: (
        update(streams)
        .where(
            mine(streams, "webhook"),
            streams.c.lease_until <= _NOW,
            exists().where(*(owed.c[name] == streams.c[name] for name in ("tenant", "webhook", "type", "id"))),
        )
        .values(due_at=_NOW)
    )
)
_NO_ERROR = Statement(lambda _: update(webhooks).where(mine(webhooks, "id")).values(error=""))


def _documents(webhook: Webhook) -> dict[str, Any]:
    """What is stored of it as JSON."""
    return {
        "secrets": [[secret.text, secret.until] for secret in webhook.secrets],
        "types": [kind.value for kind in webhook.types],
        "record_types": list(webhook.record_types),
    }


class WebhooksPart(EventsPart):
    """Whoever changes who is told holds the tenant's row in `feeds`, as whoever adds events does: so an event is owed
    to exactly those who wanted it when it got its position."""

    def webhooks(self) -> list[Webhook]:
        return [webhook_of(row) for row in self._all(WEBHOOKS)]

    def webhook(self, webhook: str) -> Webhook | None:
        """Locks it: what is put back is what was read, changed."""
        self._lock("webhook", webhook)
        row = self._one(_WEBHOOK, id=webhook)
        return None if row is None else webhook_of(row)

    def put_webhook(self, webhook: Webhook) -> None:
        self._lock("webhook", webhook.id)
        row, documents = self._one(_WEBHOOK, id=webhook.id), _documents(webhook)
        before = None if row is None else webhook_of(row)
        if before is None or any(getattr(before, name) != getattr(webhook, name) for name in _FILTERS):
            self._change_subscribers()
        if before is not None:
            stored = {name: json.loads(getattr(row, name)) for name in documents}
            documents = kept(stored, _documents(before), documents)
        self._run(
            _PUT,
            id=webhook.id,
            url=webhook.url,
            state=webhook.state.value,
            created_at=webhook.created_at,
            **{name: to_text(document) for name, document in documents.items()},
        )
        self.news = True

    def remove_webhook(self, webhook: str) -> bool:
        if self.webhook(webhook) is None:
            return False
        self._change_subscribers()
        for statement in _REMOVE_ALL:
            self._run(statement, webhook=webhook)
        return self._run(_REMOVE, id=webhook).rowcount == 1

    def _change_subscribers(self) -> None:
        self.write_events()  # what was added before is owed as it was then
        self._run(_COUNT_CHANGE)

    def webhook_status(self, webhook: str) -> WebhookStatus:
        row = self._one(_WEBHOOK, id=webhook)
        if row is None:
            return WebhookStatus()
        waiting = self._run(_WAITING, webhook=webhook).one()
        return WebhookStatus(
            waiting=waiting.waiting,
            parked=self._run(_COUNT_PARKED, webhook=webhook).scalar_one(),
            oldest=waiting.oldest,
            delivered_at=row.delivered_at,
            failed_at=row.failed_at,
            error=row.error,
        )

    def parked_events(self, webhook: str, *, limit: int) -> list[ParkedEvent]:
        return [
            ParkedEvent(event=event_of(row), attempts=row.attempts, parked_at=row.parked_at, error=row.error)
            for row in self._all(_PARKED, webhook=webhook, limit=limit)
        ]

    def replay_events(self, webhook: str) -> int:
        """An event that was tried goes on as if it had been tried once: its schedule is fresh, and it still can be seen
        that it may have arrived."""
        self._run(_LOCK_STREAMS, webhook=webhook)  # from here on nobody parks any
        self._run(_UNPARK, webhook=webhook, now=self.now)
        parked_before = self._run(_CLEAR_PARKED, webhook=webhook).rowcount
        self._run(_BEGIN_AGAIN, webhook=webhook, now=self.now)
        self._run(_ALL_DUE, webhook=webhook, now=self.now)
        self._run(_NO_ERROR, id=webhook)
        self.news = True
        return parked_before
