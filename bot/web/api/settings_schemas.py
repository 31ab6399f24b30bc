"""The schemas of settings, administrators and the audit trail."""

from __future__ import annotations

from bot.domain.decisions import CHANGES, NOT_YET, Action
from bot.domain.history import Subject, Via
from bot.domain.links import MAX_LINK
from bot.domain.policy import RULES
from bot.domain.records import MAX_NOTE_FIELDS, MAX_WATCH_FIELDS, Disclosure, Requirement
from bot.domain.wire import JOIN_HISTORY, MAX_CARD_FIELDS, MAX_FIELD_NAME, MAX_LABEL, MAX_LINKS
from bot.ports import Json
from bot.web.api.bodies import ACTOR
from bot.web.api.shapes import (
    COUNT,
    FLAG,
    ID,
    TEXT,
    TIME,
    TYPE_NAME,
    items_of,
    list_of,
    object_of,
    or_null,
    page_of,
    ref,
    word_of,
)

MAX_APPS = 100

_DISCLOSURE: Json = {"type": "string", "enum": [item.word for item in Disclosure]}
_REQUIREMENT: Json = {"type": "string", "enum": [item.value for item in Requirement]}


def _names(most: int, description: str = "") -> Json:
    item = {"type": "string", "minLength": 1, "maxLength": MAX_FIELD_NAME}
    return {"type": "array", "items": item, "maxItems": most, "uniqueItems": True, "description": description}


_RECORD_TYPE: Json = {
    "name": TYPE_NAME,
    "label": {"type": "string", "minLength": 1, "maxLength": MAX_LABEL, "description": "What people call it."},
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
        **or_null({"type": "string", "maxLength": 64}),
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
    "join": {**_REQUIREMENT, "description": "The least privilege for being told which chats a record has."},
    "join_history": {"type": "string", "enum": list(JOIN_HISTORY)},
    "owner_may_disconnect": FLAG,
    "connector_may_disconnect": FLAG,
    "note": {**FLAG, "description": "Post an introduction into a chat when it is connected."},
    "note_fields": _names(MAX_NOTE_FIELDS, "The fields that the introduction may show."),
    "auto_name": FLAG,
    "chat_title": {"type": "string", "minLength": 1, "maxLength": 200},
    "watch_fields": _names(MAX_WATCH_FIELDS, "The fields whose changes are told in the record's chats."),
}
_APP: Json = {
    "id": ID,
    "label": {"type": "string", "minLength": 1, "maxLength": MAX_LABEL},
    "enabled": {**FLAG, "description": "Off: links that name it get no card."},
}


def _body(settings: Json, description: str) -> Json:
    """Settings as they are written: each may be left out, and it may be said who writes them."""
    actor = {**or_null(ref("Person")), "description": ACTOR}
    return object_of({**settings, "actor": actor}, optional=(*settings, "actor"), description=description)


REFUSALS = sorted(
    {
        rule.decision.reason
        for rule in RULES
        if rule.actions & CHANGES and not rule.decision.allowed and rule.decision.reason not in NOT_YET
    },
    key=lambda reason: reason.value,
)
"""The reasons that can stand in the audit trail."""

SCHEMAS: Json = {
    "RecordType": object_of(_RECORD_TYPE, description="A kind of record and what may be done with it."),
    "RecordTypes": items_of("RecordType"),
    "RecordTypeBody": _body(
        _RECORD_TYPE, "Settings left out get their default. `name` must be the one in the address."
    ),
    "App": object_of(_APP, description="An application of the record system, which links may name."),
    "Apps": items_of("App"),
    "AppBody": _body(_APP, "`id` must be the one in the address; `label` is it by default."),
    "Admin": object_of({"id": ID, "name": {**TEXT, "description": "Empty where it is not known."}}),
    "Admins": object_of({"admins": list_of(ref("Admin"))}, description="Who the administrators are."),
    "SettingsChange": object_of(
        {
            "number": {**COUNT, "description": "Counts up in the order of the changes."},
            "at": TIME,
            "subject": word_of(Subject),
            "name": {**TEXT, "description": "Of the record type; the app's id; empty for admins."},
            "via": word_of(Via, "`config`: the first start, from the file that CONFIG names."),
            "by": {**or_null(ref("Actor")), "description": "Null where nobody was named."},
            "before": {
                **or_null({"type": "object"}),
                "description": "The settings as they were answered then; null when they were new.",
            },
            "after": {"type": "object", "description": "As they were answered from then on."},
        },
        description="A change of the settings of one record type, one app, or the list of administrators.",
    ),
    "SettingsHistory": page_of("SettingsChange"),
    "Refusal": object_of(
        {
            "number": {**COUNT, "description": "Counts up in the order of the refusals."},
            "at": TIME,
            "action": word_of(action for action in Action if action in CHANGES),
            "by": ref("Actor"),
            "chat": {"type": ["string", "null"], "description": "Where; null where it was no chat."},
            "record": {
                **or_null(object_of({"type": TYPE_NAME, "id": ID})),
                "description": "As it was asked for: it need not exist.",
            },
            "reason": word_of(REFUSALS),
            "setting": {
                "type": ["string", "null"],
                "description": "The one that decided, as it is called in these settings (`app.enabled`: of the app); "
                "null where none did.",
            },
        },
        description="Somebody wanted to change something, and the rules said no.",
    ),
    "Refusals": page_of("Refusal"),
}
