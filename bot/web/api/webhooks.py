"""Addresses that are told of events, and how they fare."""

from __future__ import annotations

from bot.domain.deliveries import ParkedEvent
from bot.domain.events import EventType, wire_time
from bot.domain.webhooks import Webhook, WebhookStatus
from bot.errors import NotFound
from bot.features.webhooks import (
    create_webhook,
    delete_webhook,
    get_webhook,
    given_up,
    list_webhooks,
    replace_secret,
    replay_webhook,
)
from bot.ports import Json, Transaction
from bot.web.api.bodies import SecretBody, WebhookBody
from bot.web.api.operation import PREFIX, Body, Call, Operation, Reply, Result
from bot.web.api.parameters import Number
from bot.web.api.timelines import EVENT_EXAMPLE

LIMIT = Number(name="limit", description="How many events at most.", default=100, minimum=1, maximum=1000)


async def get_all(call: Call) -> Reply:
    found = await call.store.read(lambda tx: [_json(*item, now=tx.now) for item in list_webhooks(tx)])
    return Reply(body={"items": found})


async def create(call: Call) -> Reply:
    body: WebhookBody = call.body

    def work(tx: Transaction) -> Json:
        return _with_secret(create_webhook(tx, body.webhook(), loopback=call.demo), WebhookStatus(), now=tx.now)

    created = await call.store.write(work)
    return Reply(status=201, body=created, headers={"Location": f"{PREFIX}/webhooks/{created['id']}"})


async def get(call: Call) -> Reply:
    webhook_id = _named(call)
    return Reply(body=await call.store.read(lambda tx: _json(*get_webhook(tx, webhook_id), now=tx.now)))


async def delete(call: Call) -> Reply:
    webhook_id = _named(call)
    await call.store.write(lambda tx: delete_webhook(tx, webhook_id))
    return Reply(status=204)


async def rotate(call: Call) -> Reply:
    webhook_id, body = _named(call), call.body

    def work(tx: Transaction) -> Json:
        webhook = replace_secret(tx, webhook_id, body.secret)
        return _with_secret(webhook, tx.webhook_status(webhook_id), now=tx.now)

    return Reply(body=await call.store.write(work))


async def replay(call: Call) -> Reply:
    webhook_id = _named(call)
    return Reply(body={"replayed": await call.store.write(lambda tx: replay_webhook(tx, webhook_id))})


async def parked(call: Call) -> Reply:
    webhook_id, limit = _named(call), call.values["limit"]
    found = await call.store.read(lambda tx: given_up(tx, webhook_id, limit=limit))
    return Reply(body={"items": [_parked_json(item) for item in found]})


def _named(call: Call) -> str:
    """
    Raises:
        NotFound: no webhook can have this id.
    """
    webhook_id = call.path["webhook"]
    if not (len(webhook_id) == 26 and webhook_id.isascii() and webhook_id.isalnum()):
        raise NotFound("There is no such webhook.", next_step="GET /api/v1/webhooks lists them.")
    return webhook_id


def _json(webhook: Webhook, status: WebhookStatus, *, now: int) -> Json:
    """Without the secret, always: it is told once, to who made it."""
    until = max((secret.until for secret in webhook.secrets if secret.until is not None), default=0)
    error = {"at": wire_time(status.failed_at), "message": status.error} if status.failed_at and status.error else None
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
        "last_error": error,
    }


def _with_secret(webhook: Webhook, status: WebhookStatus, *, now: int) -> Json:
    return {**_json(webhook, status, now=now), "secret": webhook.secrets[0].text}


def _time(microseconds: int | None) -> str | None:
    return None if microseconds is None else wire_time(microseconds)


def _parked_json(item: ParkedEvent) -> Json:
    return {
        "event": item.event.to_wire(),
        "attempts": item.attempts,
        "parked_at": wire_time(item.parked_at),
        "error": item.error,
    }


_BODY: Json = {
    "url": "https://hooks.example.com/connect-chats",
    "types": [EventType.CHAT_CONNECTED.value, EventType.NOTE_ADDED.value],
    "record_types": ["account"],
}
_ANSWER: Json = {
    "id": "01KAXV7Q5J6Z8M3T9R2W4Y1N0B",
    **_BODY,
    "state": "active",
    "created_at": "2026-11-22T18:30:00.000000Z",
    "secret_until": None,
    "waiting": 2,
    "oldest": "2026-11-23T08:15:00.000000Z",
    "parked": 0,
    "delivered_at": "2026-11-23T08:10:00.000000Z",
    "last_error": {
        "at": "2026-11-23T08:15:05.000000Z",
        "message": "hooks.example.com answered 503. Its log says why.",
    },
}
_NEW: Json = {
    **_ANSWER,
    "waiting": 0,
    "oldest": None,
    "delivered_at": None,
    "last_error": None,
    "secret": "whsec_c2VjcmV0IG9mIGF0IGxlYXN0IDI0IGJ5dGVz",
}
_ROTATED: Json = {**_NEW, "secret_until": "2026-11-24T08:20:00.000000Z"}
_PARKED: Json = {
    "event": EVENT_EXAMPLE,
    "attempts": 10,
    "parked_at": "2026-11-25T22:05:05.000000Z",
    "error": "hooks.example.com answered 503. Its log says why.",
}

OPERATIONS = (
    Operation(
        method="GET",
        path="/webhooks",
        name="getWebhooks",
        tag="Webhooks",
        summary="All webhooks and how they fare",
        handler=get_all,
        results=(
            Result(status=200, description="In order of creation.", schema="Webhooks", example={"items": [_ANSWER]}),
        ),
    ),
    Operation(
        method="POST",
        path="/webhooks",
        name="createWebhook",
        tag="Webhooks",
        summary="Have an address told of events",
        description="Each event is a POST with a CloudEvent in JSON, signed as Standard Webhooks says, in `seq` order "
        "per record, at least once: what comes again has the same `webhook-id`. Whatever is not answered 2xx within 15 "
        "seconds is sent again, for about 75 hours; 410 stops it.",
        handler=create,
        body=Body(schema="WebhookBody", model=WebhookBody, example=_BODY),
        results=(
            Result(
                status=201,
                description="Created. This is the one time that its secret is shown.",
                schema="NewWebhook",
                example=_NEW,
                headers={"Location": "Where it is."},
            ),
        ),
        errors=(409,),
    ),
    Operation(
        method="GET",
        path="/webhooks/{webhook}",
        name="getWebhook",
        tag="Webhooks",
        summary="A webhook and how it fares",
        handler=get,
        results=(Result(status=200, description="Without its secret.", schema="Webhook", example=_ANSWER),),
        errors=(404,),
    ),
    Operation(
        method="DELETE",
        path="/webhooks/{webhook}",
        name="deleteWebhook",
        tag="Webhooks",
        summary="Delete a webhook",
        description="What it was still owed is not told any more.",
        handler=delete,
        results=(Result(status=204, description="Deleted."),),
        errors=(404,),
    ),
    Operation(
        method="POST",
        path="/webhooks/{webhook}/secret",
        name="rotateSecret",
        tag="Webhooks",
        summary="Replace a webhook's secret",
        description="For 24 hours each request has two signatures, of the new secret and of the one it replaced: time "
        "to give the new one to the receiver. Replaced again meanwhile, only the last two sign.",
        handler=rotate,
        body=Body(schema="SecretBody", model=SecretBody, example={}),
        results=(
            Result(
                status=200,
                description="Replaced. This is the one time that the new secret is shown.",
                schema="NewWebhook",
                example=_ROTATED,
            ),
        ),
        errors=(404,),
    ),
    Operation(
        method="POST",
        path="/webhooks/{webhook}/replay",
        name="replayWebhook",
        tag="Webhooks",
        summary="Send again what was given up",
        description="Events that were given up wait again, all that waits is sent now, and a disabled webhook is "
        "active again.",
        handler=replay,
        results=(
            Result(
                status=200, description="Being sent, in order per record.", schema="Replayed", example={"replayed": 3}
            ),
        ),
        errors=(404,),
    ),
    Operation(
        method="GET",
        path="/webhooks/{webhook}/parked",
        name="getParkedEvents",
        tag="Webhooks",
        summary="The events that were given up",
        handler=parked,
        parameters=(LIMIT,),
        results=(
            Result(
                status=200,
                description="In the order in which they happened.",
                schema="ParkedEvents",
                example={"items": [_PARKED]},
            ),
        ),
        errors=(404,),
    ),
)
