"""The main job on PostgreSQL, and two replicas on one database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.world import ACCOUNT, ALEX, CHANNEL, GROUP, MEGAN, World, buttons, running_world, texts


@pytest.fixture
async def replicas(postgres_url: str, tmp_path: Path) -> AsyncIterator[tuple[World, World]]:
    async with (
        running_world(tmp_path, database_url=postgres_url) as first,
        running_world(tmp_path, database_url=postgres_url, beside=first) as second,
    ):
        yield first, second


async def test_what_one_replica_does_the_other_knows_at_once(replicas: tuple[World, World]) -> None:
    first, second = replicas
    await first.say("connect A-1001")
    assert "This chat is connected" in texts(await second.paste(ACCOUNT))
    assert "Contoso Ltd" in texts(await second.say("records"))
    await second.say("note from the other side", by=MEGAN)
    assert "from the other side" in texts(await first.say("timeline"))
    assert "no longer connected" in texts(await first.say("disconnect")).lower()
    assert await second.events() == ["record.created", "chat.connected", "note.added", "chat.disconnected"]


async def test_a_setting_changed_at_one_replica_rules_at_the_other_for_the_next_request(
    replicas: tuple[World, World],
) -> None:
    first, second = replicas
    await first.say("help")
    assert "Connect this chat" in buttons(await second.paste(ACCOUNT))
    _, account = await first.api("GET", "/record-types/account")
    await first.api("PUT", "/record-types/account", account | {"connect": "nobody", "disclosure": "type"})
    card = await second.paste(ACCOUNT)
    assert buttons(card) == ["Open"]
    assert "Contoso" not in texts(card)


async def test_a_hundred_connects_at_two_replicas_make_one_connection_and_one_event(
    replicas: tuple[World, World],
) -> None:
    cards = await asyncio.gather(*(replicas[number % 2].say("connect A-1001") for number in range(100)))
    assert sum("already" not in texts(card).lower() for card in cards) == 1
    assert (await replicas[0].events()).count("chat.connected") == 1


async def test_one_activity_delivered_to_both_replicas_has_one_effect_and_one_answer(
    replicas: tuple[World, World],
) -> None:
    first, second = replicas
    await first.say("connect A-1001")
    for number in range(5):
        note = first.activity("message", text=f"note {number}")
        statuses = await asyncio.gather(*(replica.post(note) for replica in (first, second) * 3))
        assert statuses == [(200, None)] * 6
    assert (await first.events()).count("note.added") == 5
    assert len(first.said_in(GROUP)) == 5


async def test_the_same_note_at_both_replicas_under_new_ids_is_taken_once(replicas: tuple[World, World]) -> None:
    await replicas[0].say("connect A-1001")
    await asyncio.gather(*(replicas[number % 2].say("note call Monday") for number in range(20)))
    assert (await replicas[0].events()).count("note.added") == 1


async def test_many_chats_and_people_at_once_leave_a_timeline_without_gaps(replicas: tuple[World, World]) -> None:
    for chat in (GROUP, CHANNEL):
        await replicas[0].say("connect A-1001", chat=chat)

    async def busy(number: int) -> None:
        world, chat = replicas[number % 2], (GROUP, CHANNEL)[number % 3 % 2]
        await world.say(f"note {number}", chat=chat, by=(ALEX, MEGAN)[number % 2])
        if number % 10 == 0:
            await world.happens(topicName=f"topic {number}", chat=GROUP)
            record = {"title": f"t{number}", "access": {"*": "append"}}
            await world.api("PUT", "/records/account/A-1001", record)

    await asyncio.gather(*(busy(number) for number in range(60)))
    _, timeline = await replicas[0].api("GET", "/records/account/A-1001/timeline?limit=1000")
    assert [event["seq"] for event in timeline["events"]] == list(range(1, len(timeline["events"]) + 1))
    assert sum(event["type"] == "note.added" for event in timeline["events"]) == 60
    _, feed = await replicas[1].api("GET", "/events?limit=1000")
    ours = [event["seq"] for event in feed["events"] if event["record"]["id"] == "A-1001"]
    assert ours == [event["seq"] for event in timeline["events"]]
