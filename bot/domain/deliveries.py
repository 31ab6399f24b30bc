"""What must still be told, as a worker of the outbox holds it, and how much of it there is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.domain.chats import Chat
from bot.domain.events import Event
from bot.domain.webhooks import Webhook


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingMessage:
    """A message that must still be delivered into a chat, held by one worker.

    Attributes:
        attempts: how often it was claimed, this time included: above 1 it may be there already.
        since: microseconds; when it was told.
        fence: changes with every claim; who holds an old one can't settle it.
    """

    id: int
    message: dict[str, Any]
    attempts: int
    since: int
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A chat's oldest waiting messages, leased by one worker.

    Attributes:
        messages: at least one, oldest first.
        lease_until: microseconds, on the store's clock; from then on another worker may claim them.
    """

    chat: Chat
    messages: tuple[PendingMessage, ...]
    lease_until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDelivery:
    """An event that must be told to a webhook: the oldest of its stream (webhook x record), leased by one worker.

    Attributes:
        attempts: how often it was claimed, this time included: above 1 it may have arrived before.
        since: microseconds; its schedule began then (when it was written or replayed).
        fence: changes with every claim of the stream; who holds an old one can't settle it.
        lease_until: microseconds, on the store's clock; from then on another worker may claim the stream.
    """

    webhook: Webhook
    event: Event
    attempts: int
    since: int
    fence: int
    lease_until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedEvent:
    """An event that was given up. `parked_at`: microseconds; `error`: why the last try failed."""

    event: Event
    attempts: int
    parked_at: int
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxStatus:
    """What must still be told to one kind of destination (`chat` or `webhook`).

    Attributes:
        waiting: messages or events that wait and whose destination takes them.
        parked: given up.
        oldest: when the oldest waiting one was written; None when none waits.
    """

    waiting: int = 0
    parked: int = 0
    oldest: int | None = None
