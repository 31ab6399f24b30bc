"""The program from outside: exit codes, what it prints, and that its log can be trusted."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import re
import signal
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog

import app
from bot.config import Settings
from tests.fakes.microsoft import APP_ID, Microsoft
from tests.program import ROOT, free_port, running_program
from tests.waiting import LIMIT

ESCAPE = '\x1b[2J\u202e\n{"level":"fake"}'


async def run(folder: Path, environment: Mapping[str, str], *arguments: str) -> tuple[int, str, str]:
    """Run `python app.py` until it ends by itself; the exit code and what it printed and logged."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "app.py"),
        *arguments,
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "CONFIG": str(ROOT / "connect-chats.toml"),
            "DATABASE_URL": f"sqlite:///{folder}/app.db",
            "PORT": str(free_port()),
            **environment,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(2 * LIMIT):
            printed, logged = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, printed.decode(), logged.decode()


@pytest.fixture
async def microsoft() -> AsyncIterator[Microsoft]:
    async with Microsoft() as running:
        yield running


# --check -------------------------------------------------------------------------------------------------------------


async def test_a_good_environment_is_checked_part_by_part(microsoft: Microsoft, tmp_path: Path) -> None:
    code, printed, logged = await run(tmp_path, microsoft.environment(), "--check")
    assert (code, logged) == (0, "")
    *parts, local, no_api, verdict = printed.splitlines()
    assert "note   PUBLIC_URL" in local
    assert "note   API_TOKEN" in no_api
    assert len(parts) == 6
    assert all(part.startswith("  ok ") for part in parts)
    assert verdict == "Everything is ready: python app.py"
    assert microsoft.requests["token"] == 1
    assert microsoft.unexpected == []


async def test_each_part_that_fails_has_its_line_and_its_remedy(microsoft: Microsoft, tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    microsoft.password_expired = True
    microsoft.down.add("keys")
    environment = microsoft.environment() | {
        "CONFIG": "missing.toml",
        "DATABASE_URL": f"sqlite:///{tmp_path}/a file/app.db",
    }
    code, printed, logged = await run(tmp_path, environment, "--check")
    assert code == 2
    assert "Traceback" not in logged + printed
    failed = [line for line in printed.splitlines() if line.startswith("  FAILED")]
    expected = (
        ("missing.toml", "Start from"),
        ("a file", "Name another"),
        ("503", "Check that this server reaches"),
        ("expired", "make a new client secret"),
    )
    for line, (what, remedy) in zip(failed, expected, strict=True):
        assert what in line
        assert remedy in line
    assert "Everything is ready" not in printed
    assert microsoft.password not in printed


async def test_what_is_unsafe_is_named_before_anything_is_tried(tmp_path: Path) -> None:
    code, printed, logged = await run(tmp_path, {"APP_ID": APP_ID, "LOGIN_URL": "http://login.test"}, "--check")
    assert (code, printed) == (2, "")
    assert [line[:4] for line in logged.splitlines()[1:]] == ["  * "] * 3
    for name in ("LOGIN_URL", "APP_PASSWORD", "APP_TENANTID"):
        assert name in logged


# Starting and ending -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [("--demo",), ()])
async def test_it_says_when_it_is_ready_and_ends_cleanly_when_told(
    microsoft: Microsoft, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    environment = {} if arguments else microsoft.environment()
    async with running_program(tmp_path, environment, *arguments) as program:
        program.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(program.process.wait(), LIMIT) == 0
    said = program.log.read_text().strip()
    assert said.startswith("Connect Chats is ready")
    assert program.base.rpartition(":")[2] in said.splitlines()[0]
    assert "Traceback" not in said
    assert "Unclosed" not in said


def a_newer_database(folder: Path) -> dict[str, str]:
    with sqlite3.connect(folder / "newer.db") as database:
        database.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        database.execute("INSERT INTO alembic_version VALUES ('9999')")
    return {"DATABASE_URL": f"sqlite:///{folder}/newer.db"}


def a_file_for_a_folder(folder: Path) -> dict[str, str]:
    (folder / "a file").touch()
    return {"DATABASE_URL": f"sqlite:///{folder}/a file/app.db"}


def something_else_than_a_database(folder: Path) -> dict[str, str]:
    (folder / "text.db").write_text("This is no database. " * 100)
    return {"DATABASE_URL": f"sqlite:///{folder}/text.db"}


def a_database_server_that_is_down(folder: Path) -> dict[str, str]:
    return {"DATABASE_URL": f"postgresql://somebody:secret-word@127.0.0.1:{free_port()}/x"}


def a_broken_config(folder: Path) -> dict[str, str]:
    (folder / "broken.toml").write_text("[[record_types]]\nname = 1\n")
    return {"CONFIG": str(folder / "broken.toml")}


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (a_newer_database, "Start the newer program"),
        (a_file_for_a_folder, "Name another."),
        (something_else_than_a_database, "DATABASE_URL"),
        (a_database_server_that_is_down, "Check that it runs"),
        (a_broken_config, "CONFIG"),
    ],
)
async def test_what_keeps_it_from_starting_is_said_with_the_remedy_and_it_exits_2(
    tmp_path: Path, spoil: Any, words: str
) -> None:
    code, printed, logged = await run(tmp_path, spoil(tmp_path), "--demo")
    assert (code, printed) == (2, "")
    first, *problems = logged.strip().splitlines()
    assert first == "Connect Chats does not start:"
    assert all(line.startswith("  * ") for line in problems), logged
    assert words in logged
    assert "secret-word" not in logged


async def test_a_taken_port_is_said_with_the_remedy(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, printed, logged = await run(tmp_path, {"PORT": str(port)}, "--demo")
    assert (code, printed) == (2, "")
    (problem,) = logged.splitlines()[1:]
    assert problem.startswith(f"  * Port {port} of 127.0.0.1 can't be used: ")
    assert problem.endswith("address already in use. Free it, or set PORT.")


# The log -------------------------------------------------------------------------------------------------------------


async def test_the_log_is_one_json_object_a_line_whatever_strangers_send(tmp_path: Path) -> None:
    """A path with control characters, what is no HTTP, a refused activity; a line that a request caused has its id."""
    async with running_program(tmp_path, {}, "--demo") as program:
        port = int(program.base.rpartition(":")[2])
        for raw in (
            b"POST /api/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
            b"GET /api/v1/records/%1b%5B2J%0A%7B%7D/x HTTP/1.1\r\nHost: x\r\n\r\n",
            b'\x1b[2J\n{"event":"forged"}\n\r\n\r\n',
            b"GET / HTTP/1.1\r\nHo\x00st: x\r\n\r\n",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(raw)
            head = await asyncio.wait_for(reader.readuntil(b"\r\n"), LIMIT)
            assert head.startswith(b"HTTP/1."), head
            writer.close()
    log = program.log.read_text().rpartition("you may not see it\n")[2]
    entries = [json.loads(line) for line in log.strip().splitlines()]
    assert "aiohttp.server" in {entry.get("logger") for entry in entries}, "what is no HTTP is in the log too"
    refused = [entry for entry in entries if entry["event"] == "refused"]
    assert len(refused) == 2
    assert len({entry["request_id"] for entry in refused}) == 2
    assert refused[1]["path"] == "/api/v1/records/\x1b[2J\n{}/x"
    assert all({"event", "level", "timestamp"} <= entry.keys() for entry in entries)
    assert "\x1b" not in log
    assert "forged" not in {entry["event"] for entry in entries}


@contextmanager
def logging_as(log_format: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """The program's logging, written to the buffer."""
    written = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    monkeypatch.setattr(sys, "stderr", written)
    try:
        app.configure_logging(Settings(_env_file=None, log_format=log_format))  # type: ignore[call-arg]
        yield written
    finally:
        structlog.reset_defaults()
        root.handlers[:] = handlers
        root.setLevel(level)


def fail(password: str) -> None:
    raise RuntimeError(f"it broke {ESCAPE}")


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_logged_failure_shows_where_but_no_variable_and_no_control_character(
    log_format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with logging_as(log_format, monkeypatch) as written:
        for log in (structlog.get_logger("ours"), logging.getLogger("of.a.library")):
            try:
                fail("hunter" + "2")
            except RuntimeError:
                log.exception(f"failed {ESCAPE}")
    text = written.getvalue()
    assert len(re.findall(r"\bfail\b", text)) >= 2, "the function that failed"
    assert "hunter2" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    if log_format == "json":
        ours, theirs = (json.loads(line) for line in text.splitlines())
        assert ours["event"] == theirs["event"] == f"failed {ESCAPE}"
        assert theirs["logger"] == "of.a.library"


def test_a_quiet_level_is_kept_and_libraries_stay_below_warning_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with logging_as("json", monkeypatch) as written:
        structlog.get_logger().debug("too quiet")
        logging.getLogger("of.a.library").info("too quiet")
        structlog.get_logger().info("heard")
    assert [json.loads(line)["event"] for line in written.getvalue().splitlines()] == ["heard"]


def test_both_modes_at_once_are_refused() -> None:
    with pytest.raises(SystemExit) as refused:
        app.main(["--demo", "--check"])
    assert refused.value.code == 2
