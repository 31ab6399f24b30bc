"""Listening: sockets, and the time a stranger may keep one without asking for anything."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestPayloadError

HEADER_TIMEOUT = 15.0
KEEPALIVE = 75.0

SILENT = web.AppKey("silent", set)
"""The young connections on which no whole request has arrived yet."""


class _Terse(logging.Filter):
    """What is not HTTP at all gets a line in the log, not a trace: anybody can send it, as often as they like."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and isinstance(record.exc_info[1], HttpProcessingError | RequestPayloadError):
            record.exc_info = None
        return True


@dataclass(frozen=True, slots=True)
class Listening:
    """A server that takes requests. `port` is the one the system chose when 0 was asked for."""

    runner: web.AppRunner
    server: asyncio.Server
    port: int

    async def stop(self) -> None:
        """Take no more connections, let requests in flight end, clean up."""
        self.server.close()
        await self.runner.cleanup()


async def start(app: web.Application, *, host: str, port: int) -> Listening:
    """Set the application up and listen.

    Raises:
        OSError: the address can't be listened on.
    """
    silent = app[SILENT]
    logging.getLogger("aiohttp.server").addFilter(_Terse())
    # Without `auto_decompress=False` a small compressed body would be blown up before anything can refuse it.
    runner = web.AppRunner(
        app, access_log=None, handle_signals=False, keepalive_timeout=KEEPALIVE, auto_decompress=False
    )
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
    return Listening(runner, server, server.sockets[0].getsockname()[1])
