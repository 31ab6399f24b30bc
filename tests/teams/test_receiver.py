"""What people get when something breaks: the store, the connector, or a feature of ours."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.errors import Unavailable
from bot.features.conversation import Conversation
from bot.store.store import SqlStore
from bot.teams.invokes import CARD, MESSAGE, TRY_AGAIN
from tests.fakes.connector import Fault
from tests.waiting import until
from tests.world import ACCOUNT, GROUP, World, texts

SECOND = 1_000_000
LEASE = 16 * SECOND
"""Longer than a turn keeps its answer to itself; then the outbox delivers it."""
SECRET = "what-nobody-may-read"


async def unavailable(*_: Any, **__: Any) -> None:
    raise Unavailable("The database does not answer.")


async def broken(*_: Any, **__: Any) -> None:
    raise RuntimeError(SECRET)


@pytest.fixture
def store_down(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("read", "write", "unfurl_facts"):
        monkeypatch.setattr(SqlStore, name, unavailable)


async def posted(world: World, text: str, **more: Any) -> int:
    """Say something as people do: the answer goes to the connector. The status."""
    status, body = await world.post(world.activity("message", text=text, **more))
    assert body is None or status == 503
    return status


async def said(world: World, count: int) -> list[str]:
    """The texts of what the bot said in the group, once there are `count` of them."""
    await until(lambda: len(world.said_in(GROUP)) >= count)
    return [texts(message["attachments"][0]["content"]) for message in world.said_in(GROUP)]


async def outbox_has_looked(world: World) -> None:
    """Let the outbox's worker poll once or twice."""
    await asyncio.sleep(1.5)


# The store is down ---------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("store_down")
@pytest.mark.parametrize("name", ["composeExtension/queryLink", "composeExtension/anonymousQueryLink"])
async def test_without_the_store_a_pasted_link_gets_a_card_that_says_so(world: World, name: str) -> None:
    status, body = await world.post(world.activity("invoke", name=name, value={"url": ACCOUNT}))
    assert status == 200
    (attachment,) = body["composeExtension"]["attachments"]
    assert TRY_AGAIN.title in texts(attachment["content"])
    assert attachment["preview"]["content"]["title"] == TRY_AGAIN.title
    assert "Contoso" not in json.dumps(body)


@pytest.mark.usefixtures("store_down")
async def test_without_the_store_a_button_gets_the_documented_error(world: World) -> None:
    body = await world.press("connect", {"record": "account/A-1001"})
    assert (body["statusCode"], body["type"]) == (500, "application/vnd.microsoft.error")
    assert body["value"]["code"] == "InternalError"
    assert body["value"]["message"]


@pytest.mark.usefixtures("store_down")
@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("message", {"text": "help"}),
        ("message", {"text": "connect A-1001"}),
        ("message", {"value": {"verb": "connect", "record": "account/A-1001"}}),
        ("message", {"text": "help", "deliveryMode": "expectReplies"}),
        ("conversationUpdate", {"membersAdded": [{"id": "29:joe"}]}),
        ("installationUpdate", {"action": "add"}),
    ],
)
async def test_without_the_store_nothing_is_taken_so_teams_delivers_it_again(
    world: World, kind: str, more: dict[str, Any]
) -> None:
    status, body = await world.post(world.activity(kind, **more))
    assert status == 503
    assert body["type"] == "urn:connect-chats:problem:unavailable"


@pytest.mark.usefixtures("store_down")
async def test_without_the_store_it_still_does_what_needs_none(world: World) -> None:
    assert (await world.post(world.activity("invoke", name="task/fetch")))[1]["task"]
    assert (await world.post(world.activity("typing")))[0] == 200


# A bug of ours -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delivery", ["normal", "expectReplies"])
async def test_a_bug_is_answered_with_a_reference_that_the_log_has_and_nothing_else(
    world: World, monkeypatch: pytest.MonkeyPatch, delivery: str
) -> None:
    monkeypatch.setattr(Conversation, "on_message", broken)
    with capture_logs() as logs:
        status, body = await world.post(world.activity("message", text="help", deliveryMode=delivery))
    assert status == 200
    (message,) = world.said_in(GROUP) if delivery == "normal" else body["activities"]
    (entry,) = [entry for entry in logs if entry["event"] == "turn failed"]
    assert entry["reference"] in json.dumps(message)
    assert (entry["error"], entry["activity_type"], entry["exc_info"]) == ("RuntimeError", "message", True)
    for word in (SECRET, "RuntimeError", "Traceback"):
        assert word not in json.dumps(message)


async def test_a_bug_behind_a_button_is_answered_with_a_reference_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Conversation, "on_action", broken)
    with capture_logs() as logs:
        body = await world.press("connect", {"record": "account/A-1001"})
    assert body["statusCode"] == 500
    (entry,) = [entry for entry in logs if entry["event"] == "turn failed"]
    assert entry["reference"] in body["value"]["message"]
    assert SECRET not in json.dumps(body)


async def test_a_bug_behind_a_pasted_link_is_a_card_that_says_try_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SqlStore, "unfurl_facts", broken)
    assert TRY_AGAIN.title in texts(await world.paste(ACCOUNT))


async def test_a_bug_while_something_happens_to_a_chat_harms_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Conversation, "on_chat_change", broken)
    await world.happens(membersAdded=[{"id": "29:joe"}])
    assert world.said_in(GROUP) == []


async def test_a_bug_and_a_connector_that_refuses_the_apology_are_still_a_200(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Conversation, "on_message", broken)
    world.connector.refused_chats[GROUP] = "BotNotInConversationRoster"
    assert await posted(world, "help") == 200


# The connector fails -------------------------------------------------------------------------------------------------


async def test_a_chat_that_refuses_the_answer_sleeps_with_its_effect_kept_and_gets_the_answer_when_it_is_back(
    world: World,
) -> None:
    await world.say("help")
    world.connector.refused_chats[GROUP] = "BotNotInConversationRoster"
    assert await posted(world, "connect A-1001") == 200
    assert await world.events() == ["record.created", "chat.connected", "chat.suspended"]
    world.clock[0] += LEASE
    await outbox_has_looked(world)
    assert world.said_in(GROUP) == []
    del world.connector.refused_chats[GROUP]
    await world.happens(membersAdded=[{"id": "28:connect-chats"}])
    assert "chat.resumed" in await world.events()
    assert any("Contoso Ltd" in text for text in await said(world, 2))
    await outbox_has_looked(world)
    assert len(world.said_in(GROUP)) == 2, "the welcome and the answer, each once"


async def test_a_refused_answer_to_a_question_puts_the_chat_to_sleep_too(world: World) -> None:
    await world.say("connect A-1001")
    world.connector.refused_chats[GROUP] = "ConversationBlockedByUser"
    assert await posted(world, "records") == 200
    assert (await world.events())[-1] == "chat.suspended"


async def test_a_chat_that_is_gone_gets_its_answer_never(world: World) -> None:
    await world.say("connect A-1001")
    roster = world.connector.chats.pop(GROUP)
    assert await posted(world, "note Call on Monday") == 200
    assert (await world.events())[-2:] == ["note.added", "chat.suspended"]
    world.connector.chats[GROUP] = roster
    world.clock[0] += LEASE
    await world.say("records")
    await outbox_has_looked(world)
    assert world.said_in(GROUP) == []


async def test_an_answer_to_a_write_that_could_not_be_sent_is_sent_later_once(world: World) -> None:
    await world.say("help")
    world.connector.faults.extend([Fault(status=503)] * 3)
    assert await posted(world, "connect A-1001") == 200
    assert await world.events() == ["record.created", "chat.connected"]
    assert world.said_in(GROUP) == []
    world.clock[0] += LEASE
    (answer,) = await said(world, 1)
    assert "Contoso Ltd" in answer
    await outbox_has_looked(world)
    assert len(world.said_in(GROUP)) == 1


async def test_an_answer_to_a_question_that_could_not_be_sent_is_asked_for_again(world: World) -> None:
    await world.say("help")
    world.connector.faults.extend([Fault(status=503)] * 3)
    question = world.activity("message", text="records")
    assert (await world.post(question))[0] == 503
    assert (await world.post(question))[0] == 200
    assert len(world.said_in(GROUP)) == 1


async def test_an_answer_that_may_have_arrived_is_not_sent_again(world: World) -> None:
    """The connection broke after the connector took the message: a second one would stand in the chat twice."""
    await world.say("help")
    for text in ("connect A-1001", "records"):
        world.connector.faults.append(Fault(cut="after"))
        assert await posted(world, text) == 200
    world.clock[0] += LEASE
    await outbox_has_looked(world)
    assert len(world.said_in(GROUP)) == 2


async def test_an_answer_that_would_be_refused_every_time_is_an_apology(world: World) -> None:
    await world.say("help")
    world.connector.faults.append(Fault(status=413, code="MessageSizeTooBig"))
    with capture_logs() as logs:
        assert await posted(world, "records") == 200
    (apology,) = world.said_in(GROUP)
    (entry,) = [entry for entry in logs if entry["event"] == "turn failed"]
    assert entry["reference"] in json.dumps(apology)


async def test_a_slow_connection_that_recovers_costs_nobody_an_answer(world: World) -> None:
    await world.say("help")
    world.connector.faults.extend([Fault(status=429, headers={"Retry-After": "1"}), Fault(status=502)])
    assert await posted(world, "connect A-1001") == 200
    assert len(world.said_in(GROUP)) == 1


# Repeats -------------------------------------------------------------------------------------------------------------


async def test_a_message_that_is_delivered_again_has_one_effect_and_one_answer(world: World) -> None:
    await world.say("connect A-1001")
    note = world.activity("message", text="note Call on Monday")
    answers = await asyncio.gather(*(world.post(note) for _ in range(5)))
    assert {status for status, _ in answers} == {200}
    assert (await world.post(note))[0] == 200
    assert (await world.events()).count("note.added") == 1
    assert len(world.said_in(GROUP)) == 1


async def test_a_repeat_in_the_body_gets_the_same_answer_again(world: World) -> None:
    connect = world.activity("message", text="connect A-1001", deliveryMode="expectReplies")
    (_, first), (_, second) = [await world.post(connect) for _ in range(2)]
    assert first["activities"][0]["attachments"] == second["activities"][0]["attachments"]
    assert await world.events() == ["record.created", "chat.connected"]
    assert world.said_in(GROUP) == []


async def test_an_answer_in_the_body_is_not_posted_too(world: World) -> None:
    status, body = await world.post(world.activity("message", text="help", deliveryMode="expectReplies"))
    assert (status, len(body["activities"])) == (200, 1)
    world.clock[0] += LEASE
    await outbox_has_looked(world)
    assert world.said_in(GROUP) == []


@pytest.mark.parametrize(
    ("verb", "data", "kind"),
    [
        ("connect", {"record": "account/A-1001"}, CARD),
        ("connect", {"record": "account/A-4711"}, MESSAGE),
        ("connect", {}, MESSAGE),
        ("no such verb", {}, MESSAGE),
    ],
)
async def test_a_press_that_is_delivered_again_gets_the_very_same_body(
    world: World, verb: str, data: dict[str, Any], kind: str
) -> None:
    first, *again = [await world.press(verb, data, id="pressed") for _ in range(3)]
    assert first["type"] == kind
    assert again == [first, first]


async def test_a_press_that_comes_again_at_the_same_time_gets_the_very_same_body(world: World) -> None:
    first, *others = await asyncio.gather(
        *(world.press("connect", {"record": "case/C-3001"}, id="pressed") for _ in range(5))
    )
    assert first["type"] == MESSAGE
    assert others == [first] * 4


async def test_a_press_in_a_chat_without_the_bot_is_not_obeyed_when_it_comes_again_after_the_bot(world: World) -> None:
    data = {"record": "account/A-1001"}
    first = await world.press("connect", data, chat="19:new@thread.v2", id="pressed")
    assert first["type"] == MESSAGE
    world.connector.chats["19:new@thread.v2"] = world.connector.chats[GROUP]
    assert await world.press("connect", data, chat="19:new@thread.v2", id="pressed") == first
    assert await world.events() == ["record.created"]
    assert (await world.press("connect", data, chat="19:new@thread.v2"))["type"] == CARD


async def test_a_press_as_a_message_that_comes_again_gets_the_same_answer_in_the_body(world: World) -> None:
    for number, record in enumerate(("account/A-1001", "account/A-4711")):
        press = world.activity(
            "message", value={"verb": "connect", "record": record}, deliveryMode="expectReplies", id=f"pressed-{number}"
        )
        (_, first), (_, second) = [await world.post(press) for _ in range(2)]
        assert first["activities"][0]["attachments"] == second["activities"][0]["attachments"]
        assert first["activities"][0]["summary"] == second["activities"][0]["summary"]
