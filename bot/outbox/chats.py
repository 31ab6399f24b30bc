"""Speaking into chats: messages that their turn could not deliver itself, and those nobody there just asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from bot.domain.chats import Chat, ChatState, state_after
from bot.domain.deliveries import Delivery, PendingMessage
from bot.domain.documents import compact
from bot.errors import SendFailed
from bot.outbox.attempts import DestinationKind, Outcome, Settled, reason, tried
from bot.outbox.pump import Held
from bot.outbox.schedule import Jitter, next_try
from bot.ports import Json, Sender, Transaction

SLOTS = 20
"""As many chats are spoken to at once. Teams takes 50 messages a second from the bot."""
MOST_MESSAGES = 10
FEW = 3
"""So many waiting messages go out one by one, as people would expect; more are a crowd, which would flood the chat."""
MOST_BYTES = 80_000
"""Teams refuses what is over about 100 KB; the rest is for the address and for what it adds itself."""

Unreachable = Callable[[Transaction, str, ChatState], None]
"""Is told, inside the transaction, of a chat that the bot can't speak in any more."""

Part = tuple[PendingMessage, ...]
"""Neighbours that go out as one activity."""


@dataclass(slots=True)
class Spoken:
    """What came of a delivery.

    Attributes:
        tries: each part that was sent, and why it was not taken, None when it was.
        left: what was not tried, since something before it failed.
    """

    chat: Chat
    left: deque[Part]
    tries: list[tuple[Part, SendFailed | None]] = field(default_factory=list)


class ToChats:
    """All chats, as the destination of one pump."""

    kind = DestinationKind.CHAT
    slots = SLOTS

    def __init__(self, *, sender: Sender, unreachable: Unreachable, jitter: Jitter) -> None:
        self._sender = sender
        self._unreachable = unreachable
        self._jitter = jitter

    def claim(self, tx: Transaction, *, limit: int, lease: int) -> list[Delivery]:
        return tx.claim_deliveries(limit=limit, most=MOST_MESSAGES, lease=lease)

    def renew(self, tx: Transaction, held: Sequence[Delivery], *, lease: int) -> list[Delivery | None]:
        return [tx.renew_delivery(delivery, lease=lease) for delivery in held]

    async def send(self, held: Held[Delivery]) -> Spoken:
        """Most often one activity. What is refused together is sent again one by one: only what is refused alone can
        be told to be the reason."""
        spoken = Spoken(held.delivery.chat, deque(coalesced(held.delivery.messages)))
        while spoken.left and held.ours:
            part = spoken.left.popleft()
            what = " ".join(str(message.id) for message in part)
            error = await tried(self._sender.send(spoken.chat, activity_of(part)), kind=self.kind, what=what)
            if error is not None and _refused(error) and len(part) > 1:
                spoken.left.extendleft((message,) for message in reversed(part))
                continue
            spoken.tries.append((part, error))
            if error is not None and not _refused(error):
                if state_after(error) is ChatState.GONE:  # the others have nowhere to go either
                    spoken.tries += [(part, error) for part in spoken.left]
                    spoken.left.clear()
                break
        return spoken

    def settle(self, tx: Transaction, results: Sequence[Spoken]) -> list[Settled]:
        settled: list[Settled] = []
        for spoken in sorted(results, key=lambda spoken: spoken.chat.id):  # chats are locked in this order
            for part, error in spoken.tries:
                state = state_after(error) if error is not None else None
                if state is not None:
                    self._unreachable(tx, spoken.chat.id, state)
                settled += [(str(message.id), self._settle(tx, message, error, state)) for message in part]
            _give_back(tx, (message for part in spoken.left for message in part))
        return settled

    def _settle(
        self, tx: Transaction, message: PendingMessage, error: SendFailed | None, state: ChatState | None
    ) -> Outcome:
        if error is None:
            ours = tx.finish_delivery(message.id, message.fence)
            return Outcome.DELIVERED if ours else Outcome.OVERTAKEN
        until = self._next_try(tx.now, message, error, state)
        why = f"ambiguous: {reason(error)}" if error.ambiguous else reason(error)
        if until is not None:
            ours = tx.postpone_delivery(message.id, message.fence, until=until, error=why)
            return Outcome.FAILED if ours else Outcome.OVERTAKEN
        ours = tx.park_delivery(message.id, message.fence, error=why)
        parked = Outcome.AMBIGUOUS if error.ambiguous else Outcome.PARKED
        return parked if ours else Outcome.OVERTAKEN

    def _next_try(self, now: int, message: PendingMessage, error: SendFailed, state: ChatState | None) -> int | None:
        """A suspended chat keeps its messages until the bot is back; a chat that is gone never needs them."""
        if state is ChatState.SUSPENDED:
            return now
        if error.ambiguous or not error.retryable:
            return None
        return next_try(
            now=now,
            since=message.since,
            attempts=message.attempts,
            retry_after=error.retry_after,
            jitter=self._jitter,
        )

    def give_back(self, tx: Transaction, held: Sequence[Delivery]) -> None:
        _give_back(tx, (message for delivery in held for message in delivery.messages))


def _give_back(tx: Transaction, messages: Iterable[PendingMessage]) -> None:
    for message in messages:
        tx.postpone_delivery(message.id, message.fence, until=tx.now, error="")


def _refused(error: SendFailed) -> bool:
    """It is in the message, not in the chat or on the way: the same one would be refused again."""
    return not error.retryable and not error.ambiguous and state_after(error) is None


# Several messages as one activity ------------------------------------------------------------------------------------


def coalesced(messages: Sequence[PendingMessage]) -> list[Part]:
    """The messages in their order; of a crowd as many neighbours together as one activity can hold."""
    if len(messages) <= FEW:
        return [(message,) for message in messages]
    parts: list[Part] = []
    room = 0
    for message in messages:
        size = len(compact(message.message).encode("utf-8", "replace"))
        if _only_shows_cards(message.message) and size <= room:
            parts[-1] += (message,)
            room -= size
        else:
            parts.append((message,))
            room = MOST_BYTES - size if _only_shows_cards(message.message) else 0
    return parts


def activity_of(part: Part) -> Json:
    """One activity that shows all of it. `summary` is what a notification shows."""
    if len(part) == 1:
        return part[0].message
    messages = [message.message for message in part]
    return {
        "type": "message",
        "summary": " · ".join(message["summary"] for message in messages if message.get("summary")),
        "attachments": [attachment for message in messages for attachment in message["attachments"]],
    }


def _only_shows_cards(message: Json) -> bool:
    return bool(message.get("attachments")) and message.keys() <= {"type", "summary", "attachments"}
