"""A chat's life in the real client: the bot and people come and go, channels and teams are renamed and deleted."""

from __future__ import annotations

import pytest
import pytest_asyncio

from tests.client.playground import PATTI, Playground
from tests.client.stage import LINKS, Stage
from tests.world import buttons, texts

pytestmark = pytest.mark.asyncio(loop_scope="module")

GOODBYES = (("botRemoved", "botAdded"), ("uninstall", "install"))


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def client(stage: Stage) -> Playground:
    """The client with every chat opened once."""
    await stage.open_chats()
    return stage.client


async def types(stage: Stage, key: str) -> list[str]:
    """The events of an account since it was connected."""
    return [event["type"] for event in await stage.events(key)][2:]


async def connect(stage: Stage, key: str, chat: str) -> None:
    await stage.client.ask(f"connect {key}", chat=chat)
    assert (await stage.events(key))[-1]["type"] == "chat.connected"


async def state(stage: Stage, key: str) -> str:
    """Of the account's only connection."""
    (connection,) = (await stage.api("GET", f"/records/account/{key}/chats"))["items"]
    return connection["state"]


@pytest.mark.parametrize(("goes", "comes"), GOODBYES)
@pytest.mark.parametrize("name", ["group", "channel"])
async def test_connections_sleep_while_the_bot_is_away(stage, client, name: str, goes: str, comes: str) -> None:
    chat = getattr(client, name)
    async with stage.account("Contoso Suites") as key:
        await connect(stage, key, chat)
        await stage.happen(goes, chat=chat)
        assert await state(stage, key) == "suspended"
        card = (await client.paste(f"{LINKS}/account/{key}", chat=chat))["composeExtension"]["attachments"][0]
        assert "Active" not in texts(card["content"]), "nobody knows who reads along"
        assert buttons(card["content"]) == ["Open"]
        heard = len(client.said)
        await stage.happen(comes, chat=chat)
        await client.hear(chat=chat, after=heard, that=lambda said: "Hello, I'm Connect Chats" in said.words)
        assert await state(stage, key) == "active"
        assert await types(stage, key) == ["chat.suspended", "chat.resumed"]


async def test_a_message_wakes_a_sleeping_chat(stage, client) -> None:
    async with stage.account("Consolidated") as key:
        await connect(stage, key, client.group)
        await stage.happen("botRemoved", chat=client.group)
        assert "Consolidated" in texts((await client.ask(f"timeline {key}", chat=client.group)).card)
        assert await types(stage, key) == ["chat.suspended", "chat.resumed"]


@pytest.mark.parametrize("name", ["group", "channel"])
async def test_people_who_leave_and_join_are_told_on_the_timeline(stage, client, name: str) -> None:
    chat = getattr(client, name)
    patti = {"id": PATTI.id, "aadObjectId": PATTI.aad}
    async with stage.account("Humongous Insurance") as key:
        await connect(stage, key, chat)
        await stage.happen("userRemoved", chat=chat, membersRemoved=[patti])
        await stage.happen("userAdded", chat=chat, membersAdded=[patti])
        assert await types(stage, key) == ["member.left", "member.joined"]
        for event in (await stage.events(key))[2:]:
            assert event["data"] == {"member": {"id": PATTI.aad, "name": "Patti Fernandez"}}
        told = texts((await client.ask(f"timeline {key}", chat=chat)).card)
        assert "Patti Fernandez left a connected" in told


async def test_a_renamed_channel_has_its_new_name_on_the_timeline(stage, client) -> None:
    async with stage.account("Alpine Ski House") as key:
        await connect(stage, key, client.channel)
        for topic in ("Deals", "Announcements"):
            await stage.happen(
                "channelRenamed", chat=client.channel, data={"channel": {"id": client.channel, "name": topic}}
            )
        renamed = (await stage.events(key))[2:]
        assert [(event["type"], event["data"]["to"]) for event in renamed] == [
            ("chat.renamed", "Deals"),
            ("chat.renamed", "Announcements"),
        ]


async def test_a_renamed_team_is_told_on_the_timelines_of_its_channels(stage, client) -> None:
    async with stage.account("Fourth Coffee") as key:
        await connect(stage, key, client.channel)
        await stage.happen("teamRenamed", chat=client.channel, data={"team": {"id": client.team, "name": "Customers"}})
        assert (await stage.events(key))[-1]["data"] == {"team": "Customers"}


@pytest.mark.parametrize(
    ("deleted", "restored"), [("channelDeleted", "channelRestored"), ("teamDeleted", "teamRestored")]
)
async def test_what_is_deleted_sleeps_until_it_is_restored(stage, client, deleted: str, restored: str) -> None:
    async with stage.account("Woodgrove Bank") as key:
        await connect(stage, key, client.channel)
        await stage.happen(deleted, chat=client.channel)
        assert await types(stage, key) == ["chat.suspended"]
        await stage.happen(deleted, chat=client.channel, data={**(await told(client, deleted)), "eventType": restored})
        assert await types(stage, key) == ["chat.suspended", "chat.resumed"]
        assert await state(stage, key) == "active"


async def told(client: Playground, what: str) -> dict:
    """The `channelData` with which the client tells it. It can't tell of a restoration itself."""
    return (await client.template(client.channel, what))["channelData"]


async def test_a_personal_chat_that_lost_the_bot_is_welcomed_back(stage, client) -> None:
    await stage.happen("uninstall", chat=client.personal)
    heard = len(client.said)
    await stage.happen("install", chat=client.personal)
    await client.hear(chat=client.personal, after=heard, that=lambda said: "Hello" in said.words)


async def test_the_record_system_connects_a_chat_and_the_chat_is_told(stage, client) -> None:
    async with stage.account("Lucerne Publishing") as key:
        heard = len(client.said)
        await stage.api("POST", f"/records/account/{key}/chats", {"chat": client.group})
        await client.hear(chat=client.group, after=heard, that=lambda said: "Lucerne Publishing" in said.words)
