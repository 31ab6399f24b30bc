"""Starting and stopping the Agents Playground."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import aiohttp

HERE = Path(__file__).parent
WORLD = HERE / "playground.yml"
CLI = HERE / "node_modules/@microsoft/m365agentsplayground/cli.js"
START_SECONDS = 60


class PlaygroundFailed(RuntimeError):
    """The Playground can't be had, or did not do what was asked of it."""


async def start_playground(
    endpoint: str, *, folder: Path, port: int = 0, world: Path = WORLD
) -> tuple[asyncio.subprocess.Process, str]:
    """Start the Playground against a bot; returns the process and the Playground's address.

    A port that is taken makes it take another.

    Raises:
        PlaygroundFailed: Node or the package is missing, or it did not start.
    """
    node = shutil.which("node")
    if node is None or not CLI.exists():
        raise PlaygroundFailed("The Agents Playground is not installed. Install Node 18 or newer and run: make test")
    process = await asyncio.create_subprocess_exec(
        *(node, "--require", str(HERE / "loopback.js"), str(CLI), "start"),
        *("--app-endpoint", endpoint, "--channel-id", "msteams", "--port", str(port), "--disable-telemetry"),
        cwd=folder,
        env={
            **os.environ,
            "TEAMSAPPTESTER_BROWSER": "none",
            "M365_AGENTS_PLAYGROUND_CONFIG_PATH": str(world),
            "M365_AGENTS_PLAYGROUND_LOGFILE": str(folder / "playground.log"),
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(START_SECONDS):
            return process, await _ready(process)
    except (TimeoutError, PlaygroundFailed):
        await stop(process)
        log = folder / "playground.log"
        told = log.read_text()[-2000:] if log.exists() else "nothing"
        raise PlaygroundFailed(f"The Playground did not start within {START_SECONDS} s. It told: {told}") from None


async def _ready(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async for line in process.stdout:
        if line.startswith(b"Listening on "):
            url = f"http://localhost:{int(line.split()[-1])}"
            break
    else:
        raise PlaygroundFailed("The Playground stopped at once.")
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"{url}/_debug/ping") as response:
                    if response.status == 200:
                        return url
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.05)


async def stop(process: asyncio.subprocess.Process) -> None:
    """End a process that was started here, gently first."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), 5)
    except TimeoutError:
        process.kill()
        await process.wait()
