"""The main job in the real client: a pasted link becomes a card, `connect` ties the chat, the timeline tells it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial

import pytest
import pytest_asyncio

from tests.client.playground import ALEX, MEGAN, Json, Playground, Said, Somebody
from tests.client.stage import ACCOUNT, CASE, LINKS, OPPORTUNITY, Stage
from tests.world import buttons, texts

pytestmark = pytest.mark.asyncio(loop_scope="module")

STRANGER = replace(ALEX, id="user-id-9", aad="", name="Somebody anonymous")
CHATS = ("personal", "group", "channel")


def card_of(answer: Json) -> Json:
    """The card of a pasted link, or of the answer to a pressed button."""
    if "composeExtension" not in answer:
        assert answer["type"] == "application/vnd.microsoft.card.adaptive", answer
        return answer["value"]
    (attachment,) = answer["composeExtension"]["attachments"]
    return attachment["content"]


def words(answer: Said | Json) -> str:
    """What a person reads of an answer."""
    return texts((answer.card or {"text": answer.text}) if isinstance(answer, Said) else card_of(answer))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def before(stage: Stage) -> Json:
    """What the link of the account became while the bot was in no chat."""
    return await stage.client.paste(ACCOUNT, chat=stage.client.group)


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def client(stage: Stage, before: Json) -> Playground:
    """The client with every chat opened once."""
    await stage.open_chats()
    return stage.client


# A chat is opened -----------------------------------------------------------------------------------------------------


async def test_every_chat_is_welcomed_once_although_the_client_tells_twice_at_the_same_time(stage, client) -> None:
    """It sends `installationUpdate` and `conversationUpdate` at once, and both again when its page is loaded anew."""
    await stage.open_chats()
    for name in CHATS:
        await client.ask("help", chat=getattr(client, name))
        heard = [said for said in client.said if said.chat.partition(";")[0] == getattr(client, name)]
        assert len([said for said in heard if "Hello, I'm Connect Chats" in words(said)]) == 1, name


# A link is pasted -----------------------------------------------------------------------------------------------------


async def test_a_link_becomes_a_card_even_where_the_bot_is_not_but_shows_only_the_name(before) -> None:
    assert words(before).splitlines() == ["Account", "Contoso Ltd", "Open"]


async def test_where_the_bot_is_the_card_has_the_fields_and_connects_the_chat(stage, client) -> None:
    async with stage.account("Fabrikam") as key:
        answer = await client.paste(f"{LINKS}/account/{key}", chat=client.group)
        assert {"Fabrikam", "Owner", "Status", "Active"} <= set(words(answer).splitlines())
        assert buttons(card_of(answer)) == ["Open", "Connect this chat"]
        assert answer["composeExtension"]["attachments"][0]["preview"]["content"]["title"] == "Fabrikam"


async def test_an_unknown_record_and_a_forbidden_one_get_the_same_explanation(client) -> None:
    forbidden = await client.paste(CASE, chat=client.group)
    assert forbidden == await client.paste(f"{LINKS}/case/C-9999", chat=client.group)
    assert "No preview for this link" in words(forbidden)
    assert "Delivery arrived damaged" in words(await client.paste(CASE, chat=client.group, by=MEGAN))


async def test_who_may_only_read_gets_a_card_that_does_not_offer_to_connect(client) -> None:
    mine = await client.paste(OPPORTUNITY, chat=client.group)
    hers = await client.paste(OPPORTUNITY, chat=client.group, by=MEGAN)
    assert "Contoso renewal 2027" in words(mine)
    assert buttons(card_of(mine)) == ["Open"]
    assert buttons(card_of(hers)) == ["Open", "Connect this chat"]


async def test_any_other_address_is_explained(client) -> None:
    assert "Not a link to a record" in words(await client.paste("https://example.org/news", chat=client.group))


async def test_an_anonymous_query_learns_the_type_and_nothing_else(client) -> None:
    answer = await client.paste(ACCOUNT, chat=client.group, anonymous=True)
    assert "Contoso" not in str(answer)
    assert "Account" in words(answer)
    assert buttons(card_of(answer)) == ["Open"]


# Commands -------------------------------------------------------------------------------------------------------------


async def test_connect_records_note_timeline_and_disconnect_in_a_group_chat(stage, client) -> None:
    async with stage.account("Northwind") as key:
        connected = await client.ask(f"connect {LINKS}/account/{key}", chat=client.group)
        assert "This chat is now connected to" in words(connected)
        assert "Northwind" in words(await client.ask("records", chat=client.group, by=MEGAN))
        noted = await client.ask("note They asked for a discount", chat=client.group, by=MEGAN)
        assert "They asked for a discount" in words(noted)
        told = words(await client.ask(f"timeline {key}", chat=client.group))
        assert "Megan Bowen added a note" in told
        assert "Alex Wilber connected a group chat" in told
        assert "✓ This chat is connected" in words(await client.paste(f"{LINKS}/account/{key}", chat=client.group))
        gone = await client.ask(f"disconnect {key}", chat=client.group)
        assert "This chat is no longer connected to" in words(gone)
        events = await stage.events(key)
        assert [event["type"] for event in events] == [
            "record.created",
            "chat.connected",
            "note.added",
            "chat.disconnected",
        ]
        assert events[1]["actor"] == {"id": ALEX.aad, "name": "Alex Wilber"}
        assert events[1]["chat"] == {"id": client.group, "kind": "group", "topic": "Contoso renewal"}
        assert events[2]["data"] == {"text": "They asked for a discount"}


async def test_connecting_twice_is_answered_twice_and_told_once(stage, client) -> None:
    async with stage.account("Litware") as key:
        await client.ask(f"connect {key}", chat=client.group)
        again = await client.ask(f"connect {key}", chat=client.group, by=MEGAN)
        assert "This chat was already connected to" in words(again)
        assert len(await stage.events(key)) == 2


async def test_who_may_not_connect_learns_what_is_missing_and_whom_to_ask(client) -> None:
    refused = words(await client.ask("connect O-2001", chat=client.group))
    assert "needs the right to append" in refused
    assert "Megan Bowen" in refused
    unknown = words(await client.ask("connect C-3001", chat=client.group))
    assert unknown == words(await client.ask("connect C-9999", chat=client.group))


async def test_a_channel_is_connected_from_a_thread_and_answered_there(stage, client) -> None:
    async with stage.account("Tailspin") as key:
        said = await client.ask(f"connect {key}", chat=client.channel)
        assert said.chat.startswith(f"{client.channel};messageid=")
        assert "This chat is now connected to" in words(said)
        chat = (await stage.events(key))[-1]["chat"]
        assert (chat["id"], chat["kind"]) == (client.channel, "channel")
        assert "connected a channel" in words(await client.ask(f"timeline {key}", chat=client.channel))


async def test_the_personal_chat_explains_and_looks_up_but_cannot_be_connected(stage, client) -> None:
    async def ask(text: str) -> str:
        return words(await client.ask(text, chat=client.personal))

    assert "why <link>" in await ask("help")
    assert "You may connect a chat to it" in await ask(f"why {ACCOUNT}")
    assert "needs the right to append" in await ask(f"why {OPPORTUNITY}")
    assert "or you may not see it" in await ask(f"why {CASE}")
    assert "Start a group chat" in await ask("connect A-1001")
    assert "The record was created" in await ask("timeline A-1001")
    assert "chat.connected" not in [event["type"] for event in await stage.events("A-1001")]


# Buttons --------------------------------------------------------------------------------------------------------------


async def test_the_button_of_a_pasted_card_connects_and_the_chat_gets_the_note(stage, client) -> None:
    async with stage.account("Wingtip") as key:
        card = card_of(await client.paste(f"{LINKS}/account/{key}", chat=client.group))
        message = await client.show(card, chat=client.group)
        button = card["actions"][1]
        heard = len(client.said)
        answer = await client.press(button["verb"], button["data"], message=message, chat=client.group)
        assert "connected" in words(answer)
        note = await client.hear(chat=client.group, after=heard)
        assert "Wingtip" in words(note)
        assert "Connected by Alex Wilber." in words(note)


async def test_a_client_without_execute_presses_submit_and_is_answered_by_a_message(stage, client) -> None:
    async with stage.account("Proseware") as key:
        card = card_of(await client.paste(f"{LINKS}/account/{key}", chat=client.group))
        message = await client.show(card, chat=client.group)
        heard = len(client.said)
        await client.submit(card["actions"][1]["fallback"]["data"], message=message, chat=client.group)
        assert "This chat is now connected to" in words(await client.hear(chat=client.group, after=heard))
        assert (await stage.events(key))[-1]["type"] == "chat.connected"


async def test_with_several_records_a_note_asks_where_it_belongs_and_its_button_puts_it_there(stage, client) -> None:
    async with stage.account("Adatum") as one, stage.account("Trey Research") as other:
        for key in (one, other):
            await client.ask(f"connect {key}", chat=client.group)
        question = await client.ask("note Call on Monday", chat=client.group)
        button = next(action for action in question.card["actions"] if action["title"] == "Trey Research")
        press = partial(client.press, button["verb"], button["data"], message=question.id, chat=client.group)
        assert "somebody else's" in (await press(by=MEGAN))["value"]
        answer = await press(by=ALEX)
        assert "Call on Monday" in words(answer)
        assert (await stage.events(one))[-1]["type"] == "chat.connected"
        assert (await stage.events(other))[-1]["data"] == {"text": "Call on Monday"}


async def test_a_forged_button_is_refused_in_words(client) -> None:
    message = await client.show({"type": "AdaptiveCard", "version": "1.5", "body": []}, chat=client.group)
    for verb, data, told in (
        ("connect", {"record": "case/C-3001"}, "or you may not see it"),
        ("connect", {"record": 5}, "does nothing any more"),
        ("drop tables", {}, "does nothing any more"),
    ):
        answer = await client.press(verb, data, message=message, chat=client.group)
        assert told in answer["value"]


# Silence --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", [ALEX, MEGAN, STRANGER], ids=lambda person: person.name)
async def test_nobody_gets_silence(client, by: Somebody) -> None:
    odd = ("", "hi", "HELP", "connect", "timeline soon", "note", "why", "dance!", "<b>&amp;", "connect " + "x" * 5000)

    async def ask_in(chat: str) -> None:
        for text in odd:
            assert len(words(await client.ask(text, chat=chat, by=by))) > 20, text

    await asyncio.gather(*(ask_in(getattr(client, name)) for name in CHATS))


async def test_activities_the_bot_knows_nothing_of_are_harmless(stage, client) -> None:
    for kind in (
        "messageReaction",
        "typing",
        "event",
        "messageUpdate",
        "messageDelete",
        "endOfConversation",
        "unheardOf",
    ):
        await stage.deliver(await client.template(client.group) | {"type": kind, "name": kind, "value": {}})
    assert "What you can ask me" in words(await client.ask("help", chat=client.group))
