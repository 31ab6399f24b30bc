"""The nginx configuration of `docs/operations.md`, with a real nginx before two replicas on one PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import ClientError, ClientSession, ClientTimeout, StreamReader, TCPConnector

from bot.web import server
from tests.pages import fenced
from tests.parts import nginx
from tests.program import Program, free_port, running_program
from tests.waiting import LIMIT, soon, until
from tests.world import ROOT

CONFIGURATION = fenced((ROOT / "docs" / "operations.md").read_text(encoding="utf-8"), "nginx")[0]
RECORD = "/api/v1/records/account/A-1001"
AROUND = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    {shown}
}}
"""


def configuration(folder: Path, ports: tuple[int, int], port: int) -> Path:
    """The page's, with addresses, certificate and places of this test."""
    certificate = trustme.CA()
    certificate.cert_pem.write_to_path(str(folder / "ca.pem"))
    issued = certificate.issue_cert("chats.example.com", "127.0.0.1")
    shown = CONFIGURATION
    for said, here in {
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "10.0.0.11:3978": f"127.0.0.1:{ports[0]}",
        "10.0.0.12:3978": f"127.0.0.1:{ports[1]}",
        "fail_timeout=5s": "fail_timeout=1s",
        "/etc/ssl/connect-chats.pem": str(folder / "chain.pem"),
        "/etc/ssl/connect-chats.key": str(folder / "key.pem"),
    }.items():
        assert said in shown, said
        shown = shown.replace(said, here)
    (folder / "chain.pem").write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder, shown=shown))
    return folder / "nginx.conf"


@dataclass(slots=True)
class Site:
    """Two replicas behind nginx. `base` is nginx's address."""

    base: str
    replicas: list[Program]
    http: ClientSession

    async def ask(self, method: str, path: str, body: object = None) -> int:
        """The status; 0 when the connection broke."""
        try:
            async with self.http.request(method, f"{self.base}{path}", json=body) as response:
                await response.read()
                return response.status
        except ClientError:
            return 0

    async def asked_again_and_again(self, statuses: Counter[tuple[str, int]]) -> None:
        """What nginx may repeat: reads, and a record that is put."""
        body = {"title": "Contoso", "access": {"*": "append"}}
        while True:
            statuses["GET", await self.ask("GET", RECORD)] += 1
            statuses["PUT", await self.ask("PUT", "/api/v1/records/account/A-7", body)] += 1


@asynccontextmanager
async def running_nginx(folder: Path, ports: tuple[int, int]) -> AsyncIterator[tuple[str, ssl.SSLContext]]:
    program = nginx()
    assert program, "nginx is needed; `make test` installs it"
    port = free_port()
    file = configuration(folder, ports, port)
    check = await asyncio.create_subprocess_exec(program, "-t", "-c", str(file), stderr=asyncio.subprocess.PIPE)
    _, said = await check.communicate()
    assert check.returncode == 0, said.decode()
    assert b"[warn]" not in said, said.decode()
    process = await asyncio.create_subprocess_exec(program, "-c", str(file))
    try:
        await listening(port)
        yield f"https://127.0.0.1:{port}", ssl.create_default_context(cafile=str(folder / "ca.pem"))
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), LIMIT)


@asynccontextmanager
async def meanwhile(*endless: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """These run until the end of the block."""
    tasks = [asyncio.create_task(one) for one in endless]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError) for one in ended), ended


async def listening(port: int) -> None:
    async with soon():
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return


@pytest.fixture
async def site(tmp_path: Path, postgres_url: str) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        replicas = await asyncio.gather(
            *(
                stack.enter_async_context(
                    running_program(folder(tmp_path, name), {"DATABASE_URL": postgres_url}, "--demo")
                )
                for name in ("one", "two")
            )
        )
        ports = tuple(int(replica.base.rpartition(":")[2]) for replica in replicas)
        base, trusted = await stack.enter_async_context(running_nginx(folder(tmp_path, "nginx"), (ports[0], ports[1])))
        http = await stack.enter_async_context(
            ClientSession(
                connector=TCPConnector(ssl=trusted),
                headers={"Authorization": "Bearer demo"},
                timeout=ClientTimeout(total=None, sock_connect=LIMIT),
            )
        )
        yield Site(base, replicas, http)


def folder(parent: Path, name: str) -> Path:
    made = parent / name
    made.mkdir()
    return made


async def test_neither_a_killed_replica_nor_one_that_is_replaced_is_felt_through_the_proxy(
    site: Site, tmp_path: Path, postgres_url: str
) -> None:
    statuses: Counter[tuple[str, int]] = Counter()
    port = int(site.replicas[0].base.rpartition(":")[2])
    async with meanwhile(*(site.asked_again_and_again(statuses) for _ in range(4))):
        await asyncio.sleep(0.5)
        await site.replicas[0].kill()
        await asyncio.sleep(0.5)
        async with running_program(tmp_path / "one", {"DATABASE_URL": postgres_url}, "--demo", port=port):
            await asyncio.sleep(2.5)  # nginx, which counts in whole seconds, tries again after its `fail_timeout`
            before = statuses.total()
            assert await site.replicas[1].stop() == 0
            await until(lambda: statuses.total() > before + 20)
            assert {status for _, status in statuses} <= {200, 201}, statuses


@dataclass(slots=True)
class Reader:
    """Reads a live stream and resumes it, as a browser's EventSource does."""

    site: Site
    path: str
    texts: list[str] = field(default_factory=list)
    last: str = ""
    opened: int = 0
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self) -> None:
        while True:
            headers = {"Last-Event-ID": self.last} if self.last else {}
            try:
                async with self.site.http.get(f"{self.site.base}{self.path}", headers=headers) as response:
                    if response.status == 200:
                        self.opened += 1
                        await self._listen(response.content)
            except ClientError:
                pass
            await asyncio.sleep(0.1)

    async def _listen(self, lines: StreamReader) -> None:
        async for raw in lines:
            name, _, value = raw.decode().strip().partition(": ")
            if name == "id":
                self.last = value
            elif name == "data":
                self.texts.append(json.loads(value)["data"].get("text", ""))
            self.heard.set()

    async def is_open(self) -> None:
        async with soon():
            while not self.last:
                self.heard.clear()
                await self.heard.wait()

    async def has_heard(self, count: int) -> None:
        async with soon():
            while len(self.texts) < count:
                self.heard.clear()
                await self.heard.wait()


async def test_live_streams_pass_the_proxy_at_once_and_resume_at_the_other_replica_and_metrics_stay_inside(
    site: Site,
) -> None:
    assert [await site.ask("GET", path) for path in ("/livez", "/readyz", "/metrics")] == [404] * 3
    readers = [Reader(site, "/api/v1/events/stream") for _ in range(6)]
    async with meanwhile(*(reader.read() for reader in readers)):
        await asyncio.gather(*(reader.is_open() for reader in readers))
        for number, text in enumerate(("first", "second"), 1):
            assert await site.ask("POST", f"{RECORD}/timeline", {"text": text}) == 201
            await asyncio.gather(*(reader.has_heard(number) for reader in readers))
        await site.replicas[0].kill()
        assert await site.ask("POST", f"{RECORD}/timeline", {"text": "third"}) == 201
        await asyncio.gather(*(reader.has_heard(3) for reader in readers))
    assert all(reader.texts == ["first", "second", "third"] for reader in readers)
    assert {reader.opened for reader in readers} == {1, 2}, "some were at the killed replica, some at the other"


def test_the_program_keeps_idle_connections_longer_than_nginx_does() -> None:
    """nginx's own `keepalive_timeout` for upstreams is 60 s: it must never send into a connection just hung up."""
    assert "keepalive_timeout" not in CONFIGURATION
    assert server.KEEPALIVE > 60
