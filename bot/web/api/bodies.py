"""Request bodies: reading JSON strictly, and the shapes that are taken, with every problem named at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from aiohttp import web
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from bot.domain.events import EventType
from bot.domain.links import ID_PATTERN, MAX_LINK, TYPE_NAME_PATTERN, canonical_id
from bot.domain.people import Actor
from bot.domain.records import EVERYBODY, Privilege, Record, RecordId
from bot.domain.text import one_line
from bot.errors import Invalid, Unprocessable
from bot.features.notes import MAX_NOTE
from bot.features.webhooks import MAX_URL, SECRET_PATTERN, URL_PATTERN, NewWebhook
from bot.ports import Json
from bot.web.api.operation import Body
from bot.web.body import check_headers, read_body

MAX_BODY = 1024 * 1024
MAX_TITLE = 200
MAX_NAME = 200
MAX_FIELDS = 100
MAX_LABEL = 60
MAX_VALUE = 2000
MAX_ACCESS = 10_000
MAX_CHAT = 1024
MAX_FILTER = 100
MAX_TOLD = 20
"""Problems named in one answer."""

# No control characters: PostgreSQL can't keep NUL, and the others could make a value look like another. Longer texts
# may have tabs and several lines. Lone surrogates are no text to pydantic in the first place.
LINE_PATTERN = r"^[^\u0000-\u001f\u007f-\u009f]*$"
LINES_PATTERN = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$"

LEVELS = [item.word for item in Privilege]


def _id(text: str) -> str:
    if (found := canonical_id(text)) is None:
        raise PydanticCustomError("id", "must be letters, digits and . _ ~ - (128 at most), or a GUID")
    return found


def _access(entries: dict[str, str]) -> dict[str, str]:
    """Keys in their one form, lower case, as the ids of people are kept."""
    result: dict[str, str] = {}
    for key, level in entries.items():
        person = key if key == EVERYBODY else (canonical_id(key) or "").lower()
        if not person:
            raise PydanticCustomError("person", "has {key}, which is neither a person's id nor *", {"key": _shown(key)})
        if person in result:
            raise PydanticCustomError("twice", "names {key} twice", {"key": _shown(person)})
        result[person] = level
    return result


_ID_SCHEMA: Json = {"type": "string", "pattern": f"^{ID_PATTERN}$"}
_FIELDS_SCHEMA: Json = {
    "type": "object",
    "maxProperties": MAX_FIELDS,
    "propertyNames": {"minLength": 1, "maxLength": MAX_LABEL, "pattern": LINE_PATTERN},
    "additionalProperties": {"type": "string", "maxLength": MAX_VALUE, "pattern": LINES_PATTERN},
    "default": {},
}
_ACCESS_SCHEMA: Json = {
    "type": "object",
    "maxProperties": MAX_ACCESS,
    "propertyNames": {"pattern": rf"^(\*|{ID_PATTERN})$"},
    "additionalProperties": {"type": "string", "enum": LEVELS},
    "default": {},
}

Id = Annotated[str, AfterValidator(_id), WithJsonSchema(_ID_SCHEMA)]
PersonId = Annotated[str, AfterValidator(lambda text: _id(text).lower()), WithJsonSchema(_ID_SCHEMA)]
Access = Annotated[
    dict[str, Literal["none", "read", "append", "write"]],
    Field(max_length=MAX_ACCESS),
    AfterValidator(_access),
    WithJsonSchema(_ACCESS_SCHEMA),
]
EventName = Annotated[EventType, Field(strict=False)]  # strictly, only a member of the enumeration would do
TypeName = Annotated[str, WithJsonSchema({"type": "string", "pattern": f"^{TYPE_NAME_PATTERN}$"})]
WebhookUrl = Annotated[str, WithJsonSchema({"type": "string", "maxLength": MAX_URL, "pattern": f"^{URL_PATTERN}$"})]
WebhookSecret = Annotated[str, WithJsonSchema({"type": "string", "pattern": f"^{SECRET_PATTERN}$"})]
Label = Annotated[str, StringConstraints(min_length=1, max_length=MAX_LABEL, pattern=LINE_PATTERN)]
Value = Annotated[str, StringConstraints(max_length=MAX_VALUE, pattern=LINES_PATTERN)]
Fields = Annotated[dict[Label, Value], Field(max_length=MAX_FIELDS), WithJsonSchema(_FIELDS_SCHEMA)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Person(_Strict):
    """A person, as the caller names them."""

    id: PersonId = Field(description="The Entra object id.")
    name: str = Field(default="", max_length=MAX_NAME, pattern=LINE_PATTERN, description="For display only.")

    @property
    def actor(self) -> Actor:
        return Actor(id=self.id, name=self.name)


def actor_of(person: Person | None) -> Actor | None:
    return person.actor if person else None


class RecordBody(_Strict):
    """A record as a whole: what is left out is not kept from before."""

    title: str = Field(min_length=1, max_length=MAX_TITLE, pattern=LINE_PATTERN)
    url: str | None = Field(
        default=None,
        max_length=MAX_LINK,
        description="The record's address; must match a link pattern of its type and this id. Default: built from the "
        "type's first pattern.",
    )
    fields: Fields = Field(
        default_factory=dict,
        description="Label and value. Cards show those that the type's `card_fields` allows.",
    )
    owner: Person | None = Field(default=None, description="Has the privilege write.")
    app: Id | None = Field(default=None, description="The app it belongs to.")
    access: Access = Field(
        default_factory=dict,
        description="A person's Entra object id, or `*` for everybody of the tenant who is not a guest, and their "
        "privilege. The person's own entry counts before `*`; without one of the two it is none.",
    )
    actor: Person | None = Field(default=None, description="Who made the change, for the timeline.")

    def record(self, record_id: RecordId) -> Record:
        return Record(
            record=record_id,
            title=self.title,
            url=self.url,
            fields=self.fields,
            owner=actor_of(self.owner),
            app=self.app,
            access={person: Privilege[level.upper()] for person, level in self.access.items()},
        )


class NoteBody(_Strict):
    """A note for a record's timeline."""

    text: str = Field(
        min_length=1,
        max_length=MAX_NOTE,
        pattern=LINES_PATTERN,
        description="Surrounding spaces and bidirectional control characters are removed.",
    )
    author: Person | None = Field(default=None, description="Who wrote it: the event's `actor`.")


class ConnectionBody(_Strict):
    """A chat to connect to a record."""

    chat: str = Field(
        min_length=1,
        max_length=MAX_CHAT,
        pattern=LINE_PATTERN,
        description="The chat's id. A channel's `;messageid=` is cut off.",
    )
    actor: Person | None = Field(default=None, description="Who connected it, for the timeline and the chat.")


class WebhookBody(_Strict):
    """An address to tell of events."""

    url: WebhookUrl = Field(description="https, to the public internet; in the demo also http, to this machine.")
    types: list[EventName] = Field(
        default_factory=list, max_length=MAX_FILTER, description="Which events; none named: all, also types to come."
    )
    record_types: list[TypeName] = Field(
        default_factory=list, max_length=MAX_FILTER, description="Of which record types; none named: of all."
    )
    secret: WebhookSecret | None = Field(
        default=None, description="What signs: `whsec_` and base64 of 24 to 64 random bytes. Default: one is made."
    )

    def webhook(self) -> NewWebhook:
        return NewWebhook(
            url=self.url, secret=self.secret, types=tuple(self.types), record_types=tuple(self.record_types)
        )


class SecretBody(_Strict):
    """A webhook's next secret."""

    secret: WebhookSecret | None = Field(
        default=None, description="As for the webhook. Say one, and the request can be repeated. Default: one is made."
    )


# Reading -------------------------------------------------------------------------------------------------------------

Model = TypeVar("Model", bound=BaseModel)


async def read_object(request: web.Request, body: Body) -> Any:
    """The body's model, or the object where the body has none.

    Raises:
        TooLarge, UnsupportedMediaType: see `bot.web.body`.
        Invalid: it is not one JSON object.
        Unprocessable: a member is missing, unknown, of another type, or breaks a rule; names all of them.
    """
    check_headers(request, MAX_BODY)
    data = parse_object(await read_body(request, MAX_BODY))
    return data if body.model is None else check(body.model, data)


def parse_object(body: bytes) -> Json:
    """One JSON object, by the letter of RFC 8259: no NaN, no member twice, UTF-8.

    Raises:
        Invalid: it is something else.
    """
    again = "Send one JSON object in UTF-8."
    try:
        data = json.loads(body.decode(), object_pairs_hook=_members, parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise Invalid("The body is not UTF-8.", next_step=again) from None
    except RecursionError:
        raise Invalid("The body is nested too deeply.", next_step=again) from None
    except json.JSONDecodeError as error:
        raise Invalid(
            f"The body is not JSON: {error.msg} (line {error.lineno}, column {error.colno}).", next_step=again
        ) from None
    except ValueError as error:  # from the two hooks, or a number with thousands of digits
        raise Invalid(f"The body is not JSON we take: {error}.", next_step=again) from None
    if not isinstance(data, dict):
        raise Invalid("The body is JSON, but not an object.", next_step=again)
    return data


def _members(pairs: list[tuple[str, Any]]) -> Json:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1) if len(names) <= 1000 else ""
        raise ValueError(f"an object has the member {_shown(twice)} twice" if twice else "an object has a member twice")
    return members


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


def check(model: type[Model], data: Mapping[str, Any]) -> Model:
    """The model of this object.

    Raises:
        Unprocessable: names every problem (the first 20).
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = [_explain(item) for item in error.errors(include_url=False, include_input=False)]
        more = [f"And {len(problems) - MAX_TOLD} more."] if len(problems) > MAX_TOLD else []
        raise Unprocessable(" ".join(problems[:MAX_TOLD] + more)) from None


_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "string_type": "must be text",
    "string_unicode": "must be text in Unicode, without lone surrogates",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must not have control characters",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "too_long": "must have at most {max_length} members",
    "list_type": "must be a list",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
}


def _explain(error: Mapping[str, Any]) -> str:
    place = [_shown(str(part)) for part in error["loc"]]
    subject = f"The name {place[-2]} in {place[-3]}" if place[-1:] == ["[key]"] else ".".join(place)
    words = _WORDS.get(error["type"])
    return f"{subject} {words.format(**error.get('ctx', {})) if words else error['msg']}."


def _shown(text: str) -> str:
    """What a caller wrote, short and on one line."""
    return one_line(text, 60) or "''"
