"""Events: facts about a record, in the past tense, never changed.

The names on the wire are the values of `EventType`; the shape on the wire is `Event.to_wire`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from bot.domain.chats import Chat
from bot.domain.people import Actor
from bot.domain.records import RecordId

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - without a zone its text has none, and all times here are UTC


class EventType(Enum):
    """What can happen to a record. A fact about a chat is one event on each record connected to it."""

    RECORD_CREATED = "record.created"
    RECORD_UPDATED = "record.updated"
    RECORD_DELETED = "record.deleted"
    CHAT_CONNECTED = "chat.connected"
    CHAT_DISCONNECTED = "chat.disconnected"
    CHAT_RENAMED = "chat.renamed"
    CHAT_SUSPENDED = "chat.suspended"
    CHAT_RESUMED = "chat.resumed"
    MEMBER_JOINED = "member.joined"
    MEMBER_LEFT = "member.left"
    NOTE_ADDED = "note.added"
    MESSAGE_SAVED = "message.saved"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventChat:
    """The chat as it was when the event happened."""

    id: str
    kind: str
    topic: str = ""

    @classmethod
    def of(cls, chat: Chat) -> EventChat:
        return cls(id=chat.id, kind=chat.kind.value, topic=chat.topic)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """An event that is about to be written: the store adds its id and its place in the timeline."""

    type: EventType
    record: RecordId
    actor: Actor | None = None
    chat: EventChat | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact in its place.

    Attributes:
        id: a ULID.
        seq: counts from 1 per record without gaps.
        at: microseconds since the epoch, UTC.
    """

    id: str
    seq: int
    at: int
    fact: Fact

    def to_wire(self) -> dict[str, Any]:
        """The event as REST and webhooks show it."""
        fact = self.fact
        return {
            "id": self.id,
            "seq": self.seq,
            "type": fact.type.value,
            "record": {"type": fact.record.type, "id": fact.record.id},
            "at": wire_time(self.at),
            "actor": None if fact.actor is None else {"id": fact.actor.id, "name": fact.actor.name},
            "chat": None
            if fact.chat is None
            else {"id": fact.chat.id, "kind": fact.chat.kind, "topic": fact.chat.topic},
            "data": dict(fact.data),
        }


def wire_time(microseconds: int) -> str:
    """`2026-11-22T18:30:00.000000Z`: RFC 3339, UTC, always six digits."""
    return (_EPOCH + timedelta(microseconds=microseconds)).isoformat(timespec="microseconds") + "Z"
