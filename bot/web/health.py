"""`/livez`, `/readyz`, `/metrics`: for machines that look after this process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from bot.errors import Unavailable
from bot.web.metrics import Metrics

log = structlog.get_logger(__name__)

BROKEN = "The database can't be used. The log says why."
"""What is told of an error that was not written to be read: it may name hosts, files or values."""


def add_routes(app: web.Application, *, ready: Callable[[], Awaitable[None]], metrics: Metrics) -> None:
    """`ready` raises while the process can't serve: `Unavailable` with words for everybody, or anything else.

    Only the database counts: while Microsoft can't be reached every replica is in the same state, and to take them all
    out of service would end what still works.
    """

    async def livez(request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def readyz(request: web.Request) -> web.Response:
        try:
            await ready()
        except Unavailable as error:
            log.warning("not ready", why=str(error))
            return not_ready(str(error))
        except Exception as error:
            log.error("not ready", exc_info=error)
            return not_ready(BROKEN)
        return web.json_response({"status": "ready"})

    def not_ready(why: str) -> web.Response:
        return web.json_response({"status": "not ready", "why": why}, status=503)

    async def scrape(request: web.Request) -> web.Response:
        return web.Response(body=await metrics.scrape(), headers={"Content-Type": "text/plain; version=0.0.4"})

    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", scrape)
