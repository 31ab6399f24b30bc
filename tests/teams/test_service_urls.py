"""Where the bot may speak: the listed hosts, with a certificate it trusts, and nowhere else."""

from __future__ import annotations

import pytest
from aiohttp import ClientSession

from bot.outgoing.tls import trust_in
from bot.teams.connector import Connector, open_session
from bot.teams.service_urls import ServiceUrls
from tests import trust
from tests.fakes.connector import FakeConnector, Fault
from tests.teams.conftest import CHAT, MESSAGE, Clock, chat, failure

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
    async with open_session(trust.SYSTEM) as session:
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
    async with open_session(trust_in()) as session:
        await Connector(session, service_urls=ServiceUrls(frozenset({"localhost"}))).send(chat(fake), MESSAGE)
    assert len(fake.messages[CHAT]) == 1
