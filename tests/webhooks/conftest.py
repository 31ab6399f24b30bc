"""Senders that are closed after the test, and events to send."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import ClientSession

from bot.domain.deliveries import EventDelivery
from bot.domain.events import Event, EventChat, EventType, Fact
from bot.domain.people import Actor
from bot.domain.records import RecordId
from bot.domain.webhooks import Secret, Webhook
from bot.errors import SendFailed
from bot.ports import Clock
from bot.webhooks.sender import WebhookSender
from bot.webhooks.session import open_sessions
from bot.wiring import system_clock
from tests import trust
from tests.fakes.receiver import new_secret

SOURCE = "https://chats.example.com"
MakeSender = Callable[..., WebhookSender]

_numbers = itertools.count(1)


def event(seq: int = 1, *, record: str = "A-1001", **data: Any) -> Event:
    return Event(
        id=f"01KAXV7Q5J6Z8M3T9R{next(_numbers):08}",
        seq=seq,
        at=1_795_372_200_123_456,
        fact=Fact(
            type=EventType.NOTE_ADDED,
            record=RecordId("account", record),
            actor=Actor(id="00000000-0000-0000-0000-0000000000020", name="Alex Wilber"),
            chat=EventChat(id="19:group1@thread.v2", kind="group", topic="Contoso renewal"),
            data=data,
        ),
    )


def delivery(url: str, *secrets: Secret | str, of: Event | None = None, attempts: int = 1) -> EventDelivery:
    """Of an event to a webhook with these secrets, the current one first; without any, one nobody knows."""
    known = tuple(item if isinstance(item, Secret) else Secret(text=item) for item in secrets or (new_secret(),))
    webhook = Webhook(id="01KAXV7Q5J6Z8M3T9R2W4Y1N0B", url=url, secrets=known)
    return EventDelivery(webhook=webhook, event=of or event(), attempts=attempts, since=0, fence=1, lease_until=0)


async def failure_of(sender: WebhookSender, url: str) -> SendFailed:
    """Why the event was not taken."""
    try:
        await sender.send(delivery(url))
    except SendFailed as error:
        return error
    raise AssertionError(f"{url} took it")


@pytest.fixture
async def make_sender() -> AsyncIterator[MakeSender]:
    """Makes senders: `make_sender()` the demo's; `make_sender(https=session)` one with sessions of the test's own."""
    made: list[WebhookSender] = []

    def make(*, clock: Clock = system_clock, **sessions: ClientSession) -> WebhookSender:
        sender = WebhookSender(sessions or open_sessions(trust.SYSTEM, loopback=True), source=SOURCE, clock=clock)
        made.append(sender)
        return sender

    yield make
    for sender in made:
        await sender.close()
