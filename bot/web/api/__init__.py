"""`/api/v1`: what the record system uses. JSON; a bearer token; every error a problem document.

`operation` says what one is; `records`, `timelines`, `streams`, `chats`, `settings`, `audit` and `webhooks` list
theirs. From these lists come the routes (here) and the OpenAPI description (`description`), so the two can't say
different things.
"""

from __future__ import annotations

import re

from aiohttp import web

from bot.domain.documents import compact
from bot.features.following import Following
from bot.identity.user_tokens import UserTokenVerifier
from bot.ports import Render, Store
from bot.web.api import audit, chats, records, settings, streams, timelines, webhooks
from bot.web.api.description import describe
from bot.web.api.guard import CALLER, Guard
from bot.web.api.operation import PREFIX, Call, Operation, Reply, Result, Stream
from bot.web.api.parameters import read_all
from bot.web.api.reading import read_object
from bot.web.api.streams import Streams

OPERATIONS: tuple[Operation, ...] = (
    *records.OPERATIONS,
    *timelines.OPERATIONS,
    *streams.OPERATIONS,
    *chats.OPERATIONS,
    *settings.OPERATIONS,
    *audit.OPERATIONS,
    *webhooks.OPERATIONS,
)


def add_api(
    app: web.Application,
    *,
    store: Store,
    following: Following,
    bearer: str,
    render: Render,
    users: UserTokenVerifier | None = None,
    demo: bool = False,
) -> None:
    """Add the API to the application.

    Args:
        bearer: the token the record system must show; "" means that none may use the API.
        users: verifies the tokens of administrators, who may use a part of it; None: there are none.
        demo: webhooks may be on this machine.
    """
    operations = (*OPERATIONS, _description_of(OPERATIONS))
    guard = Guard(operations, bearer=bearer, store=store, users=users)
    live = Streams(following, guard.check)
    app.on_shutdown.append(live.end)
    app.middlewares.append(guard.middleware)
    for operation in operations:
        handler = _handler(operation, live, store=store, following=following, render=render, demo=demo)
        app.router.add_route(operation.method, PREFIX + _route(operation.path), handler)


def _description_of(operations: tuple[Operation, ...]) -> Operation:
    """The operation that answers the description, which includes itself."""

    async def openapi(call: Call) -> Reply:
        return Reply(body=document)

    operation = Operation(
        method="GET",
        path="/openapi.json",
        name="getDescription",
        tag="Description",
        summary="This description",
        description="Needs no token: it holds nothing but the form of the API, which is public.",
        handler=openapi,
        results=(Result(status=200, description="OpenAPI 3.1.", schema="Description"),),
        public=True,
    )
    document = describe((*operations, operation))
    return operation


def _route(path: str) -> str:
    """An operation's path for aiohttp, whose own `{name}` refuses braces. A chat's id may hold anything."""
    return re.sub(r"\{(\w+)\}", lambda found: f"{{{found[1]}:{'.+' if found[1] == 'chat' else '[^/]+'}}}", path)


def _handler(operation: Operation, live: Streams, *, store: Store, following: Following, render: Render, demo: bool):
    """Reads the request as the operation declares, and writes what its handler replies."""

    async def handle(request: web.Request) -> web.StreamResponse:
        values = read_all(operation.parameters, request.query, request.headers)
        body = await read_object(request, operation.body) if operation.body else None
        reply = await operation.handler(
            Call(
                caller=request[CALLER],
                store=store,
                following=following,
                render=render,
                method=operation.method,
                path=request.match_info,
                values=values,
                body=body,
                demo=demo,
            )
        )
        return await live.tell(request, reply) if isinstance(reply, Stream) else _response(reply)

    return handle


def _response(reply: Reply) -> web.Response:
    if reply.body is None:
        return web.Response(status=reply.status, headers=reply.headers)
    return web.Response(
        status=reply.status,
        headers=reply.headers,
        body=compact(reply.body).encode(),
        content_type="application/json",
    )
