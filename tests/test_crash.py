"""A killed process loses nothing it acknowledged and does nothing twice; what it owed is told by its successors."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.postgres import Postgres
from tests.torture.crash import run_crashes

KILLS = 25
SEED = int(os.environ.get("SEED", "20261122"))


@pytest.mark.long
async def test_killed_fifty_times_while_commands_stream_in_nothing_is_lost_doubled_or_untold(
    postgres: Postgres, tmp_path: Path, measured: Callable[[object], None]
) -> None:
    """`make torture` kills two hundred times."""
    databases = {"sqlite": f"sqlite:///{tmp_path}/crash.db", "postgresql": postgres.create()}
    async with asyncio.TaskGroup() as runs:
        for name in databases:
            (tmp_path / name).mkdir()
        tasks = [
            runs.create_task(run_crashes(tmp_path / name, url, name=name, kills=KILLS, seed=SEED))
            for name, url in databases.items()
        ]
    reports = [task.result() for task in tasks]
    for report in reports:
        measured(report)
    assert all(report.good for report in reports), "\n".join(report.explained() for report in reports)
