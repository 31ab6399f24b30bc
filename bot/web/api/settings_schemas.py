"""The schemas of settings, administrators and the audit trail."""

from __future__ import annotations

from bot.domain.decisions import CHANGES, NOT_YET, Action
from bot.domain.history import Subject, Via
from bot.domain.policy import RULES
from bot.domain.settings import App, RecordType
from bot.domain.settings_json import settings_of
from bot.ports import Json
from bot.web.api.bodies import ACTOR
from bot.web.api.shapes import (
    COUNT,
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

_RECORD_TYPE: Json = {name: dict(setting.schema) for name, setting in settings_of(RecordType).items()}
_APP: Json = {name: dict(setting.schema) for name, setting in settings_of(App).items()}


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
