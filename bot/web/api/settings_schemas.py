"""The schemas of the settings of record types and apps."""

from __future__ import annotations

from bot.domain.settings import App, RecordType
from bot.domain.settings_json import settings_of
from bot.ports import Json
from bot.web.api.bodies import ACTOR
from bot.web.api.shapes import items_of, object_of, or_null, ref

_RECORD_TYPE: Json = {name: dict(setting.schema) for name, setting in settings_of(RecordType).items()}
_APP: Json = {name: dict(setting.schema) for name, setting in settings_of(App).items()}


def _body(settings: Json, description: str) -> Json:
    """Settings as they are written: each may be left out, and it may be said who writes them."""
    actor = {**or_null(ref("Person")), "description": ACTOR}
    return object_of({**settings, "actor": actor}, optional=(*settings, "actor"), description=description)


SCHEMAS: Json = {
    "RecordType": object_of(_RECORD_TYPE, description="A kind of record and what may be done with it."),
    "RecordTypes": items_of("RecordType"),
    "RecordTypeBody": _body(
        _RECORD_TYPE, "Settings left out get their default. `name` must be the one in the address."
    ),
    "App": object_of(_APP, description="An application of the record system, which links may name."),
    "Apps": items_of("App"),
    "AppBody": _body(_APP, "`id` must be the one in the address; `label` is it by default."),
}
