"""`settings` and its buttons that only show: to whom, where, and what."""

from __future__ import annotations

from typing import Any

import pytest

from tests.features.filled import button, inputs, refusals, sent
from tests.world import ALEX, CHANNEL, GROUP, GUEST, MEGAN, PERSONAL, Somebody, World, texts

STRANGER = GUEST.member(userPrincipalName="g#EXT#@x.example")
ANONYMOUS = Somebody("29:anonymous", None, "Some Body")


async def admins(world: World, *people: dict[str, str]) -> None:
    status, answer = await world.api("PUT", "/admins", {"admins": list(people)})
    assert status == 200, answer


# For administrators --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chat", [PERSONAL, GROUP, CHANNEL])
async def test_an_admin_sees_types_apps_admins_and_the_latest_changes(world: World, chat: str) -> None:
    _, account = await world.api("GET", "/record-types/account")
    changed = account | {"disclosure_external": "nothing", "actor": {"id": MEGAN.id, "name": "Megan Bowen"}}
    assert (await world.api("PUT", "/record-types/account", changed))[0] == 200
    card = await world.say("settings", chat=chat)
    shown = texts(card)
    for expected in ("Account", "Opportunity", "Case", "Sales Hub", "Alex Wilber", "guests nothing"):
        assert expected in shown
    assert "Megan Bowen changed Account: disclosure_external" in shown


async def test_the_overview_leads_to_each_form_and_a_form_back(world: World) -> None:
    overview = await world.say("settings", chat=PERSONAL)
    for subject, title in (("record-type/case", "Settings of Case"), ("app/sales-hub", "Settings of Sales Hub")):
        answer = await world.press("settings", sent(overview, "Change", subject=subject), chat=PERSONAL)
        assert title in texts(answer["value"])
    back = await world.press("settings", button(answer["value"], "All settings")["data"], chat=PERSONAL)
    assert inputs(back["value"]) == inputs(overview)


@pytest.mark.parametrize(
    ("typed", "title"),
    [
        ("account", "Account"),
        ("ACCOUNT", "Account"),
        ("sales-hub", "Sales Hub"),
        ("sales hub", "Sales Hub"),
        ("  Opportunity ", "Opportunity"),
        ("app/account", "Books"),
        ("record-type/account", "Account"),
    ],
)
async def test_a_form_is_found_by_name_id_and_label(world: World, typed: str, title: str) -> None:
    await world.api("PUT", "/apps/account", {"label": "Books"})
    assert f"Settings of {title}" in texts(await world.say(f"settings {typed}", chat=PERSONAL)).split("\n")


async def test_an_unknown_name_is_answered_with_those_there_are(world: World) -> None:
    shown = texts(await world.say("settings invoices", chat=PERSONAL))
    assert "invoices" in shown
    assert "account, opportunity, case" in shown
    assert "sales-hub" in shown


async def test_the_form_holds_what_is_in_force(world: World) -> None:
    held = inputs(await world.say("settings account", chat=PERSONAL))
    assert held["disclosure_external"] == "type"
    assert held["enabled"] == "true"
    assert held["card_fields"] == "Owner\nStatus\nCity\nRevenue"
    assert held["key"] == "A-#"


async def test_where_strangers_may_read_an_admin_is_sent_to_the_personal_chat(world: World) -> None:
    """Guests in the chat, and a chat whose people could not be read."""
    world.connector.chats[GROUP] = [ALEX.member(), STRANGER]
    world.connector.chats[CHANNEL] = []
    for chat in (GROUP, CHANNEL):
        for text in ("settings", "settings account", "settings invoices"):
            shown = texts(await world.say(text, chat=chat))
            assert "personal chat" in shown
            assert "isclosure" not in shown
            assert "pportunity" not in shown
        answer = await world.press("settings", {"subject": "record-type/account"}, chat=chat)
        assert "personal chat" in answer["value"]


# For everybody else --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chat", [GROUP, "a:megan"])
async def test_others_are_told_who_the_administrators_are_and_it_is_no_refusal(world: World, chat: str) -> None:
    world.connector.chats["a:megan"] = [MEGAN.member()]
    shown = texts(await world.say("settings", by=MEGAN, chat=chat, conversation={"id": chat}))
    assert "Alex Wilber" in shown
    assert "Account" not in shown
    assert await refusals(world) == []


async def test_to_others_a_type_that_exists_is_like_one_that_does_not(world: World) -> None:
    cards = [await world.say(f"settings{rest}", by=MEGAN) for rest in ("", " account", " invoices", " sales-hub")]
    pressed: list[Any] = [
        await world.press("settings", {"subject": subject}, by=MEGAN)
        for subject in ("", "record-type/account", "record-type/invoices")
    ]
    assert all(card == cards[0] for card in cards)
    assert all(answer["value"] == cards[0] for answer in pressed)


async def test_an_administrator_is_named_from_the_roster_where_the_settings_have_no_name(world: World) -> None:
    await admins(world, {"id": str(ALEX.id)}, {"id": "00000000-0000-0000-0000-000000000077"})
    shown = texts(await world.say("settings", by=MEGAN))
    assert "Alex Wilber" in shown
    assert "1 more" in shown
    assert "000077" not in shown


async def test_people_are_not_named_to_guests_nor_where_guests_read(world: World) -> None:
    world.connector.chats[GROUP] = [ALEX.member(), MEGAN.member(), STRANGER]
    world.connector.chats["a:guest"] = [STRANGER]
    for by, chat in ((MEGAN, GROUP), (GUEST, GROUP), (GUEST, "a:guest"), (ANONYMOUS, GROUP)):
        shown = texts(await world.say("settings", by=by, chat=chat, conversation={"id": chat}))
        assert "Alex" not in shown, (by, chat)
        assert "1 administrator" in shown


async def test_a_guest_known_from_another_chat_is_told_no_name_in_the_personal_chat(world: World) -> None:
    """The roster of the personal chat does not tell that they are one."""
    world.connector.chats[GROUP] = [ALEX.member(), STRANGER]
    await world.say("help")
    world.connector.chats["a:guest"] = [GUEST.member()]
    assert "Alex" not in texts(await world.say("settings", by=GUEST, chat="a:guest", conversation={"id": "a:guest"}))


async def test_without_administrators_it_is_said_how_one_is_named(world: World) -> None:
    await admins(world)
    shown = texts(await world.say("settings", chat=PERSONAL))
    assert "No administrator" in shown
    assert "REST" in shown
