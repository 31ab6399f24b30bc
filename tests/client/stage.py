"""The demo with the Agents Playground in front of it: a bot and a client as a person has them."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse

from tests.client.play import ROOT, demo
from tests.client.playground import Json, Playground, open_playground

LINKS = "https://crm.example.com/records"
ACCOUNT = f"{LINKS}/account/A-1001"
OPPORTUNITY = f"{LINKS}/opportunity/O-2001"
CASE = f"{LINKS}/case/C-3001"
OPENED = {"installationUpdate", "conversationUpdate"}
WITHIN = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """An activity and the status that the bot answered, as the client's log tells it."""

    id: str
    type: str
    chat: str
    status: int


@dataclass(slots=True)
class Stage:
    """The running pair.

    Attributes:
        bot: the demo's address.
        client: the Playground, driven by its REST and listened to by its websocket.
        delivered: the activities the bot has dealt with, oldest first.
    """

    bot: str
    client: Playground
    _http: ClientSession
    delivered: list[Delivered] = field(default_factory=list)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def api(self, method: str, path: str, body: Json | None = None) -> Any:
        """Ask the REST API as the record system; the JSON it answers."""
        headers = {"Authorization": "Bearer demo"}
        async with self._http.request(method, f"{self.bot}/api/v1{path}", json=body, headers=headers) as response:
            assert response.status < 300, (response.status, await response.text())
            return await response.json() if response.status != 204 else None

    @asynccontextmanager
    async def account(self, title: str) -> AsyncIterator[str]:
        """A record of its own for one test, by its key; everybody may connect it. At the end its chats are let go."""
        key = f"A-{7000 + next(self._numbers)}"
        fields = {"Owner": "Alex Wilber", "Status": "Active"}
        await self.api("PUT", f"/records/account/{key}", {"title": title, "fields": fields, "access": {"*": "append"}})
        try:
            yield key
        finally:
            await self._let_go(key)

    async def _let_go(self, key: str) -> None:
        for connection in (await self.api("GET", f"/records/account/{key}/chats"))["items"]:
            before = len(self.client.said)
            chat = connection["id"]
            await self.api("DELETE", f"/records/account/{key}/chats/{chat}")
            if connection["state"] == "active":
                await self.client.hear(chat=chat, after=before, that=lambda said: "no longer connected" in said.words)

    @asynccontextmanager
    async def settings(self, name: str) -> AsyncIterator[Json]:
        """The settings of a record type, for one test that changes them. At the end they are as they were."""
        before = await self.api("GET", f"/record-types/{name}")
        try:
            yield before
        finally:
            await self.api("PUT", f"/record-types/{name}", before)

    async def events(self, key: str) -> list[Json]:
        """What the account's timeline tells, oldest first."""
        return (await self.api("GET", f"/records/account/{key}/timeline"))["events"]

    async def deliver(self, activity: Json) -> None:
        """Send an activity and wait until the bot has dealt with it."""
        await self.client.post(activity)
        await self._dealt_with(lambda: any(one.id == activity["id"] for one in self.delivered))

    async def happen(self, what: str, *, chat: str, data: Json | None = None, **more: Any) -> None:
        """Let something happen to a chat, as the Playground tells it, and wait until the bot has dealt with it.

        `data`: members of the activity's `channelData` that shall differ; `more`: members of the activity itself.
        """
        activity = await self.client.template(chat, what) | more
        activity["channelData"] = activity["channelData"] | (data or {})
        await self.deliver(activity)

    @asynccontextmanager
    async def opening(self, *chats: str) -> AsyncIterator[None]:
        """Wait at the end of the block until the bot has dealt with what a client tells when it opens these chats."""
        before = len(self.delivered)
        yield

        def told(chat: str) -> set[str]:
            return {one.type for one in self.delivered[before:] if one.chat == chat}

        await self._dealt_with(lambda: all(told(chat) >= OPENED for chat in chats))

    async def open_chats(self) -> None:
        """Open every chat as the page does."""
        chats = (self.client.personal, self.client.group, self.client.channel)
        async with self.opening(*chats):
            await asyncio.gather(*(self.client.open_chat(chat) for chat in chats))

    async def _dealt_with(self, condition: Callable[[], bool]) -> None:
        async with self._news, asyncio.timeout(WITHIN):
            await self._news.wait_for(condition)

    async def listen(self, log: ClientWebSocketResponse) -> None:
        """Note down what the client's log tells, until it ends."""
        async for frame in log:
            entry = json.loads(frame.data).get("log", {})
            if entry.get("to") == "User Application":
                activity = entry["request"]["body"]
                one = Delivered(
                    id=activity["id"],
                    type=activity["type"],
                    chat=activity["conversation"]["id"],
                    status=entry["response"]["statusCode"],
                )
                async with self._news:
                    self.delivered.append(one)
                    self._news.notify_all()


@asynccontextmanager
async def open_stage(folder: Path) -> AsyncIterator[Stage]:
    """`app.py --demo`, new and on a port of its own, its data in `folder`, and a Playground that talks to it."""
    environment = {
        "PORT": "0",
        "DATABASE_URL": f"sqlite:///{folder}/stage.db",
        "CONFIG": str(ROOT / "connect-chats.toml"),
        "PUBLIC_URL": "http://localhost:3978",
    }
    async with (
        demo(**environment) as (_, bot),
        open_playground(f"{bot}/api/messages") as client,
        ClientSession() as http,
    ):
        stage = Stage(bot, client, http)
        log = await http.ws_connect(f"{client.url}/_ws/log/stream")
        listener = asyncio.create_task(stage.listen(log))
        try:
            yield stage
        finally:
            listener.cancel()
            await asyncio.gather(listener, return_exceptions=True)
            await log.close()
