"""Commands that stream in, each repeated until it is acknowledged, and what they must have left behind."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientError, ClientSession

from tests.fakes.connector import FakeConnector
from tests.world import ALEX, BOT

CHATS = [f"19:crash{number}@thread.v2" for number in range(10)]
CHATS_OF_REST = [f"19:crash-rest{number}@thread.v2" for number in range(2)]
RECORDS = [f"account/R-{number}" for number in range(3)]
CHATTED, TOGGLED = "account/A-1001", "opportunity/O-2001"
REPEATED = 0.15
"""The share of requests that come again, under the same id, although they were acknowledged."""
THINKING_S = 0.15
"""At most, between one command of a stream and the next."""
MANY_WORDS_S = 1.0
"""At most, between two messages into a chat that nobody there asked for: a chat hears one or two a second."""

Effect = tuple[str, str, str, str]
"""What tells events apart here: type, record, chat, text of the note."""


def effect_of(event: dict[str, Any]) -> Effect:
    record = f"{event['record']['type']}/{event['record']['id']}"
    chat = event["chat"]["id"] if event["chat"] else ""
    return event["type"], record, chat, event["data"].get("text", "")


@dataclass(slots=True)
class Load:
    """Teams and the record system, who ask again until they are answered, the next process too.

    Attributes:
        effects: the events that what was acknowledged must have left; nothing else may be there.
        answers: how many cards each chat must have got, at least.
    """

    http: ClientSession
    base: str
    connector: FakeConnector
    chance: random.Random
    ended: bool = False
    running: asyncio.Task[None] | None = None
    effects: Counter[Effect] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    commands: int = 0
    repeats: int = 0
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def begin(self) -> None:
        self.running = asyncio.create_task(self._run())

    async def finish(self) -> None:
        """Begin nothing more; returns when what is under way is acknowledged."""
        self.ended = True
        if self.running:
            await self.running

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as streams:
            for chat in CHATS:
                streams.create_task(self._chat(chat))
            for chat in CHATS_OF_REST:
                streams.create_task(self._connected_by_rest(chat))
            for record in RECORDS:
                streams.create_task(self._record(record))

    async def _chat(self, chat: str) -> None:
        connected = False
        said: list[dict[str, Any]] = []
        while not self.ended:
            if said and self.chance.random() < REPEATED:
                await self._repeat(self._teams(self.chance.choice(said[-20:])))
                continue
            if connected and self.chance.random() > 0.1:
                text = f"n{next(self.numbers)}"
                activity, effect = self._message(chat, f"note {text}"), ("note.added", CHATTED, chat, text)
            else:
                word = "disconnect" if connected else "connect"
                connected = not connected
                activity, effect = self._message(chat, f"{word} {CHATTED}"), (f"chat.{word}ed", CHATTED, chat, "")
            await self._acknowledged(self._teams(activity), effect)
            self.answers[chat] += 1
            said.append(activity)

    async def _connected_by_rest(self, chat: str) -> None:
        await self._acknowledged(self._teams(self._message(chat, "help")))
        self.answers[chat] += 1
        while not self.ended:
            connect = self._api("POST", f"/records/{TOGGLED}/chats", {"chat": chat})
            await self._acknowledged(connect, ("chat.connected", TOGGLED, chat, ""))
            disconnect = self._api("DELETE", f"/records/{TOGGLED}/chats/{chat}")
            await self._acknowledged(disconnect, ("chat.disconnected", TOGGLED, chat, ""), good={204, 404})
            self.answers[chat] += 2
            await asyncio.sleep(self.chance.uniform(0, MANY_WORDS_S))

    async def _record(self, record: str) -> None:
        exists, noted = False, None
        while not self.ended:
            chosen = self.chance.random()
            if noted and chosen < REPEATED:
                await self._repeat(noted)
            elif not exists or chosen < 0.5:
                put = self._api("PUT", f"/records/{record}", {"title": f"t{next(self.numbers)}", "access": {}})
                await self._acknowledged(put, ("record.updated" if exists else "record.created", record, "", ""))
                exists = True
            elif chosen < 0.6:
                delete = self._api("DELETE", f"/records/{record}")
                await self._acknowledged(delete, ("record.deleted", record, "", ""), good={204, 404})
                exists, noted = False, None
            else:
                text = f"n{next(self.numbers)}"
                noted = self._api("POST", f"/records/{record}/timeline", {"text": text}, key=text)
                await self._acknowledged(noted, ("note.added", record, "", text))

    async def _acknowledged(
        self, send: Callable[[], Awaitable[int]], effect: Effect | None = None, *, good: Collection[int] = (200, 201)
    ) -> None:
        """Send until it is acknowledged. `good`: the statuses that mean so; another one is a mistake of the program."""
        while True:
            try:
                status = await send()
            except (ClientError, TimeoutError):
                status = 0
            if status in good:
                break
            assert status in (0, 503), f"{effect} was answered {status}"
            await asyncio.sleep(0.02)
        self.commands += 1
        if effect:
            self.effects[effect] += 1
        await asyncio.sleep(self.chance.uniform(0, THINKING_S))

    async def _repeat(self, send: Callable[[], Awaitable[int]]) -> None:
        self.repeats += 1
        await self._acknowledged(send)

    def _message(self, chat: str, text: str) -> dict[str, Any]:
        return {
            "type": "message",
            "id": f"crash-{next(self.numbers)}",
            "channelId": "msteams",
            "serviceUrl": self.connector.url,
            "from": ALEX.sender,
            "recipient": BOT,
            "conversation": {"id": chat, "conversationType": "groupChat"},
            "text": text,
        }

    def _teams(self, activity: dict[str, Any]) -> Callable[[], Awaitable[int]]:
        return lambda: self._status("POST", f"{self.base}/api/messages", activity)

    def _api(self, method: str, path: str, body: Any = None, *, key: str = "") -> Callable[[], Awaitable[int]]:
        headers = {"Authorization": "Bearer demo"} | ({"Idempotency-Key": key} if key else {})
        return lambda: self._status(method, f"{self.base}/api/v1{path}", body, headers)

    async def _status(self, method: str, url: str, body: Any, headers: dict[str, str] | None = None) -> int:
        async with self.http.request(method, url, json=body, headers=headers) as response:
            await response.read()
            return response.status
