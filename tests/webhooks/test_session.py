"""Nothing but permitted addresses is connected to, however they are named (T18)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.domain.addresses import is_loopback
from bot.webhooks.session import Names, open_session, open_sessions
from tests import trust
from tests.fakes.receiver import FakeReceiver, Fault
from tests.webhooks.conftest import MakeSender, delivery, failure_of

INNER = [
    "127.0.0.1",
    "127.1.2.3",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "127.1",
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.168.0.1",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:169.254.169.254]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "[fe80::1%25lo]",
    "[fe80::1%lo]",
]


class FixedNames(AbstractResolver):
    """Answers each question with the next of the given lists of addresses; the last one goes on."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_UNSPEC) -> list[ResolveResult]:
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0) for address in found
        ]

    async def close(self) -> None:
        self.answers.clear()


@asynccontextmanager
async def listening(host: str = "127.0.0.1") -> AsyncIterator[tuple[int, list[str]]]:
    """A port, and who connected to it: our address, as the caller named it."""
    seen: list[str] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(writer.get_extra_info("sockname")[0])
        writer.close()

    server = await asyncio.start_server(note, host, 0)
    try:
        yield server.sockets[0].getsockname()[1], seen
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize("host", INNER)
async def test_the_inner_network_is_not_connected_to_by_whatever_form(make_sender: MakeSender, host: str) -> None:
    async with listening() as (port, seen):
        error = await failure_of(make_sender(**open_sessions(trust.SYSTEM)), f"https://{host}:{port}/")
    assert seen == []
    assert "nothing was sent" in str(error)
    assert not error.ambiguous
    assert error.retryable


async def test_a_name_that_leads_inside_is_refused_at_connect_time(make_sender: MakeSender) -> None:
    """Rebinding: nothing that was known of the name before counts."""
    async with listening() as (port, seen):
        for answer in (["127.0.0.1"], ["::1", "127.0.0.1"], ["::ffff:127.0.0.1"], ["127.0.0.1", "10.0.0.1"]):
            session = open_session(lambda address: address == "192.0.2.7", trust.SYSTEM, names=FixedNames(answer))
            error = await failure_of(make_sender(https=session), f"https://hooks.example.com:{port}/")
            assert "no address on the public internet" in str(error)
    assert seen == []


async def test_of_several_addresses_only_the_permitted_ones_are_tried(make_sender: MakeSender) -> None:
    async with listening("0.0.0.0") as (port, seen):
        session = open_session(
            lambda address: address == "127.0.0.3",
            trust.SYSTEM,
            names=FixedNames(["127.0.0.1", "127.0.0.2", "127.0.0.3"]),
        )
        await failure_of(make_sender(http=session), f"http://hooks.example.com:{port}/")
    assert set(seen) == {"127.0.0.3"}


async def test_an_answer_that_changes_between_two_requests_is_looked_at_again(make_sender: MakeSender) -> None:
    names = FixedNames(["127.0.0.1"], ["127.0.0.2"])
    session = open_session(lambda address: address == "127.0.0.1", trust.SYSTEM, names=names)
    sender = make_sender(http=session)
    async with FakeReceiver() as receiver:
        url = receiver.url.replace("127.0.0.1", "hooks.example.com")
        receiver.faults.append(Fault(headers={"Connection": "close"}))  # so that it can't be used again
        await sender.send(delivery(url, receiver.secret))
        assert isinstance(session.connector, TCPConnector)
        session.connector.clear_dns_cache()  # as after ten seconds
        error = await failure_of(sender, url)
    assert "no address on the public internet" in str(error)


async def test_what_a_name_server_says_is_not_told_apart(make_sender: MakeSender) -> None:
    """Whether a name exists in the inner network can't be found out by a webhook's error."""

    class Unknown(FixedNames):
        async def resolve(self, host: str, port: int = 0, family: int = socket.AF_UNSPEC) -> list[ResolveResult]:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    errors = set()
    for names in (Unknown([]), FixedNames(["10.1.2.3"])):
        session = open_session(is_loopback, trust.SYSTEM, names=names)
        error = await failure_of(make_sender(https=session), "https://wiki.corp/")
        errors.add((str(error), error.ambiguous, error.retryable, error.status))
    assert len(errors) == 1
    assert "10.1.2.3" not in repr(errors)


async def test_in_the_demo_http_leads_to_this_machine_alone(make_sender: MakeSender) -> None:
    sender = make_sender()
    async with FakeReceiver() as receiver:
        await sender.send(delivery(receiver.url, receiver.secret))
        await sender.send(delivery(receiver.url.replace("127.0.0.1", "localhost"), receiver.secret))
        assert len(receiver.arrivals) == 2
    for host in ("10.0.0.1", "169.254.169.254", "0.0.0.0", "[::ffff:127.0.0.1]"):
        assert "nothing was sent" in str(await failure_of(sender, f"http://{host}:9/"))
    async with listening() as (port, seen):
        assert "nothing was sent" in str(await failure_of(sender, f"https://127.0.0.1:{port}/"))
    assert seen == []


async def test_in_earnest_nothing_is_sent_by_http(make_sender: MakeSender) -> None:
    """A webhook made in the demo stays in its database."""
    async with listening() as (port, seen):
        error = await failure_of(make_sender(**open_sessions(trust.SYSTEM)), f"http://127.0.0.1:{port}/")
    assert "https only" in str(error)
    assert seen == []


async def test_proxies_of_the_environment_are_not_asked(
    make_sender: MakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy would connect to wherever the name leads."""
    async with listening() as (port, seen), FakeReceiver() as receiver:
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        await make_sender().send(delivery(receiver.url, receiver.secret))
        assert receiver.problems == []
    assert seen == []


async def test_names_are_asked_of_the_system_and_a_name_that_is_none_is_an_error_like_others() -> None:
    names = Names()
    found = await names.resolve("localhost", 443)
    assert {item["host"] for item in found} & {"127.0.0.1", "::1"}
    with pytest.raises(OSError, match="label"):
        await names.resolve("x" * 64 + ".example.com", 443)
    await names.close()
