"""`join`: who is told which chats a record has, what of them, and who is refused."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.features.filled import refusals
from tests.features.left import set_type
from tests.world import (
    ACCOUNT,
    ADELE,
    ALEX,
    CHANNEL,
    GROUP,
    GUEST,
    KINDS,
    MEETING,
    MEGAN,
    OTHER_GROUP,
    PERSONAL,
    Somebody,
    World,
    buttons,
    texts,
)

MINUTE = 60_000_000
LEVELS = ("none", "read", "append", "write")
RECORD = "/records/account/A-1001"
OF_TWO = "19:alex_megan@unq.gbl.spaces"


def account(somebody: Somebody) -> dict[str, Any]:
    """The person as a roster has them."""
    return somebody.member(**{"userPrincipalName": "g#EXT#@x.example"} if somebody is GUEST else {})


async def ask(world: World, text: str = "join A-1001", *, by: Somebody = ALEX) -> dict[str, Any]:
    """Send it in the person's own chat with the bot; the card."""
    chat = "a:" + by.account[3:]
    world.connector.chats[chat] = [account(by)]
    return await world.say(text, by=by, chat=chat, conversation={"id": chat, "conversationType": "personal"})


async def connect(world: World, chat: str, topic: str = "", *, members: tuple[Somebody, ...] = (MEGAN,)) -> None:
    """The first of the members connects the chat; its topic is what Teams says it is."""
    world.connector.chats[chat] = [account(member) for member in members]
    channel = {"channelData": {"channel": {"name": topic}, "team": {"id": "19:team@thread.tacv2"}}}
    where = {"id": chat, "conversationType": KINDS.get(chat, "groupChat"), "name": topic}
    card = await world.say(
        "connect A-1001", by=members[0], chat=chat, conversation=where, **channel if chat == CHANNEL else {}
    )
    assert "now connected" in texts(card)


def opened_by(card: Any) -> list[str]:
    """The addresses of Teams that the card opens."""
    if isinstance(card, list):
        return [url for item in card for url in opened_by(item)]
    if not isinstance(card, dict):
        return []
    own = [card["url"]] if "teams.microsoft.com" in str(card.get("url")) else []
    return own + [url for inner in card.values() for url in opened_by(inner)]


async def share(world: World, **access: str) -> None:
    """The rights to the record; it is Megan's."""
    owner = {"id": MEGAN.id, "name": MEGAN.name}
    people = {"adele": ADELE.id, "guest": GUEST.id, "everybody": "*"}
    levels = {people[who]: level for who, level in access.items()}
    status, _ = await world.api("PUT", RECORD, {"title": "Contoso Ltd", "owner": owner, "access": levels})
    assert status == 200


# Who ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("needed", ["read", "append", "write", "nobody"])
async def test_the_type_s_setting_and_the_person_s_right_decide_and_a_refusal_says_why_and_is_on_the_trail(
    world: World, needed: str
) -> None:
    await set_type(world, join=needed)
    await connect(world, GROUP, "Renewal")
    for level in LEVELS:
        world.clock[0] += 2 * MINUTE  # the same refusal again within one is kept once
        await share(world, adele=level)
        before, told = await refusals(world), texts(await ask(world, by=ADELE))
        if level == "none":
            expected, words = ("unknown", None), ("There is no such record, or you may not see it.",)
        elif needed == "nobody":
            expected, words = ("for-nobody", "join"), ("switched off", "An administrator of Connect Chats can switch")
        elif LEVELS.index(level) < LEVELS.index(needed):
            expected, words = ("too-little", "join"), (f"the right to {needed}", "Megan Bowen", "joining its chats")
        else:
            expected, words = None, ("Renewal",)
        assert all(word in told for word in words), (level, told)
        assert ("Renewal" in told) is (expected is None)
        new = [row for row in await refusals(world) if row not in before]
        assert [(row["action"], row["reason"], row["setting"]) for row in new] == (
            [("join", *expected)] if expected else []
        )
        for row in new:
            assert (row["by"]["id"], row["chat"]) == (ADELE.id, "a:adele")
            assert row["record"] == {"type": "account", "id": "A-1001"}


async def test_the_owner_may_where_writers_may_and_being_an_administrator_gives_nothing(world: World) -> None:
    await set_type(world, join="write")
    await share(world, everybody="read")
    await connect(world, GROUP, "Renewal", members=(MEGAN, ADELE))
    assert "Renewal" in texts(await ask(world, by=MEGAN))
    told = texts(await ask(world, by=ALEX))
    assert "the right to write" in told
    assert "Renewal" not in told


async def test_without_a_choice_of_the_administrators_nobody_is_told(world: World) -> None:
    await connect(world, GROUP, "Renewal", members=(ALEX,))
    assert "switched off" in texts(await ask(world))


async def test_a_guest_has_only_their_own_entry_and_where_names_are_hidden_no_topic_is_told_nor_who_connected(
    world: World,
) -> None:
    await set_type(world, join="read")
    await connect(world, GROUP, "Renewal")
    await share(world, everybody="write")
    assert "no such record" in texts(await ask(world, by=GUEST))
    await share(world, everybody="write", guest="read")
    told = texts(await ask(world, by=GUEST))
    assert "Group chat" in told
    assert "Ask the record's owner" in told
    for hidden in ("Renewal", "Megan", "Contoso"):
        assert hidden not in told
    await set_type(world, disclosure_external="name")
    told = texts(await ask(world, by=GUEST))
    for named in ("Renewal", "Megan Bowen", "Contoso Ltd"):
        assert named in told


async def test_a_guest_who_is_in_the_chat_reads_its_topic_which_they_know(world: World) -> None:
    await set_type(world, join="read")
    await share(world, guest="read")
    await connect(world, GROUP, "Renewal", members=(MEGAN, GUEST))
    card = await ask(world, by=GUEST)
    assert "Renewal" in texts(card)
    assert len(opened_by(card)) == 1


async def test_unknown_and_forbidden_records_are_answered_byte_for_byte_the_same(world: World) -> None:
    await set_type(world, "case", join="read")
    assert await ask(world, "join C-3001") == await ask(world, "join C-9999")


async def test_a_type_that_is_switched_off_is_said_to_be_and_shows_no_chat(world: World) -> None:
    await set_type(world, join="read")
    await connect(world, GROUP, "Renewal")
    await set_type(world, enabled=False)
    told = texts(await ask(world))
    assert "switched off this app or this kind of record" in told
    assert "Renewal" not in told


async def test_a_link_that_names_an_app_that_is_switched_off_shows_no_chat(world: World) -> None:
    await set_type(world, join="read")
    await connect(world, GROUP, "Renewal")
    await world.api("PUT", "/apps/sales-hub", {"id": "sales-hub", "label": "Sales Hub", "enabled": False})
    told = texts(await ask(world, f"join {ACCOUNT}?appid=sales-hub"))
    assert "switched off this app or this kind of record" in told
    assert "Renewal" not in told


async def test_a_refusal_that_is_delivered_twice_is_on_the_trail_once(world: World) -> None:
    asked = world.activity("message", chat=PERSONAL, text="join A-1001", deliveryMode="expectReplies")
    assert await world.post(asked) == await world.post(asked)
    assert len(await refusals(world)) == 1


# Where ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chat", [GROUP, MEETING, CHANNEL, OF_TWO])
async def test_where_others_read_along_it_asks_to_be_asked_in_the_personal_chat_whatever_the_record(
    world: World, chat: str
) -> None:
    await set_type(world, join="read")
    world.connector.chats[OF_TWO] = [ALEX.member(), MEGAN.member()]
    await connect(world, OTHER_GROUP, "Renewal")
    answers = [await world.say(f"join {key}", chat=chat) for key in ("A-1001", "A-9999", "C-3001")]
    assert answers[0] == answers[1] == answers[2]
    assert "Ask me in our personal chat: join <link or key>" in texts(answers[0])
    assert await refusals(world) == []


async def test_a_button_can_not_ask_for_it(world: World) -> None:
    await set_type(world, join="read")
    await connect(world, GROUP, "Renewal")
    answer = await world.press("join", {"record": "account/A-1001"}, chat=PERSONAL)
    assert answer["value"].startswith("This button does nothing any more.")


@pytest.mark.parametrize(("text", "said"), [("join", "which record"), ("join nonsense", "neither a link")])
async def test_it_asks_for_a_record_it_can_look_for(world: World, text: str, said: str) -> None:
    assert said in texts(await ask(world, text))


# What -----------------------------------------------------------------------------------------------------------------


async def test_a_chat_they_are_in_opens_and_of_another_they_learn_its_name_its_kind_and_who_can_help(
    world: World,
) -> None:
    await set_type(world, join="read")
    await connect(world, GROUP, "Renewal", members=(MEGAN, ALEX))
    await connect(world, MEETING, "Weekly", members=(MEGAN, ADELE))
    card = await ask(world, f"join {ACCOUNT}")
    assert opened_by(card) == [f"https://teams.microsoft.com/l/chat/{quote(GROUP, safe='')}/conversations"]
    lines = texts(card).splitlines()
    assert [line for line in lines if line in ("Renewal", "Weekly")] == ["Weekly", "Renewal"], "the latest first"
    assert "Meeting chat, connected " in lines
    assert " by Megan Bowen" in lines
    assert lines.count("You are in it") == 1
    assert "I can't add you to a chat; somebody who is in it can." in texts(card)
    assert "Adele" not in str(card), "who is in a chat is for those who are in it"
    assert MEETING not in str(card)
    assert quote(MEETING, safe="") not in str(card)
    assert buttons(card) == ["Open"]


async def test_where_they_are_in_every_chat_nobody_need_be_asked(world: World) -> None:
    await set_type(world, join="read")
    await connect(world, GROUP, members=(ALEX,))
    card = await ask(world)
    assert "Group chat" in texts(card)
    assert "add you" not in texts(card)


async def test_who_has_left_a_chat_has_no_button_to_it(world: World) -> None:
    await set_type(world, join="read")
    await connect(world, GROUP, "Renewal", members=(MEGAN, ALEX))
    assert opened_by(await ask(world))
    await world.happens(chat=GROUP, membersRemoved=[{"id": ALEX.account}])
    card = await ask(world)
    assert "Renewal" in texts(card)
    assert opened_by(card) == []


async def test_of_channels_only_their_number_is_told_and_a_chat_that_the_bot_has_left_is_not_there(
    world: World,
) -> None:
    await set_type(world, join="read")
    await connect(world, CHANNEL, "Sales secrets", members=(MEGAN, ALEX))
    await connect(world, GROUP, "Renewal")
    await connect(world, OTHER_GROUP, "Left behind")
    await world.happens("installationUpdate", chat=OTHER_GROUP, action="remove")
    card = await ask(world)
    told = texts(card)
    assert "And 1 channel. Who is in a team is in its channels" in told
    assert "Renewal" in told
    for hidden in ("Sales secrets", "Left behind"):
        assert hidden not in str(card)
    assert opened_by(card) == []


async def test_a_record_without_chats_says_how_to_connect_one(world: World) -> None:
    await set_type(world, join="read")
    told = texts(await ask(world))
    assert "No group chat or meeting that I am in is connected to it." in told
    assert "@Connect Chats connect <link or key>" in told


async def test_ten_chats_are_shown_and_the_others_counted(world: World) -> None:
    await set_type(world, join="read")
    for number in range(12):
        await connect(world, f"19:many{number}@thread.v2", f"Room {number:02}")
    told = texts(await ask(world))
    assert [f"Room {number:02}" in told for number in range(12)] == [False] * 2 + [True] * 10
    assert "And 2 more that were connected earlier." in told


async def test_where_only_the_type_may_be_shown_neither_topic_nor_names_are(world: World) -> None:
    await set_type(world, join="read", disclosure="type")
    await connect(world, GROUP, "Contoso renewal")
    told = texts(await ask(world))
    assert "Group chat" in told
    assert "Ask the record's owner" in told
    for hidden in ("Contoso", "Megan"):
        assert hidden not in told
