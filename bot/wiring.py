"""The only module that knows everybody: builds the world once and hands each part what it needs."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType

from aiohttp import ClientSession, web

from bot.config import DEMO_ADMIN, DEMO_ADMIN_NAME, Settings, load_catalogue
from bot.domain.catalogue import Catalogue
from bot.errors import ConnectChatsError, SettingsInvalid, Unauthenticated
from bot.features import lifecycle
from bot.features.conversation import Conversation
from bot.features.following import Following
from bot.features.rights import Rights
from bot.features.samples import add_samples
from bot.identity.app_tokens import AppTokens
from bot.identity.bot_tokens import BotTokenVerifier
from bot.identity.keys import SigningKeys
from bot.identity.user_tokens import UserTokenVerifier
from bot.outbox.outbox import Outbox
from bot.outgoing.tls import trust_in
from bot.ports import Clock, RecordSource
from bot.store.store import SqlStore, open_store
from bot.teams.adapter import Adapter
from bot.teams.connector import Connector, open_session
from bot.teams.demo_roster import of_one_tenant
from bot.teams.edge import Caller, Gate
from bot.teams.handler import Handler
from bot.teams.invokes import invokes
from bot.teams.receiver import Receiver
from bot.teams.service_urls import ServiceUrls
from bot.web import application
from bot.web.api import add_api
from bot.web.metrics import Metrics, Sources
from bot.webhooks.sender import WebhookSender
from bot.webhooks.session import open_sessions
from cards import render


def system_clock() -> int:
    return time.time_ns() // 1000


async def create_app(
    settings: Settings,
    *,
    clock: Clock = system_clock,
    sources: Mapping[str, RecordSource] = MappingProxyType({}),
    trust: ssl.SSLContext | None = None,
) -> web.Application:
    """The whole program as a web application; its tasks start when it does.

    Args:
        sources: by the name of a record type, who is asked for the rights to its records. Where there is none, each
            record's own access map says them.
        trust: of all outgoing connections but those for tokens; None: what the settings say.

    Raises:
        SettingsInvalid: `CONFIG` or `sources` can't be used.
    """
    defaults = first_settings(settings)  # first of all: until now nothing must be closed if it can't be used
    rights = Rights(sources, clock=clock)
    tenant = settings.tenant
    store = open_store(settings.database_url.get_secret_value(), tenant=tenant, clock=clock)
    trust = trust or _trust(settings)
    session = open_session(trust)
    service_urls = ServiceUrls(frozenset(settings.microsoft.connector_hosts), loopback=settings.demo)
    keys = _bot_keys(settings, session, clock)
    user_keys = _user_keys(settings, session, clock)
    tokens = None if settings.demo else AppTokens(settings, clock=clock)
    connector = Connector(
        session,
        service_urls=service_urls,
        token=tokens.bot.get if tokens else None,
        invalidate=tokens.bot.invalidate if tokens else None,
        adjust_roster=of_one_tenant if settings.demo else list,
    )
    conversation = Conversation(store=store, directory=connector, rights=rights, render=render, clock=clock)
    events = WebhookSender(
        open_sessions(trust, loopback=settings.demo),
        source=settings.public_url,
        clock=clock,
    )
    outbox = Outbox(store=store, clock=clock, sender=connector, events=events, unreachable=lifecycle.suspend)
    receiver = Receiver(
        authenticate=_anybody if settings.demo else _authenticate(settings, keys, clock),
        gate=Gate(tenant=None if settings.demo else tenant, service_url_allowed=service_urls.allows),
        adapter=Adapter(connector),
        handler=Handler(conversation, tenant=tenant),
        invokes=invokes(conversation, store=store, rights=rights, tenant=tenant),
    )
    following = Following(store)
    app = application.build(
        receiver=receiver,
        ready=store.ping,
        metrics=Metrics(
            Sources(
                outbox=lambda: store.read(lambda tx: tx.outbox_status()),
                clock=clock,
                attempts=lambda: outbox.attempts,
                connector=lambda: connector.counts,
                readers=lambda: following.readers,
                dropped=lambda: following.dropped,
            )
        ),
        add_api=lambda app: add_api(
            app,
            store=store,
            following=following,
            bearer=settings.bearer,
            users=None if settings.demo else _users(settings, user_keys, clock),
            render=render,
            demo=settings.demo,
        ),
    )
    own = [tokens.close] if tokens else []
    closing = [keys.close, user_keys.close, *own, session.close, events.close, store.close]
    app.cleanup_ctx.append(_lifetime(defaults, samples=settings.demo, store=store, outbox=outbox, closing=closing))
    return app


def _lifetime(
    defaults: Catalogue,
    *,
    samples: bool,
    store: SqlStore,
    outbox: Outbox,
    closing: Sequence[Callable[[], Awaitable[None]]],
) -> Callable[[web.Application], AsyncIterator[None]]:
    """Opens the store and starts the outbox; ends the outbox and closes the rest in the order given."""

    async def lifetime(app: web.Application) -> AsyncIterator[None]:
        try:
            await store.start()
            await store.seed(defaults)
            if samples:
                await store.write(lambda tx: add_samples(tx, render))
            worker = asyncio.create_task(outbox.run())
            yield
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)
        finally:
            for close in closing:
                await close()

    return lifetime


def first_settings(settings: Settings) -> Catalogue:
    """What the store holds after the first start.

    Raises:
        SettingsInvalid: `CONFIG` can't be used.
    """
    catalogue = load_catalogue(settings.config)
    if not settings.demo:
        return catalogue
    return Catalogue(types=catalogue.types.values(), apps=catalogue.apps.values(), admins={DEMO_ADMIN: DEMO_ADMIN_NAME})


def _trust(settings: Settings) -> ssl.SSLContext:
    return trust_in(settings.ssl_cert_file or settings.requests_ca_bundle)


async def _anybody(authorization: str | None) -> Caller:
    """The demo, on loopback: activities are unsigned."""
    return Caller()


def _authenticate(settings: Settings, keys: SigningKeys, clock: Clock) -> Callable[[str | None], Awaitable[Caller]]:
    verifier = BotTokenVerifier(keys, app_id=settings.bot_id, issuer=settings.microsoft.issuer, clock=clock)

    async def authenticate(authorization: str | None) -> Caller:
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("The request has no bearer token.", next_step="Only Microsoft Teams may post here.")
        claims = verifier.cached(token) or await verifier.verify(token)
        return Caller(service_url=claims.service_url, endorsements=claims.endorsements)

    return authenticate


def _bot_keys(settings: Settings, session: ClientSession, clock: Clock) -> SigningKeys:
    address = settings.microsoft.openid_metadata_url
    return SigningKeys(session, address, owner="the Bot Framework", setting="OPENID_METADATA_URL", clock=clock)


def _user_keys(settings: Settings, session: ClientSession, clock: Clock) -> SigningKeys:
    """Fetched when the first token of a person comes: most servers never see one."""
    address = f"{_user_issuer(settings)}/.well-known/openid-configuration"
    return SigningKeys(session, address, owner="Entra ID", setting="LOGIN_URL", clock=clock)


def _users(settings: Settings, keys: SigningKeys, clock: Clock) -> UserTokenVerifier:
    return UserTokenVerifier(
        keys, app_id=settings.bot_id, tenant=settings.tenant, issuer=_user_issuer(settings), clock=clock
    )


def _user_issuer(settings: Settings) -> str:
    """Who issues the tokens of the tenant's people, as they say it."""
    return f"{settings.microsoft.login_url}/{settings.tenant}/v2.0"


async def check_parts(settings: Settings) -> AsyncIterator[tuple[str, str | None]]:
    """Try what serving needs, part by part: its name, and the problem with its remedy or None."""
    yield "settings", None
    try:
        first_settings(settings)
    except SettingsInvalid as error:
        yield f"CONFIG {settings.config}", str(error)
    else:
        yield f"CONFIG {settings.config}", None
    yield "database", await _problem_of(_open_and_close(settings))
    session = open_session(_trust(settings))
    keys, user_keys = (make(settings, session, system_clock) for make in (_bot_keys, _user_keys))
    tokens = AppTokens(settings, clock=system_clock)
    try:
        yield "keys of the Bot Framework", await _problem_of(_any_key(keys))
        yield "keys of Entra ID", await _problem_of(_any_key(user_keys))
        yield "credentials of the bot", await _problem_of(tokens.bot.get())
    finally:
        for close in (keys.close, user_keys.close, tokens.close, session.close):
            await close()


async def _open_and_close(settings: Settings) -> None:
    """Returns when the database could be opened and migrated, and answers."""
    store = open_store(settings.database_url.get_secret_value(), tenant=settings.tenant, clock=system_clock)
    try:
        await store.start()
        await store.ping()
    finally:
        await store.close()


async def _any_key(keys: SigningKeys) -> None:
    """Returns when the keys could be fetched."""
    try:
        await keys.get("is-there-any")
    except Unauthenticated:
        return


async def _problem_of(attempt: Awaitable[object]) -> str | None:
    try:
        await attempt
    except ConnectChatsError as error:
        return str(error)
    return None
