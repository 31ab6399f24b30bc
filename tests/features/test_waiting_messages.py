"""Messages that wait for a chat, while what may be shown there changes: nothing goes out that may not be shown now."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.features.waiting import INSTEAD
from tests.fakes.connector import Fault
from tests.features.filled import form, save
from tests.features.left import set_type
from tests.waiting import soon
from tests.world import ACCOUNT, ALEX, BOT, CHANNEL, GROUP, GUEST, OTHER_GROUP, TEAM, World, running_world

SECOND = 1_000_000
TURN = 16 * SECOND
"""A turn has given up sending its own answer by then."""
RETRY = 360 * SECOND
"""What failed twice is tried again by then."""
STRANGER = GUEST.member(userPrincipalName="gus#EXT#@contoso.example")
UNREADABLE = Fault(status=400)
BY = {"id": ALEX.id, "name": ALEX.name}
RECORD = {
    "title": "Contoso Ltd",
    "app": "hub",
    "fields": {"Status": "Active", "City": "Zürich"},
    "access": {"*": "append"},
}
SHOWN = {"card_fields": ["City", "Status"], "note_fields": ["City"], "watch_fields": ["Status"]}
STRANGERS = {"disclosure_external": "type", "disclosure_unknown": "type"}
VALUES = ("Contoso", "Active", "Zürich", "Lost", "Alex")
"""What the waiting messages show of the record, and who connected it."""

Change = Callable[[World], Awaitable[Any]]


# What waits, and for how long -----------------------------------------------------------------------------------------


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Accounts show fields to colleagues, and to others no more than their type."""
    async with running_world(tmp_path) as running:
        await running.api("PUT", "/apps/hub", {"label": "Hub"})
        await set_type(running, "account", **SHOWN, **STRANGERS)
        await running.api("PUT", "/records/account/A-1001", RECORD)
        await running.say("help")
        yield running


async def told(world: World, *, chat: str = GROUP) -> None:
    """Three messages wait for the chat: the answer to `connect`, a change post, and the note of a second connection."""
    world.connector.mute = True
    status, _ = await world.post(world.activity("message", text="connect A-1001", chat=chat))
    assert status == 200
    assert (await world.api("PUT", "/records/account/A-1001", changed("Lost")))[0] == 200
    await world.api("PUT", "/records/account/A-5", RECORD)
    assert (await world.api("POST", "/records/account/A-5/chats", {"chat": chat, "actor": BY}))[0] == 201


def changed(status: str) -> dict[str, Any]:
    return RECORD | {"fields": {"Status": status, "City": "Zürich"}, "actor": BY}


async def outbox(world: World) -> dict[str, float]:
    """Of what is for chats: how many wait and are parked, and how many tries failed."""
    async with world.http.get(f"{world.base}/metrics") as response:
        lines = (await response.text()).splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    name = 'connect_chats_outbox_{}{{kind="chat"}}'
    failed = 'connect_chats_outbox_attempts_total{kind="chat",outcome="failed"}'
    found = {what: float(values[name.format(what)]) for what in ("waiting", "parked")}
    return found | {"failed": float(values.get(failed, 0))}


async def failed_once(world: World) -> None:
    """The turn's time is over, and the outbox has tried in vain: nobody holds a message now."""
    world.clock[0] += TURN
    async with soon():
        while not (await outbox(world))["failed"]:  # noqa: ASYNC110 - only a scrape tells
            await asyncio.sleep(0.02)
    assert (await outbox(world))["waiting"] == 3


async def delivered(world: World, *, chat: str = GROUP) -> list[dict[str, Any]]:
    """What arrives in the chat when the connector takes messages again and every wait is over."""
    world.connector.mute = False
    world.clock[0] += RETRY
    async with soon():
        for look in itertools.count(1):
            if not (await outbox(world))["waiting"]:
                break
            await asyncio.sleep(0.02)
            # A try in vain may just have begun, on a busy machine the second one: then the next wait is minutes long.
            world.clock[0] += SECOND // 10 if look % 100 else RETRY
    return world.said_in(chat)


def seen(messages: list[dict[str, Any]]) -> list[str]:
    text = json.dumps(messages, ensure_ascii=False)
    return [value for value in VALUES if value in text]


# Others can read the chat ---------------------------------------------------------------------------------------------


async def a_guest_joins(world: World) -> None:
    world.connector.chats[GROUP] = [*world.connector.chats[GROUP], STRANGER]
    await world.happens(membersAdded=[GUEST.sender])


async def somebody_joins_unseen(world: World) -> None:
    """Their event names them, and the roster can't be read."""
    world.connector.faults.append(UNREADABLE)
    await world.happens(membersAdded=[{"id": "29:somebody"}])


async def a_guest_is_noticed_late(world: World) -> None:
    """No event told of them; the roster is read anew with a message some hours later."""
    world.connector.chats[GROUP] = [*world.connector.chats[GROUP], STRANGER]
    world.clock[0] += 7 * 3600 * SECOND
    await world.say("help")


async def the_bot_comes_back_where_guests_are(world: World) -> None:
    await world.happens(membersRemoved=[BOT])
    world.connector.chats[GROUP] = [*world.connector.chats[GROUP], STRANGER]
    await world.happens("installationUpdate", action="add")


async def the_bot_comes_back_and_sees_nobody(world: World) -> None:
    """The roster can't be read, as it couldn't while the bot was away."""
    await world.happens(membersRemoved=[BOT])
    world.connector.faults.append(UNREADABLE)
    await world.happens("installationUpdate", action="add")


async def the_bot_is_spoken_to_where_guests_are(world: World) -> None:
    await world.happens(membersRemoved=[BOT])
    world.connector.chats[GROUP] = [*world.connector.chats[GROUP], STRANGER]
    await world.say("help")


# The settings show less -----------------------------------------------------------------------------------------------


def settings(**less: Any) -> Change:
    return lambda world: set_type(world, **less)


async def an_app_is_switched_off(world: World) -> None:
    assert (await world.api("PUT", "/apps/hub", {"label": "Hub", "enabled": False}))[0] == 200


async def in_chat(world: World) -> None:
    await save(world, await form(world), disclosure="button")


LESS: dict[str, Change] = {
    "a guest joins": a_guest_joins,
    "somebody joins unseen": somebody_joins_unseen,
    "a guest is noticed late": a_guest_is_noticed_late,
    "the bot comes back": the_bot_comes_back_where_guests_are,
    "the bot comes back and sees nobody": the_bot_comes_back_and_sees_nobody,
    "the bot is spoken to": the_bot_is_spoken_to_where_guests_are,
    "disclosure": settings(disclosure="type"),
    "in chat": in_chat,
    "type off": settings(enabled=False),
    "app off": an_app_is_switched_off,
    "app not listed": settings(apps=["sales-hub"]),
}


@pytest.mark.parametrize("change", LESS.values(), ids=LESS)
async def test_what_waited_is_held_back_and_that_is_told_once(world: World, change: Change) -> None:
    await told(world)
    await failed_once(world)
    await change(world)
    assert (await outbox(world))["parked"] == 3
    messages = await delivered(world)
    assert seen(messages) == []
    assert [message.get("text") for message in messages].count(INSTEAD["text"]) == 1
    assert (await outbox(world))["parked"] == 3


@pytest.mark.parametrize("change", LESS.values(), ids=LESS)
async def test_an_answer_that_its_turn_just_failed_to_send_does_not_go_out_either(world: World, change: Change) -> None:
    await told(world)
    await change(world)
    messages = await delivered(world)
    assert seen(messages) == []
    assert INSTEAD["text"] in [message.get("text") for message in messages]


@pytest.mark.parametrize("fields", ["card_fields", "note_fields", "watch_fields"])
async def test_a_field_that_is_not_listed_any_more_does_not_go_out(world: World, fields: str) -> None:
    await told(world)
    await failed_once(world)
    without: dict[str, Any] = {fields: []}
    await set_type(world, "account", **without)
    assert seen(await delivered(world)) == []


async def test_an_app_nobody_had_heard_of_is_on_until_it_is_made_as_one_that_is_off(world: World) -> None:
    await told(world)
    await world.api("PUT", "/records/account/A-1001", changed("Lost") | {"app": "unheard-of"})
    await failed_once(world)
    await world.api("PUT", "/apps/unheard-of", {"label": "Old", "enabled": False})
    assert seen(await delivered(world)) == []


async def test_a_guest_in_a_team_holds_back_what_waits_for_its_channels_and_nothing_else(world: World) -> None:
    team = {"tenant": {"id": "demo"}, "team": {"id": TEAM, "name": "Sales"}}
    await world.say("help", chat=CHANNEL, channelData={**team, "channel": {"id": CHANNEL}})
    await world.say("help", chat=OTHER_GROUP)
    await told(world, chat=CHANNEL)
    world.clock[0] += TURN
    await world.api("POST", "/records/account/A-5/chats", {"chat": OTHER_GROUP})
    world.connector.chats[CHANNEL] = [*world.connector.chats[CHANNEL], STRANGER]
    joined = {**team, "eventType": "teamMemberAdded"}
    await world.happens(chat=TEAM, channelData=joined, membersAdded=[{"id": GUEST.account}])
    assert seen(await delivered(world, chat=CHANNEL)) == []
    assert seen(world.said_in(OTHER_GROUP)) == ["Contoso", "Zürich"]


# Nothing changed, or more is shown ------------------------------------------------------------------------------------


async def a_colleague_comes_and_goes(world: World) -> None:
    everybody = world.connector.chats[GROUP]
    joe = {"id": "29:joe", "aadObjectId": "00000000-0000-0000-0000-000000000077", "name": "Joe Doe"}
    world.connector.chats[GROUP] = [*everybody, joe]
    await world.happens(membersAdded=[joe])
    world.connector.chats[GROUP] = everybody
    await world.happens(membersRemoved=[joe])


async def the_bot_was_away(world: World) -> None:
    await world.happens(membersRemoved=[BOT])
    await world.happens("installationUpdate", action="add")


async def the_same_settings_again(world: World) -> None:
    await set_type(world)
    await world.api("PUT", "/apps/hub", {"label": "Hub"})


async def a_guest_joins_elsewhere(world: World) -> None:
    await world.say("help", chat=OTHER_GROUP)
    world.connector.chats[OTHER_GROUP] = [ALEX.member(), STRANGER]
    await world.happens(chat=OTHER_GROUP, membersAdded=[GUEST.sender])


async def nothing(world: World) -> None:
    pass


SAME: dict[str, Change] = {
    "nothing": nothing,
    "a colleague": a_colleague_comes_and_goes,
    "the bot was away": the_bot_was_away,
    "a guest elsewhere": a_guest_joins_elsewhere,
    "a new name": lambda world: world.happens(topicName="Contoso renewal"),
    "the same settings": the_same_settings_again,
    "more fields": settings(card_fields=["Owner", "City", "Status"], watch_fields=["Status", "City"]),
    "more for guests": settings(disclosure_external="fields", disclosure_unknown="name"),
    "other rights": settings(connect="write", join="read", label="Customer"),
    "a new app": lambda world: world.api("PUT", "/apps/new-hub", {"label": "New hub"}),
}


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
async def test_where_nothing_less_may_be_shown_everything_is_delivered_as_it_was_written(
    world: World, change: Change
) -> None:
    await told(world)
    await failed_once(world)
    await change(world)
    messages = await delivered(world)
    assert seen(messages) == list(VALUES)
    assert INSTEAD["text"] not in [message.get("text") for message in messages]
    assert (await outbox(world))["parked"] == 0


async def test_what_a_guest_may_see_is_delivered_though_they_leave(world: World) -> None:
    """It shows less than the others may see, and was written for them too."""
    await a_guest_joins(world)
    await told(world)
    await failed_once(world)
    world.connector.chats[GROUP] = [account for account in world.connector.chats[GROUP] if account is not STRANGER]
    await world.happens(membersRemoved=[GUEST.sender])
    messages = await delivered(world)
    assert seen(messages) == []
    assert len(messages) == 3
    assert ACCOUNT in json.dumps(messages)
