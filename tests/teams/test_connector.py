"""The connector client against a strict connector over real TLS."""

from __future__ import annotations

import asyncio
import gc
import random
import socket
import ssl
from asyncio import sslproto
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import trustme
from aiohttp import ClientSession, TCPConnector

from bot.domain.chats import Chat, ChatKind
from bot.domain.people import Member
from bot.errors import ChatGone, ChatUnreachable, SendFailed
from bot.teams.budget import MAX_CHATS, WINDOWS, Budget
from bot.teams.connector import BUDGET_PATIENCE, DEADLINE, MAX_PAGES, TLS_BUFFER, Connector, open_session
from bot.teams.service_urls import ServiceUrls
from tests.fakes.connector import BOT, MAX_MESSAGE, FakeConnector, Fault, person

CHAT = "19:abc0@thread.v2"
MESSAGE = {"type": "message", "text": "Zürich 🎿"}
TENANT = "9b1c7a52-3f0e-4d2a-8a64-7d5e4c3b2a19"


class Clock:
    """Time that passes only while the client pauses."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.pauses: list[float] = []

    def now(self) -> float:
        return self.seconds

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds


class Tokens:
    """Tokens that are renewed when they are called invalid."""

    def __init__(self) -> None:
        self.number = 1

    async def token(self) -> str:
        return f"token-{self.number}"

    def invalidate(self) -> None:
        self.number += 1


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
async def fake(ca: trustme.CA) -> AsyncIterator[FakeConnector]:
    async with FakeConnector(ca=ca) as connector:
        connector.chats[CHAT] = [person(1), person(2)]
        connector.expects = "token-1"
        yield connector


@pytest.fixture
async def session(fake: FakeConnector) -> AsyncIterator[ClientSession]:
    async with open_session(str(fake.ca_file)) as session:
        yield session


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture
def connector(session: ClientSession, clock: Clock, tokens: Tokens) -> Connector:
    return Connector(
        session,
        service_urls=ServiceUrls(frozenset({"localhost"})),
        token=tokens.token,
        invalidate=tokens.invalidate,
        now=clock.now,
        pause=clock.pause,
    )


def chat(fake: FakeConnector, chat_id: str = CHAT, **more: Any) -> Chat:
    return Chat(id=chat_id, kind=ChatKind.GROUP, **{"service_url": fake.url, "bot": BOT} | more)


async def failure(attempt: Any) -> SendFailed:
    with pytest.raises(SendFailed) as caught:
        await attempt
    return caught.value


# Sending -----------------------------------------------------------------------------------------------------------


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


async def test_a_tls_connection_reserves_32_kib_and_not_256(connector: Connector, fake: FakeConnector) -> None:
    """asyncio has no option for it, so this fails on the day it changes."""
    await connector.send(chat(fake), MESSAGE)
    connections = [item for item in gc.get_objects() if isinstance(item, sslproto.SSLProtocol)]
    assert connections
    assert {len(connection._ssl_buffer) for connection in connections} == {TLS_BUFFER}


async def test_a_demo_sends_no_credentials_over_http_on_loopback() -> None:
    async with FakeConnector(tls=False) as fake, open_session() as session:
        fake.chats[CHAT] = []
        connector = Connector(session, service_urls=ServiceUrls(frozenset(), loopback=True))

        await connector.send(chat(fake), MESSAGE)

        assert "Authorization" not in fake.received[0].headers


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


# Where to ----------------------------------------------------------------------------------------------------------

GOOD = (
    "https://smba.trafficmanager.net/emea/",
    "https://smba.trafficmanager.net/emea/9b1c7a52-3f0e-4d2a-8a64-7d5e4c3b2a19/",
    "HTTPS://SMBA.TrafficManager.net/teams",
    "https://smba.trafficmanager.net",
    "https://smba.trafficmanager.net:8443/",
)
BAD = (
    "",
    "http://smba.trafficmanager.net/",
    "ftp://smba.trafficmanager.net/",
    "//smba.trafficmanager.net/",
    "smba.trafficmanager.net",
    "https://evil.example/",
    "https://evil.example/smba.trafficmanager.net",
    "https://smba.trafficmanager.net.evil.example/",
    "https://evil-smba.trafficmanager.net/",
    "https://x.smba.trafficmanager.net/",
    "https://trafficmanager.net/",
    "https://smba.trafficmanager.net./",
    "https://smba.trafficmanager.net@evil.example/",
    "https://user@smba.trafficmanager.net/",
    "https://user:secret@smba.trafficmanager.net/",
    "https://evil.example\\@smba.trafficmanager.net/",
    "https:\\\\smba.trafficmanager.net/",
    "https://smba.trafficmanager.net\\.evil.example/",
    "https://smba.trafficmanager.net/?to=evil",
    "https://smba.trafficmanager.net/#x",
    "https://smba.trafficmanager.net/%2e%2e/",
    "https://smba.trafficmanager.net/../x",
    "https://smba.trafficmanager.net:99999/",
    "https://smba.trafficmanager.net:0/",
    "https://smba.trafficmanager.net:/",
    "https://smba.trafficmanager.net:8443:1/",
    "https://smba.trafficmanager.net/\n",
    " https://smba.trafficmanager.net/",
    "https://smba.trafficmanager.net/\x00",
    "https://smba.trafficmanager.net/\u200b",
    "https://smba\u3002trafficmanager.net/",
    "https://\u017fmba.trafficmanager.net/",
    "https://smba.trafficmanager.net/" + "a" * 2000,
    "https://localhost/",
    "https://127.0.0.1/",
)
LOOPBACK = (
    "http://localhost:56150/_connector",
    "https://localhost:3979/teams/",
    "http://127.0.0.1:56150",
    "http://127.8.8.8/",
    "http://[::1]:56150/",
)
NOT_LOOPBACK = (
    *BAD[:-2],
    *GOOD,
    "http://localhost.evil.example/",
    "http://localhost./",
    "http://127.0.0.1.evil.example/",
    "http://2130706433/",
    "http://127.1/",
    "http\u017f://localhost/",
    "http://0.0.0.0/",
    "http://10.0.0.1/",
    "http://[::ffff:10.0.0.1]/",
    "http://[::]/",
    "http://[fe80::1]/",
)


@pytest.mark.parametrize("url", GOOD)
def test_the_listed_hosts_are_allowed(url: str) -> None:
    assert ServiceUrls(frozenset({"smba.trafficmanager.net"})).allows(url)


@pytest.mark.parametrize("url", BAD)
def test_nothing_else_is_allowed(url: str) -> None:
    assert not ServiceUrls(frozenset({"smba.trafficmanager.net"})).allows(url)


@pytest.mark.parametrize("url", LOOPBACK)
def test_the_demo_may_speak_to_this_machine(url: str) -> None:
    assert ServiceUrls(frozenset(), loopback=True).allows(url)


@pytest.mark.parametrize("url", NOT_LOOPBACK)
def test_the_demo_may_speak_to_no_other(url: str) -> None:
    assert not ServiceUrls(frozenset({"smba.trafficmanager.net"}), loopback=True).allows(url)


async def test_the_token_is_not_even_asked_for_when_the_host_is_not_listed(
    session: ClientSession, fake: FakeConnector
) -> None:
    async def token() -> str:
        raise AssertionError("the token left its room")

    connector = Connector(session, service_urls=ServiceUrls(frozenset({"smba.trafficmanager.net"})), token=token)
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


async def test_a_redirect_is_an_error_and_not_followed(connector: Connector, fake: FakeConnector) -> None:
    for status in (301, 302, 303, 307, 308):
        fake.faults.append(Fault(status=status, headers={"Location": fake.url + "elsewhere"}))
        error = await failure(connector.send(chat(fake), MESSAGE))
        assert (error.status, error.retryable, error.ambiguous) == (status, False, False)
    assert len(fake.received) == 5


async def test_a_certificate_of_another_authority_gets_nothing(fake: FakeConnector, clock: Clock) -> None:
    async with open_session() as session:
        connector = Connector(
            session, service_urls=ServiceUrls(frozenset({"localhost"})), now=clock.now, pause=clock.pause
        )
        error = await failure(connector.send(chat(fake), MESSAGE))
    assert (error.retryable, error.ambiguous) == (True, False)
    assert "REQUESTS_CA_BUNDLE" in str(error)
    assert fake.received == []


async def test_ssl_cert_file_is_honoured(fake: FakeConnector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(fake.ca_file))
    fake.expects = None
    async with open_session() as session:
        await Connector(session, service_urls=ServiceUrls(frozenset({"localhost"}))).send(chat(fake), MESSAGE)
    assert len(fake.messages[CHAT]) == 1


# Refusals ----------------------------------------------------------------------------------------------------------


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
    fake.faults.append(Fault(delay=0.5))
    async with asyncio.timeout(0.4):
        error = await failure(connector.send(chat(fake), MESSAGE))
    assert (error.ambiguous, error.retryable) == (True, True)


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


# Rosters -----------------------------------------------------------------------------------------------------------


async def test_a_roster_is_read_page_by_page(connector: Connector, fake: FakeConnector) -> None:
    fake.chats[CHAT] = [person(number) for number in range(7)]
    fake.page_size = 3

    members = await connector.members(chat(fake))

    assert [member.account for member in members] == [f"29:person-{number}" for number in range(7)]
    assert members[1] == Member(
        account="29:person-1", id="00000000-0000-4000-8000-000000000001", name="Person 1", tenant=TENANT
    )
    assert len(fake.received) == 3
    assert "pagedmembers?pageSize=500" in fake.received[0].path


async def test_a_connector_without_pages_is_asked_for_the_older_listing(
    connector: Connector, fake: FakeConnector
) -> None:
    fake.paged = False
    members = await connector.members(chat(fake))
    assert [member.id for member in members] == [person(1)["aadObjectId"], person(2)["aadObjectId"]]
    assert [item.path.rpartition("/")[2] for item in fake.received] == ["pagedmembers?pageSize=500", "members"]


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        (person(1, userPrincipalName="a_b.example#EXT#@contoso.example"), {"guest": True}),
        (person(1, userPrincipalName="a_b.example#ext#@contoso.example"), {"guest": True}),
        (person(1, userRole="guest"), {"guest": True}),
        (person(1, userRole="Anonymous", aadObjectId=None), {"guest": True, "id": None}),
        (person(1, tenantId="OTHER"), {"tenant": "other"}),
        (person(1, tenantId=None), {"tenant": None}),
        (person(1, aadObjectId="0000000A-0000-4000-8000-00000000000B"), {"id": "0000000a-0000-4000-8000-00000000000b"}),
        (person(1, aadObjectId=7, tenantId=[], name={}), {"id": None, "tenant": None, "name": ""}),
        (person(1, name="\u202eAlex\n\x00 Wilber"), {"name": "Alex Wilber"}),
        (person(1, userPrincipalName=["#EXT#"], userRole=7), {"guest": False}),
    ],
)
async def test_what_an_account_says_of_a_person(
    connector: Connector, fake: FakeConnector, account: dict[str, Any], expected: dict[str, Any]
) -> None:
    fake.chats[CHAT] = [account]
    [member] = await connector.members(chat(fake))
    assert {name: getattr(member, name) for name in expected} == expected


async def test_bots_and_what_is_no_account_are_left_out(connector: Connector, fake: FakeConnector) -> None:
    own = "a-bot-of-the-playground"
    fake.chats[CHAT] = [
        *(person(1, id=own), person(2, id="28:other"), person(3, userRole="bot"), person(4, role="bot")),
        *(None, 7, "x", [], {}, {"id": None}, {"id": 5}, {"id": ""}),
        *(person(5), person(5)),
    ]
    members = await connector.members(chat(fake, bot=own))
    assert [member.account for member in members] == ["29:person-5"]


async def test_in_the_demo_everybody_is_of_one_tenant(session: ClientSession, fake: FakeConnector) -> None:
    fake.expects = None
    connector = Connector(session, service_urls=ServiceUrls(frozenset(), loopback=True))
    assert {member.tenant for member in await connector.members(chat(fake))} == {None}


async def test_a_roster_without_an_end_is_no_roster(connector: Connector, fake: FakeConnector) -> None:
    """A part of it could make a chat with strangers look internal."""
    fake.faults.extend([Fault(status=200, body=b'{"members":[],"continuationToken":"again"}')] * (MAX_PAGES + 5))
    await failure(connector.members(chat(fake)))
    assert len(fake.received) == MAX_PAGES


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"{}", b'{"members":{}}', b"<html>", b'{"members":[]' + b" " * 5_300_000 + b"}"]
)
async def test_a_roster_that_cannot_be_read_is_an_error(connector: Connector, fake: FakeConnector, body: bytes) -> None:
    fake.faults.append(Fault(status=200, body=body))
    assert (await failure(connector.members(chat(fake)))).retryable


# The chat's budget -------------------------------------------------------------------------------------------------


def test_no_window_is_ever_overspent() -> None:
    budget, now, moments = Budget(), 0.0, []
    chance = random.Random(7)
    for _ in range(8000):
        now += chance.choice((0.0, 0.0, 0.0, 0.1, 5.0))
        taken, wait = budget.reserve(CHAT, now=now, patience=5.0)
        if taken:
            moments.append(now + wait)
    assert moments == sorted(moments)
    assert len(moments) > 1800
    for most, seconds in WINDOWS:
        assert all(later - earlier >= seconds - 1e-6 for earlier, later in zip(moments, moments[most:], strict=False))


def test_an_idle_chat_never_waits_and_chats_do_not_wait_for_each_other() -> None:
    budget = Budget()
    for number in range(100):
        assert budget.reserve(str(number), now=0.0, patience=0.0) == (True, 0.0)
    for number in range(1000):
        assert budget.reserve(CHAT, now=number * 3.0, patience=0.0) == (True, 0.0)


def test_the_budget_remembers_a_bounded_number_of_chats() -> None:
    budget = Budget()
    for _ in range(7):
        budget.reserve("first", now=0.0, patience=9.0)
    for number in range(MAX_CHATS):
        budget.reserve(str(number), now=0.0, patience=9.0)
    assert budget.reserve("first", now=0.0, patience=0.0) == (True, 0.0)


async def test_a_burst_is_spread_and_the_rest_left_for_later(
    connector: Connector, fake: FakeConnector, clock: Clock
) -> None:
    for _ in range(7):
        await connector.send(chat(fake), MESSAGE)
    assert clock.pauses == []

    for _ in range(3):
        await connector.post(fake.url, f"{CHAT};messageid=1", MESSAGE)
    assert clock.pauses == [1.0, 1.0]
    assert connector.counts["delayed"] == 2
    assert len(fake.messages[CHAT]) == 10


async def test_a_chat_that_is_spoken_to_too_much_says_when_to_come_back(
    connector: Connector, fake: FakeConnector, clock: Clock
) -> None:
    for _ in range(60):
        await connector.send(chat(fake), MESSAGE)
        clock.seconds += 0.3
    error = await failure(connector.send(chat(fake), MESSAGE))
    assert (error.retryable, error.ambiguous, connector.counts["overspent"]) == (True, False, 1)
    assert error.retry_after is not None
    assert BUDGET_PATIENCE < error.retry_after <= 30
    assert len(fake.received) == 60


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
