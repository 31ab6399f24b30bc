"""`/livez`, `/readyz`, `/metrics`: for machines that look after this process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from bot.errors import Unavailable
from bot.web.metrics import Metrics

log = structlog.get_logger(__name__)


def add_routes(app: web.Application, *, ready: Callable[[], Awaitable[None]], metrics: Metrics) -> None:
    """`ready` raises `Unavailable` while the process can't serve.

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
            return web.json_response({"status": "not ready", "why": str(error)}, status=503)
        return web.json_response({"status": "ready"})

    async def scrape(request: web.Request) -> web.Response:
        return web.Response(body=await metrics.scrape(), headers={"Content-Type": "text/plain; version=0.0.4"})

    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", scrape)
