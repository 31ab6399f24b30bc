"""Listening: sockets, and the time a stranger may keep one without asking for anything."""

from __future__ import annotations

import asyncio

from aiohttp import web

HEADER_TIMEOUT = 15.0
KEEPALIVE = 75.0

SILENT = web.AppKey("silent", set)
"""The young connections on which no whole request has arrived yet."""
LISTENER = web.AppKey("listener", asyncio.Server)


async def start(app: web.Application, *, host: str, port: int) -> tuple[web.AppRunner, int]:
    """Set the application up and listen; returns its runner (to clean up) and the port, which the system chose for 0.

    Raises:
        OSError: the address can't be listened on.
    """
    silent: set[object] = app[SILENT]
    runner = web.AppRunner(app, access_log=None, handle_signals=False, keepalive_timeout=KEEPALIVE)
    await runner.setup()
    loop = asyncio.get_running_loop()
    build = runner.server
    assert build is not None

    def accept() -> asyncio.Protocol:
        protocol = build()
        silent.add(protocol)
        loop.call_later(HEADER_TIMEOUT, hang_up, protocol)
        return protocol

    def hang_up(protocol: web.RequestHandler) -> None:
        """aiohttp gives a connection that never finishes its first headers all the time in the world."""
        if protocol in silent:
            silent.discard(protocol)
            if protocol.transport is not None:
                protocol.transport.abort()

    try:
        server = await loop.create_server(accept, host, port, backlog=512)
    except OSError:
        await runner.cleanup()
        raise
    app[LISTENER] = server
    return runner, server.sockets[0].getsockname()[1]


async def stop(app: web.Application, runner: web.AppRunner) -> None:
    """Take no more connections, let requests in flight end, clean up."""
    app[LISTENER].close()
    await runner.cleanup()
