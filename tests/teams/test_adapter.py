"""Our half of the SDK's adapter: what it reads, what it sends, and that nothing can authenticate but the edge."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botbuilder.core import TurnContext
from botbuilder.schema import Activity, ActivityTypes
from botframework.connector.auth import ClaimsIdentity

from bot.ports import Json
from bot.teams.adapter import ACTIVITY_KEY, Adapter, message_activity, sdk_activity, wire_activity
from tests.teams.conftest import PLAYGROUND

CARD = {"contentType": "application/vnd.microsoft.card.adaptive", "content": {"type": "AdaptiveCard", "body": []}}
THREAD = "19:announcements@thread.tacv2;messageid=1795392557213"


class Connector:
    """Writes down what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    async def post(self, service_url: str, conversation: str, activity: Json, *, reply_to: str | None = None) -> str:
        self.asked.append(("post", service_url, conversation, reply_to, activity))
        return f"sent-{len(self.asked)}"

    async def update(self, service_url: str, conversation: str, activity_id: str, activity: Json) -> None:
        self.asked.append(("update", service_url, conversation, activity_id, activity))

    async def delete(self, service_url: str, conversation: str, activity_id: str) -> None:
        self.asked.append(("delete", service_url, conversation, activity_id))


@pytest.fixture
def connector() -> Connector:
    return Connector()


@pytest.fixture
def adapter(connector: Connector) -> Adapter:
    return Adapter(connector)  # type: ignore[arg-type]


def payload(name: str = "channel-message") -> Json:
    return json.loads((PLAYGROUND / f"{name}.json").read_text())


@pytest.mark.parametrize("name", sorted(path.stem for path in PLAYGROUND.glob("*.json") if path.stem != "group-roster"))
def test_what_we_read_by_hand_is_what_the_sdk_reads(name: str) -> None:
    ours, theirs = sdk_activity(payload(name)), Activity().deserialize(payload(name))
    for member in ("type", "id", "name", "channel_id", "service_url", "delivery_mode", "action", "text", "value"):
        assert getattr(ours, member) == getattr(theirs, member), member
    for account in ("from_property", "recipient"):
        for member in ("id", "name", "aad_object_id"):
            assert getattr(getattr(ours, account), member) == getattr(getattr(theirs, account), member)
    for member in ("id", "conversation_type"):  # the SDK itself loses the tenant's id
        assert getattr(ours.conversation, member) == getattr(theirs.conversation, member)


async def test_a_reply_goes_into_its_thread_with_the_json_that_the_sdk_would_write(
    adapter: Adapter, connector: Connector
) -> None:
    sent: list[Activity] = []

    async def answer(turn: TurnContext) -> None:
        turn.on_send_activities(watch)
        reply = message_activity({"summary": "Contoso", "attachments": [CARD]})
        assert (await turn.send_activity(reply)).id == "sent-1"

    async def watch(turn: TurnContext, activities: list[Activity], send: Any) -> Any:
        sent.extend(activities)
        return await send()

    assert await adapter.run(payload(), answer) is None
    ((_, service_url, conversation, reply_to, body),) = connector.asked
    assert (service_url, conversation) == (payload()["serviceUrl"], THREAD)
    assert reply_to == payload()["id"]
    theirs = sent[0].serialize()
    del theirs["inputHint"]  # Teams has no use for it
    assert body == {**theirs, "from": body["from"], "conversation": {"id": THREAD}, "recipient": body["recipient"]}
    assert body["from"] == payload()["recipient"]
    assert body["recipient"] == {"id": "user-id-0", "name": "Alex Wilber"}
    json.dumps(body)


async def test_a_turn_has_the_activity_as_it_came(adapter: Adapter) -> None:
    seen = []

    async def look(turn: TurnContext) -> None:
        seen.append(turn.turn_state[ACTIVITY_KEY])

    await adapter.run(payload(), look)
    assert seen == [payload()]


async def test_traces_are_not_sent(adapter: Adapter, connector: Connector) -> None:
    async def trace(turn: TurnContext) -> None:
        await turn.send_activity(Activity(type=ActivityTypes.trace, name="x"))

    await adapter.run(payload(), trace)
    assert connector.asked == []


async def test_messages_are_changed_and_deleted_by_their_id(adapter: Adapter, connector: Connector) -> None:
    async def change(turn: TurnContext) -> None:
        reply = message_activity({"attachments": [CARD]})
        reply.id = "17"
        await turn.update_activity(reply)
        await turn.delete_activity("18")

    await adapter.run(payload(), change)
    (update, _, into, changed, body), (delete, _, out_of, deleted) = connector.asked
    assert (update, into, changed, body["attachments"]) == ("update", THREAD, "17", [CARD])
    assert (delete, out_of, deleted) == ("delete", THREAD, "18")


async def test_what_a_turn_raises_reaches_the_caller(adapter: Adapter) -> None:
    async def fail(turn: TurnContext) -> None:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError):
        await adapter.run(payload(), fail)


async def test_nothing_of_the_sdk_can_authenticate_or_speak_on_its_own(adapter: Adapter, connector: Connector) -> None:
    activity = sdk_activity(payload())

    async def look(turn: TurnContext) -> None:
        raise AssertionError("it got in")

    with pytest.raises(PermissionError):
        await adapter.process_activity("Bearer x", activity, look)
    with pytest.raises(PermissionError):
        await adapter.bot_framework_authentication.authenticate_streaming_request("Bearer x", "msteams")
    with pytest.raises(PermissionError):
        await adapter.continue_conversation_with_claims(
            ClaimsIdentity({}, is_authenticated=True),
            TurnContext.get_conversation_reference(activity),
            look,
            "audience",
        )
    assert connector.asked == []


def test_members_that_are_not_there_are_not_written() -> None:
    reply = sdk_activity(payload()).create_reply()
    assert None not in wire_activity(reply).values()
    assert "summary" not in wire_activity(reply)
