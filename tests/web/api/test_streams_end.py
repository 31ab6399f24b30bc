"""Live streams over HTTP: what ends them, and that nothing else does."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from bot.domain.records import RecordId
from bot.errors import Unauthenticated
from bot.web.api import streams
from bot.web.api.guard import Guard
from bot.web.api.route import Caller
from tests.store.examples import noted
from tests.waiting import LIMIT, soon, until
from tests.web.api.conftest import TOKEN, Api, serving
from tests.web.api.event_source import ENDLESS, Listener, listening
from tests.world import World, running_world

ACCOUNT = RecordId("account", "A-1")
RECORD = "/records/account/A-1"
TIMELINE = f"{RECORD}/timeline/stream"
FEED = "/events/stream"
AT_ONCE = 15.0
"""Seconds. Less than the 20 that who takes nothing has and the 60 that aiohttp gives a handler; it takes about one."""


async def _put(api: Api) -> None:
    assert (await api.ask("PUT", RECORD, {"title": "one"})).status == 201


@pytest.fixture
async def revocable(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Api, list[str]]]:
    """An API whose callers lose the right to use it as soon as the list holds something."""
    revoked: list[str] = []

    async def check(guard: Guard, request: web.Request) -> Caller:
        if revoked:
            raise Unauthenticated("The token was revoked.")
        return Caller()

    monkeypatch.setattr(Guard, "check", check)
    async with aclosing(serving(sqlite_url)) as servers:
        yield await anext(servers), revoked


async def test_it_ends_within_a_minute_when_the_right_to_read_does(
    revocable: tuple[Api, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert streams.LOOK <= 60
    monkeypatch.setattr(streams, "LOOK", 0.05)
    api, revoked = revocable
    await _put(api)
    async with soon(), listening(api, FEED) as of_all, listening(api, TIMELINE) as of_one:
        await of_all.begun()
        await of_one.begun()
        revoked.append("now")
        assert await of_all.rest() == await of_one.rest() == []
    assert (await api.ask("GET", FEED)).status == 401


async def test_no_event_is_told_to_who_may_not_read_any_more(
    revocable: tuple[Api, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "LOOK", 60.0)
    api, revoked = revocable
    await _put(api)
    async with soon(), listening(api, TIMELINE) as stream:
        await stream.begun()
        await asyncio.sleep(0.2)  # the check at the beginning is over
        revoked.append("now")
        await api.store.write(lambda tx: tx.add_event(noted(ACCOUNT)))
        assert await stream.rest() == []


async def test_a_reader_who_left_is_soon_no_reader_any_more(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "LOOK", 0.1)
    async with ClientSession() as http, listening(api, FEED, http=http) as stream:
        await stream.begun()
        assert api.following.readers == 1
    await until(lambda: api.following.readers == 0)
    assert api.following.dropped == 0


async def _stalled(api: Api, path: str) -> socket.socket:
    """A reader who asks and then reads nothing, with as little room as the system grants."""
    stalled = socket.socket()
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stalled.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(stalled, ("127.0.0.1", int(api.base.rpartition(":")[2])))
    request = f"GET /api/v1{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    await loop.sock_sendall(stalled, request.encode())
    return stalled


async def _much(api: Api, megabytes: int) -> None:
    """Enough to fill what the system keeps for a connection, and what aiohttp does."""
    for _ in range(megabytes):
        await api.store.write(lambda tx: [tx.add_event(noted(ACCOUNT, text="x" * 4000)) for _ in range(250)])


async def test_who_takes_nothing_for_too_long_is_hung_up_on_and_counted_and_others_do_not_notice(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert streams.PATIENCE == 20
    monkeypatch.setattr(streams, "PATIENCE", 2.0)
    await _put(api)
    await _much(api, 8)
    stalled = await _stalled(api, f"{FEED}?after=0")
    async with asyncio.timeout(2 * LIMIT), listening(api, f"{FEED}?after=0") as stream:
        heard: list = []

        async def hear() -> None:
            while len(heard) < 2001:
                heard.extend(stream.parser.feed(await stream.response.content.readany()))

        hearing = asyncio.create_task(hear())  # all the time, or it would be hung up on, too
        await until(lambda: api.following.dropped == 1)
        await hearing
        assert [message.event["seq"] for message in heard] == list(range(1, 2002))
        await until(lambda: api.following.readers == 1)
    stalled.close()


async def test_the_server_ends_at_once_whoever_listens_or_stalls(sqlite_url: str) -> None:
    async with aclosing(serving(sqlite_url)) as servers:
        api = await anext(servers)
        await _put(api)
        await _much(api, 8)
        async with listening(api, FEED) as of_all, listening(api, TIMELINE) as of_one:
            await of_all.begun()
            await of_one.begun()
            stalled = await _stalled(api, f"{FEED}?after=0")
            await until(lambda: api.following.readers == 3)
            await asyncio.sleep(0.5)
            begun = time.monotonic()
            await servers.aclose()
            assert time.monotonic() - begun < AT_ONCE
            assert await of_all.rest() == await of_one.rest() == []
        stalled.close()


@pytest.fixture
async def metrics(world: World) -> Callable[[], Awaitable[str]]:
    async def scrape() -> str:
        async with world.http.get(f"{world.base}/metrics") as answer:
            return await answer.text()

    return scrape


async def test_the_program_counts_streams_and_does_not_take_them_for_slow_answers(
    world: World, metrics: Callable[[], Awaitable[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "LOOK", 0.05)
    url, headers = f"{world.base}/api/v1{FEED}", {"Authorization": "Bearer demo"}
    async with world.http.get(url, headers=headers, timeout=ENDLESS) as response:
        await Listener(response).begun()
        assert "connect_chats_stream_readers 1.0" in await metrics()
    told = ""
    async with soon():
        while "connect_chats_stream_readers 0.0" not in told:
            told = await metrics()
    assert 'connect_chats_responses_total{route="/api/v1/events/stream",status="200"} 1.0' in told
    assert not re.search(r'request_seconds_count{route="/api/v1/events/stream"} [1-9]', told)


async def test_the_program_does_not_wait_for_listeners_when_it_ends(tmp_path: Path) -> None:
    async with asyncio.timeout(4 * LIMIT), ClientSession(headers={"Authorization": "Bearer demo"}) as http:
        async with running_world(tmp_path) as world:
            response = await http.get(f"{world.base}/api/v1{FEED}", timeout=ENDLESS)
            await Listener(response).begun()
            begun = time.monotonic()
        assert time.monotonic() - begun < AT_ONCE
        assert await Listener(response).rest() == []
        response.close()
