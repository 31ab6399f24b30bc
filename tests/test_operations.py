"""`docs/operations.md` is true: its tables tell what there is, its commands do what the page says."""

from __future__ import annotations

import asyncio
import configparser
import os
import re
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import make_url

from bot.config import Settings
from bot.outbox.attempts import DestinationKind, Outcome
from tests.pages import Block, blocks, fenced, run, section
from tests.postgres import Postgres
from tests.program import Program, running_program
from tests.waiting import until
from tests.world import ROOT, World

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
DATA = "/var/lib/connect-chats/connect-chats.db"
WATCH = "## 8. What to watch"
RECORD = "account/A-1001"


# Tables and examples -------------------------------------------------------------------------------------------------


async def metrics_of(world: World) -> dict[str, set[str]]:
    """The names of the metrics that there are, each with the names of its labels."""
    async with world.http.get(f"{world.base}/metrics") as response:
        families = list(text_string_to_metric_families(await response.text()))
    told: dict[str, set[str]] = {}
    for family in families:
        name = f"{family.name}_total" if family.type == "counter" else family.name
        if not name.endswith("_created"):  # the client library adds the time of birth to each counter and histogram
            told[name] = {label for sample in family.samples for label in sample.labels} - {"le"}
    return told


def metrics_on_the_page() -> dict[str, set[str]]:
    rows = re.findall(r"^\| (`[^|]*_[^|]*`) \|([^|]*)\|", section(PAGE, WATCH), re.MULTILINE)
    return {
        name: set(re.findall(r"`(kind|outcome|route|status)`", labels))
        for names, labels in rows
        for name in re.findall(r"`(\w+)`", names)
    }


async def test_the_page_tells_every_metric_with_its_labels_and_no_other(world: World) -> None:
    await world.api("GET", f"/records/{RECORD}")
    assert metrics_on_the_page() == await metrics_of(world)


def test_the_page_tells_every_kind_of_destination_and_every_outcome_of_a_try() -> None:
    (row,) = re.findall(r"^\| `connect_chats_outbox_attempts_total` .*", PAGE, re.MULTILINE)
    for outcome in Outcome:
        assert f"`{outcome.value}`" in row
    for kind in DestinationKind:
        assert f"`{kind.value}`" in section(PAGE, WATCH)


def test_every_alert_asks_for_metrics_labels_and_routes_that_there_are() -> None:
    rules = "\n".join(fenced(section(PAGE, WATCH), "yaml"))
    asked = {re.sub(r"_bucket$", "", name) for name in re.findall(r"\bconnect_chats_\w+", rules)}
    assert len(asked) > 5
    assert asked <= metrics_on_the_page().keys()
    for label, value in re.findall(r'(\w+)=~?"([^"]+)"', rules):
        known = {"kind": {kind.value for kind in DestinationKind}, "outcome": {outcome.value for outcome in Outcome}}
        known |= {"route": {"/api/messages"}, "status": {"5.."}, "job": {"connect-chats"}}
        assert value in known[label]


def test_the_service_starts_the_program_with_settings_that_exist_where_it_may_write() -> None:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(fenced(PAGE, "ini")[0])
    service = unit["Service"]
    python, script = service["ExecStart"].split()
    assert python == f"{service['WorkingDirectory']}/.venv/bin/python"
    assert (ROOT / script).is_file()
    settings = dict(re.findall(r"^([A-Z_]+)=(\S+)$", section(PAGE, "## 1. A service on one machine"), re.MULTILINE))
    assert {name.lower() for name in settings} <= set(Settings.model_fields)
    assert make_url(settings["DATABASE_URL"]).database == DATA
    assert DATA.startswith(f"/var/lib/{service['StateDirectory']}/")


# Backup and restore --------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class RecordSystem:
    """Adds notes one after the other, as long as the program takes them."""

    program: Program
    http: ClientSession
    taken: int = 0

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        async with self.http.request(method, f"{self.program.base}/api/v1{path}", json=body) as response:
            assert response.status < 300, await response.text()
            return await response.json()

    async def note(self) -> None:
        await self.ask("POST", f"/records/{RECORD}/timeline", {"text": f"note {self.taken + 1}"})
        self.taken += 1

    async def notes(self) -> None:
        while True:
            await self.note()

    async def timeline(self) -> list[str]:
        """The notes; a gap in `seq` fails."""
        page = await self.ask("GET", f"/records/{RECORD}/timeline?limit=1000")
        assert [event["seq"] for event in page["events"]] == list(range(1, len(page["events"]) + 1))
        return [event["data"]["text"] for event in page["events"] if event["type"] == "note.added"]

    async def feed(self, after: str = "") -> tuple[list[str], str]:
        """The notes that the feed tells from a cursor on, and the next cursor."""
        page = await self.ask("GET", f"/events?limit=1000{f'&after={after}' if after else ''}")
        return [event["data"].get("text", "") for event in page["events"]], page["next"]


@asynccontextmanager
async def serving(folder: Path, url: str) -> AsyncIterator[RecordSystem]:
    """The program on a database, and its record system."""
    async with (
        running_program(folder, {"DATABASE_URL": url}, "--demo") as program,
        ClientSession(headers={"Authorization": "Bearer demo"}) as http,
    ):
        yield RecordSystem(program, http)


def notes(count: int) -> list[str]:
    return [f"note {number}" for number in range(1, count + 1)]


def commands(heading: str) -> list[Block]:
    return list(blocks(section(PAGE, heading)))


@dataclass(frozen=True, slots=True)
class Shell:
    """Runs the page's commands.

    Attributes:
        replaced: what stands on the page, and what stands for it here.
    """

    folder: Path
    environment: Mapping[str, str]
    replaced: Mapping[str, str]

    async def type(self, block: Block, **environment: str) -> None:
        script = block.commands
        for said, here in self.replaced.items():
            script = script.replace(said, here)
        programs = str(Path(sys.executable).parent)
        known = {"HOME": str(self.folder), "PYTHONPATH": str(ROOT), **self.environment, **environment}
        known["PATH"] = os.pathsep.join((programs, known.get("PATH", os.environ["PATH"])))
        printed = await run(f"{script}echo '-- end --'\n", self.folder, known)
        assert printed.endswith("-- end --\n"), f"docs/operations.md: the commands failed: {script}\n{printed}"
        if block.kind:
            assert printed.removesuffix("-- end --\n") == block.printed


async def back_up_and_restore(shell: Shell, folder: Path, heading: str, urls: tuple[str, str]) -> None:
    """Follow the page while notes stream in, and again after a loss; `urls` name the database before and after."""
    backup, restore = commands(heading)
    (prepare,) = commands("### After a restore")
    async with serving(folder, urls[0]) as system:
        system.taken = len(await system.timeline())
        for _ in range(20):
            await system.note()
        streaming = asyncio.create_task(system.notes())
        acknowledged = system.taken
        await shell.type(backup, DATABASE_URL=urls[0])
        backed_up = len(await system.timeline())

        async def gone_on() -> bool:
            return len(await system.timeline()) > backed_up

        await until(gone_on)
        streaming.cancel()
        await asyncio.gather(streaming, return_exceptions=True)
        _, ahead = await system.feed()
        lost_at = len(await system.timeline())
        await system.program.kill()  # as restores begin: nothing was closed or tidied up
    await shell.type(restore)
    await shell.type(prepare, DATABASE_URL=urls[1])
    async with serving(folder, urls[1]) as system:
        restored = await system.timeline()
        assert restored == notes(len(restored))
        assert acknowledged <= len(restored) < lost_at
        assert await system.feed(ahead) == ([], ahead)
        await system.ask("POST", f"/records/{RECORD}/timeline", {"text": "after the restore"})
        told, _ = await system.feed(ahead)
        assert told == ["after the restore"], "a reader who had read beyond the backup misses nothing new"


@pytest.mark.long
async def test_a_sqlite_backup_made_while_the_program_writes_is_restored_by_the_page(tmp_path: Path) -> None:
    data = tmp_path / "connect-chats.db"
    shell = Shell(tmp_path, {}, {DATA: str(data), ".venv/bin/python": sys.executable})
    await back_up_and_restore(shell, tmp_path, "### SQLite", (f"sqlite:///{data}",) * 2)
    assert (tmp_path / "before-restore" / data.name).is_file()


@pytest.fixture
def role(postgres: Postgres) -> Iterator[str]:
    """A name for the page's role and its databases, which are gone afterwards."""
    name = f"connect_chats_page_{os.getpid()}"
    yield name
    postgres.remove(databases=[name, f"{name}_restored"], role=name)


async def connections_under_load(system: RecordSystem, postgres: Postgres, database: str) -> int:
    async def other_note(number: int) -> None:
        await system.ask("POST", f"/records/case/C-{number}/timeline", {"text": "busy"})
        await system.timeline()

    for number in range(40):
        await system.ask("PUT", f"/records/case/C-{number}", {"title": "busy"})
    await asyncio.gather(*(other_note(number) for number in range(40)))
    return postgres.connections(database)


@pytest.mark.long
async def test_from_sqlite_to_postgresql_to_a_restored_one_by_the_page(
    postgres: Postgres, role: str, tmp_path: Path
) -> None:
    data = tmp_path / "connect-chats.db"
    replaced = {DATA: str(data), ".venv/bin/python": sys.executable, "connect_chats": role}
    shell = Shell(tmp_path, postgres.environment(), replaced)
    create, copy = commands("## 4. PostgreSQL")
    before, after = (
        postgres.named(name, user=role, password="a long random one") for name in (role, f"{role}_restored")
    )
    await shell.type(create)
    async with serving(tmp_path, f"sqlite:///{data}") as system:
        for _ in range(5):
            await system.note()
    await shell.type(copy, DATABASE_URL=before)
    async with serving(tmp_path, before) as system:
        assert await system.timeline() == notes(5)
        at_most = re.search(r"Each replica holds up to (\d+)", PAGE)
        assert at_most
        assert 4 < await connections_under_load(system, postgres, role) <= int(at_most[1])
    await back_up_and_restore(shell, tmp_path, "### PostgreSQL", (before, after))
