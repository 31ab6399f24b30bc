"""The note: what a chat is told of a record when the two are connected."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.features.left import left_for, set_type
from tests.world import ACCOUNT, ALEX, GROUP, GUEST, World, buttons, texts

NOTE = ["City", "Rating"]
CARD = ["Status", "City"]
VALUES = {"Status": "Active", "City": "Zürich", "Revenue": "CHF 4.2 M", "Rating": "A+"}
"""Of the demo's record; Revenue is on neither list."""


@pytest.fixture
async def lists(world: World) -> World:
    """A note with other fields than the card, in a chat that the bot knows."""
    await set_type(world, note_fields=NOTE, card_fields=CARD)
    await world.say("help")
    return world


def shown(card: Any) -> list[str]:
    """The fields that the card shows, in their order."""
    return [label for line in texts(card).splitlines() for label, value in VALUES.items() if line == value]


def noted(folder: Path) -> Any:
    """The one card that was left for the chat."""
    (message,) = left_for(folder, GROUP)
    return message["attachments"][0]["content"]


async def connect_by_system(world: World) -> None:
    status, answer = await world.api("POST", "/records/account/A-1001/chats", {"chat": GROUP})
    assert status == 201, answer


async def press_connect(world: World) -> dict[str, Any]:
    answer = await world.press("connect", {"record": "account/A-1001"})
    return answer["value"]


async def test_asked_for_in_the_chat_note_and_answer_are_one_card(lists: World, tmp_path: Path) -> None:
    card = await lists.say("connect A-1001")
    assert shown(card) == ["City", "Rating", "Status"]
    assert buttons(card) == ["Open"]
    assert left_for(tmp_path, GROUP) == []


async def test_a_button_that_arrives_as_a_message_is_answered_with_that_one_card_too(
    lists: World, tmp_path: Path
) -> None:
    value = {"verb": "connect", "record": "account/A-1001"}
    status, body = await lists.post(lists.activity("message", value=value, deliveryMode="expectReplies"))
    assert status == 200
    assert shown(body["activities"][0]["attachments"][0]["content"]) == ["City", "Rating", "Status"]
    assert left_for(tmp_path, GROUP) == []


async def test_without_a_note_the_answer_is_the_record_s_card(lists: World, tmp_path: Path) -> None:
    await set_type(lists, note=False)
    assert shown(await lists.say("connect A-1001")) == CARD
    assert left_for(tmp_path, GROUP) == []


async def test_what_is_connected_already_is_not_introduced_again(lists: World, tmp_path: Path) -> None:
    await lists.say("connect A-1001")
    assert shown(await lists.say("connect A-1001")) == CARD
    await press_connect(lists)
    assert left_for(tmp_path, GROUP) == []


async def test_the_note_s_fields_are_shown_even_where_the_card_s_leave_no_room(lists: World) -> None:
    crowd = {f"Field {number}": str(number) for number in range(10)}
    await set_type(lists, card_fields=list(crowd))
    record = {"title": "Contoso Ltd", "fields": {**crowd, **VALUES}, "access": {"*": "append"}}
    await lists.api("PUT", "/records/account/A-1001", record)
    assert shown(await lists.say("connect A-1001")) == NOTE


async def test_by_the_button_of_a_card_the_chat_gets_the_note_and_who_pressed_the_card(
    lists: World, tmp_path: Path
) -> None:
    assert shown(await press_connect(lists)) == CARD
    assert shown(noted(tmp_path)) == NOTE
    assert buttons(noted(tmp_path)) == ["Open"]


async def test_by_the_button_of_a_card_there_is_no_note_where_the_type_has_none(lists: World, tmp_path: Path) -> None:
    await set_type(lists, note=False)
    assert shown(await press_connect(lists)) == CARD
    assert left_for(tmp_path, GROUP) == []


@pytest.mark.parametrize(("note", "fields"), [(True, NOTE), (False, [])])
async def test_the_record_system_s_connection_is_told_always_and_with_fields_only_where_there_is_a_note(
    lists: World, tmp_path: Path, note: bool, fields: list[str]
) -> None:
    await set_type(lists, note=note)
    await connect_by_system(lists)
    card = noted(tmp_path)
    assert "Contoso Ltd" in texts(card)
    assert shown(card) == fields
    assert buttons(card) == ["Open"]


@pytest.mark.parametrize("by", ["command", "button", "system"])
async def test_where_nothing_may_be_shown_the_chat_learns_that_it_is_connected_and_no_more(
    lists: World, tmp_path: Path, by: str
) -> None:
    await set_type(lists, disclosure="nothing")
    if by == "command":
        card = await lists.say("connect A-1001")
    else:
        await (press_connect(lists) if by == "button" else connect_by_system(lists))
        card = noted(tmp_path)
    assert "now connected to" in texts(card)
    assert "actions" not in card
    told = json.dumps(card, ensure_ascii=False)
    assert [word for word in ("Contoso", "Account", "A-1001", ACCOUNT, *VALUES.values()) if word in told] == []


@pytest.mark.parametrize("by", ["command", "button", "system"])
async def test_with_guests_there_the_note_shows_what_strangers_may_see(lists: World, tmp_path: Path, by: str) -> None:
    guest = GUEST.member(userPrincipalName="g#EXT#@contoso.example")
    lists.connector.chats[GROUP] = [ALEX.member(), guest]
    await lists.happens(membersAdded=[GUEST.sender])
    if by == "command":
        card = await lists.say("connect A-1001")
    else:
        await (press_connect(lists) if by == "button" else connect_by_system(lists))
        card = noted(tmp_path)
    assert "Account" in texts(card)
    told = json.dumps(card, ensure_ascii=False)
    assert [word for word in ("Contoso", "Alex", *VALUES.values()) if word in told] == []
