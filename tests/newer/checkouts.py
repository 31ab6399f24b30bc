"""This program, and one of tomorrow: the same with `newer.patch`, which adds a setting, an event type, a kind of outbox
row and a column. Each runs from a folder of its own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.program import ROOT, Process, Spawn, spawned

PATCH = Path(__file__).with_name("newer.patch")
PARTS = ("bot", "cards", "manifest", "app.py", "connect-chats.toml")
"""What runs. The tests are not among it: a program needs none."""


def check_out(folder: Path, *, patch: Path | None = None) -> Path:
    """Copy the program into a new folder, changed by `patch`; the folder."""
    folder.mkdir()
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder)
    if patch is not None:
        command = ["git", "apply", "--whitespace=nowarn", str(patch)]
        applied = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
        assert applied.returncode == 0, f"{patch.name} must follow the code that it changes: {applied.stderr}"
    return folder


def starting(root: Path) -> Spawn:
    """Starts the program of that folder."""

    async def spawn(arguments: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path) -> Process:
        return await spawned(arguments, environment, folder, log, root=root)

    return spawn
