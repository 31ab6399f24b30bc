"""`docs/webhooks.md` and `docs/receiver.py` are true: run against a fresh demo, they do what the page says."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientConnectionError, ClientSession

from bot.outbox.schedule import HOUR, MINUTE, SECOND, WAITS, WHOLE
from bot.webhooks.envelope import Envelopes
from tests.fakes.receiver import new_secret
from tests.pages import blocks, print_what_they_say
from tests.program import free_port, running_program
from tests.waiting import LIMIT
from tests.webhooks.conftest import SOURCE, delivery, event
from tests.world import ROOT

PAGE = ROOT / "docs" / "webhooks.md"
RECEIVER = ROOT / "docs" / "receiver.py"
UNITS = {"second": SECOND, "minute": MINUTE, "hour": HOUR}


async def test_the_commands_for_webhooks_print_what_the_page_says(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    async with running_program(tmp_path, {}, "--demo") as program:
        for said, meant in (("http://127.0.0.1:3978", program.base), ("8000", str(free_port()))):
            assert said in page
            page = page.replace(said, meant)
        commands = list(blocks(page))
        assert len(commands) > 10
        await print_what_they_say(PAGE.name, commands, tmp_path)


def test_the_schedule_on_the_page_is_the_one_that_is_kept() -> None:
    page = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (?:at once|(\d+) (second|minute|hour)s) \|$", page, re.MULTILINE)
    assert [int(number) for number, _, _ in rows] == list(range(1, len(WAITS) + 2))
    assert tuple(int(count) * UNITS[unit] for _, count, unit in rows[1:]) == WAITS
    assert f"about {WHOLE // HOUR} hours" in page


def test_the_receiver_is_short() -> None:
    code = RECEIVER.read_text(encoding="utf-8").partition('"""\n')[2]
    assert len([line for line in code.splitlines() if line.strip()]) <= 20


@asynccontextmanager
async def running_receiver(secret: str, printed: Path) -> AsyncIterator[str]:
    """`docs/receiver.py` in a process of its own; its address."""
    port = free_port()
    environment = {"PATH": os.environ["PATH"], "SECRET": secret, "PORT": str(port)}
    with printed.open("wb") as output, printed.with_suffix(".log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(RECEIVER), env=environment, stdout=output, stderr=log
        )
    try:
        async with asyncio.timeout(2 * LIMIT), ClientSession() as http:
            while True:
                try:
                    async with http.get(f"http://127.0.0.1:{port}/"):
                        break
                except ClientConnectionError:
                    await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.kill()
        await process.wait()


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


async def test_the_receiver_takes_what_is_signed_once_and_nothing_else(http: ClientSession, tmp_path: Path) -> None:
    secret, printed = new_secret(), tmp_path / "printed"
    now = time.time_ns() // 1000
    told = event(1)
    sealed = Envelopes(source=SOURCE).seal(delivery("http://x/", secret, of=told), now=now)
    rotating = Envelopes(source=SOURCE).seal(delivery("http://x/", new_secret(), secret, of=event(2)), now=now)
    stale = Envelopes(source=SOURCE).seal(delivery("http://x/", secret), now=now - 301_000_000)
    early = Envelopes(source=SOURCE).seal(delivery("http://x/", secret), now=now + 303_000_000)
    foreign = Envelopes(source=SOURCE).seal(delivery("http://x/", new_secret()), now=now)
    body, headers = Envelopes(source=SOURCE).seal(delivery("http://x/", secret), now=now)
    async with running_receiver(secret, printed) as url:

        async def post(body: bytes, headers: dict[str, str]) -> int:
            async with http.post(url, data=body, headers=headers) as answer:
                return answer.status

        assert [await post(*sealed), await post(*sealed), await post(*rotating)] == [204, 204, 204]
        for name, forged in {
            "too old": stale,
            "from the future": early,
            "of another secret": foreign,
            "another body": (body + b" ", headers),
            "another id": (body, headers | {"webhook-id": "other"}),
            "another time": (body, headers | {"webhook-timestamp": str(now // 1_000_000 + 1)}),
            "no signature": (body, {k: v for k, v in headers.items() if k != "webhook-signature"}),
            "no headers": (body, {}),
            "of another version": (
                body,
                headers | {"webhook-signature": headers["webhook-signature"].replace("v1", "v0")},
            ),
            "odd characters": (body, headers | {"webhook-signature": "v1,ä"}),
        }.items():
            assert await post(*forged) == 401, name
    lines = printed.read_bytes().splitlines()
    assert lines == [sealed[0], rotating[0]]
