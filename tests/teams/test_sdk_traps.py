"""The SDK's traps are still there. Each test names the code of ours that goes when its trap does.

The SDK is archived, so a failure here means that another version was installed: read the test, remove the workaround it
names, and the test with it.
"""

from __future__ import annotations

import copy
import time
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from botbuilder.core import ActivityHandler, CardFactory, MessageFactory, TurnContext
from botbuilder.core.teams import TeamsActivityHandler
from botbuilder.integration.aiohttp import (
    CloudAdapter,
    ConfigurationBotFrameworkAuthentication,
    ConfigurationServiceClientCredentialFactory,
    aiohttp_error_middleware,
)
from botbuilder.schema import Activity, ConversationAccount, DeliveryModes, ExpectedReplies
from botbuilder.schema.teams import MessagingExtensionResponse, MessagingExtensionResult
from botframework.connector.auth import PasswordServiceClientCredentialFactory
from botframework.connector.auth.jwt_token_extractor import _OpenIdMetadata
from msrest.universal_http.requests import ClientRetryPolicy

from bot.teams.adapter import Prepared, message_activity, sdk_activity
from tests.fakes.microsoft import APP_ID, Microsoft, rsa_key

UNSAFE = SimpleNamespace(APP_ID="", APP_PASSWORD="", APP_TYPE="MultiTenant")


def activity(**changes: Any) -> dict[str, Any]:
    return {
        "type": "message",
        "id": "1",
        "channelId": "msteams",
        "serviceUrl": "http://127.0.0.1:9/",
        "from": {"id": "29:alex"},
        "recipient": {"id": "28:bot", "name": "Rec"},
        "conversation": {"id": "19:x@thread.v2"},
        **changes,
    }


class Failing(ActivityHandler):
    async def on_turn(self, turn_context: TurnContext) -> None:
        raise RuntimeError("a bug")


class Unfurling(TeamsActivityHandler):
    async def on_teams_app_based_link_query(self, turn_context: TurnContext, query: Any) -> MessagingExtensionResponse:
        return MessagingExtensionResponse(compose_extension=MessagingExtensionResult(type="result", attachments=[]))


async def stock(bot: Any, body: dict[str, Any], *, forgiving: bool = False) -> int:
    """The status that the SDK's own server gives an activity."""
    adapter = CloudAdapter(ConfigurationBotFrameworkAuthentication(UNSAFE))
    if forgiving:

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


async def test_1():
    q = activity(type="invoke", name="composeExtension/queryLink", value={"url": "https://x"})
    print("unfurl", await stock(Unfurling(), q))
    print("failing msg", await stock(Failing(), activity(), forgiving=True))
    print("failing invoke", await stock(Failing(), q, forgiving=True))
    print("failing msg no forg", await stock(Failing(), activity()))

async def test_2():
    ca = activity(type="conversationUpdate", membersAdded=[{"id": "29:a"}])
    print("convupdate", await stock(TeamsActivityHandler(), ca))
    class K(ActivityHandler):
        async def on_turn(self, t): {}["x"]
    print("keyerror", await stock(K(), activity()))

def test_3():
    a = Activity().deserialize(activity(text="<at>Rec</at> connect Record 5", entities=[{"type":"mention","text":"<at>Rec</at>","mentioned":{"id":"28:bot","name":"Rec"}}]))
    print(repr(TurnContext.remove_recipient_mention(a)))
    for n in (5000,10000,20000):
        t = "<at>" * (n//4)
        a = Activity().deserialize(activity(text=t, entities=[{"type":"mention","text":t,"mentioned":{"id":"28:bot","name":"Rec"}}]))
        s=time.perf_counter(); TurnContext.remove_recipient_mention(a); print(n, time.perf_counter()-s)

def test_4():
    m = message_activity({"attachments":[{"contentType":"c","content":{"a":1}}]})
    b = ExpectedReplies(activities=[m]).serialize()
    print(b)

def test_5():
    body = activity(text="hi", entities=[{"type":"clientInfo"}], channelData={"tenant":{"id":"x"}})
    def best(f):
        r=[]
        for _ in range(7):
            s=time.perf_counter(); [f(body) for _ in range(50)]; r.append(time.perf_counter()-s)
        return min(r)/50
    print(best(Activity().deserialize.__func__ if 0 else (lambda b: Activity().deserialize(b))), best(sdk_activity))
    a = sdk_activity(body)
    out = message_activity({"attachments":[{"contentType":"c","content":{"a":1}}]})
    print("deser of list text", )
    for bad in ({"text": 5}, {"entities": "x"}, {"from": "x"}, {"conversation": []},{"membersAdded":"x"},{"value":{"a":1}},{"timestamp":"yesterday"},{"name":{"a":1}},{"id":{"x":1}}):
        try:
            d = Activity().deserialize(activity(**bad)); print(bad, {k:getattr(d,k,None) for k in ("text","entities","conversation","members_added","value","name","id","timestamp")}, d.from_property)
        except Exception as e: print(bad, "EXC", type(e), str(e)[:100])

async def test_6():
    auth = ConfigurationBotFrameworkAuthentication(UNSAFE)
    r = await auth.authenticate_request(Activity().deserialize(activity()), "")
    print(r.claims_identity.is_authenticated, r.claims_identity.claims)
    f = ConfigurationServiceClientCredentialFactory(SimpleNamespace(APP_ID=APP_ID, APP_PASSWORD="x", APP_TYPE="SingleTenent", APP_TENANTID="t"))
    print(await f.is_authentication_disabled())
    f = ConfigurationServiceClientCredentialFactory(SimpleNamespace(APP_ID=APP_ID, APP_PASSWORD="x", APP_TYPE="SingleTenant", APP_TENANTID="t"))
    c1 = await f.create_credentials(APP_ID, "a", "https://login.microsoftonline.com/t", True)
    c2 = await f.create_credentials(APP_ID, "a", "https://login.microsoftonline.com/t", True)
    print(c1 is c2, type(c1))

async def test_7():
    m = _OpenIdMetadata("https://x")
    import datetime
    m.last_updated = datetime.datetime.now()
    m.keys = [{"kid":"a"}]
    try: await m.get("b")
    except Exception as e: print(type(e))
    p = ClientRetryPolicy()
    print(type(p.safe_codes), len(p.safe_codes), p.__dict__.keys(), p.policy if hasattr(p,"policy") else None)
