"""`make play` and what it sets up."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECONDS = 120


def environment(folder: Path, **more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "DATABASE_URL": f"sqlite:///{folder}/play.db", **more}


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=30) as response:
            return response.status == 200
    except OSError:
        return False


def test_play_starts_both_says_what_to_try_and_stops_both(tmp_path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:  # a port that is taken makes it take another
        port = str(taken.getsockname()[1])
        with subprocess.Popen(
            [sys.executable, "-m", "tests.client.play"],
            cwd=ROOT,
            env=environment(tmp_path, PORT=port),
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                told, addresses = "", []
                deadline = time.monotonic() + SECONDS
                while "Ctrl-C" not in told and time.monotonic() < deadline:
                    told += process.stdout.readline()
                addresses = re.findall(r"http://[a-z0-9.]+:\d+", told)
                page, bot = addresses
                assert answers(f"{page}/")
                assert answers(f"{bot}/livez")
                assert not bot.endswith(f":{port}")
                assert "https://crm.example.com/records/account/A-1001" in told
            finally:
                process.send_signal(signal.SIGINT)
                process.wait(SECONDS)
    assert process.returncode == 0
    assert not [address for address in addresses if answers(f"{address}/livez") or answers(f"{address}/")]


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ([sys.executable, "tests/parts.py"], ["a browser", "a font", "Node.js", "apt-get install chromium"]),
        ([sys.executable, "-m", "tests.client.play"], ["Node"]),
    ],
)
def test_what_is_missing_is_named_with_what_to_install(command, told, tmp_path) -> None:
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**environment(tmp_path), "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 1
    assert all(part in done.stderr for part in told)
    assert "Traceback" not in done.stderr


def test_the_lock_names_no_registry() -> None:
    """A lock with addresses would fetch from the place it was made at."""
    lock = (ROOT / "tests/client/package-lock.json").read_text()
    assert '"resolved"' not in lock
    assert '"integrity"' in lock
