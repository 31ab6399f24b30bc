"""What must still be told to chats: claim -> deliver -> done | later."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import and_, bindparam, func, insert, literal_column, select, update

from bot.domain.chats import ChatState
from bot.ports import Delivery, Json
from bot.store.rows import chat_of
from bot.store.schema import chats, outbox
from bot.store.session import Session, to_text
from bot.store.statements import Statement, mine

READY, DONE, PARKED = "ready", "done", "parked"
FIRST_FENCE = 1
"""Of a row that nobody claimed: whoever told it with a lease delivers it under this one."""

# Written into the statements, not handed to them: only so may a database use the indexes of one state.
_READY = outbox.c.state == literal_column(f"'{READY}'")
IS_DONE = outbox.c.state == literal_column(f"'{DONE}'")
_NOW = bindparam("now")


def _tell(_: Any) -> Any:
    given = {name: bindparam(name) for name in ("tenant", "chat", "message", "lease_until", "attempts")}
    values = {**given, "state": READY, "fence": FIRST_FENCE, "error": "", "due_at": _NOW, "created_at": _NOW}
    return insert(outbox).values(values).returning(outbox.c.number)


def _hold(_: Any) -> Any:
    """Chats whose oldest message is due and free, those waiting longest first."""
    waiting = (
        select(outbox.c.chat, func.min(outbox.c.number).label("oldest"), func.max(outbox.c.lease_until).label("held"))
        .where(mine(outbox), _READY)
        .group_by(outbox.c.chat)
        .subquery("waiting")
    )
    return (
        select(chats)
        .join(waiting, waiting.c.chat == chats.c.id)
        .join(outbox, outbox.c.number == waiting.c.oldest)
        .where(mine(chats), chats.c.state == ChatState.ACTIVE.value, waiting.c.held <= _NOW, outbox.c.due_at <= _NOW)
        .order_by(outbox.c.due_at)
        .limit(bindparam("limit"))
        .with_for_update(of=chats, skip_locked=True, key_share=True)
    )


def _claim(_: Any) -> Any:
    oldest = select(func.min(outbox.c.number)).where(mine(outbox, "chat"), _READY)
    free = oldest.having(func.max(outbox.c.lease_until) <= _NOW).scalar_subquery()
    return (
        update(outbox)
        .where(mine(outbox, "chat"), _READY, outbox.c.number == free, outbox.c.due_at <= _NOW)
        .values(lease_until=bindparam("until"), fence=outbox.c.fence + 1, attempts=outbox.c.attempts + 1)
        .returning(outbox.c.number, outbox.c.message, outbox.c.attempts, outbox.c.fence)
    )


def _change(**values: Any) -> Statement:
    """Change a message that the fence's holder still holds."""
    return Statement(lambda _: update(outbox).where(mine(outbox, "number", "fence"), _READY).values(**values))


_TELL = Statement(_tell)
_HOLD = Statement(_hold)
_CLAIM = Statement(_claim)
_FINISH = _change(state=DONE, error="")
_POSTPONE = _change(due_at=bindparam("until"), lease_until=0, error=bindparam("why"))
_PARK = _change(state=PARKED, error=bindparam("why"))
_BACKLOG = Statement(
    lambda _: (
        select(func.count().label("waiting"), func.min(outbox.c.created_at).label("since"))
        .select_from(outbox)
        .join(chats, and_(chats.c.tenant == outbox.c.tenant, chats.c.id == outbox.c.chat))
        .where(mine(outbox), _READY, chats.c.state == ChatState.ACTIVE.value)
    )
)


class OutboxPart(Session):
    """Messages leave in order per chat, each held by one worker at a time.

    A worker holds a message by a lease, not by a lock: no transaction is open while it speaks to the network. When the
    lease runs out somebody else may claim the message, under a new fence; who comes back with the old one is refused.
    """

    def tell(self, chat: str, message: Json, *, lease: int = 0) -> int:
        self._lock("outbox", chat)  # numbers of one chat are drawn in the order in which they become visible
        held = {"lease_until": self.now + lease, "attempts": 1} if lease else {"lease_until": 0, "attempts": 0}
        return self._run(_TELL, chat=chat, message=to_text(message), now=self.now, **held).scalar_one()

    def claim_deliveries(self, *, limit: int, lease: int) -> list[Delivery]:
        """The chat's row is what two replicas can't hold both; the second statement, with a snapshot of its own, sees
        what the last holder wrote. Locking the messages themselves would let the second replica take the second one
        of a chat, ahead of the first."""
        claimed: list[Delivery] = []
        for held in self._all(_HOLD, now=self.now, limit=limit):
            row = self._one(_CLAIM, chat=held.id, now=self.now, until=self.now + lease)
            if row is not None:  # else another replica was here between the two statements
                claimed.append(
                    Delivery(
                        id=row.number,
                        chat=chat_of(held),
                        message=json.loads(row.message),
                        attempts=row.attempts,
                        fence=row.fence,
                    )
                )
        return claimed

    def finish_delivery(self, delivery: int, fence: int | None = None) -> bool:
        return self._run(_FINISH, number=delivery, fence=FIRST_FENCE if fence is None else fence).rowcount == 1

    def postpone_delivery(self, delivery: int, fence: int, *, until: int, error: str) -> bool:
        return self._run(_POSTPONE, number=delivery, fence=fence, until=until, why=error).rowcount == 1

    def park_delivery(self, delivery: int, fence: int | None = None, *, error: str) -> bool:
        return self._run(_PARK, number=delivery, fence=FIRST_FENCE if fence is None else fence, why=error).rowcount == 1

    def outbox_backlog(self) -> tuple[int, int | None]:
        """Only what can be delivered counts: chats that are suspended or gone are left alone."""
        row = self._run(_BACKLOG).one()
        return row.waiting, row.since
