"""`/records/{type}/{id}`: the record system creates, reads, changes and deletes records."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from bot.domain import records
from bot.domain.links import ID_PATTERN, MAX_LINK, canonical_id
from bot.domain.records import EVERYBODY, Privilege, RecordId
from bot.errors import PreconditionFailed
from bot.features.records import delete_record as delete
from bot.features.records import get_record as get
from bot.features.records import put_record as put
from bot.ports import Json, Transaction
from bot.web.api.bodies import LINE_PATTERN, LINES_PATTERN, Body, Id, Person, actor_of
from bot.web.api.parameters import STAR, TAGS, Tags, expected_of
from bot.web.api.places import RecordAt, address_of_record
from bot.web.api.reading import shown
from bot.web.api.route import SYSTEM, Call, Header, Reply, Route
from bot.web.api.shapes import Actor, RecordKey, RecordUrl, Title, TypeName, actor_json

MAX_TITLE = 200
MAX_FIELDS = 100
MAX_LABEL = 60
MAX_VALUE = 2000
MAX_ACCESS = 10_000

LEVELS = [item.word for item in Privilege]


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


_FIELDS = {"Owner": "Alex Wilber", "Status": "Active"}
_ACCESS = {"*": "read", "0d7f3a52-94c1-4e6d-8b1f-3c2a5e7d9f10": "append"}
_FIELDS_SCHEMA: Json = {
    "type": "object",
    "maxProperties": MAX_FIELDS,
    "propertyNames": {"minLength": 1, "maxLength": MAX_LABEL, "pattern": LINE_PATTERN},
    "additionalProperties": {"type": "string", "maxLength": MAX_VALUE, "pattern": LINES_PATTERN},
    "default": {},
    "examples": [_FIELDS],
}
_ACCESS_SCHEMA: Json = {
    "type": "object",
    "maxProperties": MAX_ACCESS,
    "propertyNames": {"pattern": rf"^(\*|{ID_PATTERN})$"},
    "additionalProperties": {"type": "string", "enum": LEVELS},
    "default": {},
    "examples": [_ACCESS],
}

Access = Annotated[
    dict[str, Literal["none", "read", "append", "write"]],
    Field(max_length=MAX_ACCESS),
    AfterValidator(_access),
    WithJsonSchema(_ACCESS_SCHEMA),
]
Label = Annotated[str, StringConstraints(min_length=1, max_length=MAX_LABEL, pattern=LINE_PATTERN)]
Value = Annotated[str, StringConstraints(max_length=MAX_VALUE, pattern=LINES_PATTERN)]
Fields = Annotated[dict[Label, Value], Field(max_length=MAX_FIELDS), WithJsonSchema(_FIELDS_SCHEMA)]


class RecordBody(Body):
    """A record as a whole: what is left out is not kept from before."""

    title: Title = Field(min_length=1, max_length=MAX_TITLE, pattern=LINE_PATTERN)
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

    def record(self, record: RecordId) -> records.Record:
        return records.Record(
            record=record,
            title=self.title,
            url=self.url,
            fields=self.fields,
            owner=actor_of(self.owner),
            app=self.app,
            access={person: Privilege[level.upper()] for person, level in self.access.items()},
        )


class Record(TypedDict):
    type: TypeName
    id: RecordKey
    title: Title
    url: RecordUrl
    fields: Annotated[dict[str, str], Field(examples=[_FIELDS])]
    owner: Actor | None
    app: str | None
    access: Annotated[
        dict[str, str],
        WithJsonSchema({"type": "object", "additionalProperties": {"enum": LEVELS}, "examples": [_ACCESS]}),
    ]
    version: Annotated[int, Field(ge=1, description="Counts up with each change; the ETag.", examples=[1])]


def _json(record: records.Record) -> Record:
    return {
        "type": record.record.type,
        "id": record.record.id,
        "title": record.title,
        "url": record.url,
        "fields": dict(record.fields),
        "owner": record.owner and actor_json(record.owner),
        "app": record.app,
        "access": {person: level.word for person, level in record.access.items()},
        "version": record.version,
    }


IfMatch = Annotated[
    Tags | None,
    Header(
        "If-Match",
        "Only if the record is at this version (or, with `*`, at any): else 412, also when there is no record. "
        "Weak tags match nothing.",
        TAGS,
    ),
]
IfNoneMatch = Annotated[
    Tags | None,
    Header("If-None-Match", "What you have already: 304 without a body if the record is still at this version.", TAGS),
]
OnlyNew = Annotated[bool, Header("If-None-Match", "`*`: only create, 412 if the record exists.", STAR)]

_HEADERS = {"ETag": 'The version in quotes, such as `"3"`.', "Location": "Where the record is."}
_route = partial(Route, tag="Records", callers=SYSTEM)


@_route(
    "GET", "/records/{type}/{id}", {200: "The record.", 304: "It is still at the version you have."}, headers=_HEADERS
)
async def get_record(call: Call, record: RecordAt, if_none_match: IfNoneMatch = None) -> Reply[Record]:
    """A record."""
    found = await call.store.read(lambda tx: get(tx, record))
    etag = {"ETag": _etag(found)}
    if if_none_match and (if_none_match.every or str(found.version) in if_none_match.strong | if_none_match.weak):
        return Reply(status=304, headers=etag)
    return Reply(body=_json(found), headers=etag)


@_route("PUT", "/records/{type}/{id}", {200: "Replaced.", 201: "Created."}, headers=_HEADERS)
async def put_record(
    call: Call, record: RecordAt, body: RecordBody, if_match: IfMatch = None, only_new: OnlyNew = False
) -> Reply[Record]:
    """Create or replace a record.

    The record as a whole. The same again changes nothing, adds no event and gets the same answer. Where one of the
    type's `watch_fields` changes, the record's chats are told.
    """

    def work(tx: Transaction) -> tuple[records.Record, bool]:
        expected = _expected(tx, record, if_match)
        stored, created = put(
            tx, body.record(record), actor=actor_of(body.actor), render=call.render, expected=expected
        )
        if only_new and not created:
            raise PreconditionFailed(
                "If-None-Match asks for a new record, but there is one already. Nothing was changed.",
                next_step="Leave it out to replace the record.",
            )
        return stored, created

    stored, created = await call.store.write(work)
    headers = {"ETag": _etag(stored)}
    if created:
        headers["Location"] = address_of_record(record)
    return Reply(status=201 if created else 200, body=_json(stored), headers=headers)


@_route("DELETE", "/records/{type}/{id}", {204: "Deleted."})
async def delete_record(call: Call, record: RecordAt, if_match: IfMatch = None) -> None:
    """Delete a record.

    Its chats are disconnected and told. Its timeline stays; a new PUT goes on with the same `seq`.
    """

    def work(tx: Transaction) -> None:
        delete(tx, record, actor=None, expected=_expected(tx, record, if_match), render=call.render)

    await call.store.write(work)


def _etag(record: records.Record) -> str:
    return f'"{record.version}"'


def _expected(tx: Transaction, record: RecordId, tags: Tags | None) -> int | None:
    def current() -> int | None:
        found = tx.record_for(record, None)
        return found and found.version

    return expected_of(tags, current, every=0, never=-1)
