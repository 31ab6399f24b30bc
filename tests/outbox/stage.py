"""What the tests of the outbox play with: things to tell, senders that do as they are told, and a worker's parts."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bot.domain.chats import Chat
from bot.domain.deliveries import EventDelivery
from bot.domain.records import RecordId
from bot.domain.webhooks import Secret, Webhook
from bot.features import lifecycle
from bot.outbox.attempts import Attempts
from bot.outbox.chats import ToChats
from bot.outbox.outbox import Outbox
from bot.outbox.pump import Pump
from bot.outbox.webhooks import ToWebhook
from bot.ports import Clock, Json, Store
from bot.store.store import SqlStore
from tests.store.examples import GROUP, chat, noted

HOOK = "01JWEBHOOK0000000000000001"
OTHER_HOOK = "01JWEBHOOK0000000000000002"
SECRET = Secret(text="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

Step = Exception | Callable[[], Any]
"""What a sending does: raise, or call something and await it if it can be awaited; then it succeeds."""


def steady() -> float:
    return 1.0


class Script:
    """A sender that does what it was told, step by step, and then just sends. Refuses to speak twice at a time in one
    place."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self._busy: Counter[str] = Counter()

    async def _step(self, place: str) -> None:
        assert not self._busy[place], f"two at the same time in {place}"
        self._busy[place] += 1
        try:
            step = self.steps.pop(0) if self.steps else None
            if isinstance(step, Exception):
                raise step
            if step is not None:
                waited = step()
                if waited is not None:
                    await waited
            await asyncio.sleep(0)
        finally:
            self._busy[place] -= 1


class Chats(Script):
    """A `Sender`.

    Attributes:
        sent: (chat, text) of each message that arrived; activities: what was posted, in the order it arrived.
        tried: (chat, texts) of each attempt.
    """

    def __init__(self, *steps: Step) -> None:
        super().__init__(*steps)
        self.sent: list[tuple[str, str]] = []
        self.activities: list[Json] = []
        self.tried: list[tuple[str, list[str]]] = []

    async def send(self, chat: Chat, message: Json) -> str:
        texts = [attachment["content"]["text"] for attachment in message["attachments"]]
        self.tried.append((chat.id, texts))
        await self._step(chat.id)
        self.sent += [(chat.id, text) for text in texts]
        self.activities.append(message)
        return str(len(self.activities))

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.sent]


@dataclass(frozen=True, slots=True)
class Told:
    """An attempt to tell an event. `since`: when its schedule began; `at`: when this attempt did."""

    webhook: str
    record: str
    seq: int
    attempt: int
    since: int
    at: int


class Receivers(Script):
    """An `EventSender` for all webhooks. Refuses what is sent on a lease that has run out.

    Attributes:
        tried: each attempt; taken: those that were taken.
        down: raised for every attempt while it is set.
    """

    def __init__(self, clock: Clock, *steps: Step, down: Exception | None = None) -> None:
        super().__init__(*steps)
        self._clock = clock
        self.down = down
        self.tried: list[Told] = []
        self.taken: list[Told] = []

    async def send(self, delivery: EventDelivery) -> None:
        now, record = self._clock(), delivery.event.fact.record
        assert now < delivery.lease_until, "sent though somebody else may have it"
        told = Told(delivery.webhook.id, str(record), delivery.event.seq, delivery.attempts, delivery.since, now)
        self.tried.append(told)
        await self._step(f"{delivery.webhook.id} {record}")
        if self.down is not None:
            raise self.down
        self.taken.append(told)

    def seqs(self, record: RecordId, webhook: str = HOOK) -> list[int]:
        """What was taken of a record, in its order."""
        return [told.seq for told in self.taken if (told.webhook, told.record) == (webhook, str(record))]


@dataclass
class Worker:
    """A replica's parts, each to be run by hand: a pump runs until nothing is due."""

    store: Store
    clock: Clock
    chats: Chats = field(default_factory=Chats)
    receivers: Receivers | None = None
    jitter: Callable[[], float] = steady
    attempts: Attempts = field(default_factory=Attempts)

    def chat_pump(self) -> Pump[Any, Any]:
        destination = ToChats(sender=self.chats, unreachable=lifecycle.suspend, jitter=self.jitter)
        return Pump(destination, store=self.store, clock=self.clock, attempts=self.attempts)

    def webhook_pump(self, webhook: str = HOOK) -> Pump[Any, Any]:
        assert self.receivers is not None
        destination = ToWebhook(webhook, sender=self.receivers, jitter=self.jitter)
        return Pump(destination, store=self.store, clock=self.clock, attempts=self.attempts)

    def outbox(self) -> Outbox:
        return Outbox(
            store=self.store,
            clock=self.clock,
            sender=self.chats,
            events=self.receivers or Receivers(self.clock),
            unreachable=lifecycle.suspend,
            jitter=self.jitter,
        )

    async def speak(self) -> None:
        """Deliver what is due to chats."""
        async with asyncio.timeout(30):
            await self.chat_pump().run()

    async def tell(self, webhook: str = HOOK) -> None:
        """Deliver what is due to a webhook."""
        async with asyncio.timeout(30):
            await self.webhook_pump(webhook).run()


def card(text: str, **more: Any) -> Json:
    """A message as `cards.render` makes it."""
    content = {"type": "AdaptiveCard", "text": text, **more}
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": content}
    return {"type": "message", "summary": text, "attachments": [attachment]}


async def say(store: SqlStore, *messages: str | Json, to: str = GROUP) -> None:
    """Tell messages to a chat that the bot is in."""

    def work(tx) -> None:
        tx.put_chat(tx.chat(to) or chat(to))
        for message in messages:
            tx.tell(to, card(message) if isinstance(message, str) else message)

    await store.write(work)


async def subscribe(store: SqlStore, *webhooks: str) -> None:
    for webhook in webhooks:
        created = Webhook(id=webhook, url="https://hooks.example/", secrets=(SECRET,), created_at=1)
        await store.write(lambda tx, created=created: tx.put_webhook(created))


async def happen(store: SqlStore, *records: RecordId) -> None:
    """One event on each."""

    def work(tx) -> None:
        for record in records:
            tx.add_event(noted(record, text="x"))

    await store.write(work)


async def backlog(store: SqlStore) -> int:
    waiting, _ = await store.read(lambda tx: tx.outbox_backlog())
    return waiting
