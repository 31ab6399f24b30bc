"""Addresses that are told of events, and how they fare."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from pydantic import Field, WithJsonSchema
from typing_extensions import TypedDict

from bot.domain import deliveries, webhooks
from bot.domain.events import EventType, wire_time
from bot.domain.webhooks import WebhookState, WebhookStatus
from bot.features import webhooks as features
from bot.features.webhooks import MAX_URL, SECRET_PATTERN, URL_PATTERN
from bot.ports import Transaction
from bot.web.api.bodies import Body
from bot.web.api.places import WebhookAt
from bot.web.api.route import PREFIX, SYSTEM, Call, Reply, Route
from bot.web.api.shapes import WEBHOOK_ID, Count, Time, TypeName, word
from bot.web.api.timelines import Event, Limit, event_json

MAX_FILTER = 100

_URL = "https://hooks.example.com/connect-chats"
_TYPES = [EventType.CHAT_CONNECTED.value, EventType.NOTE_ADDED.value]

EventName = Annotated[EventType, Field(strict=False)]  # strictly, only a member of the enumeration would do
WebhookUrl = Annotated[
    str, WithJsonSchema({"type": "string", "maxLength": MAX_URL, "pattern": f"^{URL_PATTERN}$", "examples": [_URL]})
]
WebhookSecret = Annotated[str, WithJsonSchema({"type": "string", "pattern": f"^{SECRET_PATTERN}$"})]


class WebhookBody(Body):
    """An address to tell of events."""

    url: WebhookUrl = Field(description="https, to the public internet; in the demo also http, to this machine.")
    types: list[EventName] = Field(
        default_factory=list,
        max_length=MAX_FILTER,
        description="Which events; none named: all, also types to come.",
        examples=[_TYPES],
    )
    record_types: list[TypeName] = Field(
        default_factory=list, max_length=MAX_FILTER, description="Of which record types; none named: of all."
    )
    secret: WebhookSecret | None = Field(
        default=None, description="What signs: `whsec_` and base64 of 24 to 64 random bytes. Default: one is made."
    )

    def webhook(self) -> features.NewWebhook:
        return features.NewWebhook(
            url=self.url, secret=self.secret, types=tuple(self.types), record_types=tuple(self.record_types)
        )


class SecretBody(Body):
    """A webhook's next secret."""

    secret: WebhookSecret | None = Field(
        default=None, description="As for the webhook. Say one, and the request can be repeated. Default: one is made."
    )


class WebhookError(TypedDict):
    at: Time
    message: Annotated[str, Field(description="What happened and what to do.")]


class Webhook(TypedDict):
    """An address that is told of events, and how it fares."""

    id: Annotated[str, WithJsonSchema({**WEBHOOK_ID, "examples": ["01KAXV7Q5J6Z8M3T9R2W4Y1N0B"]})]
    url: Annotated[str, Field(examples=[_URL])]
    types: Annotated[list[Annotated[str, word(EventType, EventType.NOTE_ADDED)]], Field(examples=[_TYPES])]
    record_types: list[TypeName]
    state: Annotated[
        str,
        word(
            WebhookState,
            WebhookState.ACTIVE,
            "`disabled`: its receiver answered 410. What happens is kept; a replay sends it.",
        ),
    ]
    created_at: Annotated[Time, Field(description="Only events after it are told.")]
    secret_until: Annotated[
        Time | None, Field(description="While a replaced secret signs as well: until when.", examples=[None])
    ]
    waiting: Annotated[Count, Field(description="Events that must still be told.", examples=[0])]
    oldest: Annotated[Time | None, Field(description="Since when the oldest of them waits.", examples=[None])]
    parked: Annotated[
        Count,
        Field(description="Events that were given up, after about 75 hours; a replay sends them.", examples=[0]),
    ]
    delivered_at: Annotated[Time | None, Field(description="When its receiver last took an event.", examples=[None])]
    last_error: Annotated[WebhookError | None, Field(description="Why the last try that failed did.", examples=[None])]


class NewWebhook(Webhook):
    """With its secret, this once."""

    secret: Annotated[
        str,
        Field(
            description="What signs. It is shown only here.", examples=["whsec_c2VjcmV0IG9mIGF0IGxlYXN0IDI0IGJ5dGVz"]
        ),
    ]


class Webhooks(TypedDict):
    items: list[Webhook]


class Replayed(TypedDict):
    replayed: Annotated[Count, Field(description="How many had been given up.", examples=[3])]


class ParkedEvent(TypedDict):
    event: Event
    attempts: Annotated[int, Field(ge=1, examples=[10])]
    parked_at: Time
    error: Annotated[
        str,
        Field(description="Why the last try failed.", examples=["hooks.example.com answered 503. Its log says why."]),
    ]


class ParkedEvents(TypedDict):
    items: list[ParkedEvent]


def _json(webhook: webhooks.Webhook, status: WebhookStatus, *, now: int) -> Webhook:
    """Without the secret, always: it is told once, to who made it."""
    until = max((secret.until for secret in webhook.secrets if secret.until is not None), default=0)
    return {
        "id": webhook.id,
        "url": webhook.url,
        "types": [item.value for item in webhook.types],
        "record_types": list(webhook.record_types),
        "state": webhook.state.value,
        "created_at": wire_time(webhook.created_at),
        "secret_until": wire_time(until) if until > now else None,
        "waiting": status.waiting,
        "oldest": _time(status.oldest),
        "parked": status.parked,
        "delivered_at": _time(status.delivered_at),
        "last_error": {"at": wire_time(status.failed_at), "message": status.error}
        if status.failed_at and status.error
        else None,
    }


def _with_secret(webhook: webhooks.Webhook, status: WebhookStatus, *, now: int) -> NewWebhook:
    return {**_json(webhook, status, now=now), "secret": webhook.secrets[0].text}


def _time(microseconds: int | None) -> str | None:
    return None if microseconds is None else wire_time(microseconds)


def _parked_json(item: deliveries.ParkedEvent) -> ParkedEvent:
    return {
        "event": event_json(item.event),
        "attempts": item.attempts,
        "parked_at": wire_time(item.parked_at),
        "error": item.error,
    }


_route = partial(Route, tag="Webhooks", callers=SYSTEM)


@_route("GET", "/webhooks", {200: "In order of creation."})
async def get_webhooks(call: Call) -> Webhooks:
    """All webhooks and how they fare."""
    found = await call.store.read(lambda tx: [_json(*item, now=tx.now) for item in features.list_webhooks(tx)])
    return {"items": found}


@_route(
    "POST",
    "/webhooks",
    {201: "Created. This is the one time that its secret is shown."},
    headers={"Location": "Where it is."},
    errors=(409,),
)
async def create_webhook(call: Call, body: WebhookBody) -> Reply[NewWebhook]:
    """Have an address told of events.

    Each event is a POST with a CloudEvent in JSON, signed as Standard Webhooks says, in `seq` order per record, at
    least once: what comes again has the same `webhook-id`. Whatever is not answered 2xx within 15 seconds is sent
    again, for about 75 hours; 410 stops it.
    """

    def work(tx: Transaction) -> NewWebhook:
        webhook = features.create_webhook(tx, body.webhook(), loopback=call.demo)
        return _with_secret(webhook, WebhookStatus(), now=tx.now)

    created = await call.store.write(work)
    return Reply(status=201, body=created, headers={"Location": f"{PREFIX}/webhooks/{created['id']}"})


@_route("GET", "/webhooks/{webhook}", {200: "Without its secret."})
async def get_webhook(call: Call, webhook: WebhookAt) -> Webhook:
    """A webhook and how it fares."""
    return await call.store.read(lambda tx: _json(*features.get_webhook(tx, webhook), now=tx.now))


@_route("DELETE", "/webhooks/{webhook}", {204: "Deleted."})
async def delete_webhook(call: Call, webhook: WebhookAt) -> None:
    """Delete a webhook.

    What it was still owed is not told any more.
    """
    await call.store.write(lambda tx: features.delete_webhook(tx, webhook))


@_route("POST", "/webhooks/{webhook}/secret", {200: "Replaced. This is the one time that the new secret is shown."})
async def rotate_secret(call: Call, webhook: WebhookAt, body: SecretBody) -> NewWebhook:
    """Replace a webhook's secret.

    For 24 hours each request has two signatures, of the new secret and of the one it replaced: time to give the new
    one to the receiver. Replaced again meanwhile, only the last two sign.
    """

    def work(tx: Transaction) -> NewWebhook:
        changed = features.replace_secret(tx, webhook, body.secret)
        return _with_secret(changed, tx.webhook_status(webhook), now=tx.now)

    return await call.store.write(work)


@_route("POST", "/webhooks/{webhook}/replay", {200: "Being sent, in order per record."})
async def replay_webhook(call: Call, webhook: WebhookAt) -> Replayed:
    """Send again what was given up.

    Events that were given up wait again, all that waits is sent now, and a disabled webhook is active again.
    """
    return {"replayed": await call.store.write(lambda tx: features.replay_webhook(tx, webhook))}


@_route("GET", "/webhooks/{webhook}/parked", {200: "In the order in which they happened."})
async def get_parked_events(call: Call, webhook: WebhookAt, limit: Limit = 100) -> ParkedEvents:
    """The events that were given up."""
    found = await call.store.read(lambda tx: features.given_up(tx, webhook, limit=limit))
    return {"items": [_parked_json(item) for item in found]}
