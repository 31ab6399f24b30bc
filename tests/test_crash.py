"""A killed process loses nothing it acknowledged and does nothing twice; answers it owed are sent by its successor."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import ClientConnectionError, ClientSession

from tests.fakes.connector import FakeConnector
from tests.program import free_port, running_program
from tests.world import ACCOUNT, ALEX, BOT, texts

CHATS = [f"19:crash{number}@thread.v2" for number in range(40)]
KILLS = 3
SEED = 20261122


def message(connector: FakeConnector, number: int, chat: str, text: str) -> dict:
    return {
        "type": "message",
        "id": f"crash-{number}",
        "channelId": "msteams",
        "serviceUrl": connector.url,
        "from": ALEX.sender,
        "recipient": BOT,
        "conversation": {"id": chat, "conversationType": "groupChat"},
        "text": text,
    }


@dataclass(slots=True)
class Teams:
    """Delivers each message again until it is acknowledged, also to the next process."""

    http: ClientSession
    connector: FakeConnector
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 100_000)))
    acknowledged: set[int] = field(default_factory=set)
    pending: list[dict] = field(default_factory=list)
    base: str = ""
    up: bool = False

    async def deliver(self, activity: dict) -> bool:
        try:
            async with self.http.post(f"{self.base}/api/messages", json=activity) as response:
                return response.status == 200
        except ClientConnectionError:
            return False

    async def connect(self, chat: str) -> None:
        assert await self.deliver(message(self.connector, next(self.numbers), chat, f"connect {ACCOUNT}"))

    async def notes(self, chat: str) -> None:
        """One note after the other until the process is gone; then one may be left pending."""
        while self.up:
            number = next(self.numbers)
            activity = message(self.connector, number, chat, f"note n{number}")
            if await self.deliver(activity):
                self.acknowledged.add(number)
            else:
                self.pending.append(activity)
                return

    async def catch_up(self) -> None:
        for activity in self.pending:
            assert await self.deliver(activity)
            self.acknowledged.add(int(activity["id"].removeprefix("crash-")))
        self.pending.clear()


async def test_killed_while_notes_stream_in_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    port = free_port()
    async with FakeConnector(tls=False) as connector, ClientSession() as http:
        connector.chats = {chat: [ALEX.member()] for chat in CHATS}
        teams = Teams(http, connector)
        for _ in range(KILLS):
            async with running_program(tmp_path, {}, "--demo", port=port) as program:
                teams.base, teams.up = program.base, True
                await teams.catch_up()
                await asyncio.gather(*(teams.connect(chat) for chat in CHATS))
                streams = [asyncio.create_task(teams.notes(chat)) for chat in CHATS]
                await asyncio.sleep(chance.uniform(0.3, 0.8))
                await program.kill()
                teams.up = False
                await asyncio.gather(*streams)
        assert teams.pending
        async with running_program(tmp_path, {}, "--demo", port=port) as program:
            await teams.catch_up()
            events = await timeline(http, program.base)
            taken = Counter(event["data"]["text"] for event in events if event["type"] == "note.added")
            assert taken == Counter(f"n{number}" for number in teams.acknowledged)
            assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
            await every_answer(connector, {f"n{number}" for number in teams.acknowledged})
    assert len(teams.acknowledged) > len(CHATS)


async def timeline(http: ClientSession, base: str) -> list[dict]:
    events: list[dict] = []
    while True:
        url = f"{base}/api/v1/records/account/A-1001/timeline?limit=1000&after={len(events)}"
        async with http.get(url, headers={"Authorization": "Bearer demo"}) as response:
            page = (await response.json())["events"]
        if not page:
            return events
        events += page


async def every_answer(connector: FakeConnector, notes: set[str]) -> None:
    """What was written but not answered before the crash is answered when its lease ends, at the latest."""
    async with asyncio.timeout(40):
        while True:
            answers = [activity for said in connector.messages.values() for _, activity in said]
            answered = {line for activity in answers for line in texts(activity["attachments"][0]["content"]).split()}
            if notes <= answered:
                return
            await asyncio.sleep(0.2)
