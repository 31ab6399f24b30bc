"""The demo with the Agents Playground in front of it: a bot and a client as a person has them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families

from tests.client.play import ROOT, demo
from tests.client.playground import Json, Playground, open_playground

LINKS = "https://crm.example.com/records"
ACCOUNT = f"{LINKS}/account/A-1001"
OPPORTUNITY = f"{LINKS}/opportunity/O-2001"
CASE = f"{LINKS}/case/C-3001"
WITHIN = 10.0


@dataclass(slots=True)
class Stage:
    """The running pair.

    Attributes:
        bot: the demo's address.
        client: the Playground, driven by its REST and listened to by its websocket.
    """

    bot: str
    client: Playground
    _http: ClientSession
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

    async def events(self, key: str) -> list[Json]:
        """What the account's timeline tells, oldest first."""
        return (await self.api("GET", f"/records/account/{key}/timeline"))["events"]

    @asynccontextmanager
    async def answered(self, number: int) -> AsyncIterator[None]:
        """Wait at the end of the block until the bot has dealt with that many activities more."""
        until = await self._activities() + number
        yield
        async with asyncio.timeout(WITHIN):
            while True:
                if await self._activities() >= until:
                    return
                await asyncio.sleep(0.02)

    async def _activities(self) -> int:
        """How many activities the bot has answered, by its own count."""
        async with self._http.get(f"{self.bot}/metrics") as response:
            families = text_string_to_metric_families(await response.text())
        samples = (sample for family in families for sample in family.samples)
        return round(
            sum(
                sample.value
                for sample in samples
                if sample.name == "connect_chats_responses_total" and sample.labels["route"] == "/api/messages"
            )
        )

    async def happen(self, what: str, *, chat: str, data: Json | None = None, **more: Any) -> None:
        """Let something happen to a chat, as the Playground tells it, and wait until the bot has dealt with it.

        `data`: members of the activity's `channelData` that shall differ; `more`: members of the activity itself.
        """
        activity = await self.client.template(chat, what) | more
        activity["channelData"] = activity["channelData"] | (data or {})
        async with self.answered(1):
            await self.client.post(activity)

    async def open_chats(self) -> None:
        """Open every chat as the page does, and wait until the bot has dealt with what it was told of it."""
        chats = (self.client.personal, self.client.group, self.client.channel)
        async with self.answered(2 * len(chats)):
            await asyncio.gather(*(self.client.open_chat(chat) for chat in chats))


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
        yield Stage(bot, client, http)
