"""The one place that decides who may use `/api/v1`."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Iterable

import structlog
from aiohttp import web

from bot.errors import Forbidden, Unauthenticated
from bot.features.admission import admit
from bot.identity.user_tokens import ADMIN_ROLE, UserTokenVerifier
from bot.ports import Store
from bot.web.api.route import PREFIX, Caller, CallerKind, Route
from bot.web.problems import Handler

Check = Callable[[web.Request], Awaitable[Caller]]
"""Who asks; raises when they may not (any more)."""

CALLER = web.RequestKey("caller", Caller)

log = structlog.get_logger(__name__)


class Guard:
    """Knows what each route asks of its callers: the API's token, an administrator's, or nothing.

    Args:
        bearer: the token of the record system, which may use everything; "" means that no such system may.
        users: verifies what administrators show; None where nobody signs in to Entra ID.
    """

    def __init__(self, routes: Iterable[Route], *, bearer: str, store: Store, users: UserTokenVerifier | None) -> None:
        self._routes = {(item.method, PREFIX + item.path): item for item in routes}
        self._bearer = bearer.encode()
        self._store = store
        self._users = users

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Checks before anything below the prefix is looked at, even whether it exists."""
        resource = request.match_info.route.resource
        place = resource.canonical if resource else request.path
        if place == PREFIX or place.startswith(f"{PREFIX}/"):
            request[CALLER] = await self.check(request)
        return await handler(request)

    async def check(self, request: web.Request) -> Caller:
        """Who asks, if they may.

        Raises:
            Unauthenticated: they show no token, or not a good one. It looks the same whatever is wrong with it.
            Forbidden: the token is a person's who may not do this.
            Unavailable: whether it is a good one can't be found out now.
        """
        route = self._route(request)
        if route is not None and not route.callers:
            return Caller()
        shown = self._shown(request)
        # Bytes: compare_digest refuses text outside ASCII. aiohttp keeps odd bytes of headers as surrogates.
        if self._bearer and hmac.compare_digest(shown.encode("utf-8", "surrogateescape"), self._bearer):
            return Caller()
        if self._users is None or shown.count(".") != 2:
            raise self._unauthenticated("The token is not the right one.")
        return await self._administrator(shown, self._users, route)

    def _route(self, request: web.Request) -> Route | None:
        """None where nothing is, or not with this method."""
        resource = request.match_info.route.resource
        return self._routes.get((request.method, resource.canonical)) if resource else None

    def _shown(self, request: web.Request) -> str:
        given = request.headers.getall("Authorization", [])
        if not given:
            raise self._unauthenticated("There is no token.")
        scheme, _, token = given[0].partition(" ")
        if len(given) > 1 or scheme.lower() != "bearer":
            raise self._unauthenticated("This is no bearer token.")
        return token.strip()

    async def _administrator(self, token: str, users: UserTokenVerifier, route: Route | None) -> Caller:
        try:
            claims = await users.verify(token)
        except Unauthenticated as error:
            log.info("Entra token refused", why=str(error))  # for the log alone: who forges one learns nothing
            raise self._unauthenticated("The token is not the right one.") from None
        if route is None or CallerKind.ADMIN not in route.callers:
            raise Forbidden(
                "This part of the API is for the record system: a person's token can't use it, not even an "
                "administrator's.",
                next_step="Send Authorization: Bearer and the API_TOKEN of this server.",
            )
        await admit(self._store, claims.person, appointed=ADMIN_ROLE in claims.roles, role=ADMIN_ROLE)
        return Caller(actor=claims.person.actor)

    def _unauthenticated(self, what: str) -> Unauthenticated:
        if not self._bearer:
            what = "No record system may use this API, because it has no token."
            next_step = "Set API_TOKEN to a random text of 32 characters or more and start again."
        else:
            next_step = "Send Authorization: Bearer and the API_TOKEN of this server."
        if self._users is not None:
            next_step += " For the settings and their history an administrator's Entra token will do, too."
        return Unauthenticated(what, next_step=next_step)
