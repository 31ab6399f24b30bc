"""A connector client, the strict fake it speaks to over real TLS, and its clock and tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import ClientSession

from bot.domain.chats import Chat, ChatKind
from bot.errors import SendFailed
from bot.outgoing.tls import trust_in
from bot.teams.connector import Connector, open_session
from bot.teams.service_urls import ServiceUrls
from tests.fakes.connector import BOT, FakeConnector, person

PLAYGROUND = Path(__file__).parent.parent / "data" / "playground"
CHAT = "19:abc0@thread.v2"
MESSAGE = {"type": "message", "text": "Zürich 🎿"}


class Clock:
    """Time that passes only while the client pauses."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.pauses: list[float] = []

    def now(self) -> float:
        return self.seconds

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds


class Tokens:
    """Tokens that are renewed when they are called invalid."""

    def __init__(self) -> None:
        self.number = 1

    async def token(self) -> str:
        return f"token-{self.number}"

    def invalidate(self) -> None:
        self.number += 1


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
async def fake(ca: trustme.CA) -> AsyncIterator[FakeConnector]:
    async with FakeConnector(ca=ca) as connector:
        connector.chats[CHAT] = [person(1), person(2)]
        connector.expects = "token-1"
        yield connector


@pytest.fixture
async def session(fake: FakeConnector) -> AsyncIterator[ClientSession]:
    async with open_session(trust_in(str(fake.ca_file))) as session:
        yield session


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture
def connector(session: ClientSession, clock: Clock, tokens: Tokens) -> Connector:
    return Connector(
        session,
        service_urls=ServiceUrls(frozenset({"localhost"})),
        token=tokens.token,
        invalidate=tokens.invalidate,
        now=clock.now,
        pause=clock.pause,
    )


def chat(fake: FakeConnector, chat_id: str = CHAT, **more: Any) -> Chat:
    return Chat(id=chat_id, kind=ChatKind.GROUP, **{"service_url": fake.url, "bot": BOT} | more)


async def failure(attempt: Any) -> SendFailed:
    with pytest.raises(SendFailed) as caught:
        await attempt
    return caught.value
