"""Request bodies: the shapes that are taken. `reading` reads them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from bot.domain.events import EventType
from bot.domain.links import ID_PATTERN, MAX_LINK, TYPE_NAME_PATTERN, canonical_id
from bot.domain.people import Actor
from bot.domain.records import EVERYBODY, Privilege, Record, RecordId
from bot.domain.setting_types import MAX_LABEL as MAX_ADMIN_NAME
from bot.domain.settings_json import MAX_ADMINS
from bot.features.notes import MAX_NOTE
from bot.features.webhooks import MAX_URL, SECRET_PATTERN, URL_PATTERN, NewWebhook
from bot.ports import Json
from bot.web.api.reading import shown

MAX_TITLE = 200
MAX_NAME = 200
MAX_FIELDS = 100
MAX_LABEL = 60
MAX_VALUE = 2000
MAX_ACCESS = 10_000
MAX_CHAT = 1024
MAX_FILTER = 100
ACTOR = "Who changed it, for the history; not with a person's token, which names them. Not part of the settings."

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
            raise PydanticCustomError("person", "has {key}, which is neither a person's id nor *", {"key": shown(key)})
        if person in result:
            raise PydanticCustomError("twice", "names {key} twice", {"key": shown(person)})
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
_ADMIN_SCHEMA: Json = {
    "type": "object",
    "properties": {"id": _ID_SCHEMA, "name": {"type": "string", "maxLength": MAX_ADMIN_NAME}},
    "required": ["id"],
    "additionalProperties": False,
}
_ADMINS_SCHEMA: Json = {"type": "array", "items": {"anyOf": [_ID_SCHEMA, _ADMIN_SCHEMA]}, "maxItems": MAX_ADMINS}

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
Admins = Annotated[list[Any], WithJsonSchema(_ADMINS_SCHEMA)]
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


class SettingsBody(_Strict):
    """Settings of one thing, which the domain reads (`bot.domain.settings_json`), and who changes them."""

    model_config = ConfigDict(extra="allow")

    actor: Person | None = Field(default=None, description=ACTOR)

    @property
    def settings(self) -> Json:
        return dict(self.model_extra or {})


class AdminsBody(_Strict):
    """The administrators as a whole, which the domain reads, and who changes them."""

    admins: Admins = Field(description="Their Entra object ids, or objects with `id` and `name`.")
    actor: Person | None = Field(default=None, description=ACTOR)


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
