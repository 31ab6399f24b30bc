"""The schemas of the description (JSON Schema 2020-12): what is answered, and the bodies that the domain itself reads.

The other bodies have theirs from their models (`bot.web.api.bodies`).
"""

from __future__ import annotations

from pydantic.json_schema import models_json_schema

from bot.domain.chats import ChatKind, ChatState
from bot.domain.events import EventType
from bot.domain.links import ID_PATTERN, MAX_LINK, TYPE_NAME_PATTERN
from bot.domain.records import MAX_NOTE_FIELDS, MAX_WATCH_FIELDS, Disclosure, Requirement
from bot.domain.webhooks import WebhookState
from bot.domain.wire import JOIN_HISTORY, MAX_CARD_FIELDS, MAX_FIELD_NAME, MAX_LINKS
from bot.domain.wire import MAX_LABEL as MAX_SETTING_LABEL
from bot.ports import Json
from bot.web.api.bodies import LEVELS, ConnectionBody, NoteBody, RecordBody, SecretBody, WebhookBody

TEXT: Json = {"type": "string"}
COUNT: Json = {"type": "integer", "minimum": 0}
FLAG: Json = {"type": "boolean"}
TIME: Json = {"type": "string", "format": "date-time"}
ID: Json = {"type": "string", "pattern": f"^{ID_PATTERN}$"}
TYPE_NAME: Json = {"type": "string", "pattern": f"^{TYPE_NAME_PATTERN}$"}
WEBHOOK_ID: Json = {"type": "string", "pattern": "^[0-9A-HJKMNP-TV-Z]{26}$"}
MAX_APPS = 100


def ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(properties: Json, *, optional: tuple[str, ...] = (), description: str = "") -> Json:
    """An object that holds all of these members and no others."""
    schema: Json = {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }
    return {"description": description, **schema} if description else schema


def _list(items: Json) -> Json:
    return {"type": "array", "items": items}


def _or_null(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def _items(name: str) -> Json:
    return _object({"items": _list(ref(name))})


# Settings ------------------------------------------------------------------------------------------------------------

_DISCLOSURE: Json = {"type": "string", "enum": [item.word for item in Disclosure]}
_REQUIREMENT: Json = {"type": "string", "enum": [item.value for item in Requirement]}
_NAMED = r"^[!-~]([ -~]*[!-~])?$"
_PATTERN = r"^https?://[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:[1-9][0-9]{0,4})?/"


def _names(most: int, description: str = "") -> Json:
    item = {"type": "string", "minLength": 1, "maxLength": MAX_FIELD_NAME}
    return {"type": "array", "items": item, "maxItems": most, "uniqueItems": True, "description": description}


_RECORD_TYPE: Json = {
    "name": TYPE_NAME,
    "label": {"type": "string", "minLength": 1, "maxLength": MAX_SETTING_LABEL, "description": "What people call it."},
    "enabled": {**FLAG, "description": "Off: links get no card, connections sleep."},
    "links": {
        "type": "array",
        "items": {"type": "string", "maxLength": MAX_LINK},
        "maxItems": MAX_LINKS,
        "uniqueItems": True,
        "description": "Patterns of its records' addresses: `{id}` once, as a whole path segment or query value. "
        "**Open** is built from the first.",
    },
    "key": {
        **_or_null({"type": "string", "maxLength": 64}),
        "description": "What people may type for a link: text, and `#` for digits. What matches is the id.",
    },
    "apps": {
        "type": "array",
        "items": {"type": "string", "maxLength": 128},
        "maxItems": MAX_APPS,
        "uniqueItems": True,
        "description": "Apps whose links are answered; `*`: every app.",
    },
    "card_fields": _names(MAX_CARD_FIELDS, "The fields that a card may show."),
    "disclosure": {**_DISCLOSURE, "description": "How much is shown in chats of the tenant's own people."},
    "disclosure_unknown": {**_DISCLOSURE, "description": "How much at most where the bot can't know who reads."},
    "disclosure_external": {**_DISCLOSURE, "description": "How much at most where guests or strangers are."},
    "connect": {**_REQUIREMENT, "description": "The least privilege for connecting a chat."},
    "join": {**_REQUIREMENT, "description": "The least privilege for joining a record's chats."},
    "join_history": {"type": "string", "enum": list(JOIN_HISTORY)},
    "owner_may_disconnect": FLAG,
    "connector_may_disconnect": FLAG,
    "note": {**FLAG, "description": "Post an introduction into a chat when it is connected."},
    "note_fields": _names(MAX_NOTE_FIELDS, "The fields that the introduction may show."),
    "auto_name": FLAG,
    "chat_title": {"type": "string", "minLength": 1, "maxLength": 200},
    "watch_fields": _names(MAX_WATCH_FIELDS),
}
_APP: Json = {
    "id": ID,
    "label": {"type": "string", "minLength": 1, "maxLength": MAX_SETTING_LABEL},
    "enabled": {**FLAG, "description": "Off: links that name it get no card."},
}


# Records, chats, events ----------------------------------------------------------------------------------------------

_PERSON = _object(
    {
        "id": {"type": ["string", "null"], "description": "The Entra object id; null for people who have none."},
        "name": TEXT,
    },
    description="A person as they were called then.",
)
_EVENT_CHAT = _object({"id": TEXT, "kind": {"enum": [item.value for item in ChatKind]}, "topic": TEXT})
_WEBHOOK: Json = {
    "id": WEBHOOK_ID,
    "url": TEXT,
    "types": _list({"enum": [item.value for item in EventType]}),
    "record_types": _list(TYPE_NAME),
    "state": {
        "enum": [item.value for item in WebhookState],
        "description": "`disabled`: its receiver answered 410. What happens is kept; a replay sends it.",
    },
    "created_at": {**TIME, "description": "Only events after it are told."},
    "secret_until": {**_or_null(TIME), "description": "While a replaced secret signs as well: until when."},
    "waiting": {**COUNT, "description": "Events that must still be told."},
    "oldest": {**_or_null(TIME), "description": "Since when the oldest of them waits."},
    "parked": {**COUNT, "description": "Events that were given up, after about 75 hours; a replay sends them."},
    "delivered_at": {**_or_null(TIME), "description": "When its receiver last took an event."},
    "last_error": {**_or_null(ref("WebhookError")), "description": "Why the last try that failed did."},
}
_SECRET: Json = {"type": "string", "description": "What signs. It is shown only here."}
_CONNECTION: Json = {"since": TIME, "by": _or_null(ref("Actor"))}

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
    "Record": _object(
        {
            "type": TYPE_NAME,
            "id": ID,
            "title": TEXT,
            "url": {"type": ["string", "null"]},
            "fields": {"type": "object", "additionalProperties": TEXT},
            "owner": _or_null(ref("Actor")),
            "app": {"type": ["string", "null"]},
            "access": {"type": "object", "additionalProperties": {"enum": LEVELS}},
            "version": {"type": "integer", "minimum": 1, "description": "Counts up with each change; the ETag."},
        }
    ),
    "Event": _object(
        {
            "id": {"type": "string", "description": "A ULID."},
            "seq": {"type": "integer", "minimum": 1, "description": "Counts from 1 per record, without gaps."},
            "type": {"enum": [item.value for item in EventType]},
            "record": _object({"type": TYPE_NAME, "id": ID}),
            "at": TIME,
            "actor": _or_null(ref("Actor")),
            "chat": _or_null(ref("EventChat")),
            "data": {
                "type": "object",
                "description": "More, depending on the type: `text` of a note, `changed` names.",
            },
        },
        description="A fact about a record, never changed.",
    ),
    "EventChat": {"description": "The chat as it was when the event happened.", **_EVENT_CHAT},
    "Timeline": _object(
        {"events": _list(ref("Event")), "next": {"type": ["integer", "null"], "description": "Send it as `after`."}}
    ),
    "Feed": _object({"events": _list(ref("Event")), "next": {"type": "string", "description": "Send it as `after`."}}),
    "EventStream": {
        "type": "string",
        "description": "Server-sent events: `id` is the place to come back to, `data` an Event as JSON on one line.",
    },
    "ConnectedChat": _object(
        {
            "id": TEXT,
            "kind": {"enum": [item.value for item in ChatKind]},
            "topic": TEXT,
            **_CONNECTION,
            "state": {
                "enum": [item.value for item in ChatState],
                "description": "`suspended`: the bot was removed from the chat; `gone`: the chat was deleted.",
            },
        }
    ),
    "ConnectedChats": _items("ConnectedChat"),
    "ConnectedRecord": _object(
        {"type": TYPE_NAME, "id": ID, "title": TEXT, "url": {"type": ["string", "null"]}, **_CONNECTION}
    ),
    "ConnectedRecords": _items("ConnectedRecord"),
    "Webhook": _object(_WEBHOOK, description="An address that is told of events, and how it fares."),
    "NewWebhook": _object({**_WEBHOOK, "secret": _SECRET}, description="With its secret, this once."),
    "Webhooks": _items("Webhook"),
    "WebhookError": _object({"at": TIME, "message": {**TEXT, "description": "What happened and what to do."}}),
    "Replayed": _object({"replayed": {**COUNT, "description": "How many had been given up."}}),
    "ParkedEvent": _object(
        {
            "event": ref("Event"),
            "attempts": {"type": "integer", "minimum": 1},
            "parked_at": TIME,
            "error": {**TEXT, "description": "Why the last try failed."},
        }
    ),
    "ParkedEvents": _items("ParkedEvent"),
    "RecordType": _object(_RECORD_TYPE, description="A kind of record and what may be done with it."),
    "RecordTypes": _items("RecordType"),
    "RecordTypeBody": _object(
        _RECORD_TYPE,
        optional=tuple(_RECORD_TYPE),
        description="Settings left out get their default. `name` must be the one in the address.",
    ),
    "App": _object(_APP, description="An application of the record system, which links may name."),
    "Apps": _items("App"),
    "AppBody": _object(
        _APP, optional=tuple(_APP), description="`id` must be the one in the address; `label` is it by default."
    ),
}


def all_schemas() -> Json:
    """Every schema by name."""
    _, models = models_json_schema(
        [(model, "validation") for model in (RecordBody, NoteBody, ConnectionBody, WebhookBody, SecretBody)],
        ref_template="#/components/schemas/{model}",
    )
    return {**SCHEMAS, **models["$defs"]}
