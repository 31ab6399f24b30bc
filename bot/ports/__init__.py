"""What the features need of the world. `bot.wiring` hands them things that are like this."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from bot.domain.answers import Answer
from bot.domain.catalogue import Catalogue
from bot.domain.chats import Chat
from bot.domain.deliveries import EventDelivery
from bot.domain.people import Member, Person
from bot.domain.records import Privilege, Record, RecordId
from bot.ports.transaction import Json, SavedTurn, Transaction

__all__ = [
    "Clock",
    "Directory",
    "EventSender",
    "Json",
    "RecordSource",
    "Render",
    "SavedTurn",
    "Sender",
    "Store",
    "Transaction",
    "UnfurlFacts",
]

T = TypeVar("T")

Clock = Callable[[], int]
"""Microseconds since the epoch, UTC."""

Render = Callable[[Answer], Json]
"""An answer as a Bot Framework message: `{type, summary?, text?, attachments?}` without addressing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfurlFacts:
    """Everything an unfurl must know, read at one instant.

    Attributes:
        record: its `access` holds only the entries of the asking person and of everybody.
        chat: None when the bot never was in it.
        connected: the chat is connected to the record.
        guest: the asking person is known to be a guest.
    """

    catalogue: Catalogue
    record: Record | None = None
    chat: Chat | None = None
    connected: bool = False
    guest: bool = False


class Store(Protocol):
    """The store of one tenant."""

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in one transaction that only reads."""
        ...

    async def write(self, work: Callable[[Transaction], T], *, durable: bool = True) -> T:
        """Run `work` in one transaction; when this returns, what it wrote is on disk.

        `work` may run more than once (a deadlock on PostgreSQL is retried), so it must have no other effect. `durable`
        False: the end of the process changes nothing, but a power cut may undo it; for what would only be done again.
        """
        ...

    async def unfurl_facts(self, record: RecordId | None, *, person: str | None, chat: str) -> UnfurlFacts:
        """The hot path's one read; `record` None reads only the settings and the chat."""
        ...

    def catalogue(self) -> Catalogue:
        """The settings this process saw last, without reading: to find what to ask `unfurl_facts` for."""
        ...

    def on_change(self, notify: Callable[[], None]) -> Callable[[], None]:
        """Have `notify` called on the event loop soon after each transaction that added events, messages or webhooks,
        here or on another replica. Returns what ends that. It only wakes: polling is what is relied on."""
        ...


class Sender(Protocol):
    """Speaks into chats."""

    async def send(self, chat: Chat, message: Json) -> str:
        """Post a message; returns its activity id.

        Raises:
            SendFailed: with `retryable`, `ambiguous`, `retry_after`; `ChatUnreachable` and `ChatGone` are final.
        """
        ...


class EventSender(Protocol):
    """Tells webhooks of events."""

    async def send(self, delivery: EventDelivery) -> None:
        """Returns when the receiver took it.

        Raises:
            SendFailed: with `retry_after` where the receiver asked for it; `ReceiverGone` when it wants no more.
        """
        ...


class Directory(Protocol):
    """Knows who is in a chat."""

    async def members(self, chat: Chat) -> Sequence[Member]:
        """The roster, without the bot.

        Raises:
            SendFailed: as `Sender.send`.
        """
        ...


class RecordSource(Protocol):
    """A system of records that says itself what a person may do with its records.

    `create_app(settings, sources={"account": source})` has it asked instead of the access maps of those records. Title,
    fields, owner and app still come from the store, so the record must have been sent.
    """

    async def privilege(self, record: RecordId, person: Person) -> Privilege:
        """What the person may do.

        It is asked before each decision, on the event loop, so it must not block; up to `rights.MAX_QUESTIONS` times at
        the same time, and `records` in a chat asks for all its records at once. No answer within `rights.DEADLINE`
        seconds, an error, or anything but a privilege means no, and the person is told to try again; the question is
        then cancelled. An answer is used for one turn, `grants.MAX_AGE` microseconds at most: caching is the source's.

        It is also asked for records that don't exist. Then it answers `NONE`, and as fast as for one that the person
        may not read: else people could find out by a clock which records exist.

        Args:
            person: decide by `id`, an Entra object id in lower case, never None; `name` is anybody's to choose. Guests
                of the organisation are asked for too.

        Raises:
            Unavailable: it can't say now.
        """
        ...
