"""The schemas of the description: what is answered, and the bodies that the domain itself reads.

The other bodies have theirs from their models (`bot.web.api.bodies`).
"""

from __future__ import annotations

from pydantic.json_schema import models_json_schema

from bot.domain.chats import ChatKind, ChatState
from bot.domain.events import EventType
from bot.domain.webhooks import WebhookState
from bot.ports import Json
from bot.web.api import settings_schemas
from bot.web.api.bodies import LEVELS, AdminsBody, ConnectionBody, NoteBody, RecordBody, SecretBody, WebhookBody
from bot.web.api.shapes import (
    COUNT,
    ID,
    TEXT,
    TIME,
    TYPE_NAME,
    WEBHOOK_ID,
    items_of,
    list_of,
    object_of,
    or_null,
    ref,
    word_of,
)

_PERSON = object_of(
    {
        "id": {"type": ["string", "null"], "description": "The Entra object id; null for people who have none."},
        "name": TEXT,
    },
    description="A person as they were called then.",
)
_EVENT_CHAT = object_of({"id": TEXT, "kind": word_of(ChatKind), "topic": TEXT})
_WEBHOOK: Json = {
    "id": WEBHOOK_ID,
    "url": TEXT,
    "types": list_of(word_of(EventType)),
    "record_types": list_of(TYPE_NAME),
    "state": word_of(WebhookState, "`disabled`: its receiver answered 410. What happens is kept; a replay sends it."),
    "created_at": {**TIME, "description": "Only events after it are told."},
    "secret_until": {**or_null(TIME), "description": "While a replaced secret signs as well: until when."},
    "waiting": {**COUNT, "description": "Events that must still be told."},
    "oldest": {**or_null(TIME), "description": "Since when the oldest of them waits."},
    "parked": {**COUNT, "description": "Events that were given up, after about 75 hours; a replay sends them."},
    "delivered_at": {**or_null(TIME), "description": "When its receiver last took an event."},
    "last_error": {**or_null(ref("WebhookError")), "description": "Why the last try that failed did."},
}
_SECRET: Json = {"type": "string", "description": "What signs. It is shown only here."}
_CONNECTION: Json = {"since": TIME, "by": or_null(ref("Actor"))}

SCHEMAS: Json = {
    "Problem": {
        "description": "RFC 9457.",
        "type": "object",
        "properties": {
            "type": {
                "type": "string",
                "description": "A stable name for programs: `urn:connect-chats:problem:not-found`.",
            },
            "title": TEXT,
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "What happened, why, and what to do next."},
            "instance": {"type": "string", "description": "The request, as the log knows it."},
        },
        "required": ["type", "title", "status", "detail", "instance"],
    },
    "Description": {"type": "object", "required": ["openapi", "info", "paths"]},
    "Actor": _PERSON,
    "Record": object_of(
        {
            "type": TYPE_NAME,
            "id": ID,
            "title": TEXT,
            "url": {"type": ["string", "null"]},
            "fields": {"type": "object", "additionalProperties": TEXT},
            "owner": or_null(ref("Actor")),
            "app": {"type": ["string", "null"]},
            "access": {"type": "object", "additionalProperties": {"enum": LEVELS}},
            "version": {"type": "integer", "minimum": 1, "description": "Counts up with each change; the ETag."},
        }
    ),
    "Event": object_of(
        {
            "id": {"type": "string", "description": "A ULID."},
            "seq": {"type": "integer", "minimum": 1, "description": "Counts from 1 per record, without gaps."},
            "type": word_of(EventType),
            "record": object_of({"type": TYPE_NAME, "id": ID}),
            "at": TIME,
            "actor": or_null(ref("Actor")),
            "chat": or_null(ref("EventChat")),
            "data": {
                "type": "object",
                "description": "More, depending on the type: `text` of a note, `changed` names.",
            },
        },
        description="A fact about a record, never changed.",
    ),
    "EventChat": {"description": "The chat as it was when the event happened.", **_EVENT_CHAT},
    "Timeline": object_of(
        {"events": list_of(ref("Event")), "next": {"type": ["integer", "null"], "description": "Send it as `after`."}}
    ),
    "Feed": object_of(
        {"events": list_of(ref("Event")), "next": {"type": "string", "description": "Send it as `after`."}}
    ),
    "EventStream": {
        "type": "string",
        "description": "Server-sent events: `id` is the place to come back to, `data` an Event as JSON on one line.",
    },
    "ConnectedChat": object_of(
        {
            "id": TEXT,
            "kind": word_of(ChatKind),
            "topic": TEXT,
            **_CONNECTION,
            "state": word_of(
                ChatState, "`suspended`: the bot was removed from the chat; `gone`: the chat was deleted."
            ),
        }
    ),
    "ConnectedChats": items_of("ConnectedChat"),
    "ConnectedRecord": object_of(
        {"type": TYPE_NAME, "id": ID, "title": TEXT, "url": {"type": ["string", "null"]}, **_CONNECTION}
    ),
    "ConnectedRecords": items_of("ConnectedRecord"),
    "Webhook": object_of(_WEBHOOK, description="An address that is told of events, and how it fares."),
    "NewWebhook": object_of({**_WEBHOOK, "secret": _SECRET}, description="With its secret, this once."),
    "Webhooks": items_of("Webhook"),
    "WebhookError": object_of({"at": TIME, "message": {**TEXT, "description": "What happened and what to do."}}),
    "Replayed": object_of({"replayed": {**COUNT, "description": "How many had been given up."}}),
    "ParkedEvent": object_of(
        {
            "event": ref("Event"),
            "attempts": {"type": "integer", "minimum": 1},
            "parked_at": TIME,
            "error": {**TEXT, "description": "Why the last try failed."},
        }
    ),
    "ParkedEvents": items_of("ParkedEvent"),
    **settings_schemas.SCHEMAS,
}


def all_schemas() -> Json:
    """Every schema by name."""
    _, models = models_json_schema(
        [
            (model, "validation")
            for model in (RecordBody, AdminsBody, NoteBody, ConnectionBody, WebhookBody, SecretBody)
        ],
        ref_template="#/components/schemas/{model}",
    )
    return {**SCHEMAS, **models["$defs"]}
