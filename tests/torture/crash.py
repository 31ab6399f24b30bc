"""kill -9, again and again, while commands stream in: what was acknowledged is there, once, and told to everybody."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientTimeout

from tests.fakes.connector import FakeConnector
from tests.program import Program, free_port, start_program
from tests.torture.forked import forked
from tests.torture.load import CHATS, CHATS_OF_REST, Load, effect_of
from tests.torture.report import Report
from tests.torture.witness import Books, Place, Witness, read_books
from tests.world import ALEX, texts

AT_FIRST_STARTS = 0.1
"""The share of kills that come while the database gets its tables, before anything is served."""
AT_STARTS, AT_STOPS = 0.15, 0.15
"""The shares of kills while the program starts and while it ends in order. The others come while it serves."""
SERVED_S = (0.05, 0.8)
LOOK_EVERY_S, SETTLED_WITHIN_S = 0.25, 60.0
"""A turn keeps its answer to itself for 15 s, a worker what it sends for 6 s; then others may take it over."""


@dataclass(slots=True)
class Crash:
    """The run: one program after the other on one database and one port, each killed.

    Attributes:
        kills: by what the program was doing.
        starting_s: what the last start took.
        before: how many events there were before anybody could subscribe.
        unaccounted: at some kill they were neither told nor owed.
    """

    folder: Path
    database_url: str
    chance: random.Random
    report: Report
    witness: Witness
    http: ClientSession
    port: int = field(default_factory=free_port)
    kills: Counter[str] = field(default_factory=Counter)
    starting_s: float = 0.3
    before: int = 0
    unaccounted: set[Place] = field(default_factory=set)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> Program:
        environment = {"DATABASE_URL": self.database_url}
        return await start_program(self.folder, environment, "--demo", port=self.port, spawn=forked)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Program]:
        since = time.monotonic()
        program = await self.start()
        try:
            await program.ready()
            self.starting_s = time.monotonic() - since
            yield program
        finally:
            await program.kill()

    async def kill_while_starting(self, phase: str) -> None:
        program = await self.start()
        wait = self.chance.uniform(0, self.starting_s)
        await asyncio.sleep(wait)
        await self.kill(program, phase, wait)

    async def kill_while_serving(self) -> None:
        async with self.serving() as program:
            wait = self.chance.uniform(*SERVED_S)
            await asyncio.sleep(wait)
            await self.kill(program, "serving", wait)

    async def kill_while_stopping(self) -> None:
        async with self.serving() as program:
            await asyncio.sleep(self.chance.uniform(*SERVED_S))
            program.process.send_signal(signal.SIGTERM)
            wait = self.chance.uniform(0, 0.1)
            await asyncio.sleep(wait)
            await self.kill(program, "stopping", wait)

    async def kill(self, program: Program, phase: str, after: float) -> None:
        """Counts when the program had not ended by itself."""
        await program.kill()
        code = program.process.returncode
        self.report.trail.append(f"{phase} {after:.3f} s{'' if code == -signal.SIGKILL else f' ended: {code}'}")
        if code == -signal.SIGKILL:
            self.kills[phase] += 1
        elif code:
            raise AssertionError(f"the program ended: {program.log.read_text()}")

    async def subscribe(self) -> None:
        status, _ = await self.api("POST", "/webhooks", self.witness.webhook)
        assert status == 201, status
        self.before = len((await self.books()).written)

    async def look(self) -> Books:
        """Nothing runs: every event was told or is owed, or nobody would ever hear of it."""
        books = await self.books()
        untold = set(books.written[self.before :]) - self.witness.places
        self.unaccounted |= untold - books.owed.keys() - books.parked.keys()
        return books

    async def books(self) -> Books:
        return await asyncio.to_thread(read_books, self.database_url)

    async def settled(self) -> None:
        """Returns when nothing waits any more, or after so long that what still waits is a fault."""
        for _ in range(round(SETTLED_WITHIN_S / LOOK_EVERY_S)):
            if not (await self.books()).waiting:
                return
            await asyncio.sleep(LOOK_EVERY_S)

    async def api(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"Authorization": "Bearer demo"}
        async with self.http.request(method, f"{self.base}/api/v1{path}", json=body, headers=headers) as response:
            return response.status, await response.json()

    async def feed(self) -> list[dict[str, Any]]:
        """All events."""
        found: list[dict[str, Any]] = []
        after = ""
        while True:
            _, page = await self.api("GET", f"/events?limit=1000{after}")
            if not page["events"]:
                return found
            found += page["events"]
            after = f"&after={page['next']}"


async def run_crashes(folder: Path, database_url: str, *, name: str, kills: int, seed: int) -> Report:
    """Kill `kills` programs on the empty database at `database_url`, and look at what their last successor has."""
    report, chance = Report(f"crash {name}", seed), random.Random(seed)
    async with (
        FakeConnector(tls=False) as connector,
        Witness() as witness,
        ClientSession(timeout=ClientTimeout(total=20)) as http,
    ):
        connector.chats = {chat: [ALEX.member()] for chat in (*CHATS, *CHATS_OF_REST)}
        crash = Crash(folder, database_url, chance, report, witness, http)
        load = Load(http, crash.base, connector, chance)
        with report.noted():
            await _kill(crash, load, kills)
            await _compare(crash, load)
    report.measured["repeats"] = f"{load.repeats} requests, {witness.doubles.total()} events"
    return report


async def _kill(crash: Crash, load: Load, kills: int) -> None:
    while crash.kills.total() < AT_FIRST_STARTS * kills:
        await crash.kill_while_starting("migrating")
    async with crash.serving() as program:
        await crash.subscribe()
        load.begin()
        await crash.kill(program, "serving", 0)
    while crash.kills.total() < kills:
        chosen = crash.chance.random()
        if chosen < AT_STARTS:
            await crash.kill_while_starting("starting")
        elif chosen < AT_STARTS + AT_STOPS:
            await crash.kill_while_stopping()
        else:
            await crash.kill_while_serving()
        await crash.look()
    phases = ", ".join(f"{count} {phase}" for phase, count in crash.kills.items())
    crash.report.measured["n"] = f"{crash.kills.total()} ({phases})"


async def _compare(crash: Crash, load: Load) -> None:
    report = crash.report
    async with crash.serving() as program:
        await load.finish()
        await crash.settled()
        feed = await crash.feed()
        report.rule("ended badly", [code] if (code := await program.stop()) else [])
    books = await crash.look()
    report.rule("unaccounted", crash.unaccounted)
    report.rule("waiting", books.owed)
    report.rule("parked", books.parked)
    report.rule("unsent", [books.messages] if books.messages else [])
    _check_effects(report, load, feed, feed[crash.before :])
    _check_answers(report, load)
    _check_told(report, crash.witness, feed[crash.before :])


def _check_effects(report: Report, load: Load, feed: list[dict[str, Any]], events: list[dict[str, Any]]) -> None:
    """Timelines without gaps, and in them each acknowledged command once and nothing else."""
    report.measured["commands"] = load.commands
    found = Counter(map(effect_of, events))
    report.rule("lost", (load.effects - found).elements())
    report.rule("doubled", (found - load.effects).elements())
    latest: Counter[str] = Counter()
    for event in feed:
        record = f"{event['record']['type']}/{event['record']['id']}"
        latest[record] += 1
        report.rule("gaps", [f"{record} {event['seq']}"] if event["seq"] != latest[record] else [])


def _check_answers(report: Report, load: Load) -> None:
    """Each note's answer quotes it; of other answers there are at least as many as commands."""
    cards = {
        chat: [texts(attachment["content"]) for _, activity in said for attachment in activity["attachments"]]
        for chat, said in load.connector.messages.items()
    }
    for chat, count in load.answers.items():
        told = cards.get(chat, [])
        words = {word for card in told for word in card.split()}
        notes = [text for kind, _, where, text in load.effects if (kind, where) == ("note.added", chat)]
        report.rule("unanswered", (f"{text} in {chat}" for text in notes if text not in words))
        report.rule("unanswered", [f"{len(told)} of {count} in {chat}"] if len(told) < count else [])


def _check_told(report: Report, witness: Witness, events: list[dict[str, Any]]) -> None:
    """The receiver has what the feed has, in its order."""
    written = {event["id"]: event for event in events}
    told = {arrival.id: dict(arrival.data) for arrival in witness.arrivals}
    report.measured["events"] = len(written)
    report.rule("untold", written.keys() - told.keys())
    report.rule("made up", told.keys() - written.keys())
    report.rule("different", [event for event in told.keys() & written.keys() if told[event] != written[event]])
    report.rule("disordered", [*witness.inversions, *witness.stale])
    report.rule("unflagged", witness.unflagged)
    report.rule("refused", witness.problems)
