"""What the connector does not take or does not answer: repeated, left for later, or final."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import ClientSession, TCPConnector

from bot.domain.chats import Chat, ChatKind
from bot.errors import ChatGone, ChatUnreachable, SendFailed
from bot.teams.connector import DEADLINE, Connector
from bot.teams.service_urls import ServiceUrls
from tests.fakes.connector import MAX_MESSAGE, FakeConnector, Fault
from tests.teams.conftest import CHAT, MESSAGE, Clock, Tokens, chat, failure
from tests.waiting import Gate, soon


@pytest.mark.parametrize("status", [412, 429, 502, 503, 504])
async def test_a_passing_refusal_is_repeated_until_taken(
    connector: Connector, fake: FakeConnector, clock: Clock, status: int
) -> None:
    fake.faults.extend([Fault(status=status)] * 2)

    await connector.send(chat(fake), MESSAGE)

    assert [item.status for item in fake.received] == [status, status, 201]
    assert len(fake.messages[CHAT]) == 1
    assert 0 <= clock.pauses[0] <= 0.5
    assert 0 <= clock.pauses[1] <= 1.0
    assert connector.counts["repeated"] == 2


async def test_three_passing_refusals_are_left_for_later(connector: Connector, fake: FakeConnector) -> None:
    fake.faults.extend([Fault(status=503)] * 9)
    error = await failure(connector.send(chat(fake), MESSAGE))
    assert (error.status, error.retryable, error.ambiguous) == (503, True, False)
    assert len(fake.received) == 3


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 413, 415, 418, 500, 501])
async def test_other_refusals_are_final(connector: Connector, fake: FakeConnector, clock: Clock, status: int) -> None:
    fake.faults.append(Fault(status=status))
    error = await failure(connector.send(chat(fake), MESSAGE))
    assert (error.status, error.reason, error.retryable) == (status, "ServiceError", False)
    assert error.ambiguous == (status >= 500)
    assert (len(fake.received), clock.pauses) == (1, [])


async def test_retry_after_is_waited_for(connector: Connector, fake: FakeConnector, clock: Clock) -> None:
    fake.faults.append(Fault(status=429, headers={"Retry-After": "7"}))
    await connector.send(chat(fake), MESSAGE)
    assert clock.pauses == [7.0]
    assert connector.counts["throttled"] == 1


async def test_retry_after_may_be_a_date(connector: Connector, fake: FakeConnector, clock: Clock) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=5), usegmt=True)
    fake.faults.append(Fault(status=429, headers={"Retry-After": later}))
    await connector.send(chat(fake), MESSAGE)
    assert 3 < clock.pauses[0] <= 5


@pytest.mark.parametrize("seconds", ["11", "3600"])
async def test_a_long_retry_after_is_left_for_later(
    connector: Connector, fake: FakeConnector, clock: Clock, seconds: str
) -> None:
    fake.faults.append(Fault(status=429, headers={"Retry-After": seconds}))
    error = await failure(connector.send(chat(fake), MESSAGE))
    assert (error.retryable, error.retry_after, clock.pauses) == (True, float(seconds), [])


@pytest.mark.parametrize("odd", ["soon", "-1", "1e9", "٣", "NaN", "9999999", ""])
async def test_an_odd_retry_after_is_none(connector: Connector, fake: FakeConnector, clock: Clock, odd: str) -> None:
    fake.faults.append(Fault(status=429, headers={"Retry-After": odd}))
    await connector.send(chat(fake), MESSAGE)
    assert clock.pauses[0] <= 0.5


async def test_everything_ends_before_teams_gives_the_turn_up(
    connector: Connector, fake: FakeConnector, clock: Clock
) -> None:
    fake.faults.extend([Fault(status=429, headers={"Retry-After": "9"})] * 3)
    await failure(connector.send(chat(fake), MESSAGE))
    assert clock.seconds <= DEADLINE


async def test_a_token_that_is_refused_is_renewed_once(
    connector: Connector, fake: FakeConnector, tokens: Tokens, clock: Clock
) -> None:
    fake.expects = "token-2"
    await connector.send(chat(fake), MESSAGE)
    assert [item.status for item in fake.received] == [401, 201]

    fake.expects = "token-9"
    error = await failure(connector.send(chat(fake), MESSAGE))
    assert (error.status, error.reason, error.retryable) == (401, "BotNotRegistered", True)
    assert "APP_PASSWORD" in str(error)
    assert len(fake.received) == 4
    assert tokens.number == 3
    assert clock.pauses == []


async def test_without_a_token_nothing_is_sent(session: ClientSession, fake: FakeConnector) -> None:
    async def token() -> str:
        raise SendFailed("no token", retryable=True)

    connector = Connector(session, service_urls=ServiceUrls(frozenset({"localhost"})), token=token)
    assert str(await failure(connector.send(chat(fake), MESSAGE))) == "no token"
    assert fake.received == []


@pytest.mark.parametrize(
    "code",
    ["BotNotInConversationRoster", "ConversationBlockedByUser", "BotDisabledByAdmin", "ForbiddenOperationException"],
)
async def test_a_chat_that_shut_the_bot_out_is_unreachable(
    connector: Connector, fake: FakeConnector, code: str
) -> None:
    fake.refused_chats[CHAT] = code
    for attempt in (connector.send(chat(fake), MESSAGE), connector.members(chat(fake))):
        with pytest.raises(ChatUnreachable, match=code) as caught:
            await attempt
        assert (caught.value.reason, caught.value.retryable, caught.value.ambiguous) == (code, False, False)


@pytest.mark.parametrize("fault", [Fault(status=403, code="InvalidBotApiHost"), Fault(status=403, body=b"<html>proxy")])
async def test_a_403_that_is_not_about_the_chat_does_not_suspend_it(
    connector: Connector, fake: FakeConnector, fault: Fault
) -> None:
    fake.faults.append(fault)
    assert type(await failure(connector.send(chat(fake), MESSAGE))) is SendFailed


async def test_a_chat_that_was_deleted_is_gone(connector: Connector, fake: FakeConnector) -> None:
    for attempt in (connector.send(chat(fake, "19:x@thread.v2"), MESSAGE), connector.members(chat(fake, "19:x"))):
        with pytest.raises(ChatGone):
            await attempt
    assert len(fake.received) == 2


async def test_a_404_about_something_else_does_not_bury_the_chat(connector: Connector, fake: FakeConnector) -> None:
    error = await failure(connector.update(fake.url, CHAT, "never-sent", MESSAGE))
    assert error.reason == "ActivityNotFoundInConversation"
    fake.faults.append(Fault(status=404, body=b"<html>"))
    other = await failure(connector.send(chat(fake), MESSAGE))
    assert (type(error), type(other)) == (SendFailed, SendFailed)


async def test_a_message_that_is_too_big_is_refused_once(connector: Connector, fake: FakeConnector) -> None:
    error = await failure(connector.send(chat(fake), MESSAGE | {"text": "x" * MAX_MESSAGE}))
    assert (error.status, error.reason, error.retryable) == (413, "MessageSizeTooBig", False)


async def test_errors_hold_neither_token_nor_what_people_wrote(connector: Connector, fake: FakeConnector) -> None:
    for fault in (
        Fault(status=400, body=b'{"error":{"code":"Bad\\nsecret plan","message":"secret plan"}}'),
        Fault(status=403, body=b'{"error":{"code":"X","message":"secret plan"}}'),
        Fault(status=500, body=b"secret plan"),
        Fault(cut="after"),
    ):
        fake.faults.append(fault)
        error = await failure(connector.send(chat(fake), {"type": "message", "text": "secret plan"}))
        assert "secret plan" not in str(error) + error.reason
        assert "token-1" not in str(error)
        assert error.__cause__ is None


async def test_odd_error_bodies_are_errors_without_a_reason(connector: Connector, fake: FakeConnector) -> None:
    for body in (b"null", b"[]", b'{"error":1}', b'{"error":{"code":{}}}', b'{"error":{"code":"' + b"x" * 99 + b'"}}'):
        fake.faults.append(Fault(status=403, body=body))
        assert (await failure(connector.send(chat(fake), MESSAGE))).reason == ""


# No answer ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", ["before", "after"])
async def test_a_message_without_an_answer_is_ambiguous_and_not_repeated(
    connector: Connector, fake: FakeConnector, cut: str
) -> None:
    fake.faults.append(Fault(cut=cut))
    error = await failure(connector.send(chat(fake), MESSAGE))
    assert (error.status, error.ambiguous) == (0, True)
    assert len(fake.received) == 1


async def test_a_change_without_an_answer_is_repeated(connector: Connector, fake: FakeConnector) -> None:
    message_id = await connector.send(chat(fake), MESSAGE)
    fake.faults.append(Fault(cut="after"))
    await connector.update(fake.url, CHAT, message_id, MESSAGE)
    assert [item.status for item in fake.received] == [201, 0, 200]


async def test_a_connector_that_hangs_costs_one_try(
    connector: Connector, fake: FakeConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.teams.connector.TRY", 0.1)
    monkeypatch.setattr("bot.teams.connector.SHORTEST_TRY", 0.1)
    gate = Gate()
    fake.faults.append(Fault(gate=gate))
    async with soon():
        error = await failure(connector.send(chat(fake), MESSAGE))
    gate.open()
    assert (error.ambiguous, error.retryable) == (True, True)
    assert connector.counts["repeated"] == 0


async def test_a_refused_connection_is_repeated_since_nothing_was_sent(session: ClientSession, clock: Clock) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        connector = Connector(
            session, service_urls=ServiceUrls(frozenset({"localhost"})), now=clock.now, pause=clock.pause
        )
        nowhere = Chat(id=CHAT, kind=ChatKind.GROUP, service_url=f"https://localhost:{unheard.getsockname()[1]}/")
        error = await failure(connector.send(nowhere, MESSAGE))
    assert (error.status, error.retryable, error.ambiguous) == (0, True, False)
    assert len(clock.pauses) == 2


async def test_a_name_that_does_not_resolve_is_not_sent(clock: Clock) -> None:
    async with ClientSession(connector=TCPConnector(resolver=_NoNames())) as session:
        connector = Connector(
            session, service_urls=ServiceUrls(frozenset({"gone.example"})), now=clock.now, pause=clock.pause
        )
        gone = Chat(id=CHAT, kind=ChatKind.GROUP, service_url="https://gone.example/")
        error = await failure(connector.send(gone, MESSAGE))
    assert (error.retryable, error.ambiguous) == (True, False)


class _NoNames:
    async def resolve(self, *_: Any, **__: Any) -> Any:
        raise OSError("Name or service not known")

    async def close(self) -> None:
        pass
