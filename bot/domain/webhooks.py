"""Webhooks: other systems' addresses that are told of events."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.events import EventType, Fact
from bot.domain.open_enum import OpenEnum


class WebhookState(OpenEnum):
    """`disabled`: its receiver answered 410. What happens meanwhile is kept, and told after a replay."""

    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A signing secret.

    Attributes:
        text: `whsec_` and base64 of 24 to 64 bytes, as Standard Webhooks writes it.
        until: microseconds since the epoch when it stops being used; None: it is the current one.
    """

    text: str
    until: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An address that is told of events.

    Attributes:
        id: a ULID.
        secrets: the current one first; then the one it replaced, as long as that is still used.
        types: which events; empty means all of them, also future ones.
        record_types: names of record types; empty means all of them, also future ones.
        created_at: microseconds since the epoch, UTC. Only later events are told.
    """

    id: str
    url: str
    secrets: tuple[Secret, ...]
    types: tuple[EventType, ...] = ()
    record_types: tuple[str, ...] = ()
    state: WebhookState = WebhookState.ACTIVE
    created_at: int = 0

    def wants(self, fact: Fact) -> bool:
        """Whether it is told of such an event."""
        return (not self.types or fact.type in self.types) and (
            not self.record_types or fact.record.type in self.record_types
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookStatus:
    """How a webhook fares.

    Attributes:
        waiting: events that must still be told.
        parked: events given up after the whole schedule; a replay tells them.
        oldest: when the oldest waiting event was written; None when none waits. Microseconds, as the others.
        delivered_at: when its receiver last took an event.
        failed_at: when a try last failed.
        error: why it failed, for people; "" when no try failed since the last replay.
    """

    waiting: int = 0
    parked: int = 0
    oldest: int | None = None
    delivered_at: int | None = None
    failed_at: int | None = None
    error: str = ""
