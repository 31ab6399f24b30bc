"""A killed process loses nothing it acknowledged and does nothing twice; answers it owed are sent by its successor."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
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


async def deliver(http: ClientSession, base: str, activity: dict) -> bool:
    """Whether the program acknowledged it."""
    try:
        async with http.post(f"{base}/api/messages", json=activity) as response:
            return response.status == 200
    except ClientConnectionError:
        return False


async def test_killed_while_notes_stream_in_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    port = free_port()
    acknowledged: set[int] = set()
    numbers = iter(range(1, 100_000))
    async with FakeConnector(tls=False) as connector, ClientSession() as http:
        connector.chats = {chat: [ALEX.member()] for chat in CHATS}
        for _ in range(KILLS):
            async with running_program(tmp_path, {}, "--demo", port=port) as program:
                for chat in CHATS:
                    await deliver(http, program.base, message(connector, next(numbers), chat, f"connect {ACCOUNT}"))

                async def stream(chat: str, base: str = program.base) -> None:
                    """As Teams does: the same message again until it is acknowledged."""
                    for number in numbers:
                        activity = message(connector, number, chat, f"note n{number}")
                        while not await deliver(http, base, activity):
                            await asyncio.sleep(0.05)
                            if not alive.is_set():
                                pending.append(activity)
                                return
                        acknowledged.add(number)

                alive, pending = asyncio.Event(), []
                alive.set()
                streams = [asyncio.create_task(stream(chat)) for chat in CHATS]
                await asyncio.sleep(chance.uniform(0.3, 0.8))
                alive.clear()
                await program.kill()
                await asyncio.gather(*streams)
            async with running_program(tmp_path, {}, "--demo", port=port) as program:
                for activity in pending:
                    assert await deliver(http, program.base, activity)
                    acknowledged.add(int(activity["id"].removeprefix("crash-")))

        async with running_program(tmp_path, {}, "--demo", port=port) as program:
            events = await timeline(http, program.base)
            taken = Counter(event["data"]["text"] for event in events if event["type"] == "note.added")
            assert taken == Counter(f"n{number}" for number in acknowledged)
            assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
            await every_answer(connector, {f"n{number}" for number in acknowledged})
    assert len(acknowledged) > len(CHATS)


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
