"""What bodies, answers and parameters are made of, and how the description tells it (JSON Schema 2020-12)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, cast

from pydantic import Field, WithJsonSchema, with_config
from typing_extensions import TypedDict

from bot.domain import people
from bot.domain.links import ID_PATTERN, TYPE_NAME_PATTERN
from bot.domain.open_enum import OpenEnum
from bot.ports import Json

TEXT: Json = {"type": "string"}
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


def or_null(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def items_of(name: str) -> Json:
    return object_of({"items": {"type": "array", "items": ref(name)}})


# Types of members, each with an example; a schema without one of its own has one made of these ------------------------

ALEX: Json = {"id": "5b9f2c1e-7a34-4d0b-9c58-2f1e6a7b8c90", "name": "Alex Wilber"}

RecordKey = Annotated[str, WithJsonSchema({**ID, "examples": ["A-1001"]})]
TypeName = Annotated[str, WithJsonSchema({**TYPE_NAME, "examples": ["account"]})]
Time = Annotated[
    str, WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-22T18:30:00.000000Z"]})
]
Count = Annotated[int, Field(ge=0)]
RecordUrl = Annotated[str | None, Field(examples=["https://crm.example.com/records/account/A-1001"])]
Title = Annotated[str, Field(examples=["Contoso Ltd"])]
ChatId = Annotated[str, Field(examples=["19:5f0c@thread.v2"])]
Topic = Annotated[str, Field(examples=["Contoso renewal"])]


def word(words: Iterable[OpenEnum], example: OpenEnum, description: str = "") -> WithJsonSchema:
    """What is answered of an enumeration: one of these words, or one that a newer program wrote."""
    named = ", ".join(f"`{word.value}`" for word in words)
    told = f"{named}, or what is added to these later. {description}"
    return WithJsonSchema({"type": "string", "description": told.strip(), "examples": [example.value]})


@with_config({"json_schema_extra": {"examples": [ALEX]}})
class Actor(TypedDict):
    """A person as they were called then."""

    id: Annotated[str | None, Field(description="The Entra object id; null for people who have none.")]
    name: str


class RecordName(TypedDict):
    type: TypeName
    id: RecordKey


def actor_json(actor: people.Actor) -> Actor:
    return cast(Actor, actor.to_wire())
