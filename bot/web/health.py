"""`/livez`, `/readyz`, `/metrics`: for machines that look after this process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from bot.errors import Unavailable

log = structlog.get_logger(__name__)


def add_routes(app: web.Application, *, ready: Callable[[], Awaitable[None]], registry: CollectorRegistry) -> None:
    """`ready` raises `Unavailable` while the process can't serve."""

    async def livez(request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def readyz(request: web.Request) -> web.Response:
        try:
            await ready()
        except Unavailable as error:
            log.warning("not ready", why=str(error))
            return web.json_response({"status": "not ready", "why": str(error)}, status=503)
        return web.json_response({"status": "ready"})

    async def metrics(request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": "text/plain; version=0.0.4"})

    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
