"""The SDK's traps are still there. Each test names the code of ours that goes when its trap does.

The SDK is archived, so a failure here means that another version was installed: read the test, take out the workaround
it names, and the test with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from botbuilder.core import ActivityHandler, BotAdapter, TurnContext, serializer_helper
from botbuilder.core.teams import TeamsActivityHandler
from botbuilder.integration.aiohttp import (
    CloudAdapter,
    ConfigurationBotFrameworkAuthentication,
    ConfigurationServiceClientCredentialFactory,
    aiohttp_error_middleware,
)
from botbuilder.schema import (
    Activity,
    AdaptiveCardInvokeResponse,
    AdaptiveCardInvokeValue,
    Attachment,
    ExpectedReplies,
    ResourceResponse,
)
from botbuilder.schema.teams import MessagingExtensionResponse, MessagingExtensionResult
from botframework.connector.auth import MicrosoftAppCredentials
from botframework.connector.auth.jwt_token_extractor import JwtTokenExtractor, _OpenIdMetadata
from msrest.universal_http.requests import ClientRetryPolicy

from bot.teams.adapter import message_activity, sdk_activity, wire_activity
from tests.fakes.microsoft import ABSENT, APP_ID, SERVICE_URL, TENANT, Microsoft

UNSAFE = SimpleNamespace(APP_ID="", APP_PASSWORD="")
SAFE = SimpleNamespace(APP_ID=APP_ID, APP_PASSWORD="secret", APP_TYPE="SingleTenant", APP_TENANTID=TENANT)
METADATA = "https://login.botframework.com/v1/.well-known/openidconfiguration"


def activity(kind: str = "message", **changes: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "id": "1",
        "channelId": "msteams",
        "serviceUrl": SERVICE_URL,
        "from": {"id": "29:alex"},
        "recipient": {"id": "28:bot", "name": "Rec"},
        "conversation": {"id": "19:x@thread.v2"},
        **changes,
    }


class Broken(ActivityHandler):
    """A bot with a bug."""

    async def on_turn(self, turn_context: TurnContext) -> None:
        raise KeyError("a bug")


class Unfurling(TeamsActivityHandler):
    """As the SDK's samples answer a link."""

    async def on_teams_app_based_link_query(self, turn_context: TurnContext, query: Any) -> MessagingExtensionResponse:
        return MessagingExtensionResponse(compose_extension=MessagingExtensionResult(type="result", attachments=[]))


class Catching(BotAdapter):
    """Keeps what a turn sends."""

    async def send_activities(self, context: TurnContext, activities: list[Activity]) -> list[ResourceResponse]:
        self.sent = activities
        return [ResourceResponse(id="1")]

    async def update_activity(self, context: TurnContext, activity: Activity) -> None: ...

    async def delete_activity(self, context: TurnContext, reference: Any) -> None: ...


async def status_of_stock_server(bot: Any, body: dict[str, Any], *, on_turn_error: bool = False) -> int:
    """What the SDK's own server, put together as in its samples, answers to an activity."""
    adapter = CloudAdapter(ConfigurationBotFrameworkAuthentication(UNSAFE))
    if on_turn_error:

        async def forgive(turn: TurnContext, error: Exception) -> None:
            pass

        adapter.on_turn_error = forgive

    async def messages(request: web.Request) -> web.StreamResponse:
        response = await adapter.process(request, bot)
        assert response is not None
        return response

    app = web.Application(middlewares=[aiohttp_error_middleware])
    app.router.add_post("/", messages)
    async with TestClient(TestServer(app)) as client, client.post("/", json=body) as response:
        return response.status


def seconds(work: Callable[[], object], times: int = 20) -> float:
    """The best of five: what else the machine does only ever adds."""
    measured = []
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(times):
            work()
        measured.append((time.perf_counter() - started) / times)
    return min(measured)


class Prepared(dict[str, Any]):
    """JSON that opts out of the copy, as our messages do."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Prepared:
        return self


# The turn ------------------------------------------------------------------------------------------------------------


async def test_every_invoke_with_a_body_is_answered_500() -> None:
    """`bot.teams.receiver` and `bot.web.messages` exist instead of `CloudAdapter.process`."""
    query = activity("invoke", name="composeExtension/queryLink", value={"url": "https://crm.example.com/"})
    assert await status_of_stock_server(Unfurling(), query) == 500


async def test_a_turn_that_failed_is_answered_as_if_it_had_been_taken() -> None:
    """`bot.teams.receiver` catches what turns raise; our adapter has no `on_turn_error`."""
    assert await status_of_stock_server(Broken(), activity(), on_turn_error=True) == 201
    assert await status_of_stock_server(Broken(), activity("invoke", name="x"), on_turn_error=True) == 501


async def test_the_sdks_middleware_makes_a_bug_a_404() -> None:
    """`bot.web.problems` is our middleware instead."""
    assert await status_of_stock_server(Broken(), activity()) == 404


async def test_a_conversation_update_without_channel_data_crashes_the_teams_handler() -> None:
    """`bot.teams.handler.Handler` is built on ActivityHandler, and `translate.changes_of` reads what there is."""
    added = activity("conversationUpdate", membersAdded=[{"id": "28:bot"}])
    assert await status_of_stock_server(TeamsActivityHandler(), added) == 500
    assert await status_of_stock_server(TeamsActivityHandler(), added | {"channelData": {}}) == 201


async def test_a_submit_that_comes_as_a_card_action_gets_a_body_that_cannot_be_serialized() -> None:
    """`bot.teams.invokes` answers card actions itself, from the activity's JSON."""
    action = {"type": "Action.Submit", "data": {"verb": "connect"}}
    pressed = activity("invoke", name="adaptiveCard/action", value={"action": action})
    turn = TurnContext(Catching(), Activity().deserialize(pressed))
    response = await ActivityHandler().on_invoke_activity(turn)
    with pytest.raises(Exception, match="cannot be serialized"):
        serializer_helper(response.body)


def test_a_card_action_loses_what_triggered_it() -> None:
    """`bot.teams.translate.press_of` reads the activity's value."""
    value = AdaptiveCardInvokeValue(action={"verb": "connect"}, trigger="manual")
    assert "trigger" not in value.serialize()


def test_a_card_actions_answer_that_is_text_cannot_be_serialized() -> None:
    """`bot.teams.invokes` builds the JSON instead."""
    with pytest.raises(Exception, match="object"):
        AdaptiveCardInvokeResponse(
            status_code=200, type="application/vnd.microsoft.activity.message", value="Done"
        ).serialize()


# Activities ----------------------------------------------------------------------------------------------------------


def mentioning(text: str, name: str = "Rec") -> Activity:
    mention = {"type": "mention", "text": f"<at>{name}</at>", "mentioned": {"id": "28:bot", "name": name}}
    return Activity().deserialize(activity(text=text, entities=[mention]))


def test_removing_the_mention_eats_parts_of_words() -> None:
    """`bot.teams.translate._spoken` takes the mention out instead."""
    assert TurnContext.remove_recipient_mention(mentioning("<at>Rec</at> connect Record 5")) == " connect ord 5"


def test_removing_the_mention_takes_quadratic_time() -> None:
    """`bot.teams.translate._spoken`; twice the text takes about four times as long, and anything linear twice."""

    def spent(size: int) -> float:
        text = "<at>" * (size // 4)
        hostile = {"type": "mention", "text": text, "mentioned": {"id": "28:bot", "name": "Rec"}}
        parsed = Activity().deserialize(activity(text=text, entities=[hostile]))
        return seconds(lambda: TurnContext.remove_recipient_mention(parsed), times=1)

    assert spent(4000) > 10 * spent(500)


@pytest.mark.parametrize("odd", [{"timestamp": "yesterday"}, {"from": "Alex"}, {"entities": "none"}])
def test_reading_an_odd_activity_raises_what_the_server_answers_as_500(odd: dict[str, Any]) -> None:
    """`bot.teams.edge.parse` checks the shape and `bot.teams.adapter.sdk_activity` builds the SDK's object."""
    with pytest.raises(Exception, match="deserialize") as raised:
        Activity().deserialize(activity(**odd))
    assert not isinstance(raised.value, PermissionError | KeyError)


def test_reading_an_activity_turns_objects_into_text() -> None:
    """`bot.teams.edge._check_shape` refuses them: otherwise `{"x": 1}` were an id like any other."""
    assert Activity().deserialize(activity(id={"x": 1})).id == "{'x': 1}"


def test_reading_and_writing_an_activity_is_slow() -> None:
    """`bot.teams.adapter.sdk_activity` and `wire_activity` are by hand; measured 20 times faster or more."""
    body = activity(text="connect A-1001", channelData={"tenant": {"id": TENANT}}, entities=[{"type": "clientInfo"}])
    assert seconds(lambda: Activity().deserialize(body)) > 4 * seconds(lambda: sdk_activity(body))
    ours = sdk_activity(body)
    assert seconds(ours.serialize) > 4 * seconds(lambda: wire_activity(ours))


def test_a_body_of_expected_replies_makes_text_of_what_is_almost_a_dict() -> None:
    """`bot.teams.adapter.message_activity` leaves the card a dict."""
    reply = Activity(
        type="message", attachments=[Attachment(content_type="card", content=Prepared(type="AdaptiveCard"))]
    )
    (attachment,) = ExpectedReplies(activities=[reply]).serialize()["activities"][0]["attachments"]
    assert attachment["content"] == "{'type': 'AdaptiveCard'}"
    ours = message_activity({"attachments": [{"contentType": "card", "content": {"a": 1}}]})
    assert ExpectedReplies(activities=[ours]).serialize()["activities"][0]["attachments"][0]["content"] == {"a": 1}


async def test_every_card_is_copied_to_its_depths_before_it_is_sent() -> None:
    """`bot.teams.adapter.Outgoing` opts out of it."""
    plain, prepared = {"body": []}, Prepared(body=[])
    for reply, content, copied in (
        (Activity(type="message", attachments=[Attachment(content_type="card", content=plain)]), plain, True),
        (Activity(type="message", attachments=[Attachment(content_type="card", content=prepared)]), prepared, False),
        (message_activity({"attachments": [{"contentType": "card", "content": plain}]}), plain, False),
    ):
        adapter = Catching()
        await TurnContext(adapter, sdk_activity(activity())).send_activity(reply)
        assert (adapter.sent[0].attachments[0].content is not content) is copied


# Credentials ---------------------------------------------------------------------------------------------------------


async def test_without_an_app_id_nobody_is_authenticated_and_everybody_comes_in() -> None:
    """`bot.config._live_problems` does not let such a program start."""
    stock = ConfigurationBotFrameworkAuthentication(UNSAFE)
    admitted = await stock.authenticate_request(Activity().deserialize(activity()), "")
    assert admitted.claims_identity.is_authenticated


@pytest.mark.parametrize(
    ("claims", "missing"),
    [({"exp": ABSENT}, ""), ({"exp": 4_000_000_000}, ""), ({"serviceurl": "https://evil.test/"}, "serviceUrl")],
)
async def test_tokens_that_prove_too_little_are_accepted(
    claims: dict[str, Any], missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`bot.identity.bot_tokens` and `bot.teams.edge.Gate` refuse them: no end, an end in 2096, an activity that names
    no serviceUrl (with which the claim is then not compared)."""
    async with Microsoft() as microsoft:
        known = _OpenIdMetadata(METADATA)
        known.keys, known.last_updated = [key.published() for key in microsoft.keys], datetime.now()  # noqa: DTZ005
        monkeypatch.setitem(JwtTokenExtractor.metadataCache, METADATA, known)
        body = {name: value for name, value in activity().items() if name != missing}
        admitted = await ConfigurationBotFrameworkAuthentication(SAFE).authenticate_request(
            Activity().deserialize(body), f"Bearer {microsoft.mint(**claims)}"
        )
    assert admitted.claims_identity.is_authenticated


async def test_an_unknown_signing_key_is_an_index_error_for_a_day() -> None:
    """`bot.identity.keys` looks for new keys at once."""
    keys = _OpenIdMetadata(METADATA)
    keys.keys, keys.last_updated = [{"kid": "old"}], datetime.now()  # noqa: DTZ005 - as the SDK has it
    with pytest.raises(IndexError):
        await keys.get("new")


async def test_each_turn_makes_new_credentials_and_so_asks_for_a_new_token() -> None:
    """`bot.identity.app_tokens` keeps one for all, and `bot.teams.adapter._Factory` hands out one connector."""
    factory = ConfigurationServiceClientCredentialFactory(SAFE)
    login = f"https://login.microsoftonline.com/{TENANT}"
    first, second = [await factory.create_credentials(APP_ID, "scope", login, True) for _ in range(2)]
    assert isinstance(first, MicrosoftAppCredentials)
    assert first is not second
    assert first.app is None, "each keeps its own cache of tokens, which is empty"


def test_a_message_that_failed_is_never_sent_again() -> None:
    """`bot.teams.connector.Connector` is our client of the connector's API."""
    policy = ClientRetryPolicy().policy
    assert policy.is_retry("GET", 503)
    assert not policy.is_retry("POST", 503)


def test_what_each_turn_builds_again_looks_every_status_up_in_a_list() -> None:
    """`bot.teams.connector.Connector` is made once; the SDK's client makes such a policy per turn."""
    assert isinstance(ClientRetryPolicy.safe_codes, list)
