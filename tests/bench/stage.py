"""The three servers that are compared and the world around them: login server, connector, chats, requests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from itertools import islice
from pathlib import Path

from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.bench.installed import INSTALLED
from tests.bench.load import ask, drive
from tests.bench.seed import seed_floor, seed_product
from tests.bench.servers import ROOT, Cores, Server, serving
from tests.bench.traffic import CHATS, Traffic, chat_id
from tests.fakes.connector import FakeConnector, Fault, person
from tests.fakes.microsoft import APP_ID, ISSUER, Microsoft

STARTS = 3
BOT_TOKEN = "the-token-of-the-bot"
LONG, SHORT = 3599, 2
"""Seconds a token for the connector lives: as in reality, and so that the token endpoint is asked once a second."""
PEOPLE = 3
SAID = ("This chat is ", "Here is what you can ask me", "A note was added")
"""How the notifications of the replies begin that mean: done."""
HOLD = 0.5
"""Seconds."""


class NotComparable(Exception):
    """The three don't answer the same, so their speeds can't be compared; `str` shows the answers."""


class Stage:
    """Everything a load needs.

    Attributes:
        links, questions, notes: requests without end, each to be taken from where the last load stopped.
        token_lifetime: seconds, of the tokens for the connector that are issued from now on.
        product, floor, stock: there once they are started.
    """

    product: Server
    floor: Server
    stock: Server

    def __init__(self, microsoft: Microsoft, connector: FakeConnector) -> None:
        self.microsoft = microsoft
        self.connector = connector
        self.traffic = Traffic(token=microsoft.mint(serviceurl=connector.url), service_url=connector.url)
        self.links = self.traffic.links()
        self.questions = self.traffic.questions()
        self.notes = self.traffic.notes()
        self.token_lifetime = SHORT
        self._counts = (0, 0)
        # One and the same token always, so that messages in flight are not refused when it is renewed.
        microsoft.instead["token"] = lambda: web.json_response(
            {"token_type": "Bearer", "expires_in": self.token_lifetime, "access_token": BOT_TOKEN}
        )
        connector.expects = BOT_TOKEN
        roster = [person(number) for number in range(PEOPLE)]
        connector.chats = {chat_id(chat): roster for chat in range(CHATS)}

    def hold_replies(self, number: int) -> None:
        """The next replies are taken so slowly that all of them are on their way at once."""
        self.connector.faults.extend([Fault(delay=HOLD)] * number)

    def take_counts(self) -> tuple[int, int, int]:
        """Replies (not apologies), token calls and new connections to the connector since the last time."""
        tokens, connections = self._counts
        said = (activity["summary"] for chat in self.connector.messages.values() for _, activity in chat)
        replies = sum(summary.startswith(SAID) for summary in said)
        self._counts = self.microsoft.requests["token"], self.connector.handshakes
        self.connector.received.clear()
        self.connector.messages.clear()
        return replies, self._counts[0] - tokens, self._counts[1] - connections


@asynccontextmanager
async def staged(folder: Path, cores: Cores, starts: list[float], say: Callable[[str], None]) -> AsyncIterator[Stage]:
    """Seed, start and warm up. Adds the product's times from start to ready to `starts`.

    Raises:
        NotComparable: the three don't answer the same.
    """
    async with AsyncExitStack() as stack:
        say("seeding 100,000 records")
        database = f"sqlite:///{folder}/product.db"
        await asyncio.to_thread(seed_product, database)
        await asyncio.to_thread(seed_floor, folder / "floor.db")
        microsoft = await stack.enter_async_context(Microsoft())
        stage = Stage(microsoft, await stack.enter_async_context(FakeConnector(ca=microsoft.ca)))
        say("starting the product, the floor and the stock SDK")
        await _start(stack, stage, folder, cores, database, starts)
        say(f"connecting {CHATS} chats")
        await drive(stage.product.port, stage.traffic.connects(), in_flight=16)
        if (connected := stage.take_counts()[0]) != CHATS:
            raise NotComparable(f"Only {connected} of {CHATS} chats could be connected.")
        await _same_answer(stage)
        for server in (stage.product, stage.floor, stage.stock):
            await drive(server.port, islice(stage.links, 200), in_flight=16)
        yield stage


async def _start(
    stack: AsyncExitStack, stage: Stage, folder: Path, cores: Cores, database: str, starts: list[float]
) -> None:
    environment = stage.microsoft.environment() | {
        "CONNECTOR_HOSTS": "localhost",
        "DATABASE_URL": database,
        "CONFIG": str(ROOT / "connect-chats.toml"),
        "PORT": "0",
    }
    key = folder / "channel.pem"
    public_key = stage.microsoft.keys[0].private.public_key()
    key.write_bytes(public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))

    def start(name: str, *command: str) -> AbstractAsyncContextManager[Server]:
        return serving(name, command, core=cores.serving, environment=environment, folder=folder)

    def product() -> AbstractAsyncContextManager[Server]:
        return start("product", *INSTALLED)

    floor = "-m", "tests.bench.floor", str(folder / "floor.db"), str(key), APP_ID, ISSUER
    stage.floor = await stack.enter_async_context(start("floor", *floor))
    stock = "-m", "tests.bench.stock", stage.microsoft.openid_metadata_url
    stage.stock = await stack.enter_async_context(start("stock", *stock))
    for _ in range(STARTS - 1):
        async with product() as server:
            starts.append(server.start_seconds)
    stage.product = await stack.enter_async_context(product())
    starts.append(stage.product.start_seconds)
    await ask(stage.product.port, b"GET /readyz HTTP/1.1\r\nHost: bot.example.com\r\n\r\n")


async def _same_answer(stage: Stage) -> None:
    """Whoever answers less has less to do."""
    request = stage.traffic.link(CHATS + 4711, 0)
    product, floor, stock = [
        json.loads(await ask(server.port, request)) for server in (stage.product, stage.floor, stage.stock)
    ]
    if product != floor:
        raise NotComparable(f"The product answers {json.dumps(product)}\nbut the floor {json.dumps(floor)}")
    if _shape(product) != _shape(stock):
        raise NotComparable(f"The product's answer has the shape of {product}\nbut the stock SDK answers {stock}")


def _shape(value: object) -> object:
    """JSON without its texts, and without members that are null."""
    if isinstance(value, dict):
        return {name: _shape(inner) for name, inner in value.items() if inner is not None}
    return [_shape(inner) for inner in value] if isinstance(value, list) else type(value).__name__
