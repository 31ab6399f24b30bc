"""Listening: who says nothing is hung up on, who is being answered is not."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import ClientSession, web

from bot.web import server
from bot.web.application import build
from bot.web.metrics import Metrics, Sources
from bot.web.server import Listening
from tests.waiting import LIMIT, Gate, until

REQUEST = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"


@dataclass(slots=True)
class Site:
    """A running server. `release` lets `/slow` answer; `closed` is set when the application was cleaned up."""

    listening: Listening
    gate: Gate = field(default_factory=Gate)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.listening.port}"

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.listening.port)


class Nobody:
    """No bot behind the address."""


def application(gate: Gate, cleaned_up: list[str] | None = None) -> web.Application:
    async def ready() -> None: ...

    async def nothing() -> dict:
        return {}

    async def slow(request: web.Request) -> web.Response:
        await gate.passed()
        return web.Response(text="done")

    def add_slow(app: web.Application) -> None:
        app.router.add_get("/slow", slow)

    async def cleaned(app: web.Application) -> None:
        if cleaned_up is not None:
            cleaned_up.append("yes")

    app = build(
        receiver=Nobody(),  # type: ignore[arg-type]
        ready=ready,
        metrics=Metrics(Sources(outbox=nothing, clock=lambda: 0)),
        add_api=add_slow,
    )
    app.on_cleanup.append(cleaned)
    return app


@pytest.fixture
async def site(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    monkeypatch.setattr(server, "HEADER_TIMEOUT", 1.0)
    gate = Gate()
    listening = await server.start(application(gate), host="127.0.0.1", port=0)
    yield Site(listening, gate)
    gate.open()
    await listening.stop()


async def test_a_port_of_0_is_chosen_by_the_system_and_told(site: Site) -> None:
    async with ClientSession() as http, http.get(f"{site.base}/livez") as response:
        assert response.status == 200


@pytest.mark.parametrize("beginning", [b"", b"GET /livez HTTP/1.1\r\n", REQUEST[:-2]])
async def test_who_never_ends_the_first_headers_is_hung_up_on(site: Site, beginning: bytes) -> None:
    reader, writer = await site.connect()
    writer.write(beginning)
    with contextlib.suppress(ConnectionResetError):
        assert await asyncio.wait_for(reader.read(), LIMIT) == b""
    writer.close()


async def test_who_has_asked_once_may_keep_the_connection(site: Site) -> None:
    reader, writer = await site.connect()
    for _ in range(3):
        writer.write(REQUEST)
        assert b"alive" in await asyncio.wait_for(reader.readuntil(b"}"), LIMIT)
        await asyncio.sleep(0.5)
    writer.close()


async def test_who_is_being_answered_slowly_is_not_hung_up_on(site: Site) -> None:
    async with ClientSession() as http:
        asked = asyncio.create_task(http.get(f"{site.base}/slow"))
        await asyncio.sleep(1.2)
        site.gate.open()
        async with await asked as response:
            assert await response.text() == "done"


async def test_a_request_in_flight_ends_before_the_server_does(site: Site) -> None:
    async with ClientSession() as http:
        asked = asyncio.create_task(http.get(f"{site.base}/slow"))
        await until(lambda: site.gate.waiting)
        stopping = asyncio.create_task(site.listening.stop())
        await asyncio.sleep(0.1)
        with pytest.raises(ConnectionRefusedError):
            await site.connect()
        site.gate.open()
        async with await asked as response:
            assert await response.text() == "done"
        await asyncio.wait_for(stopping, LIMIT)


async def test_a_taken_port_is_an_error_and_what_was_opened_is_closed_again(site: Site) -> None:
    cleaned_up: list[str] = []
    with pytest.raises(OSError, match="in use"):
        await server.start(application(site.gate, cleaned_up), host="127.0.0.1", port=site.listening.port)
    assert cleaned_up == ["yes"]


@pytest.mark.parametrize(
    "noise",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 50,  # somebody speaks TLS
        b"NOT HTTP AT ALL\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHo st: x\r\n\r\n",
        b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_refused_with_a_line_in_the_log_and_no_trace(
    site: Site, noise: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        reader, writer = await site.connect()
        writer.write(noise)
        answer = await asyncio.wait_for(reader.read(), LIMIT)
        writer.close()
    assert answer.startswith((b"HTTP/1.0 400", b"HTTP/1.1 400"))
    assert b"Traceback" not in answer
    assert all(record.exc_info is None for record in caplog.records)
    assert "Traceback" not in caplog.text
