"""A chat's life: the bot and people come and go, chats are renamed, deleted and restored."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.fakes.connector import Fault
from tests.waiting import Gate, until
from tests.world import (
    ACCOUNT,
    ADELE,
    ALEX,
    BOT,
    CHANNEL,
    GROUP,
    GUEST,
    MEGAN,
    PERSONAL,
    TEAM,
    World,
    buttons,
    texts,
)

STRANGER = GUEST.member(userPrincipalName="gus#EXT#@contoso.example")
CONNECTED = ["record.created", "chat.connected"]


def team_data(event: str, **more) -> dict:
    return {"tenant": {"id": "demo"}, "eventType": event, "team": {"id": TEAM, "name": "Sales"}, **more}


async def test_the_bot_is_welcomed_once_though_teams_tells_twice(world: World) -> None:
    await world.happens("installationUpdate", action="add")
    await world.happens(membersAdded=[BOT, ALEX.sender], channelData={"tenant": {"id": "demo"}})
    (welcome,) = world.said_in(GROUP)
    assert "connect" in texts(welcome["attachments"][0]["content"])


@pytest.mark.parametrize("chat", [PERSONAL, CHANNEL, GROUP])
async def test_the_welcome_says_what_to_try(world: World, chat: str) -> None:
    await world.happens("installationUpdate", action="add", chat=chat)
    assert len(texts(world.said_in(chat)[0]["attachments"][0]["content"])) > 60


async def test_removed_and_added_again_the_connections_sleep_and_wake(world: World) -> None:
    await world.say("connect A-1001")
    for _ in range(2):
        await world.happens(membersRemoved=[BOT])
    _, chats = await world.api("GET", "/records/account/A-1001/chats")
    assert chats["items"][0]["state"] == "suspended"
    assert buttons(await world.paste(ACCOUNT)) == ["Open"]
    assert "Active" not in texts(await world.paste(ACCOUNT)), "nobody knows any more who reads along"
    await world.happens(membersAdded=[BOT])
    await world.happens("installationUpdate", action="add")
    assert await world.events() == [*CONNECTED, "chat.suspended", "chat.resumed"]
    assert "Contoso Ltd" in texts(await world.say("records"))


async def test_a_message_from_a_suspended_chat_resumes_it(world: World) -> None:
    await world.say("connect A-1001")
    await world.happens("installationUpdate", action="remove")
    await world.say("records")
    assert (await world.events())[-2:] == ["chat.suspended", "chat.resumed"]


async def test_people_who_come_and_go_are_events_once(world: World) -> None:
    await world.say("connect A-1001")
    joe = {"id": "29:joe", "aadObjectId": "00000000-0000-0000-0000-0000000000077"}
    world.connector.chats[GROUP] = [p.member() for p in (ALEX, MEGAN, ADELE)] + [joe | {"name": "Joe Doe"}]
    for _ in range(2):
        await world.happens(membersAdded=[joe])
    world.connector.chats[GROUP] = world.connector.chats[GROUP][:-1]
    for _ in range(2):
        await world.happens(membersRemoved=[joe])
    assert await world.events() == [*CONNECTED, "member.joined", "member.left"]
    _, timeline = await world.api("GET", "/records/account/A-1001/timeline")
    assert timeline["events"][2]["data"]["member"]["name"] == "Joe Doe"


async def test_a_guest_who_joins_lowers_what_is_shown_at_once_and_leaving_raises_it(world: World) -> None:
    await world.say("help")
    assert "Active" in texts(await world.paste(ACCOUNT))
    colleagues = world.connector.chats[GROUP]
    world.connector.chats[GROUP] = [*colleagues, STRANGER]
    await world.happens(membersAdded=[{"id": GUEST.account}])
    assert "Contoso" not in texts(await world.paste(ACCOUNT))
    world.connector.chats[GROUP] = colleagues
    await world.happens(membersRemoved=[{"id": GUEST.account}])
    assert "Active" in texts(await world.paste(ACCOUNT))


async def test_when_the_roster_cannot_be_read_nobody_counts_as_known(world: World) -> None:
    await world.say("help")
    world.connector.refused_chats[GROUP] = "BotNotInConversationRoster"
    await world.happens(membersAdded=[{"id": "29:somebody"}])
    card = texts(await world.paste(ACCOUNT))
    assert "Contoso Ltd" in card
    assert "Active" not in card


async def test_a_renamed_chat_is_an_event(world: World) -> None:
    await world.say("connect A-1001")
    for _ in range(2):
        await world.happens(topicName="Contoso renewal")
    assert await world.events() == [*CONNECTED, "chat.renamed"]
    _, chats = await world.api("GET", "/records/account/A-1001/chats")
    assert chats["items"][0]["topic"] == "Contoso renewal"


async def test_a_team_s_and_a_channel_s_fate_reaches_its_connected_channels(world: World) -> None:
    await world.say("connect A-1001", chat=CHANNEL + ";messageid=1", channelData=team_data("", channel={"id": CHANNEL}))
    channel = {"id": CHANNEL, "name": "Deals"}
    for event, more in (
        ("teamRenamed", {}),
        ("channelRenamed", {"channel": channel}),
        ("channelDeleted", {"channel": channel}),
        ("channelRestored", {"channel": channel}),
        ("teamArchived", {}),
        ("teamUnarchived", {}),
        ("somethingNew", {}),
    ):
        await world.happens(chat=TEAM, channelData=team_data(event, **more))
    assert (await world.events())[2:] == [
        "chat.renamed",
        "chat.renamed",
        "chat.suspended",
        "chat.resumed",
        "chat.suspended",
        "chat.resumed",
    ]


async def test_a_team_s_new_member_is_new_in_its_channels(world: World) -> None:
    await world.say("connect A-1001", chat=CHANNEL, channelData=team_data("", channel={"id": CHANNEL}))
    world.connector.chats[CHANNEL] = [*world.connector.chats[CHANNEL], STRANGER]
    await world.happens(chat=TEAM, channelData=team_data("teamMemberAdded"), membersAdded=[{"id": GUEST.account}])
    assert (await world.events())[-1] == "member.joined"
    assert "Contoso" not in texts(await world.paste(ACCOUNT, chat=CHANNEL))


async def test_when_the_bot_leaves_a_team_all_its_channels_sleep(world: World) -> None:
    await world.say("connect A-1001", chat=CHANNEL, channelData=team_data("", channel={"id": CHANNEL}))
    await world.happens(chat=TEAM, channelData=team_data("teamMemberRemoved"), membersRemoved=[BOT])
    assert (await world.events())[-1] == "chat.suspended"


@pytest.mark.parametrize(
    "kind",
    [
        "typing",
        "event",
        "messageReaction",
        "messageUpdate",
        "messageDelete",
        "endOfConversation",
        "handoff",
        "unheardOf",
    ],
)
async def test_kinds_we_have_no_use_for_are_taken_without_harm(world: World, kind: str) -> None:
    status, _ = await world.post(world.activity(kind, name="x", value={"a": 1}))
    assert status == 200
    assert world.said_in(GROUP) == []


@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("composeExtension/query", "composeExtension"),
        ("composeExtension/submitAction", "composeExtension"),
        ("task/fetch", "task"),
    ],
)
async def test_invokes_we_do_not_offer_get_their_documented_body(world: World, name: str, member: str) -> None:
    status, body = await world.post(world.activity("invoke", name=name, value={}))
    assert status == 200
    assert body[member]["type"] == "message"


async def test_people_of_other_organisations_lower_what_is_shown_and_do_not_count_as_everybody(world: World) -> None:
    ours, theirs = {"tenantId": "ours"}, {"tenantId": "72f988bf-86f1-41af-91ab-2d7cd011db47"}
    world.connector.chats[GROUP] = [ALEX.member(**ours), ADELE.member(**ours), MEGAN.member(**theirs)]
    await world.say("help")
    assert "Contoso" not in texts(await world.paste(ACCOUNT))
    assert "no such record" in texts(await world.say("timeline A-1001", by=MEGAN)).lower()


async def test_of_two_rosters_the_one_that_was_asked_for_later_counts_though_it_comes_first(world: World) -> None:
    colleagues = list(world.connector.chats[GROUP])
    slow, gate = json.dumps({"members": colleagues}).encode(), Gate()
    world.connector.faults.append(Fault(status=200, body=slow, gate=gate))
    first = asyncio.create_task(world.say("help"))
    await until(lambda: gate.waiting)
    world.connector.chats[GROUP] = [*colleagues, STRANGER]
    await world.happens(membersAdded=[{"id": GUEST.account}])
    gate.open()
    await first
    assert "Contoso" not in texts(await world.paste(ACCOUNT))


async def test_after_the_bot_was_away_the_old_roster_proves_nothing(world: World) -> None:
    await world.say("help")
    await world.happens(membersRemoved=[BOT])
    world.connector.faults.append(Fault(status=400))  # the roster can't be read; the welcome can be sent
    await world.happens(membersAdded=[BOT])
    card = texts(await world.paste(ACCOUNT))
    assert "Contoso Ltd" in card
    assert "Active" not in card
