"""The edge of the running program, over the wire: forged tokens, odd bodies, rotation, outages, slow clients."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession

from tests.fakes.connector import FakeConnector
from tests.fakes.forged import FORGED, MISPLACED, ODD_AUTHORIZATIONS, in_header
from tests.fakes.microsoft import TENANT, Microsoft
from tests.fakes.odd_bodies import ODD_BODIES
from tests.program import Program, running_program
from tests.waiting import LIMIT
from tests.world import ACCOUNT

pytestmark = pytest.mark.asyncio(loop_scope="module")
API_TOKEN = "0123456789-abcdefghijklmnopqrstuvwxyz"
CHAT = "19:wire@thread.v2"


@dataclass(slots=True)
class Live:
    """The program with real authentication, between a fake Microsoft and a fake connector."""

    program: Program
    microsoft: Microsoft
    connector: FakeConnector
    http: ClientSession

    def activity(self, kind: str = "message", **more: Any) -> dict[str, Any]:
        return {
            "type": kind,
            "id": str(time.time_ns()),
            "channelId": "msteams",
            "serviceUrl": self.connector.url,
            "from": {"id": "29:alex", "name": "Alex", "aadObjectId": "11111111-2222-3333-4444-555555555555"},
            "recipient": {"id": "28:bot", "name": "Connect Chats"},
            "conversation": {"id": CHAT, "conversationType": "groupChat", "tenantId": TENANT},
            "channelData": {"tenant": {"id": TENANT}},
            **more,
        }

    def unfurl(self, **more: Any) -> dict[str, Any]:
        return self.activity("invoke", name="composeExtension/queryLink", value={"url": ACCOUNT}, **more)

    def token(self, **claims: Any) -> str:
        return self.microsoft.mint(serviceurl=self.connector.url, **claims)

    async def post(self, body: Any, authorization: str | None = "", **headers: str) -> tuple[int, bytes]:
        """`authorization`: "" for a good token, None for no header."""
        if authorization == "":
            authorization = f"Bearer {self.token()}"
        if authorization is not None:
            headers["Authorization"] = authorization
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} | headers
        async with self.http.post(f"{self.program.base}/api/messages", data=data, headers=headers) as response:
            return response.status, await response.read()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    folder: Path = tmp_path_factory.mktemp("live")
    async with Microsoft() as microsoft, FakeConnector(ca=microsoft.ca) as connector, ClientSession() as http:
        connector.accept_any_chat = True
        connector.expects = lambda: microsoft.issued[-1]
        environment = {**microsoft.environment(), "CONNECTOR_HOSTS": "localhost", "API_TOKEN": API_TOKEN}
        async with running_program(folder, environment) as program:
            yield Live(program, microsoft, connector, http)


async def test_a_signed_unfurl_and_a_signed_message_are_answered(live: Live) -> None:
    status, body = await live.post(live.unfurl())
    assert (status, json.loads(body)["composeExtension"]["type"]) == (200, "result")
    assert await live.post(live.activity(text="help")) == (200, b"")
    ((_, reply),) = live.connector.messages[CHAT]
    assert "connect" in str(reply["attachments"])
    assert live.microsoft.unexpected == []


@pytest.mark.parametrize("name", FORGED)
async def test_a_forged_token_is_answered_401(live: Live, name: str) -> None:
    token = FORGED[name](live.microsoft)
    if in_header(token) and len(token) < 7000:
        status, body = await live.post(live.unfurl(), f"Bearer {token}")
        assert status == 401
        assert json.loads(body)["type"] == "urn:connect-chats:problem:unauthenticated"
        assert b"Traceback" not in body
    else:  # no HTTP header can carry it: the server refuses it before we see it
        status = await raw_status(live, token)
        assert 400 <= status < 500


async def raw_status(live: Live, token: str) -> int:
    """The status of a request whose header no client library would send; 400 when the server hangs up."""
    host, port = live.program.base.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = json.dumps(live.unfurl()).encode()
    head = (
        f"POST /api/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    )
    writer.write(head.encode() + b"Authorization: Bearer " + token.encode("utf-8", "replace") + b"\r\n\r\n" + body)
    line = await asyncio.wait_for(reader.readline(), LIMIT)
    writer.close()
    return int(line.split()[1]) if line else 400


@pytest.mark.parametrize("name", MISPLACED)
async def test_a_good_token_that_may_not_speak_for_teams_is_answered_403(live: Live, name: str) -> None:
    status, _ = await live.post(live.unfurl(), f"Bearer {MISPLACED[name](live.microsoft)}")
    assert status == 403


@pytest.mark.parametrize("name", list(ODD_AUTHORIZATIONS))
async def test_an_odd_authorization_header_is_answered_401(live: Live, name: str) -> None:
    header = ODD_AUTHORIZATIONS[name](live.microsoft)
    if in_header(header) and len(header) < 7000:
        status, _ = await live.post(live.unfurl(), header or " ")
        assert status == 401
    assert (await live.post(live.unfurl(), None))[0] == 401


@pytest.mark.parametrize(
    "more",
    [
        {"channelId": "webchat"},
        {"serviceUrl": "https://smba.trafficmanager.net/emea/"},
        {"serviceUrl": "https://evil.test/"},
        {"conversation": {"id": CHAT, "tenantId": "72f988bf-86f1-41af-91ab-2d7cd011db47"}},
        {"channelData": {"tenant": {"id": "72f988bf-86f1-41af-91ab-2d7cd011db47"}}},
    ],
)
async def test_a_good_token_with_anothers_activity_is_answered_403(live: Live, more: dict) -> None:
    before = len(live.connector.received)
    assert (await live.post(live.unfurl(**more)))[0] == 403
    assert (await live.post(live.activity(text="help", **more)))[0] == 403
    assert len(live.connector.received) == before


async def test_a_foreign_host_stays_out_even_with_a_token_for_it(live: Live) -> None:
    token = live.microsoft.mint(serviceurl="https://evil.test/")
    assert (await live.post(live.activity(text="help", serviceUrl="https://evil.test/"), f"Bearer {token}"))[0] == 403


async def test_the_anonymous_query_needs_a_token_but_no_tenant(live: Live) -> None:
    query = live.unfurl(conversation={"id": ""}, channelData={}) | {"name": "composeExtension/anonymousQueryLink"}
    assert (await live.post(query))[0] == 200
    assert (await live.post(query, None))[0] == 401
    assert (await live.post(query | {"name": "composeExtension/queryLink"}))[0] == 400


@pytest.mark.parametrize("name", ODD_BODIES)
async def test_an_odd_body_gets_4xx_or_a_harmless_200(live: Live, name: str) -> None:
    body = ODD_BODIES[name].replace(b"http://127.0.0.1:9/", live.connector.url.encode())
    status, answer = await live.post(body)
    assert status == 200 or 400 <= status < 500
    assert b"Traceback" not in answer


async def test_size_type_and_method_are_refused_before_the_token_is_looked_at(live: Live) -> None:
    assert (await live.post(b" " * (2 * 1024 * 1024), None))[0] == 413
    assert (await live.post(b"{}", None, **{"Content-Type": "text/plain"}))[0] == 415
    assert (await live.post(b"{}", None, **{"Content-Encoding": "gzip"}))[0] == 415
    async with live.http.get(f"{live.program.base}/api/messages") as response:
        assert response.status == 405


async def test_a_body_without_a_declared_length_is_capped_too(live: Live) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * 16384

    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {live.token()}"}
    async with live.http.post(f"{live.program.base}/api/messages", data=endless(), headers=headers) as response:
        assert response.status == 413


async def test_slow_clients_are_given_up(live: Live) -> None:
    """One never ends its headers, one never sends its body."""
    host, port = live.program.base.removeprefix("http://").split(":")
    silent, silent_writer = await asyncio.open_connection(host, int(port))
    silent_writer.write(b"POST /api/messages HTTP/1.1\r\nHost: x\r\n")
    slow, slow_writer = await asyncio.open_connection(host, int(port))
    head = f"POST /api/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {live.token()}\r\n"
    slow_writer.write(f"{head}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{".encode())
    assert b" 400 " in await asyncio.wait_for(slow.readline(), 15 + LIMIT)
    with contextlib.suppress(ConnectionResetError):
        assert await asyncio.wait_for(silent.read(), 15 + LIMIT) == b""
    silent_writer.close()
    slow_writer.close()


async def test_the_log_tells_no_secret_and_no_token(live: Live) -> None:
    token = live.token()
    assert (await live.post(live.unfurl(), f"Bearer {token}x"))[0] == 401
    log = live.program.log.read_text()
    assert "unauthenticated" in log
    for secret in (token[-40:], live.microsoft.password, API_TOKEN):
        assert secret not in log
    assert "Traceback" not in log


async def test_the_first_message_with_a_new_key_is_accepted_at_once_and_a_dead_key_server_changes_nothing(
    live: Live, tmp_path: Path
) -> None:
    environment = {**live.microsoft.environment(), "CONNECTOR_HOSTS": "localhost"}
    async with running_program(tmp_path, environment) as program:
        fresh = replace(live, program=program)
        assert (await fresh.post(fresh.unfurl()))[0] == 200
        live.microsoft.rotate()
        assert (await fresh.post(fresh.unfurl()))[0] == 200
        live.microsoft.down |= {"metadata", "keys"}
        assert (await fresh.post(fresh.unfurl()))[0] == 200
        assert (await fresh.post(fresh.unfurl(), f"Bearer {fresh.token(nbf=1, exp=2)}"))[0] == 401
        live.microsoft.down.clear()
