"""The program in a process of its own, started and ended as an operator would."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from aiohttp import ClientConnectionError, ClientSession, ClientTimeout

ROOT = Path(__file__).parent.parent
READY_WITHIN = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process(Protocol):
    """What `asyncio.subprocess.Process` is, as far as it is needed here."""

    @property
    def returncode(self) -> int | None: ...
    def send_signal(self, signal: int, /) -> None: ...
    async def wait(self) -> int: ...


Spawn = Callable[[Sequence[str], Mapping[str, str], Path, Path], Awaitable[Process]]
"""Starts `app.py` with these arguments and this environment, in a folder; what it prints is added to the file."""


async def spawned(
    arguments: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path, *, root: Path = ROOT
) -> Process:
    """`python app.py`, as an operator starts it. `root`: the folder it is in."""
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            str(root / "app.py"),
            *arguments,
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=output,
        )


@dataclass(slots=True)
class Program:
    """A running process. `log` holds what it wrote, once it has ended."""

    base: str
    process: Process
    log: Path

    def pause(self) -> None:
        """As a machine does that stalls: nothing runs, every connection stays open."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    async def kill(self) -> None:
        """As a power cut does."""
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def stop(self) -> int:
        """As Ctrl-C does; the exit code."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGINT)
        return await asyncio.wait_for(self.process.wait(), READY_WITHIN)

    async def ready(self) -> None:
        """Returns when it serves."""
        async with ClientSession(timeout=ClientTimeout(total=2)) as http, asyncio.timeout(READY_WITHIN):
            while True:
                if self.process.returncode is not None:
                    raise AssertionError(f"the program ended: {self.log.read_text()}")
                try:
                    async with http.get(f"{self.base}/readyz") as response:
                        if response.status == 200:
                            return
                except (ClientConnectionError, TimeoutError):
                    pass
                await asyncio.sleep(0.02)


async def start_program(
    folder: Path, environment: Mapping[str, str], *arguments: str, port: int = 0, spawn: Spawn = spawned
) -> Program:
    """The program with its data and its log in `folder`, started a moment ago: not `ready` yet."""
    port = port or free_port()
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    defaults = {
        "PORT": str(port),
        "CONFIG": str(ROOT / "connect-chats.toml"),
        "DATABASE_URL": f"sqlite:///{folder}/program.db",
    }
    log = folder / "program.log"
    process = await spawn(arguments, {**kept, **defaults, **environment}, folder, log)
    return Program(f"http://127.0.0.1:{port}", process, log)


@asynccontextmanager
async def running_program(
    folder: Path, environment: Mapping[str, str], *arguments: str, port: int = 0, spawn: Spawn = spawned
) -> AsyncIterator[Program]:
    """The program, ready to serve; stopped at the end if it still runs."""
    program = await start_program(folder, environment, *arguments, port=port, spawn=spawn)
    try:
        await program.ready()
        yield program
    finally:
        if program.process.returncode is None:
            await program.stop()
