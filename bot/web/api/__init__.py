"""`/api/v1`: what the record system uses. JSON; a bearer token; every error a problem document.

`route` says what a route is; those of the modules below are all there are. From their functions come the routes (here)
and the OpenAPI description (`description`), so the two can't say different things.
"""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, Any

from aiohttp import web

from bot.domain.documents import compact
from bot.features.following import Following
from bot.identity.user_tokens import UserTokenVerifier
from bot.ports import Json, Render, Store
from bot.web.api import audit, chats, records, settings, streams, timelines, webhooks
from bot.web.api.description import describe
from bot.web.api.guard import CALLER, Guard
from bot.web.api.reading import read
from bot.web.api.route import EVERYBODY, PREFIX, Call, Named, Reply, Route, Stream, routes_of
from bot.web.api.streams import Streams

ROUTES = routes_of(records, timelines, streams, chats, settings, audit, webhooks)


@Route("GET", "/openapi.json", {200: "OpenAPI 3.1."}, tag="Description", callers=EVERYBODY)
async def get_description(call: Call) -> Annotated[Json, Named("Description")]:
    """This description.

    Needs no token: it holds nothing but the form of the API, which is public.
    """
    return await asyncio.to_thread(describe, _ALL)  # made once; most servers are never asked, and it takes 80 ms


_ALL = (*ROUTES, get_description)


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
    guard = Guard(_ALL, bearer=bearer, store=store, users=users)
    live = Streams(following, guard.check)
    app.on_shutdown.append(live.end)
    app.middlewares.append(guard.middleware)

    def handler(route: Route):
        async def handle(request: web.Request) -> web.StreamResponse:
            arguments = await read(route, request)
            call = Call(caller=request[CALLER], store=store, following=following, render=render, demo=demo)
            answer = await route.function(call, **arguments)
            return await live.tell(request, answer) if isinstance(answer, Stream) else _response(route, answer)

        return handle

    for route in _ALL:
        app.router.add_route(route.method, PREFIX + _pattern(route.path), handler(route))


def _pattern(path: str) -> str:
    """A route's path for aiohttp, whose own `{name}` refuses braces. A chat's id may hold anything."""
    return re.sub(r"\{(\w+)\}", lambda found: f"{{{found[1]}:{'.+' if found[1] == 'chat' else '[^/]+'}}}", path)


def _response(route: Route, answer: Any) -> web.Response:
    reply = answer if isinstance(answer, Reply) else Reply(body=answer, status=next(iter(route.answers)))
    if reply.body is None:
        return web.Response(status=reply.status, headers=reply.headers)
    return web.Response(
        status=reply.status,
        headers=reply.headers,
        body=compact(reply.body).encode(),
        content_type="application/json",
    )
