"""Processes that serve, each on the one core that all of them are measured on."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
START_TIMEOUT = 60.0
STOP_TIMEOUT = 20.0

_READY = re.compile(r"ready(?: on|:) \S+:(\d+)")


class ServerFailed(Exception):
    """A server did not start; its log has what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cores:
    """Who runs where. `serving` is None where processes can't be bound to a core."""

    serving: int | None
    loading: int | None

    @classmethod
    def split(cls) -> Cores:
        """The first core for whoever is measured, the next one for who measures."""
        if not hasattr(os, "sched_setaffinity"):
            return cls(serving=None, loading=None)
        cores = sorted(os.sched_getaffinity(0))
        return cls(serving=cores[0], loading=cores[1] if len(cores) > 1 else None)

    def bind_load(self) -> None:
        """This process is the load generator."""
        if self.loading is not None:
            os.sched_setaffinity(0, {self.loading})

    def __str__(self) -> str:
        if self.serving is None:
            return "this system binds no process to a core, so more than one may serve"
        if self.loading is None:
            return "there is one core: the load takes part of it, so only the ratios tell something"
        return f"servers share core {self.serving}, one at work at a time; load and fakes run on core {self.loading}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that is ready. `start_seconds`: from its start until it said so."""

    pid: int
    port: int
    start_seconds: float

    def cpu_seconds(self) -> float | None:
        """Processor time of all its threads; None where the system doesn't tell."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except FileNotFoundError:
            return None
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float | None:
        """Resident memory, in MB of 1,000,000 bytes; None where the system doesn't tell."""
        try:
            pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        except FileNotFoundError:
            return None
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@asynccontextmanager
async def serving(
    name: str, command: Sequence[str], *, core: int | None, environment: Mapping[str, str], folder: Path
) -> AsyncIterator[Server]:
    """Run `python *command` until the block ends. What it writes on stderr goes into `folder`.

    Raises:
        ServerFailed: it did not say that it is ready.
    """
    log = folder / f"{name}.log"
    kept = {name: value for name in ("PATH", "LANG", "HOME") if (value := os.environ.get(name))}
    started = time.perf_counter()
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            cwd=folder,  # where no `.env` of a developer lies
            env={**kept, "PYTHONPATH": str(ROOT), **environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
    try:
        if core is not None:
            os.sched_setaffinity(process.pid, {core})
        port = await _port(process)
        if port is None:
            raise ServerFailed(f"{name} did not get ready")
        yield Server(pid=process.pid, port=port, start_seconds=time.perf_counter() - started)
    finally:
        await _stop(process)


async def _port(process: asyncio.subprocess.Process) -> int | None:
    """Where it listens; None when it ended, or did not say so in time."""
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_TIMEOUT):
            async for line in process.stdout:
                if ready := _READY.search(line.decode()):
                    return int(ready[1])
    except TimeoutError:
        return None
    return None


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(STOP_TIMEOUT):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
