"""The one place that decides who may use `/api/v1`."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection

from aiohttp import web

from bot.errors import Unauthenticated
from bot.web.api.operation import PREFIX
from bot.web.problems import Handler

Check = Callable[[web.Request], None]
"""Raises `Unauthenticated` when whoever asks may not use the API (any more)."""


def bearer_check(bearer: str) -> Check:
    """Who shows the token may. "" means that nobody may."""
    expected = bearer.encode()
    return lambda request: _authenticate(request, expected)


def guard(check: Check, *, public: Collection[str]):
    """A middleware that checks before anything below the prefix is looked at, even whether it exists.

    Args:
        public: paths of resources that everybody may use.
    """

    @web.middleware
    async def ask(request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        open_to_all = resource is not None and resource.canonical in public
        place = resource.canonical if resource else request.path
        if (place == PREFIX or place.startswith(f"{PREFIX}/")) and not open_to_all:
            check(request)
        return await handler(request)

    return ask


def _authenticate(request: web.Request, expected: bytes) -> None:
    if not expected:
        raise Unauthenticated(
            "Nobody may use this API, because it has no token.",
            next_step="Set API_TOKEN to a random text of 32 characters or more and start again.",
        )
    given = request.headers.getall("Authorization", [])
    if not given:
        raise Unauthenticated("There is no token.", next_step="Send Authorization: Bearer and the API_TOKEN.")
    scheme, _, token = given[0].partition(" ")
    if len(given) > 1 or scheme.lower() != "bearer":
        raise Unauthenticated("This is no bearer token.", next_step="Send Authorization: Bearer and the API_TOKEN.")
    # Bytes: compare_digest refuses text outside ASCII. aiohttp keeps odd bytes of headers as surrogates.
    if not hmac.compare_digest(token.strip().encode("utf-8", "surrogateescape"), expected):
        raise Unauthenticated("The token is not the right one.", next_step="It is the API_TOKEN of this server.")
