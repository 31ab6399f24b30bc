"""What the connector client sends, to where and over which connection; the fake it is tested with is strict."""

from __future__ import annotations

import ssl
from asyncio import sslproto
from typing import Any

import pytest
from aiohttp import ClientSession, TCPConnector

from bot.teams.connector import Connector, open_session
from bot.teams.service_urls import ServiceUrls
from tests import trust
from tests.fakes.connector import BOT, MAX_MESSAGE, FakeConnector, Fault
from tests.teams.conftest import CHAT, MESSAGE, Tokens, chat, failure


async def test_a_message_is_posted_with_its_addressing_and_its_id_returned(
    connector: Connector, fake: FakeConnector
) -> None:
    message_id = await connector.send(chat(fake), MESSAGE)

    [(known, activity)] = fake.messages[CHAT]
    assert message_id == known
    assert activity == {
        **MESSAGE,
        "channelId": "msteams",
        "conversation": {"id": CHAT},
        "from": {"id": BOT},
    }
    [request] = fake.received
    assert request.path == "/teams/v3/conversations/19%3Aabc0%40thread.v2/activities"
    assert request.headers["Authorization"] == "Bearer token-1"
    assert "text" in MESSAGE
    assert "from" not in MESSAGE


async def test_a_reply_in_a_channel_keeps_the_thread_in_the_path(connector: Connector, fake: FakeConnector) -> None:
    fake.chats["19:c@thread.tacv2"] = []

    await connector.post(fake.url, "19:c@thread.tacv2;messageid=17/1 0", MESSAGE, reply_to="17:0?#")

    assert fake.received[0].path == (
        "/teams/v3/conversations/19%3Ac%40thread.tacv2%3Bmessageid%3D17%2F1%200/activities/17%3A0%3F%23"
    )
    assert fake.received[0].chat == "19:c@thread.tacv2;messageid=17/1 0"


async def test_a_message_can_be_changed_and_deleted(connector: Connector, fake: FakeConnector) -> None:
    message_id = await connector.send(chat(fake), MESSAGE)

    await connector.update(fake.url, CHAT, message_id, MESSAGE | {"text": "new"})
    assert fake.messages[CHAT] == [(message_id, {"type": "message", "text": "new"})]

    await connector.delete(fake.url, CHAT, message_id)
    assert fake.messages[CHAT] == []


async def test_a_thousand_messages_use_one_tls_connection(connector: Connector, fake: FakeConnector) -> None:
    fake.accept_any_chat = True

    for number in range(1000):
        await connector.send(chat(fake, f"19:{number}@thread.v2"), MESSAGE)

    assert len(fake.received) == 1000
    assert fake.handshakes == 1
    assert connector.counts == {"sent": 1000}


async def test_what_others_in_the_process_have_of_asyncio_is_left_as_it_is(
    connector: Connector, fake: FakeConnector
) -> None:
    """Buffers of TLS are reserved by a number on a private class, which also everybody else's connections go by."""
    await connector.send(chat(fake), MESSAGE)
    assert sslproto.SSLProtocol.max_size == 256 * 1024


async def test_a_demo_sends_no_credentials_over_http_on_loopback() -> None:
    async with FakeConnector(tls=False) as fake, open_session(trust.SYSTEM) as session:
        fake.chats[CHAT] = []
        connector = Connector(session, service_urls=ServiceUrls(frozenset(), loopback=True))

        await connector.send(chat(fake), MESSAGE)

        assert "Authorization" not in fake.received[0].headers


async def test_a_connector_that_is_not_listed_gets_neither_a_message_nor_the_token(
    session: ClientSession, fake: FakeConnector, tokens: Tokens
) -> None:
    """A chat's serviceUrl was admitted once; the list may be another since."""
    connector = Connector(session, service_urls=ServiceUrls(frozenset({"listed.example"})), token=tokens.token)

    for attempt in (
        connector.send(chat(fake), MESSAGE),
        connector.update(fake.url, CHAT, "1", MESSAGE),
        connector.delete(fake.url, CHAT, "1"),
        connector.members(chat(fake)),
    ):
        error = await failure(attempt)
        assert "CONNECTOR_HOSTS" in str(error)
        assert not error.retryable

    assert fake.received == []


@pytest.mark.parametrize("status", [301, 307, 308])
async def test_a_redirect_is_not_followed(connector: Connector, fake: FakeConnector, status: int) -> None:
    """It could lead to a host that is not listed, and message and token with it."""
    fake.faults.append(Fault(status=status, headers={"Location": f"{fake.url}elsewhere"}))

    assert (await failure(connector.send(chat(fake), MESSAGE))).status == status

    assert len(fake.received) == 1


async def test_an_odd_answer_still_means_sent(connector: Connector, fake: FakeConnector) -> None:
    too_long = b'{"id":"' + b"x" * 100_000 + b'"}'
    for body in (b"", b"<html>", b"[1]", b'{"id": 7}', b"\xff", b"[" * 50_000, too_long):
        fake.faults.append(Fault(status=201, body=body))
        assert await connector.send(chat(fake), MESSAGE) == ""


@pytest.mark.parametrize("odd", ["", ".", ".."])
async def test_an_id_that_would_change_the_path_is_not_sent(
    connector: Connector, fake: FakeConnector, odd: str
) -> None:
    error = await failure(connector.post(fake.url, odd, MESSAGE))
    assert not error.retryable
    assert fake.received == []


# The fake itself ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "request_"),
    [
        (400, {"data": b"{", "headers": {"Content-Type": "application/json"}}),
        (400, {"json": {"text": "no type"}}),
        (400, {"json": {"type": "message"}}),
        (400, {"json": {"type": "message", "attachments": [{"content": {}}]}}),
        (415, {"data": b'{"type":"message","text":"x"}'}),
        (413, {"json": {"type": "message", "text": "x" * MAX_MESSAGE}}),
        (201, {"json": {"type": "message", "text": "x"}}),
    ],
)
async def test_the_fake_refuses_what_the_service_refuses(
    fake: FakeConnector, status: int, request_: dict[str, Any]
) -> None:
    fake.expects = None
    context = ssl.create_default_context(cafile=str(fake.ca_file))
    async with (
        ClientSession(connector=TCPConnector(ssl=context)) as session,
        session.post(f"{fake.url}v3/conversations/{CHAT}/activities", **request_) as response,
    ):
        assert response.status == status
