"""`POST /api/messages`: where Teams delivers activities."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Protocol

from aiohttp import web

from bot.web.body import check_headers, read_body

MAX_BODY = 256 * 1024
PATH = "/api/messages"


class Received(Protocol):
    """An HTTP answer; the body is JSON, or empty."""

    @property
    def status(self) -> int: ...
    @property
    def body(self) -> bytes: ...


class Receiver(Protocol):
    """What stands behind the address (`bot.teams.receiver`)."""

    def authenticate(self, authorization: str | None, /) -> Awaitable[Any]: ...
    async def take(self, caller: Any, body: bytes, /) -> Received: ...


def add_routes(app: web.Application, receiver: Receiver) -> None:
    async def receive(request: web.Request) -> web.Response:
        check_headers(request, MAX_BODY)
        caller = await receiver.authenticate(request.headers.get("Authorization"))
        received = await receiver.take(caller, await read_body(request, MAX_BODY))
        if not received.body:
            return web.Response(status=received.status)
        return web.Response(status=received.status, body=received.body, content_type="application/json")

    app.router.add_post(PATH, receive)
