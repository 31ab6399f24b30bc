"""One attempt: what counts as taken, and what is said of everything else."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import trustme
from aiohttp import ClientTimeout, web

from bot.domain.addresses import is_loopback
from bot.errors import ReceiverGone, SendFailed
from bot.outgoing.tls import trust_in
from bot.webhooks.session import MAX_ANSWER, open_session
from tests import trust
from tests.fakes.receiver import FakeReceiver, Fault
from tests.webhooks.conftest import MakeSender, delivery, event, failure_of

INNER = ("10.9.8.7", "inner.example", "secret-word")


@pytest.fixture
async def receiver():
    async with FakeReceiver() as running:
        yield running
        assert running.problems == []


@asynccontextmanager
async def serving(handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """An HTTP server on loopback that answers with `handler`; its address."""
    runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.05)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def refused(make_sender: MakeSender, receiver: FakeReceiver, fault: Fault) -> SendFailed:
    receiver.faults.append(fault)
    with pytest.raises(SendFailed) as raised:
        await make_sender().send(delivery(receiver.url, receiver.secret))
    assert receiver.arrivals == []
    assert "127.0.0.1" in str(raised.value), "the receiver is named"
    assert not any(word in repr(raised.value.args) for word in INNER)
    return raised.value


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_2xx_is_taken(make_sender: MakeSender, receiver: FakeReceiver, status: int) -> None:
    receiver.always = Fault(status=status)
    await make_sender().send(delivery(receiver.url, receiver.secret))
    assert len(receiver.arrivals) == 1


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
async def test_redirects_are_failures_and_are_not_followed(
    make_sender: MakeSender, receiver: FakeReceiver, status: int
) -> None:
    async with FakeReceiver() as other:
        headers = {"Location": other.url + "?inner.example"}
        error = await refused(make_sender, receiver, Fault(status=status, headers=headers))
        assert other.requests.total() == 0
        assert other.problems == []
    assert error.status == status
    assert "Redirects are not followed" in str(error)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 415, 418, 422, 429, 500, 502, 503, 504, 599])
async def test_other_statuses_are_failures_that_say_what_to_do(
    make_sender: MakeSender, receiver: FakeReceiver, status: int
) -> None:
    error = await refused(make_sender, receiver, Fault(status=status, body=b"secret-word 10.9.8.7"))
    assert error.status == status
    assert error.retryable
    assert not error.ambiguous
    assert not isinstance(error, ReceiverGone)
    assert len(str(error)) > len(f"127.0.0.1 answered {status}. ")


async def test_410_says_that_no_more_is_wanted(make_sender: MakeSender, receiver: FakeReceiver) -> None:
    error = await refused(make_sender, receiver, Fault(status=410))
    assert isinstance(error, ReceiverGone)
    assert not error.retryable
    assert "replay" in str(error)


async def test_a_receiver_may_say_when_to_come_back(make_sender: MakeSender, receiver: FakeReceiver) -> None:
    error = await refused(make_sender, receiver, Fault(status=429, headers={"Retry-After": "120"}))
    assert error.retry_after == 120
    moment = format_datetime(datetime.now(UTC) + timedelta(minutes=5), usegmt=True)
    error = await refused(make_sender, receiver, Fault(status=503, headers={"Retry-After": moment}))
    assert error.retry_after == pytest.approx(300, abs=3)


async def test_nobody_there_is_a_failure_that_sent_nothing(make_sender: MakeSender, receiver: FakeReceiver) -> None:
    await receiver.go_down()
    error = await failure_of(make_sender(), receiver.url)
    assert "can't be reached, so nothing was sent" in str(error)
    assert not error.ambiguous


@pytest.mark.parametrize("fault", [Fault(cut=True), Fault(cut_late=True)], ids=["before", "after it was taken"])
async def test_a_connection_that_breaks_is_ambiguous(
    make_sender: MakeSender, receiver: FakeReceiver, fault: Fault
) -> None:
    receiver.faults.append(fault)
    with pytest.raises(SendFailed, match="broke the connection off") as raised:
        await make_sender().send(delivery(receiver.url, receiver.secret))
    assert raised.value.ambiguous
    assert len(receiver.arrivals) == fault.cut_late


async def test_who_does_not_answer_in_time_is_given_up(make_sender: MakeSender, receiver: FakeReceiver) -> None:
    session = open_session(is_loopback, trust.SYSTEM)
    assert session.timeout == ClientTimeout(total=15, connect=5)
    session._timeout = ClientTimeout(total=0.2, connect=0.1)
    receiver.faults.append(Fault(hang=True))
    with pytest.raises(SendFailed, match="did not answer within 15 seconds") as raised:
        await make_sender(http=session).send(delivery(receiver.url, receiver.secret))
    assert raised.value.ambiguous


async def test_what_is_not_http_is_a_failure(make_sender: MakeSender) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-secret-word\r\n")
        await writer.drain()
        await reader.read(65536)
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with server:
        error = await failure_of(make_sender(), f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    assert "is not HTTP" in str(error)
    assert "secret-word" not in str(error)


async def test_no_more_than_4_kib_of_an_answer_is_read(make_sender: MakeSender) -> None:
    """A receiver that answers without end does not keep us; the status counts."""
    wrote = 0

    async def pour(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal wrote
        response = web.StreamResponse()
        await response.prepare(request)
        while wrote < 500 * MAX_ANSWER:
            await response.write(b"x" * MAX_ANSWER)
            wrote += MAX_ANSWER
            await asyncio.sleep(0)
        return response

    async with serving(pour) as url:
        await make_sender().send(delivery(url))
    assert wrote < 500 * MAX_ANSWER


async def test_compressed_answers_are_not_inflated(make_sender: MakeSender) -> None:
    bomb = gzip.compress(bytes(4_000_000), 9)
    answered = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        answered.append(request.headers.get("Accept-Encoding"))
        return web.Response(body=bomb[:MAX_ANSWER], headers={"Content-Encoding": "gzip"})

    session = open_session(is_loopback, trust.SYSTEM)
    async with serving(answer) as url:
        await make_sender(http=session).send(delivery(url))
    assert answered == [None]
    assert not session.auto_decompress


async def test_cookies_are_neither_kept_nor_sent(make_sender: MakeSender, receiver: FakeReceiver) -> None:
    sender = make_sender()
    receiver.faults.append(Fault(status=200, headers={"Set-Cookie": "session=1; Path=/"}))
    url = receiver.url.replace("127.0.0.1", "localhost")  # cookies of bare addresses are kept by nobody
    for _ in range(2):
        await sender.send(delivery(url, receiver.secret))
    assert len(receiver.arrivals) == 2  # which refuses cookies


async def test_a_connection_serves_again(make_sender: MakeSender) -> None:
    ports = set()

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        ports.add(request.transport.get_extra_info("peername")[1])
        return web.Response(body=b"thanks")

    async with serving(answer) as url:
        sender = make_sender()
        for number in range(5):
            await sender.send(delivery(url, of=event(number)))
    assert len(ports) == 1


async def test_the_path_and_the_query_are_sent_as_they_were_written(make_sender: MakeSender) -> None:
    seen = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        seen.append(request.raw_path)
        return web.Response()

    async with serving(answer) as url:
        await make_sender().send(delivery(f"{url}a%2Fb/..%2e/c?x=%41&y=a+b/?"))
    assert seen == ["/a%2Fb/..%2e/c?x=%41&y=a+b/?"]


async def test_certificates_are_checked_against_those_to_trust(make_sender: MakeSender, tmp_path: Path) -> None:
    ours, theirs = trustme.CA(), trustme.CA()
    ours.cert_pem.write_to_path(tmp_path / "ours.pem")
    ours_alone = trust_in(str(tmp_path / "ours.pem"))
    for authority, name, says in (
        (ours, "127.0.0.1", ""),
        (theirs, "127.0.0.1", "SSL_CERT_FILE"),
        (ours, "other.example.com", "not for that name"),
    ):
        async with FakeReceiver(certificate=authority.issue_cert(name)) as receiver:
            sender = make_sender(https=open_session(is_loopback, ours_alone))
            if not says:
                await sender.send(delivery(receiver.url, receiver.secret))
                assert len(receiver.arrivals) == 1
                continue
            error = await failure_of(sender, receiver.url)
            assert says in str(error)
            assert "nothing was sent" in str(error)


async def test_what_does_not_speak_tls_gets_nothing(make_sender: MakeSender, receiver: FakeReceiver) -> None:
    sender = make_sender(https=open_session(is_loopback, trust.SYSTEM))
    error = await failure_of(sender, receiver.url.replace("http:", "https:"))
    assert "does not speak TLS" in str(error)
    receiver.problems.clear()
