"""`make play`: the demo and the Agents Playground, a Teams client in the browser. Ctrl-C stops both."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from bot.config import read_settings
from tests.client.launch import PlaygroundFailed, start_playground, stop
from tests.parts import PartMissing, install_client

ROOT = Path(__file__).parents[2]
PAGE_PORT = 56150  # the Playground's own default
READY = "Connect Chats is ready: "

WELCOME = """
Ready: open {page} in your browser.

A first card:
  1. choose the chat "Contoso renewal", then the + beside the message box, then "Link Unfurling"
  2. paste https://crm.example.com/records/account/A-1001 and press "Send to Conversation"
  3. press "Connect this chat" on the card

Then write in that chat (click on Connect Chats after you typed @):
  @Connect Chats note They asked for a discount
  @Connect Chats timeline

You are Alex Wilber. The bot behind it is at {bot}, the record system's token is "demo". Ctrl-C stops both.
"""


class BotFailed(RuntimeError):
    """The demo did not start; it said why on stderr."""


def main() -> int:
    try:
        install_client()
        asyncio.run(play())
    except (PartMissing, PlaygroundFailed, BotFailed) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


async def play() -> None:
    """Start both, say what to try, and stop both when told to or when one of them ends."""
    stopping = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(name, stopping.set)
    print("Starting the demo and the Agents Playground ...", flush=True)
    async with AsyncExitStack() as stack:
        bot, address = await stack.enter_async_context(demo())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        client, page = await start_playground(f"{address}/api/messages", folder=folder, port=PAGE_PORT)
        stack.push_async_callback(stop, client)
        print(WELCOME.format(page=page, bot=address), flush=True)
        waiting = [asyncio.create_task(task) for task in (stopping.wait(), bot.wait(), client.wait())]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        if not stopping.is_set():
            name = "demo" if bot.returncode is not None else "Playground"
            raise BotFailed(f"The {name} stopped by itself. Start again with: make play")


@asynccontextmanager
async def demo(**environment: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """`app.py --demo` with its address, until the end of the block. A port that is taken makes it take another.

    Raises:
        BotFailed: it did not start.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "app.py"), "--demo"),
        cwd=ROOT,
        env={**os.environ, "PORT": str(_free_port()), **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process, await _address(process)
    finally:
        await stop(process)


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async for line in process.stdout:
        text = line.decode()
        if text.startswith(READY):
            return text.removeprefix(READY).split()[0]
    raise BotFailed("The demo did not start; what it said stands above.")


def _free_port() -> int:
    """The port of the settings, or 0 (any) when it is taken."""
    settings, _ = read_settings()
    try:
        with socket.create_server((settings.host, settings.port)):
            return settings.port
    except OSError:
        return 0


if __name__ == "__main__":
    sys.exit(main())
