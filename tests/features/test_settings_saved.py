"""Saving settings in chat: in force at once, in the history, never over what somebody else changed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.features.filled import changes, form, inputs, refusals, save, sent, stored
from tests.world import ACCOUNT, ALEX, CHANNEL, GROUP, GUEST, MEGAN, PERSONAL, World, buttons, running_world, texts

SALES = "https://crm.example.com/records/account/A-1001?appid=sales-hub"
BY_ALEX = {"id": ALEX.id, "name": "Alex Wilber"}


async def test_what_is_saved_in_a_chat_rules_the_next_unfurl_and_connect_in_it_and_is_in_the_history(
    world: World,
) -> None:
    card = await save(world, await form(world, chat=GROUP), chat=GROUP, disclosure="type", connect="nobody")
    shown = texts(card)
    assert "disclosure: fields → type" in shown
    assert "connect: append → nobody" in shown
    assert inputs(card)["disclosure"] == "type"
    assert "Contoso" not in texts(await world.paste(ACCOUNT))
    assert "switched off" in texts(await world.say("connect A-1001"))
    (change,) = await changes(world)
    assert (change["subject"], change["name"], change["via"]) == ("record-type", "account", "chat")
    assert change["by"] == BY_ALEX
    assert (change["before"]["connect"], change["after"]["connect"]) == ("append", "nobody")
    assert "Alex Wilber changed Account: disclosure, connect" in texts(await world.say("settings"))


async def test_settings_that_are_not_entered_stay_as_they_are(world: World) -> None:
    hidden = {"join_history": "all", "auto_name": False, "chat_title": "{title}"}
    before = await stored(world) | hidden
    await world.api("PUT", "/record-types/account", before)
    card = await form(world)
    data = sent(card)
    for name in inputs(card):
        data.pop(name)
    forged = {"join_history": "none", "name": "case", "auto_name": "true", "no_such": 1}
    await world.press("settings.save", {**data, **forged, "note": "false"}, chat=PERSONAL)
    assert await stored(world) == before | {"note": False}


@pytest.mark.parametrize("entered", ["false", "False", False])
async def test_a_switch_comes_as_text_or_as_true_and_false(world: World, entered: Any) -> None:
    assert "owner_may_disconnect: on → off" in texts(await save(world, await form(world), owner_may_disconnect=entered))
    assert (await stored(world))["owner_may_disconnect"] is False


@pytest.mark.parametrize(
    ("entered", "expected"),
    [
        ("Owner\r\nCity\r\n\r\n", ["Owner", "City"]),
        (" Owner , City ", ["Owner", "City"]),
        ("Owner\nNet, in euros", ["Owner", "Net, in euros"]),
        ("", []),
    ],
)
async def test_fields_are_entered_one_a_line_or_with_commas(world: World, entered: str, expected: list[str]) -> None:
    await save(world, await form(world), card_fields=entered)
    assert (await stored(world))["card_fields"] == expected


async def test_where_a_field_name_holds_a_comma_commas_do_not_part(world: World) -> None:
    await save(world, await form(world), card_fields="Owner\nNet, in euros")
    await save(world, await form(world), note_fields="Net, in euros")
    assert (await stored(world))["note_fields"] == ["Net, in euros"]


async def test_no_key_and_another_name(world: World) -> None:
    card = await save(world, await form(world), key="", label="Kunde")
    assert "Settings of Kunde" in texts(card)
    assert "key: A-# → none" in texts(card)
    assert (await stored(world))["key"] is None


async def test_an_app_switched_off_puts_connections_to_sleep_and_on_again_wakes_them(world: World) -> None:
    await world.say("connect A-1001")
    await save(world, await form(world, "sales-hub"), enabled="false")
    assert "switched off" in texts(await world.paste(SALES))
    await save(world, await form(world), enabled="false")
    assert "switched off" in texts(await world.say("note x"))
    _, connected = await world.api("GET", "/records/account/A-1001/chats")
    assert [(chat["id"], chat["state"]) for chat in connected["items"]] == [(GROUP, "active")]
    await save(world, await form(world), enabled="true")
    await save(world, await form(world, "sales-hub"), enabled="true")
    assert "Contoso Ltd" in texts(await world.paste(SALES))
    assert "Contoso Ltd" in texts(await world.say("records"))


# Who and where -------------------------------------------------------------------------------------------------------


async def test_who_is_no_admin_saves_nothing_and_stands_in_the_audit_trail(world: World) -> None:
    before, data = await stored(world), sent(await form(world), connect="read")
    for subject in ("record-type/account", "record-type/none", "", 7):
        answer = await world.press("settings.save", {**data, "subject": subject}, by=MEGAN)
        assert answer["type"] == "application/vnd.microsoft.activity.message"
        assert "Only administrators" in answer["value"]
        assert "Alex Wilber" in answer["value"]
    assert await stored(world) == before
    assert await changes(world) == []
    (kept,) = await refusals(world)
    assert (kept["action"], kept["reason"], kept["record"], kept["chat"]) == ("settings", "not-admin", None, GROUP)
    assert kept["by"] == {"id": MEGAN.id, "name": "Megan Bowen"}


async def test_an_admin_who_is_one_no_more_saves_nothing(world: World) -> None:
    data = sent(await form(world), connect="read")
    await world.api("PUT", "/admins", {"admins": []})
    answer = await world.press("settings.save", data, chat=PERSONAL)
    assert "Only administrators" in answer["value"]
    assert (await stored(world))["connect"] == "append"


async def test_a_guest_who_forges_a_save_is_told_no_name(world: World) -> None:
    world.connector.chats[GROUP] = [ALEX.member(), GUEST.member(userPrincipalName="g#EXT#@x.example")]
    answer = await world.press("settings.save", {"subject": "record-type/account", "enabled": "false"}, by=GUEST)
    assert "Only administrators" in answer["value"]
    assert "Alex" not in answer["value"]


async def test_an_admin_saves_nothing_where_strangers_read(world: World) -> None:
    world.connector.chats[CHANNEL] = [ALEX.member(), GUEST.member(userPrincipalName="g#EXT#@x.example")]
    answer = await world.press("settings.save", sent(await form(world), connect="read"), chat=CHANNEL)
    assert "personal chat" in answer["value"]
    assert await changes(world) == []


async def test_an_admin_who_saves_can_be_named_from_then_on(world: World) -> None:
    """`CONFIG` may hold ids only; then others are told a number, in their own chats."""
    world.connector.chats["a:megan"] = [MEGAN.member()]
    asked = {"by": MEGAN, "chat": "a:megan", "conversation": {"id": "a:megan"}}
    await world.api("PUT", "/admins", {"admins": [ALEX.id]})
    assert "Alex" not in texts(await world.say("settings", **asked))
    await save(world, await form(world), connect="read")
    assert "Alex Wilber" in texts(await world.say("settings", **asked))
    assert "changed an administrator's name" in texts(await world.say("settings", chat=PERSONAL))


# Twice, late, and by two --------------------------------------------------------------------------------------------


async def test_a_redelivered_save_is_one_change(world: World) -> None:
    """With the same id the same answer; with a new id, that nothing changed."""
    data = sent(await form(world), connect="read")
    answers = [await world.press("settings.save", data, chat=PERSONAL, id="one") for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert "connect: append → read" in texts(answers[0]["value"])
    again = await world.press("settings.save", data, chat=PERSONAL)
    assert "Nothing changed" in texts(again["value"])
    assert len(await changes(world)) == 1


async def test_who_saves_over_a_newer_change_is_told_and_loses_nothing(world: World) -> None:
    old = await form(world)
    theirs = await stored(world) | {"disclosure": "name", "auto_name": False}
    await world.api("PUT", "/record-types/account", theirs | {"actor": {"id": MEGAN.id, "name": "Megan Bowen"}})
    card = await save(world, old, connect="read", label="Kunde")
    shown = texts(card)
    assert "Megan Bowen changed these settings" in shown
    assert "connect: append → read; label: Account → Kunde" in shown
    assert "auto_name" not in shown
    assert await stored(world) == theirs
    held = inputs(card)
    assert (held["disclosure"], held["connect"], held["label"]) == ("name", "read", "Kunde")
    await save(world, card)
    assert await stored(world) == theirs | {"connect": "read", "label": "Kunde"}


async def test_who_changed_nothing_on_an_old_card_undoes_nothing(world: World) -> None:
    old = await form(world)
    await world.api("PUT", "/record-types/account", await stored(world) | {"disclosure": "name"})
    card = await save(world, old)
    assert "The record system changed these settings" in texts(card)
    assert "What you changed" not in texts(card)
    assert inputs(card)["disclosure"] == (await stored(world))["disclosure"] == "name"


@pytest.mark.parametrize("seen", [None, 7, "", "0123456789abcdef", "x" * 100_000])
async def test_a_save_that_names_no_known_settings_saves_nothing_and_repeats_what_was_entered(
    world: World, seen: Any
) -> None:
    card = await save(world, await form(world), seen=seen, connect="read")
    assert "connect: append → read" in texts(card)
    assert inputs(card)["connect"] == "append"
    assert await changes(world) == []


async def test_of_two_who_save_at_once_one_does(world: World) -> None:
    await world.api("PUT", "/admins", {"admins": [ALEX.id, MEGAN.id]})
    card = await form(world, chat=GROUP)
    cards = await asyncio.gather(
        save(world, card, chat=GROUP, connect="read"), save(world, card, by=MEGAN, chat=GROUP, disclosure="name")
    )
    assert sorted("Saved" in texts(card) for card in cards) == [False, True]
    assert len([change for change in await changes(world) if change["subject"] == "record-type"]) == 1


async def test_of_two_who_save_at_once_at_two_replicas_one_does(postgres_url: str, tmp_path: Path) -> None:
    """Whoever comes second sees what the first one saved: nobody's change is undone unseen."""
    async with (
        running_world(tmp_path, database_url=postgres_url) as first,
        running_world(tmp_path, database_url=postgres_url, beside=first) as second,
    ):
        for number in range(5):
            card = await form(first)
            await form(second)
            before = await stored(first)
            await asyncio.gather(
                save(first, card, card_fields=f"Field {number}"), save(second, card, watch_fields=f"Field {number}")
            )
            after = await stored(second)
            assert sum(before[name] != after[name] for name in before) == 1
        assert len(await changes(first)) == 5


async def test_the_fallback_button_saves_too(world: World) -> None:
    """`Action.Submit` comes as a message with a value, and is answered by a message."""
    data = sent(await form(world), connect="read")
    activity = world.activity(
        "message", chat=PERSONAL, value={**data, "verb": "settings.save"}, deliveryMode="expectReplies"
    )
    _, body = await world.post(activity)
    assert "connect: append → read" in texts(body["activities"][0]["attachments"][0]["content"])
    assert "Save" in buttons(body["activities"][0]["attachments"][0]["content"])
    assert (await stored(world))["connect"] == "read"
