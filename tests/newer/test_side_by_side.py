"""Two programs on one PostgreSQL under traffic, the newer one with a setting, an event type, a kind of outbox row and a
column more: the older one serves as before, loses nothing of the newer one's, also when that one is taken back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from sqlalchemy import text

from bot.store.engine import open_engines
from tests.fakes.connector import FakeConnector
from tests.newer.checkouts import PATCH, check_out, starting
from tests.postgres import Postgres
from tests.program import Program, start_program
from tests.torture.witness import Witness, read_books
from tests.world import ACCOUNT, ALEX, BOT, GROUP

ROUNDS = 12
WITHIN_S = 60.0

Settings = dict[str, Any]


@dataclass(slots=True)
class Traffic:
    """Speaks to a program as Teams and the record system do.

    Attributes:
        refused: whatever was not answered well: by whom, what, and how.
        notes: the texts of the record system's notes.
    """

    http: ClientSession
    connector: FakeConnector
    refused: list[tuple[str, str, int, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    number: int = 0

    async def ask(self, who: str, program: Program, method: str, path: str, body: Any = None) -> Any:
        async with self.http.request(method, f"{program.base}{path}", json=body) as response:
            answer = await response.text()
            if response.status >= 300:
                self.refused.append((who, f"{method} {path}", response.status, answer))
            return json.loads(answer) if answer else None

    async def happens(self, who: str, program: Program, kind: str, **more: Any) -> Any:
        self.number += 1
        activity = {
            "type": kind,
            "id": f"activity-{self.number}",
            "channelId": "msteams",
            "serviceUrl": self.connector.url,
            "from": ALEX.sender,
            "recipient": BOT,
            "conversation": {"id": GROUP, "conversationType": "groupChat", "name": f"Chat {self.number}"},
            **more,
        }
        return await self.ask(who, program, "POST", "/api/messages", activity)

    async def one_round(self, who: str, program: Program, *, note: str) -> None:
        """Everything that people and systems do, once. The chat gets another name each time."""
        paste = {"name": "composeExtension/queryLink", "value": {"url": ACCOUNT}}
        card = await self.happens(who, program, "invoke", **paste)
        if "Contoso" not in json.dumps(card):
            self.refused.append((who, "the card", 200, json.dumps(card)))
        await self.happens(who, program, "message", text=f"note {note} said")
        timeline = await self.happens(who, program, "message", text="timeline 20", deliveryMode="expectReplies")
        if "added a note" not in json.dumps(timeline):
            self.refused.append((who, "the timeline", 200, json.dumps(timeline)))
        self.notes.append(note)
        await self.ask(who, program, "POST", "/api/v1/records/account/A-1001/timeline", {"text": note})
        await self.ask(who, program, "PUT", f"/api/v1/records/account/T-{self.number}", {"title": note})
        account = await self.ask(who, program, "GET", "/api/v1/record-types/account")
        await self.ask(who, program, "PUT", "/api/v1/record-types/account", account | {"label": f"Account {note}"})
        for path in (
            "/readyz",
            "/api/v1/records/account/A-1001/timeline",
            "/api/v1/webhooks",
            "/api/v1/audit/settings",
        ):
            await self.ask(who, program, "GET", path)

    async def feed(self, program: Program) -> list[Any]:
        return (await self.ask("feed", program, "GET", "/api/v1/events?limit=1000"))["events"]


@asynccontextmanager
async def program_of(root: Path, folder: Path, database_url: str, traffic: Traffic) -> AsyncIterator[Program]:
    """One of the two, ready to serve. What it logged must hold no error."""
    environment = {"DATABASE_URL": database_url, "LOG_FORMAT": "json"}
    program = await start_program(folder, environment, "--demo", spawn=starting(root))
    try:
        await program.ready()
        yield program
    finally:
        await program.stop()
    lines = [line for line in program.log.read_text().splitlines() if '"level": "error"' in line or "Traceback" in line]
    traffic.refused += [(folder.name, "log", 0, line) for line in lines]


class Database:
    """What stands in the database, past all programs."""

    def __init__(self, url: str) -> None:
        self._url = url

    def run(self, statement: str, **values: Any) -> Sequence[Any]:
        engines = open_engines(self._url)
        try:
            with engines.writer.begin() as connection:
                found = connection.execute(text(statement), values)
                return found.all() if found.returns_rows else []
        finally:
            engines.dispose()

    def account(self) -> Settings:
        return json.loads(self.run("SELECT document FROM record_types WHERE name = 'account'")[0].document)

    def pictures(self) -> list[str]:
        return [row.picture for row in self.run("SELECT picture FROM chats WHERE id = :id", id=GROUP)]


LEFT_BEHIND = (
    "INSERT INTO outbox (tenant, chat, message, state, kind, due_at, lease_until, fence, attempts, error, created_at) "
    "SELECT tenant, id, :message, 'ready', 'reaction', 0, 0, 1, 0, '', 0 FROM chats WHERE id = :id"
)
"""What the newer program would have done next, had it not been stopped."""


async def test_an_older_program_serves_beside_a_newer_one_and_after_it_was_taken_back(
    postgres: Postgres, tmp_path: Path
) -> None:
    url = postgres.create()
    database = Database(url)
    older, newer = check_out(tmp_path / "older"), check_out(tmp_path / "newer", patch=PATCH)
    for folder in ("old", "new", "again", "back"):
        (tmp_path / folder).mkdir()
    async with AsyncExitStack() as stack:
        connector = await stack.enter_async_context(FakeConnector(tls=False))
        connector.chats = {GROUP: [ALEX.member()]}
        witness = await stack.enter_async_context(Witness())
        http = await stack.enter_async_context(ClientSession(headers={"Authorization": "Bearer demo"}))
        traffic = Traffic(http, connector)

        async with program_of(older, tmp_path / "old", url, traffic) as old:
            await traffic.happens("old", old, "message", text="connect A-1001")
            await traffic.ask("old", old, "POST", "/api/v1/webhooks", witness.webhook)
            async with program_of(newer, tmp_path / "new", url, traffic) as new:
                account = await traffic.ask("new", new, "GET", "/api/v1/record-types/account")
                await traffic.ask("new", new, "PUT", "/api/v1/record-types/account", account | {"reactions": True})
                for number in range(ROUNDS):
                    kind = "merged" if number % 2 else "noted"
                    await asyncio.gather(
                        traffic.one_round("old", old, note=f"old {number}"),
                        traffic.one_round("new", new, note=f"{kind} new {number}"),
                    )
                    assert database.account()["reactions"] is True
                assert await traffic.feed(old) == await traffic.feed(new)
            assert database.pictures() == [f"picture of {GROUP}"], (
                "the newer one wrote it, the older one changed the rest"
            )
            message = '{"type":"message","text":"Reaction to come"}'
            database.run(LEFT_BEHIND, message=message, id=GROUP)
            await traffic.one_round("old", old, note="old alone")

        async with program_of(older, tmp_path / "again", url, traffic) as old:  # on the newer one's schema
            for number in range(3):
                await traffic.one_round("old", old, note=f"old again {number}")
            merged = [event for event in await traffic.feed(old) if event["type"] == "record.merged"]
            assert len(merged) == ROUNDS // 2
            assert len(database.run("SELECT 1 FROM outbox WHERE kind = 'reaction' AND state = 'ready'")) == 1
            assert database.account()["reactions"] is True
            assert database.pictures() == [f"picture of {GROUP}"]

            async with program_of(newer, tmp_path / "back", url, traffic) as new:
                async with asyncio.timeout(WITHIN_S):
                    while database.run("SELECT 1 FROM outbox WHERE state <> 'done'"):  # noqa: ASYNC110 - of other programs
                        await asyncio.sleep(0.1)
                account = await traffic.ask("new", new, "GET", "/api/v1/record-types/account")
                assert account["reactions"] is True
                feed = await traffic.feed(new)
                await witness.take(len(feed) - _before_the_webhook(feed), within=WITHIN_S)

    assert traffic.refused == []
    said = [activity.get("text", "") for _, activity in connector.messages[GROUP]]
    reactions = [words for words in said if words.startswith("Reaction to")]
    expected = [f"Reaction to {note}" for note in traffic.notes if "new" in note] + ["Reaction to come"]
    assert sorted(reactions) == sorted(expected), "each told once, by the one who knows how"
    assert (witness.problems, witness.inversions, witness.stale) == ([], [], [])
    assert await asyncio.to_thread(lambda: read_books(url).waiting) == 0


def _before_the_webhook(feed: Sequence[Any]) -> int:
    """Events that were there when the webhook was made: it is told of later ones only."""
    return next(number for number, event in enumerate(feed, 1) if event["type"] == "chat.connected")
