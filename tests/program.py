"""The program in a process of its own, started and ended as an operator would."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import ClientConnectionError, ClientSession, ClientTimeout

ROOT = Path(__file__).parent.parent
READY_WITHIN = 20.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass(slots=True)
class Program:
    """A running process. `log` holds what it wrote, once it has ended."""

    base: str
    process: asyncio.subprocess.Process
    log: Path

    async def kill(self) -> None:
        """As a power cut does."""
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def stop(self) -> int:
        """As Ctrl-C does; the exit code."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGINT)
        return await asyncio.wait_for(self.process.wait(), 20)


@asynccontextmanager
async def running_program(
    folder: Path, environment: Mapping[str, str], *arguments: str, port: int = 0
) -> AsyncIterator[Program]:
    """`python app.py` with its data and its log in `folder`, ready to serve."""
    port = port or free_port()
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    defaults = {
        "PORT": str(port),
        "CONFIG": str(ROOT / "connect-chats.toml"),
        "DATABASE_URL": f"sqlite:///{folder}/program.db",
    }
    log = folder / "program.log"
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(ROOT / "app.py"),
            *arguments,
            cwd=folder,
            env={**kept, **defaults, **environment},
            stdout=output,
            stderr=output,
        )
    program = Program(f"http://127.0.0.1:{port}", process, log)
    try:
        await _ready(program)
        yield program
    finally:
        if process.returncode is None:
            await program.stop()


async def _ready(program: Program) -> None:
    async with ClientSession(timeout=ClientTimeout(total=2)) as http, asyncio.timeout(READY_WITHIN):
        while True:
            if program.process.returncode is not None:
                raise AssertionError(f"the program ended: {program.log.read_text()}")
            try:
                async with http.get(f"{program.base}/readyz") as response:
                    if response.status == 200:
                        return
            except (ClientConnectionError, TimeoutError):
                pass
            await asyncio.sleep(0.05)
