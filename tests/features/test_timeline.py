"""`timeline`: what it shows, to whom, and how it is asked for."""

from __future__ import annotations

import pytest

from tests.world import ALEX, GROUP, GUEST, MEGAN, OPPORTUNITY, PERSONAL, World, buttons, texts


async def test_the_latest_events_come_newest_first_and_n_bounds_them(world: World) -> None:
    await world.say("connect A-1001")
    for number in range(6):
        await world.say(f"note number {number}")
    shown = texts(await world.say("timeline"))
    assert [f"number {n}" in shown for n in range(6)] == [False, True, True, True, True, True]
    assert shown.index("number 5") < shown.index("number 1")
    assert "number 4" not in texts(await world.say("timeline 1"))
    assert "number 4" in texts(await world.say("timeline A-1001 2"))
    assert "Alex Wilber connected a group chat" in texts(await world.say("timeline 20"))


async def test_a_record_need_not_be_connected_to_be_asked_for(world: World) -> None:
    assert "Contoso renewal" in texts(await world.say(f"timeline {OPPORTUNITY}", chat=PERSONAL))
    assert "created" in texts(await world.say("timeline O-2001"))


@pytest.mark.parametrize("text", ["timeline 0", "timeline 21", "timeline -1", "timeline A-1001 five", "timeline 1e9"])
async def test_a_number_that_is_none_is_refused_with_the_range(world: World, text: str) -> None:
    await world.say("connect A-1001")
    shown = texts(await world.say(text))
    assert "20" in shown or "link" in shown
    assert "created" not in shown


async def test_unknown_and_forbidden_timelines_look_the_same(world: World) -> None:
    assert await world.say("timeline C-3001") == await world.say("timeline C-9999")


async def test_the_personal_chat_asks_for_a_record(world: World) -> None:
    assert "which record" in texts(await world.say("timeline", chat=PERSONAL))


async def test_a_chat_without_records_says_how_to_connect_one(world: World) -> None:
    assert "connect" in texts(await world.say("timeline"))


async def test_with_several_records_it_asks_and_the_button_keeps_n(world: World) -> None:
    await world.say("connect A-1001")
    await world.say("connect O-2001", by=MEGAN)
    question = await world.say("timeline 1")
    assert sorted(buttons(question)) == ["Contoso Ltd", "Contoso renewal 2027"]
    chosen = next(action for action in question["actions"] if action["title"] == "Contoso Ltd")
    answer = await world.press(chosen["verb"], chosen["data"])
    assert "connected a group chat" in texts(answer["value"])
    assert "created" not in texts(answer["value"])


async def test_where_strangers_read_along_no_event_is_shown(world: World) -> None:
    world.connector.chats[GROUP] = [ALEX.member(), GUEST.member(userPrincipalName="g#EXT#@x.example")]
    await world.say("connect A-1001")
    shown = texts(await world.say("timeline"))
    assert "Alex Wilber" not in shown
    assert "connected a" not in shown
    assert "Ask me in our personal chat." in shown


async def test_changes_name_only_listed_fields(world: World) -> None:
    record = {"title": "Contoso Ltd", "access": {"*": "append"}, "fields": {"Status": "Dormant", "Rating": "C"}}
    await world.api("PUT", "/records/account/A-1001", record)
    shown = texts(await world.say("timeline A-1001", chat=PERSONAL))
    assert "Status" in shown
    assert "Rating" not in shown
    assert "Dormant" not in shown
