"""Who was seen as a guest is one, wherever they ask and wherever they went."""

from __future__ import annotations

import pytest

from tests.world import ACCOUNT, ADELE, ALEX, GROUP, GUEST, MEGAN, OTHER_GROUP, World, buttons, texts

ROSTERED = GUEST.member(userPrincipalName="gus_fabrikam.example#EXT#@contoso.example")
ELSEWHERE = "19:never-there@thread.v2"


@pytest.fixture
async def left(world: World) -> World:
    """A guest was in a chat with the bot and left it."""
    world.connector.chats[GROUP] = [ALEX.member(), MEGAN.member(), ROSTERED]
    await world.say("help")
    world.connector.chats[GROUP] = [ALEX.member(), MEGAN.member()]
    await world.happens(membersRemoved=[{"id": GUEST.account}])
    return world


async def test_a_guest_who_left_the_only_chat_gets_no_card_by_what_everybody_may(left: World) -> None:
    assert "Contoso" in texts(await left.paste(ACCOUNT, chat=ELSEWHERE))
    assert "no such record" in texts(await left.paste(ACCOUNT, by=GUEST, chat=ELSEWHERE))


async def test_nor_do_they_connect_where_the_roster_can_t_be_read(left: World) -> None:
    left.connector.chats.pop(OTHER_GROUP, None)
    assert "no such record" in texts(await left.say("connect A-1001", by=GUEST, chat=OTHER_GROUP))


async def test_a_question_which_record_offers_none_that_the_person_may_neither_read_nor_act_on(world: World) -> None:
    for record in ("A-1", "A-2"):
        await world.api("PUT", f"/records/account/{record}", {"title": record, "access": {MEGAN.id: "append"}})
        await world.say(f"connect {record}", by=MEGAN)
    for text in ("note hello", "timeline"):
        answer = str(await world.say(text, by=ADELE))
        assert "2 records that can't be shown to you" in answer
        assert "account/A-" not in answer
    assert buttons(await world.say("note hello", by=MEGAN)) == ["A-1", "A-2"]
    assert buttons(await world.say("disconnect", by=ALEX)) == ["Account 1", "Account 2"], "an admin may"
