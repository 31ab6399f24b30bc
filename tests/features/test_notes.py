"""`note`: once, by those who may, on the record that is meant."""

from __future__ import annotations

import asyncio

import pytest

from tests.world import ALEX, GROUP, GUEST, MEGAN, OTHER_GROUP, PERSONAL, World, buttons, texts

MINUTE = 60_000_000


async def notes(world: World, record: str = "account/A-1001") -> list[str]:
    _, timeline = await world.api("GET", f"/records/{record}/timeline?limit=1000")
    return [event["data"]["text"] for event in timeline["events"] if event["type"] == "note.added"]


async def test_a_note_keeps_its_lines_and_its_author(world: World) -> None:
    await world.say("connect A-1001")
    assert "Call" in texts(await world.say("note Call on Monday\nabout *the* <b>renewal</b>", by=MEGAN))
    _, timeline = await world.api("GET", "/records/account/A-1001/timeline")
    event = timeline["events"][-1]
    assert event["data"]["text"] == "Call on Monday\nabout *the* <b>renewal</b>"
    assert event["actor"] == {"id": MEGAN.id, "name": "Megan Bowen"}
    assert event["chat"]["id"] == GROUP


async def test_the_same_note_redelivered_under_a_new_id_is_taken_once(world: World) -> None:
    await world.say("connect A-1001")
    cards = [await world.say("note call Monday") for _ in range(3)]
    assert cards[0] == cards[1] == cards[2]
    assert await notes(world) == ["call Monday"]
    await asyncio.gather(*(world.say("note again") for _ in range(10)))
    assert await notes(world) == ["call Monday", "again"]


async def test_the_same_note_counts_again_after_a_minute_a_command_or_by_another_person(world: World) -> None:
    await world.say("connect A-1001")
    await world.say("note x")
    await world.say("help")
    await world.say("note x")
    await world.say("note x", by=MEGAN)
    world.clock[0] += MINUTE + 1_000_000
    await world.say("note x")
    assert await notes(world) == ["x"] * 4


@pytest.mark.parametrize("text", ["note", "note   ", "note \u202e"])
async def test_an_empty_note_is_refused(world: World, text: str) -> None:
    await world.say("connect A-1001")
    assert "needs a text" in texts(await world.say(text))
    assert await notes(world) == []


async def test_a_note_that_is_too_long_is_refused_and_not_cut(world: World) -> None:
    await world.say("connect A-1001")
    assert "4000" in texts(await world.say("note " + "x" * 4001))
    await world.say("note " + "y" * 4000)
    assert await notes(world) == ["y" * 4000]


async def test_reading_is_not_enough_for_a_note(world: World) -> None:
    await world.say("connect O-2001", by=MEGAN)
    assert "append" in texts(await world.say("note x", by=ALEX))
    assert await notes(world, "opportunity/O-2001") == []


async def test_with_several_records_it_asks_and_only_the_author_may_choose(world: World) -> None:
    await world.say("connect A-1001")
    await world.say("connect O-2001", by=MEGAN)
    question = await world.say("note call Monday", by=MEGAN)
    assert len(buttons(question)) == 2
    chosen = next(action for action in question["actions"] if action["title"] == "Contoso Ltd")
    assert "somebody else" in (await world.press(chosen["verb"], chosen["data"], by=ALEX))["value"]
    assert await notes(world) == []
    await world.press(chosen["verb"], chosen["data"], by=MEGAN)
    assert await notes(world) == ["call Monday"]
    assert await notes(world, "opportunity/O-2001") == []


async def test_a_button_cannot_put_a_note_on_a_record_of_another_chat(world: World) -> None:
    await world.say("connect A-1001", chat=OTHER_GROUP)
    await world.say("help")
    data = {"record": "account/A-1001", "text": "x", "by": ALEX.id}
    assert "not connected" in (await world.press("note", data))["value"]
    assert await notes(world) == []


async def test_a_note_needs_a_chat_of_several(world: World) -> None:
    assert "group chat" in texts(await world.say("note x", chat=PERSONAL))


async def test_where_strangers_read_along_the_note_is_taken_but_not_repeated(world: World) -> None:
    world.connector.chats[GROUP] = [ALEX.member(), GUEST.member(userPrincipalName="g#EXT#@x.example")]
    await world.say("connect A-1001")
    assert "secret plan" not in str(await world.say("note secret plan"))
    assert await notes(world) == ["secret plan"]
