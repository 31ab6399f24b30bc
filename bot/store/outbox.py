"""What must still be told to chats: claim -> deliver -> done | later."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from sqlalchemy import and_, bindparam, case, exists, func, insert, literal_column, not_, select, update

from bot.domain.chats import ChatState
from bot.domain.deliveries import Delivery, OutboxStatus, PendingMessage
from bot.ports import Json
from bot.store.queues import ACTIVE
from bot.store.rows import chat_of
from bot.store.schema import chats, outbox, owed, parked, webhooks
from bot.store.session import Session, to_text
from bot.store.statements import Statement, mine

READY, DONE, PARKED = "ready", "done", "parked"
MESSAGE = "message"
"""The kind of row that these statements are about. Other kinds belong to newer programs: nobody here claims, counts,
changes or deletes them."""
_UNHELD = {"lease_until": 0, "attempts": 0}
FIRST_FENCE = 1
"""Of a row that nobody claimed: whoever told it with a lease delivers it under this one."""

# Written into the statements, not handed to them: only so may a database use the indexes of one state.
_IS_READY = literal_column(f"'{READY}'")
_MESSAGE = literal_column(f"'{MESSAGE}'")
IS_MESSAGE = outbox.c.kind == _MESSAGE
_READY = and_(outbox.c.state == _IS_READY, IS_MESSAGE)
IS_DONE = outbox.c.state == literal_column(f"'{DONE}'")
_NOW, _UNTIL = bindparam("now"), bindparam("until")


def _tell(_: Any) -> Any:
    given = {name: bindparam(name) for name in ("tenant", "chat", "message", "lease_until", "attempts")}
    new = {"state": READY, "kind": MESSAGE, "fence": FIRST_FENCE, "error": "", "due_at": _NOW, "created_at": _NOW}
    return insert(outbox).values({**given, **new}).returning(outbox.c.number)


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
    """The oldest messages, if nobody holds any and the first of them is due."""
    waiting = outbox.alias("waiting")
    mine_waiting = and_(mine(waiting, "chat"), waiting.c.state == _IS_READY, waiting.c.kind == _MESSAGE)
    oldest = select(waiting.c.number).where(mine_waiting).order_by(waiting.c.number)
    first_due = select(waiting.c.due_at).where(mine_waiting).order_by(waiting.c.number).limit(1).scalar_subquery()
    held = exists().where(mine_waiting, waiting.c.lease_until > _NOW)
    return (
        update(outbox)
        .where(mine(outbox, "chat"), _READY, outbox.c.number.in_(oldest.limit(bindparam("most"))))
        .where(first_due <= _NOW, not_(held))
        .values(lease_until=_UNTIL, fence=outbox.c.fence + 1, attempts=outbox.c.attempts + 1)
        .returning(outbox.c.number, outbox.c.message, outbox.c.attempts, outbox.c.fence, outbox.c.created_at)
    )


def _withdraw(*columns: str) -> tuple[Statement, Statement]:
    """Hold the chats that something waits for, so that nobody begins to claim it; then take it back."""
    waited_for = select(outbox.c.chat).where(mine(outbox, *columns), _READY)
    hold = select(chats.c.id).where(mine(chats), chats.c.id.in_(waited_for)).order_by(chats.c.id)
    held, instead = outbox.c.lease_until > _NOW, bindparam("instead")
    withdraw = (
        update(outbox)
        .where(mine(outbox, *columns), _READY, outbox.c.message != instead)
        .values(
            state=case((held, _IS_READY), else_=literal_column(f"'{PARKED}'")),
            message=case((held, instead), else_=outbox.c.message),
            error=bindparam("why"),
        )
        .returning(outbox.c.chat, outbox.c.state)
    )
    return Statement(lambda _: hold.with_for_update(key_share=True)), Statement(lambda _: withdraw)


def _change(**values: Any) -> Statement:
    """Change a message that the fence's holder still holds."""
    return Statement(lambda _: update(outbox).where(mine(outbox, "number", "fence"), _READY).values(**values))


_TELL = Statement(_tell)
_HOLD = Statement(_hold)
_CLAIM = Statement(_claim)
_FINISH = _change(state=DONE, error="")
_RENEW = _change(lease_until=_UNTIL)
_POSTPONE = _change(due_at=_UNTIL, lease_until=0, error=bindparam("why"))
_PARK = _change(state=PARKED, error=bindparam("why"))
_WITHDRAW_ALL = _withdraw()
_WITHDRAW = _withdraw("chat")
_COUNT_PARKED = Statement(
    lambda _: (
        select(func.count())
        .select_from(outbox)
        .where(mine(outbox), outbox.c.state == literal_column(f"'{PARKED}'"), IS_MESSAGE)
    )
)
_BACKLOG = Statement(
    lambda _: (
        select(func.count().label("waiting"), func.min(outbox.c.created_at).label("since"))
        .select_from(outbox)
        .join(chats, and_(chats.c.tenant == outbox.c.tenant, chats.c.id == outbox.c.chat))
        .where(mine(outbox), _READY, chats.c.state == ChatState.ACTIVE.value)
    )
)
_OWED_BACKLOG = Statement(
    lambda _: (
        select(func.count().label("waiting"), func.min(owed.c.at).label("since"))
        .select_from(webhooks)
        .join(owed, and_(owed.c.tenant == webhooks.c.tenant, owed.c.webhook == webhooks.c.id))
        .where(mine(webhooks), ACTIVE)
    )
)
_COUNT_PARKED_EVENTS = Statement(lambda _: select(func.count()).select_from(parked).where(mine(parked)))


class OutboxPart(Session):
    """Messages leave in order per chat, each held by one worker at a time.

    A worker holds a message by a lease, not by a lock: no transaction is open while it speaks to the network. When the
    lease runs out somebody else may claim the message, under a new fence; who comes back with the old one is refused.
    """

    def tell(self, chat: str, message: Json, *, lease: int = 0) -> int:
        self._lock("outbox", chat)  # numbers of one chat are drawn in the order in which they become visible
        held = {"lease_until": self.now + lease, "attempts": 1} if lease else _UNHELD
        if not lease:  # under a lease nobody else may do anything about it
            self.news = True
        return self._run(_TELL, chat=chat, message=to_text(message), now=self.now, **held).scalar_one()

    def claim_deliveries(self, *, limit: int, most: int, lease: int) -> list[Delivery]:
        """The chat's row is what two replicas can't hold both; the second statement, with a snapshot of its own, sees
        what the last holder wrote. Locking the messages themselves would let the second replica take the second one
        of a chat, ahead of the first."""
        claimed: list[Delivery] = []
        until = self.now + lease
        for held in self._all(_HOLD, now=self.now, limit=limit):
            found = self._all(_CLAIM, chat=held.id, now=self.now, until=until, most=most)
            messages = sorted((_message_of(row) for row in found), key=lambda message: message.id)
            if messages:  # else another replica was here between the two statements
                claimed.append(Delivery(chat=chat_of(held), messages=tuple(messages), lease_until=until))
        return claimed

    def renew_delivery(self, held: Delivery, *, lease: int) -> Delivery | None:
        until = self.now + lease
        rows = [{"number": message.id, "fence": message.fence, "until": until} for message in held.messages]
        renewed = self._run_for_each(_RENEW, rows)
        return replace(held, lease_until=until) if renewed == len(rows) else None

    def finish_delivery(self, delivery: int, fence: int | None = None) -> bool:
        return self._run(_FINISH, number=delivery, fence=FIRST_FENCE if fence is None else fence).rowcount == 1

    def postpone_delivery(self, delivery: int, fence: int, *, until: int, error: str) -> bool:
        return self._run(_POSTPONE, number=delivery, fence=fence, until=until, why=error).rowcount == 1

    def park_delivery(self, delivery: int, fence: int | None = None, *, error: str) -> bool:
        return self._run(_PARK, number=delivery, fence=FIRST_FENCE if fence is None else fence, why=error).rowcount == 1

    def withdraw_messages(self, chat: str | None, *, instead: Json, error: str) -> int:
        """Of one chat also what others are just telling it: that is waited for. Of all chats it is not, since a lock
        for each might be more than the database has; nor are any taken to tell them `instead`, whose place among what
        is told at the same moment does not matter.

        On PostgreSQL a claim never meets this half-way, since both begin with the chats' rows. Who settles or renews
        what is held in several chats may: then the database ends one of the two, and the store repeats it.
        """
        if chat is not None:
            self._lock("outbox", chat)
        hold, withdraw = _WITHDRAW_ALL if chat is None else _WITHDRAW
        message = to_text(instead)
        self._run(hold, chat=chat)
        found = self._all(withdraw, chat=chat, now=self.now, instead=message, why=error)
        parked = [row.chat for row in found if row.state == PARKED]
        for told in sorted(set(parked)):
            self._run(_TELL, chat=told, message=message, now=self.now, **_UNHELD)
        self.news = self.news or bool(parked)
        return len(parked)

    def outbox_backlog(self) -> tuple[int, int | None]:
        """Only what can be delivered counts: chats that are suspended or gone are left alone."""
        row = self._run(_BACKLOG).one()
        return row.waiting, row.since

    def outbox_status(self) -> dict[str, OutboxStatus]:
        def status(backlog: Statement, parked_ones: Statement) -> OutboxStatus:
            row = self._run(backlog).one()
            return OutboxStatus(waiting=row.waiting, parked=self._run(parked_ones).scalar_one(), oldest=row.since)

        return {"chat": status(_BACKLOG, _COUNT_PARKED), "webhook": status(_OWED_BACKLOG, _COUNT_PARKED_EVENTS)}


def _message_of(row: Any) -> PendingMessage:
    return PendingMessage(
        id=row.number,
        message=json.loads(row.message),
        attempts=row.attempts,
        since=row.created_at,
        fence=row.fence,
    )
