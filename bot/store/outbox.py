"""What must still be told to chats: claim -> deliver -> done | later."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import and_, func, insert, select, update

from bot.domain.chats import Chat, ChatState
from bot.ports import Delivery, Json
from bot.store import schema
from bot.store.rows import chat_of
from bot.store.session import Session, to_text

READY, DONE, PARKED = "ready", "done", "parked"
FIRST_FENCE = 1
"""Of a row that nobody claimed: whoever told it with a lease delivers it under this one."""


class OutboxPart(Session):
    """Messages leave in order per chat, each held by one worker at a time.

    A worker holds a message by a lease, not by a lock: no transaction is open while it speaks to the network. When the
    lease runs out somebody else may claim the message, under a new fence; who comes back with the old one is refused.
    """

    def tell(self, chat: str, message: Json, *, lease: int = 0) -> int:
        self._lock("outbox", chat)  # numbers of one chat are drawn in the order in which they become visible
        values = {
            "tenant": self.tenant,
            "chat": chat,
            "message": to_text(message),
            "state": READY,
            "due_at": self.now,
            "lease_until": self.now + lease if lease else 0,
            "fence": FIRST_FENCE,
            "attempts": 1 if lease else 0,
            "error": "",
            "created_at": self.now,
        }
        return self._execute(insert(schema.outbox).values(values).returning(schema.outbox.c.number)).scalar_one()

    def claim_deliveries(self, *, limit: int, lease: int) -> list[Delivery]:
        """The chat's row is what two replicas can't hold both; the second statement, with a snapshot of its own, sees
        what the last holder wrote. Locking the messages themselves would let the second replica take the second one
        of a chat, ahead of the first."""
        chats = self._hold_chats(limit)
        if not chats:
            return []
        outbox = schema.outbox
        oldest = (
            select(func.min(outbox.c.number))
            .where(self._mine(outbox, state=READY), outbox.c.chat.in_(list(chats)))
            .group_by(outbox.c.chat)
            .having(func.max(outbox.c.lease_until) <= self.now)
        )
        claimed = (
            update(outbox)
            .where(self._mine(outbox, state=READY), outbox.c.number.in_(oldest), outbox.c.due_at <= self.now)
            .values(lease_until=self.now + lease, fence=outbox.c.fence + 1, attempts=outbox.c.attempts + 1)
            .returning(outbox.c.number, outbox.c.chat, outbox.c.message, outbox.c.attempts, outbox.c.fence)
        )
        return sorted(
            (
                Delivery(
                    id=row.number,
                    chat=chats[row.chat],
                    message=json.loads(row.message),
                    attempts=row.attempts,
                    fence=row.fence,
                )
                for row in self._all(claimed)
            ),
            key=lambda delivery: delivery.id,
        )

    def _hold_chats(self, limit: int) -> dict[str, Chat]:
        """Chats whose oldest message is due and free, those waiting longest first. Held until the transaction ends."""
        chats, outbox = schema.chats, schema.outbox
        waiting = (
            select(
                outbox.c.chat, func.min(outbox.c.number).label("oldest"), func.max(outbox.c.lease_until).label("held")
            )
            .where(self._mine(outbox, state=READY))
            .group_by(outbox.c.chat)
            .subquery()
        )
        rows = self._all(
            select(chats)
            .join(waiting, waiting.c.chat == chats.c.id)
            .join(outbox, outbox.c.number == waiting.c.oldest)
            .where(self._mine(chats, state=ChatState.ACTIVE.value))
            .where(waiting.c.held <= self.now, outbox.c.due_at <= self.now)
            .order_by(outbox.c.due_at)
            .limit(limit)
            .with_for_update(of=chats, skip_locked=True, key_share=True)
        )
        return {row.id: chat_of(row) for row in rows}

    def finish_delivery(self, delivery: int, fence: int | None = None) -> bool:
        return self._change(delivery, FIRST_FENCE if fence is None else fence, state=DONE, error="")

    def postpone_delivery(self, delivery: int, fence: int, *, until: int, error: str) -> bool:
        return self._change(delivery, fence, due_at=until, lease_until=0, error=error)

    def park_delivery(self, delivery: int, fence: int, *, error: str) -> bool:
        return self._change(delivery, fence, state=PARKED, error=error)

    def _change(self, delivery: int, fence: int, **values: Any) -> bool:
        where = self._mine(schema.outbox, number=delivery, fence=fence, state=READY)
        return self._execute(update(schema.outbox).where(where).values(values)).rowcount == 1

    def outbox_backlog(self) -> tuple[int, int | None]:
        """Only what can be delivered counts: chats that are suspended or gone are left alone."""
        chats, outbox = schema.chats, schema.outbox
        same = and_(chats.c.tenant == outbox.c.tenant, chats.c.id == outbox.c.chat)
        row = self._execute(
            select(func.count().label("waiting"), func.min(outbox.c.created_at).label("since"))
            .select_from(outbox)
            .join(chats, same)
            .where(self._mine(outbox, state=READY), chats.c.state == ChatState.ACTIVE.value)
        ).one()
        return row.waiting, row.since
