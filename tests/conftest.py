"""What tests of several rooms share."""

from __future__ import annotations

import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from bot.features import lifecycle
from bot.identity import app_tokens, keys
from tests.postgres import Postgres, running_postgres
from tests.waiting import LIMIT
from tests.world import World, running_world

COUNTED = pytest.StashKey[bool]()
"""Whether the coverage of a test is counted."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Without coverage where it is not counted. The marker `no_cover` of pytest-cov has no effect beside pytest-xdist:
    in its processes another collector takes over from the one that is paused."""
    if item.stash[COUNTED]:
        return (yield)
    tracing, threads_tracing = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)  # pyright: ignore[reportArgumentType]
    try:
        return (yield)
    finally:
        sys.settrace(tracing)
        threading.settrace(threads_tracing)  # pyright: ignore[reportArgumentType]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long ones first, and mark what needs PostgreSQL: what asks for its server, and each test's turn on it.

    Counting coverage takes half as long again, so the long ones do without, and each test's second turn, on PostgreSQL.
    """
    for item in items:
        turn = item.callspec.params.values() if isinstance(item, pytest.Function) and hasattr(item, "callspec") else ()
        item.stash[COUNTED] = not (item.get_closest_marker("long") or "postgresql" in turn)
        if "postgres" in getattr(item, "fixturenames", ()) or "postgresql" in turn:
            item.add_marker(pytest.mark.postgres)
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests measured, from whichever process it comes."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            for text in (
                value for name, value in report.user_properties if name == "measured" and report.when == "call"
            ):
                terminalreporter.write_line(text)


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Callable[[object], None]:
    """Tells what a test measured, at the end of the run."""
    return lambda result: record_property("measured", str(result))


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program's own deadlines for others are so long that a busy machine decides no test. Those of a test about
    a deadline are its own."""
    monkeypatch.setattr(keys, "FETCH_TIMEOUT", LIMIT)
    monkeypatch.setattr(app_tokens, "LOGIN_TIMEOUT", LIMIT)
    monkeypatch.setattr(lifecycle, "ROSTER_DEADLINE", LIMIT)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The PostgreSQL server of this test session."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Postgres) -> str:
    """A database for this test: migrated, without a row."""
    return postgres.empty()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """The whole program in demo mode, on SQLite, with a fake connector."""
    async with running_world(tmp_path) as running:
        yield running
