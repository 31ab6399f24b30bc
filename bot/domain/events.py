"""Events: facts about a record, in the past tense, never changed.

The names on the wire are the values of `EventType`; the shape on the wire is `Event.to_wire`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.domain.chats import Chat
from bot.domain.open_enum import OpenEnum
from bot.domain.people import Actor
from bot.domain.records import RecordId

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - without a zone its text has none, and all times here are UTC


class EventType(OpenEnum):
    """What can happen to a record. A fact about a chat is one event on each record connected to it.

    A member is its name on the wire, what people are told of it, and what they are told of who did it, where somebody
    does: there is none without words. `{kind}` is the kind of the chat.
    """

    RECORD_CREATED = "record.created", "The record was created", "created the record"
    RECORD_UPDATED = "record.updated", "The record was changed", "changed the record"
    RECORD_DELETED = "record.deleted", "The record was deleted", "deleted the record"
    CHAT_CONNECTED = "chat.connected", "A {kind} was connected", "connected a {kind}"
    CHAT_DISCONNECTED = "chat.disconnected", "A {kind} was disconnected", "disconnected a {kind}"
    CHAT_RENAMED = "chat.renamed", "A connected {kind} was renamed", "renamed a connected {kind}"
    CHAT_SUSPENDED = "chat.suspended", "I was removed from a connected {kind}; its connection sleeps"
    CHAT_RESUMED = "chat.resumed", "I am back in a connected {kind}"
    MEMBER_JOINED = "member.joined", "Somebody joined a connected {kind}"
    MEMBER_LEFT = "member.left", "Somebody left a connected {kind}"
    NOTE_ADDED = "note.added", "A note was added", "added a note"
    MESSAGE_SAVED = "message.saved", "A message was saved", "saved a message"

    _words: str
    _deed: str

    def __new__(cls, value: str, words: str, deed: str = "") -> EventType:
        member = object.__new__(cls)
        member._value_ = value
        member._words = words
        member._deed = deed
        return member

    @classmethod
    def _newer(cls, word: str) -> EventType:
        newer = super()._newer(word)
        newer._words, newer._deed = "Something happened", ""
        return newer

    def sentence(self, *, kind: str, actor: str = "") -> str:
        """What happened: "Alex Wilber connected a channel". `actor`: by name, "" where nobody may be named."""
        if actor and self._deed:
            return f"{actor} {self._deed.format(kind=kind)}"
        return self._words.format(kind=kind)


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
            "actor": fact.actor and fact.actor.to_wire(),
            "chat": None
            if fact.chat is None
            else {"id": fact.chat.id, "kind": fact.chat.kind, "topic": fact.chat.topic},
            "data": dict(fact.data),
        }


def wire_time(microseconds: int) -> str:
    """`2026-11-22T18:30:00.000000Z`: RFC 3339, UTC, always six digits."""
    return (_EPOCH + timedelta(microseconds=microseconds)).isoformat(timespec="microseconds") + "Z"
