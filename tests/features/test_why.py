"""`why <link>`: each step for the person who asks; what others may not know only in the personal chat."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.world import (
    ACCOUNT,
    ADELE,
    ALEX,
    CASE,
    GROUP,
    GUEST,
    MEGAN,
    OPPORTUNITY,
    PERSONAL,
    Somebody,
    World,
    texts,
)

UNKNOWN_CASE = CASE.replace("3001", "9999")
OF_TWO = "19:one_two@unq.gbl.spaces"


async def alone(world: World, text: str, by: Somebody) -> dict[str, Any]:
    """What the bot answers in the person's own chat with it. Alex is the administrator."""
    chat = f"a:{by.account[3:]}"
    world.connector.chats[chat] = [by.member()]
    return await world.say(text, by=by, chat=chat, conversation={"id": chat, "conversationType": "personal"})


async def change(world: World, name: str, **settings: Any) -> None:
    _, record_type = await world.api("GET", f"/record-types/{name}")
    status, _ = await world.api("PUT", f"/record-types/{name}", record_type | settings)
    assert status == 200


def steps(card: dict[str, Any]) -> list[str]:
    """The card's lines, each with its mark: `✓ You may connect a chat to it.`"""
    told = [line for line in texts(card).splitlines() if line.strip()]
    return [f"{mark} {text}" for mark, text in itertools.pairwise(told) if mark in ("✓", "✗", "•")]


async def test_each_step_is_explained_to_the_person(world: World) -> None:
    assert steps(await alone(world, f"why {OPPORTUNITY}?appid=sales-hub", ADELE)) == [
        "✓ This names a record of the type Opportunity.",
        "• It names an app: Sales Hub.",
        "✓ Cards are switched on for it.",
        "✓ You have the right to read.",
        "✗ You may read this record, but connecting a chat to it needs the right to append. "
        "Ask its owner, Megan Bowen, for it. An administrator of Connect Chats can change what is needed.",
        "✓ You may disconnect it from chats that you connected.",
        "• In a chat of your organisation its card shows the record's name and chosen fields.",
        "• In a chat with guests its card shows the kind of record and an Open button.",
        "• In a chat that I am not in, its card shows the record's name and an Open button.",
    ]


async def test_the_owner_is_told_that_they_are(world: World) -> None:
    told = steps(await alone(world, f"why {CASE}", MEGAN))
    assert "✓ You own it, so you have the right to write." in told
    assert "✓ You may connect a chat to it." in told
    assert "✓ As its owner you may disconnect it from any chat." in told


async def test_nobody_but_an_administrator_is_told_a_setting(world: World) -> None:
    for person in (MEGAN, ADELE):
        assert "record type account" not in texts(await alone(world, f"why {ACCOUNT}", person))
    assert "on the record type account" in texts(await alone(world, f"why {ACCOUNT}", ALEX))
    assert "on the record type" not in texts(await world.say(f"why {ACCOUNT}", by=ALEX)), "others read along"


async def test_an_administrator_is_told_which_setting_decided(world: World) -> None:
    told = steps(await alone(world, f"why {ACCOUNT}", ALEX))
    assert "✓ You may connect a chat to it: connect is “append” on the record type account." in told
    assert "✓ As an administrator of Connect Chats you may disconnect any chat." in told
    assert told[-2].endswith("and an Open button: disclosure_external is “type” on the record type account.")
    await change(world, "account", connect="write", disclosure="button")
    told = steps(await alone(world, f"why {ACCOUNT}", ALEX))
    assert any("needs the right to write: connect is “write” on the record type account. Ask" in step for step in told)
    assert told[-2].endswith("only an Open button: disclosure is “button” on the record type account.")
    await change(world, "account", connect="nobody")
    told = texts(await alone(world, f"why {ACCOUNT}", ALEX))
    assert "is switched off: connect is “nobody” on the record type account. You are an administrator" in told


@pytest.mark.parametrize("chat", [PERSONAL, GROUP])
@pytest.mark.parametrize("by", [ALEX, ADELE], ids=["admin", "anybody"])
async def test_unknown_and_forbidden_are_explained_byte_for_byte_the_same(
    world: World, chat: str, by: Somebody
) -> None:
    asked = [f"why {url}" for url in (CASE, UNKNOWN_CASE)]
    cards = [await (world.say(text, by=by) if chat == GROUP else alone(world, text, by)) for text in asked]
    assert cards[0] == cards[1]


async def test_an_administrator_without_read_learns_the_type_s_settings_and_nothing_of_the_record(world: World) -> None:
    card = await alone(world, f"why {CASE}", ALEX)
    assert steps(card)[2:5] == [
        "✗ There is no such record, or you may not see it. If it exists, its owner can give you access.",
        "• Who has the right to append may connect a chat to records of this type: "
        "connect is “append” on the record type case.",
        "✓ As an administrator of Connect Chats you may disconnect any chat.",
    ]
    assert "Megan" not in str(card)
    assert "Delivery" not in str(card)
    assert len(steps(await alone(world, f"why {CASE}", ADELE))) == 3, "anybody else is told no more"


async def test_the_same_holds_while_the_forbidden_record_s_app_is_off_and_the_chat_is_connected(world: World) -> None:
    await world.api("PUT", "/apps/sales-hub", {"id": "sales-hub", "label": "Sales Hub", "enabled": False})
    record = {"title": "Delivery", "app": "sales-hub", "access": {MEGAN.id: "write"}}
    await world.api("PUT", "/records/case/C-3001", record)
    for person in (ALEX, ADELE):
        asked = [await alone(world, f"why {url}", person) for url in (CASE, UNKNOWN_CASE)]
        assert asked[0] == asked[1]
    asked = [await world.say(f"why {url}", by=MEGAN) for url in (CASE, UNKNOWN_CASE)]
    assert asked[0] == asked[1], "who may read it does not tell the others by asking"
    assert "✗ An administrator has switched off this app" in steps(await alone(world, f"why {CASE}", MEGAN))[-1]


async def test_what_is_switched_off_is_told_with_the_setting(world: World) -> None:
    link = f"why {ACCOUNT}?appid=sales-hub"
    await change(world, "account", apps=["hub"])
    assert steps(await alone(world, link, ALEX))[-1] == (
        "✗ An administrator has switched off this app for this kind of record: "
        "apps is “hub” on the record type account."
    )
    await world.api("PUT", "/apps/sales-hub", {"id": "sales-hub", "label": "Sales Hub", "enabled": False})
    assert steps(await alone(world, link, ALEX))[-1].endswith("enabled is “false” on the app sales-hub.")
    await change(world, "account", enabled=False)
    assert steps(await alone(world, link, ALEX))[-1].endswith("enabled is “false” on the record type account.")
    assert steps(await alone(world, link, ADELE))[-1] == "✗ An administrator has switched off this kind of record."


async def test_in_a_chat_of_several_everybody_is_told_the_same(world: World) -> None:
    cards = [await world.say(f"why {OPPORTUNITY}", by=person) for person in (ALEX, MEGAN, ADELE)]
    assert cards[0] == cards[1] == cards[2]
    assert "Only people of your organisation are in this chat" in texts(cards[0])
    assert "personal chat" in texts(cards[0])
    assert "right" not in texts(cards[0])


async def test_a_chat_of_two_people_is_not_the_person_s_own(world: World) -> None:
    world.connector.chats[OF_TWO] = [ALEX.member(), MEGAN.member()]
    shown = texts(await world.say(f"why {ACCOUNT}", chat=OF_TWO))
    assert "right" not in shown
    assert "on the record type" not in shown


@pytest.mark.parametrize(("level", "named"), [("nothing", False), ("button", False), ("type", True)])
async def test_the_kind_of_record_is_named_only_where_a_card_would(world: World, level: str, named: bool) -> None:
    await change(world, "account", disclosure_external=level)
    world.connector.chats[GROUP] = [ALEX.member(), GUEST.member(userPrincipalName="g#EXT#@x.example")]
    card = await world.say(f"why {ACCOUNT}")
    assert ("Account" in texts(card)) is named
    assert "Guests or people of other organisations" in texts(card)


async def test_neither_owner_nor_connector_may_disconnect_when_the_settings_say_so(world: World) -> None:
    await change(world, "case", owner_may_disconnect=False)
    assert "✓ You may disconnect it from chats that you connected." in steps(await alone(world, f"why {CASE}", MEGAN))
    await change(world, "case", connector_may_disconnect=False)
    assert any(step.startswith("✗ You may not disconnect") for step in steps(await alone(world, f"why {CASE}", MEGAN)))
