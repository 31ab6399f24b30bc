"""The gate: bodies that are no activities are refused, and activities that may not come in stay out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ConnectChatsError, Forbidden, Invalid
from bot.teams.edge import Caller, Gate, parse
from tests.fakes.odd_bodies import ODD_BODIES

TENANT = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
URL = "https://smba.trafficmanager.net/emea/"
GATE = Gate(tenant=TENANT, service_url_allowed=lambda url: url == URL)
CALLER = Caller(service_url=URL, endorsements=frozenset({"msteams"}))


def message(**changes: Any) -> dict[str, Any]:
    activity = {
        "type": "message",
        "id": "1",
        "channelId": "msteams",
        "serviceUrl": URL,
        "from": {"id": "29:alex", "aadObjectId": "11111111-2222-3333-4444-555555555555"},
        "recipient": {"id": "28:bot"},
        "conversation": {"id": "19:x@thread.v2", "conversationType": "groupChat", "tenantId": TENANT},
        "channelData": {"tenant": {"id": TENANT.upper()}},
        "text": "help",
    }
    return {name: value for name, value in (activity | changes).items() if value is not ...}


def attempt(body: bytes) -> tuple[dict[str, Any], str]:
    """The activity that was let in, or why it was not; any other exception is a failure of the test."""
    try:
        activity = parse(body)
        if activity.get("serviceUrl") == URL:
            GATE.admit(activity, CALLER)
    except (Invalid, Forbidden) as refusal:
        return {}, str(refusal)
    return activity, ""


def test_a_good_activity_comes_in() -> None:
    activity = parse(json.dumps(message()).encode())
    GATE.admit(activity, CALLER)
    assert activity["text"] == "help"


@pytest.mark.parametrize(
    ("changes", "caller"),
    [
        ({"channelId": "webchat"}, CALLER),
        ({"channelId": ...}, CALLER),
        ({"channelId": "directline"}, CALLER),
        ({}, Caller(service_url=URL, endorsements=frozenset())),
        ({}, Caller(service_url=URL, endorsements=frozenset({"webchat"}))),
        ({}, Caller(service_url=None, endorsements=frozenset({"msteams"}))),
        ({}, Caller(service_url=URL + "x", endorsements=frozenset({"msteams"}))),
        (
            {"serviceUrl": "https://evil.test/"},
            Caller(service_url="https://evil.test/", endorsements=frozenset({"msteams"})),
        ),
        ({"conversation": {"id": "19:x", "tenantId": "other"}}, CALLER),
        ({"channelData": {"tenant": {"id": "other"}}}, CALLER),
        ({"channelData": ..., "conversation": {"id": "19:x"}}, CALLER),
    ],
)
def test_another_channel_key_serviceurl_host_or_tenant_stays_out(changes, caller) -> None:
    with pytest.raises(Forbidden):
        GATE.admit(parse(json.dumps(message(**changes)).encode()), caller)


def test_an_activity_without_a_serviceurl_is_none() -> None:
    with pytest.raises(Invalid):
        GATE.admit(parse(json.dumps(message(serviceUrl=...)).encode()), CALLER)


def test_only_the_anonymous_query_is_excepted_from_the_tenant_check() -> None:
    redacted = {"type": "invoke", "channelData": ..., "from": {"id": ""}, "conversation": {"id": ""}}
    GATE.admit(parse(json.dumps(message(name="composeExtension/anonymousQueryLink", **redacted)).encode()), CALLER)
    with pytest.raises(ConnectChatsError):
        GATE.admit(parse(json.dumps(message(name="composeExtension/queryLink", **redacted)).encode()), CALLER)


@pytest.mark.parametrize(("name", "body"), ODD_BODIES.items(), ids=ODD_BODIES.keys())
def test_an_odd_body_is_refused_or_harmless_and_never_breaks_the_parser(name: str, body: bytes) -> None:
    activity, refusal = attempt(body)
    assert len(refusal) > 20 or activity["type"] in ("message", "invoke", "conversationUpdate", "unheardOf")


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_without_another_exception(body: bytes) -> None:
    with pytest.raises(Invalid):
        parse(body)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=10,
    ),
    st.sampled_from(sorted(message())),
)
def test_any_value_in_any_member_is_refused_or_harmless(value, member: str) -> None:
    activity, refusal = attempt(json.dumps(message(**{member: value})).encode())
    assert len(refusal) > 20 or activity["type"] == (value if member == "type" else "message")
