"""The words that schemas of the description are written in (JSON Schema 2020-12)."""

from __future__ import annotations

from collections.abc import Iterable

from bot.domain.links import ID_PATTERN, TYPE_NAME_PATTERN
from bot.domain.open_enum import OpenEnum
from bot.ports import Json

TEXT: Json = {"type": "string"}
COUNT: Json = {"type": "integer", "minimum": 0}
FLAG: Json = {"type": "boolean"}
TIME: Json = {"type": "string", "format": "date-time"}
ID: Json = {"type": "string", "pattern": f"^{ID_PATTERN}$"}
TYPE_NAME: Json = {"type": "string", "pattern": f"^{TYPE_NAME_PATTERN}$"}
WEBHOOK_ID: Json = {"type": "string", "pattern": "^[0-9A-HJKMNP-TV-Z]{26}$"}


def ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def object_of(properties: Json, *, optional: tuple[str, ...] = (), description: str = "") -> Json:
    """An object that holds all of these members and no others."""
    schema: Json = {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }
    return {"description": description, **schema} if description else schema


def word_of(words: Iterable[OpenEnum], description: str = "") -> Json:
    """What is answered of an enumeration: one of these words, or one that a newer program wrote."""
    named = ", ".join(f"`{word.value}`" for word in words)
    told = f"{named}, or what is added to these later."
    return {"type": "string", "description": f"{told} {description}".strip()}


def list_of(items: Json) -> Json:
    return {"type": "array", "items": items}


def or_null(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def items_of(name: str) -> Json:
    return object_of({"items": list_of(ref(name))})


def page_of(name: str) -> Json:
    following = {"type": ["integer", "null"], "description": "Send it as `after`."}
    return object_of({"items": list_of(ref(name)), "next": following})
