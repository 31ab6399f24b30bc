"""The driver of the Agents Playground does what its docstrings say, against a bot that repeats what it hears."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from urllib.parse import quote

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from tests.client.playground import ALEX, CARD_TYPE, MEGAN, Json, Playground, PlaygroundFailed, open_playground

CARD: Json = {"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "TextBlock", "text": "Contoso"}]}


class Parrot:
    """A bot that says what was said to it, and by whom."""

    def __init__(self) -> None:
        self.heard: list[Json] = []

    async def messages(self, request: web.Request) -> web.Response:
        activity = await request.json()
        self.heard.append(activity)
        if activity["type"] == "invoke":
            return web.json_response({"statusCode": 200, "type": CARD_TYPE, "value": CARD})
        chat = quote(activity["conversation"]["id"], safe="")
        about = activity.get("value") or activity.get("text") or activity["type"]
        words = f"{activity['from'].get('name', 'somebody')}: {re.sub('<at>.*</at> ', '', str(about))}"
        async with aiohttp.ClientSession() as session:
            url = f"{activity['serviceUrl']}/v3/conversations/{chat}/activities"
            await session.post(url, json={"type": "message", "text": words, "from": activity["recipient"]})
        return web.Response()


@pytest.fixture(scope="module")
def parrot() -> Parrot:
    return Parrot()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def playground(parrot: Parrot) -> AsyncIterator[Playground]:
    app = web.Application()
    app.router.add_post("/api/messages", parrot.messages)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with open_playground(f"http://127.0.0.1:{runner.addresses[0][1]}/api/messages") as playground:
        yield playground
    await runner.cleanup()


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_what_is_said_in_the_personal_chat_is_answered_there(playground) -> None:
    said = await playground.ask("hello", chat=playground.personal)
    assert (said.chat, said.text) == (playground.personal, "Alex Wilber: hello")


async def test_in_a_group_the_bot_hears_only_what_mentions_it(playground, parrot) -> None:
    before = len(parrot.heard)
    await playground.say("lunch?", chat=playground.group, mention=False)
    assert (await playground.ask("connect A-1001", chat=playground.group)).text == "Alex Wilber: connect A-1001"
    (heard,) = parrot.heard[before:]
    assert [entity["mentioned"]["id"] for entity in heard["entities"] if entity["type"] == "mention"] == [
        playground.bot["id"]
    ]


async def test_in_a_channel_the_answer_is_in_the_thread(playground) -> None:
    said = await playground.ask("records", chat=playground.channel)
    assert said.chat.startswith(f"{playground.channel};messageid=")


async def test_other_people_can_speak(playground) -> None:
    assert (await playground.ask("records", chat=playground.group, by=MEGAN)).text == "Megan Bowen: records"


async def test_buttons_are_pressed_as_the_one_who_presses(playground, parrot) -> None:
    message = await playground.show(CARD, chat=playground.group)
    answer = await playground.press(
        "connect", {"record": "account/A-1"}, message=message, chat=playground.group, by=MEGAN
    )
    assert answer["value"] == CARD
    heard = parrot.heard[-1]
    assert (heard["from"]["aadObjectId"], heard["replyToId"]) == (MEGAN.aad, message)
    assert heard["value"]["action"] == {"type": "Action.Execute", "verb": "connect", "data": {"record": "account/A-1"}}
    before = len(playground.said)
    await playground.submit({"verb": "connect"}, message=message, chat=playground.group)
    assert "connect" in (await playground.hear(chat=playground.group, after=before)).text


async def test_links_are_pasted(playground, parrot) -> None:
    link = "https://crm.example.com/records/account/A-1001"
    await playground.paste(link, chat=playground.group)
    assert (parrot.heard[-1]["name"], parrot.heard[-1]["value"]) == ("composeExtension/queryLink", {"url": link})
    await playground.paste(link, chat=playground.group, anonymous=True)
    assert parrot.heard[-1]["name"] == "composeExtension/anonymousQueryLink"


async def test_the_bot_can_be_removed_and_added(playground, parrot) -> None:
    for what, key in (("botRemoved", "membersRemoved"), ("botAdded", "membersAdded")):
        before = len(playground.said)
        await playground.happen(what, chat=playground.group)
        await playground.hear(chat=playground.group, after=before)
        assert [member["id"] for member in parrot.heard[-1][key]] == [playground.bot["id"]]


async def test_the_roster_holds_everybody_but_the_bot(playground) -> None:
    members = (await playground.roster(playground.group))["members"]
    assert len(members) == 6
    assert members[0]["aadObjectId"] == ALEX.aad


async def test_silence_is_told_with_what_was_said_instead(playground) -> None:
    before = len(playground.said)
    await playground.ask("hello", chat=playground.personal)
    with pytest.raises(PlaygroundFailed, match="Alex Wilber: hello"):
        await playground.hear(after=before, that=lambda said: "goodbye" in said.text, within=0.1)


async def test_the_playground_listens_on_this_machine_only(playground) -> None:
    """A demo that believes whoever asks is behind it."""
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.2", int(playground.url.rsplit(":", 1)[1]))
