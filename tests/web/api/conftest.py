"""The API alone, on either database: no bot, no outbox, nothing that sends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from yarl import URL

from bot.config import load_catalogue
from bot.domain.chats import Chat, ChatKind
from bot.features.following import KEPT, MAX_FOLLOWERS, Following
from bot.store.store import SqlStore, open_store
from bot.web.api import add_api
from bot.web.problems import problems
from bot.wiring import system_clock
from cards import render
from tests.sqlite import new_sqlite
from tests.world import ROOT

TOKEN = "a token of more than thirty-two characters"
GROUP = "19:group1@thread.v2"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API answered; `json` None when the body was empty."""

    status: int
    headers: Mapping[str, str]
    json: Any

    @property
    def detail(self) -> str:
        assert self.headers["Content-Type"].startswith("application/problem+json"), self
        assert self.json["status"] == self.status
        return self.json["detail"]


@dataclass(slots=True)
class Api:
    """A server with nothing but the API."""

    store: SqlStore
    following: Following
    http: ClientSession
    base: str = ""

    async def ask(
        self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: str
    ) -> Answer:
        """Ask with the token; `path` is sent as it is, header names have _ for -, "" leaves a header out."""
        sent = {"Authorization": f"Bearer {TOKEN}"} | {name.replace("_", "-"): text for name, text in headers.items()}
        if raw is not None:
            sent = {"Content-Type": "application/json"} | sent
        sent = {name: text for name, text in sent.items() if text}
        url = URL(f"{self.base}/api/v1{path}", encoded=True)
        async with self.http.request(
            method, url, headers=sent, **({"data": raw} if raw is not None else {"json": body})
        ) as answer:
            text = await answer.read()
            return Answer(answer.status, answer.headers.copy(), await answer.json(content_type=None) if text else None)

    async def events(self, record: str = "account/A-1") -> list[str]:
        """The types of a record's events, oldest first."""
        answer = await self.ask("GET", f"/records/{record}/timeline?limit=1000")
        return [event["type"] for event in answer.json["events"]] if answer.status == 200 else []

    async def enter(self, chat: str = GROUP, kind: ChatKind = ChatKind.GROUP) -> None:
        """The bot comes into a chat."""
        known = Chat(id=chat, kind=kind, topic="Renewal", service_url="https://smba.trafficmanager.net/emea/")
        await self.store.write(lambda tx: tx.put_chat(known))


async def serving(
    url: str, *, bearer: str = TOKEN, demo: bool = False, keep: int = KEPT, most: int = MAX_FOLLOWERS
) -> AsyncIterator[Api]:
    store = open_store(url, tenant="contoso", clock=system_clock)
    await store.start()
    await store.seed(load_catalogue(ROOT / "connect-chats.toml"))
    async with ClientSession() as http:
        api = Api(store, Following(store, keep=keep, most=most), http)
        app = web.Application(middlewares=[problems])
        add_api(app, store=store, following=api.following, bearer=bearer, render=render, demo=demo)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        api.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield api
        finally:
            await runner.cleanup()
            await store.close()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return new_sqlite(tmp_path / "api.db")


@pytest.fixture
async def api(sqlite_url: str) -> AsyncIterator[Api]:
    async for api in serving(sqlite_url):
        yield api


@pytest.fixture(params=["sqlite", "postgresql"])
async def any_api(request: pytest.FixtureRequest) -> AsyncIterator[Api]:
    """The API on each database."""
    async for api in serving(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")):
        yield api


@pytest.fixture
async def closed_api(sqlite_url: str) -> AsyncIterator[Api]:
    """The API of a server without API_TOKEN."""
    async for api in serving(sqlite_url, bearer=""):
        yield api


@pytest.fixture
async def demo_api(sqlite_url: str) -> AsyncIterator[Api]:
    """The API of the demo."""
    async for api in serving(sqlite_url, demo=True):
        yield api
