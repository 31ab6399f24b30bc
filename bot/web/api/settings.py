"""What the admins choose: record types, apps, and who is an admin; each read and written as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import quote

from pydantic import ConfigDict, Field, WithJsonSchema, with_config
from typing_extensions import TypedDict

from bot.domain.catalogue import Catalogue
from bot.domain.history import Via
from bot.domain.people import Actor
from bot.domain.setting_types import MAX_LABEL
from bot.domain.settings import App, RecordType
from bot.domain.settings_json import (
    MAX_ADMINS,
    admins_from_json,
    admins_to_json,
    app_from_json,
    record_type_from_json,
    revision,
    to_json,
)
from bot.errors import PreconditionFailed, Unprocessable
from bot.features import settings
from bot.ports import Json, Transaction
from bot.web.api.bodies import ACTOR, Body, Person, actor_of
from bot.web.api.parameters import STAR, TAGS, Tags, expected_of
from bot.web.api.places import AppAt, TypeAt
from bot.web.api.route import ADMINS, PREFIX, Call, Header, Named, Reply, Route
from bot.web.api.shapes import ALEX, ID

_ADMIN_SCHEMA: Json = {
    "type": "object",
    "properties": {"id": ID, "name": {"type": "string", "maxLength": MAX_LABEL}},
    "required": ["id"],
    "additionalProperties": False,
}
_ADMINS_SCHEMA: Json = {
    "type": "array",
    "items": {"anyOf": [ID, _ADMIN_SCHEMA]},
    "maxItems": MAX_ADMINS,
    "examples": [[ALEX]],
}


class SettingsBody(Body):
    """Settings of one thing, which the domain reads (`bot.domain.settings_json`), and who changes them."""

    model_config = ConfigDict(extra="allow")

    actor: Person | None = Field(default=None, description=ACTOR)

    @property
    def settings(self) -> Json:
        return dict(self.model_extra or {})


class AdminsBody(Body):
    """The administrators as a whole, which the domain reads, and who changes them."""

    admins: Annotated[list[Any], WithJsonSchema(_ADMINS_SCHEMA)] = Field(
        description="Their Entra object ids, or objects with `id` and `name`."
    )
    actor: Person | None = Field(default=None, description=ACTOR)


@with_config({"json_schema_extra": {"examples": [ALEX]}})
class Admin(TypedDict):
    id: Annotated[str, WithJsonSchema(ID)]
    name: Annotated[str, Field(description="Empty where it is not known.")]


class Admins(TypedDict):
    """Who the administrators are."""

    admins: list[Admin]


IfMatch = Annotated[
    Tags | None,
    Header(
        "If-Match",
        "Only if the settings are still those of this ETag (or, with `*`, whatever they are): else 412, also when "
        "there are none. Weak tags match nothing.",
        TAGS,
    ),
]
OnlyNew = Annotated[bool, Header("If-None-Match", "`*`: only create, 412 if there are settings.", STAR)]

_TYPE = to_json(
    RecordType(
        name="account",
        label="Account",
        links=("https://crm.example.com/records/account/{id}",),
        key="A-#",
        card_fields=("Owner", "Status"),
        note_fields=("Status",),
    )
)
_APP = to_json(App(id="sales-hub", label="Sales Hub"))
_HEADERS = {"ETag": "Stands for exactly these settings.", "Location": "Where it is."}
_PUT = """The settings as a whole: those left out get their default. In force for the next request, and kept in the
history. The same again changes nothing."""

TypeJson = Annotated[Json, Named("RecordType", _TYPE)]
TypesJson = Annotated[Json, Named("RecordTypes", {"items": [_TYPE]})]
TypeBody = Annotated[SettingsBody, Named("RecordTypeBody", {**_TYPE, "actor": ALEX})]
AppJson = Annotated[Json, Named("App", _APP)]
AppsJson = Annotated[Json, Named("Apps", {"items": [_APP]})]
AppBody = Annotated[SettingsBody, Named("AppBody", {**_APP, "actor": ALEX})]

Item = TypeVar("Item", RecordType, App)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource(Generic[Item]):
    """Record types, or apps: all in which their routes differ.

    Attributes:
        path: where they are, below the prefix.
        among: all of them, by name or id.
        read: one from the settings in a body and the name in the address.
    """

    path: str
    among: Callable[[Catalogue], Mapping[str, Item]]
    get: Callable[[Transaction, str], Item]
    put: Callable[..., bool]
    read: Callable[[Json, str], Item]

    async def answer_all(self, call: Call) -> Json:
        found = await call.store.read(lambda tx: list(self.among(tx.catalogue()).values()))
        return {"items": [to_json(item) for item in found]}

    async def answer(self, call: Call, name: str) -> Reply[Json]:
        return _settings(to_json(await call.store.read(lambda tx: self.get(tx, name))))

    async def replace(
        self, call: Call, name: str, body: SettingsBody, if_match: Tags | None, only_new: bool
    ) -> Reply[Json]:
        by = changed_by(call, body.actor)
        item = self.read(body.settings, name)

        def work(tx: Transaction) -> bool:
            current = self.among(tx.catalogue()).get(name)
            expected = _expected(if_match, None if current is None else to_json(current))
            created = self.put(tx, item, by=by, via=Via.API, expected=expected)
            if only_new and not created:
                raise PreconditionFailed(
                    "If-None-Match asks for new settings, but there are some already. Nothing was changed.",
                    next_step="Leave it out to replace them.",
                )
            return created

        if await call.store.write(work):
            location = f"{PREFIX}{self.path}/{quote(name, safe='')}"
            return _settings(to_json(item), status=201, headers={"Location": location})
        return _settings(to_json(item))


_TYPES: Resource[RecordType] = Resource(
    path="/record-types",
    among=lambda catalogue: catalogue.types,
    get=settings.get_record_type,
    put=settings.put_record_type,
    read=lambda body, name: record_type_from_json(body, name=name),
)
_APPS: Resource[App] = Resource(
    path="/apps",
    among=lambda catalogue: catalogue.apps,
    get=settings.get_app,
    put=settings.put_app,
    read=lambda body, app: app_from_json(body, app=app),
)
_route = partial(Route, tag="Settings", callers=ADMINS)


@_route("GET", "/record-types", {200: "In order of creation."})
async def get_record_types(call: Call) -> TypesJson:
    """All record types."""
    return await _TYPES.answer_all(call)


@_route("GET", "/record-types/{type}", {200: "Its settings."}, headers=_HEADERS)
async def get_record_type(call: Call, name: TypeAt) -> Reply[TypeJson]:
    """A record type."""
    return await _TYPES.answer(call, name)


@_route("PUT", "/record-types/{type}", {200: "Replaced.", 201: "Created."}, headers=_HEADERS, errors=(409,), more=_PUT)
async def put_record_type(
    call: Call, name: TypeAt, body: TypeBody, if_match: IfMatch = None, only_new: OnlyNew = False
) -> Reply[TypeJson]:
    """Create or replace a record type."""
    return await _TYPES.replace(call, name, body, if_match, only_new)


@_route("GET", "/apps", {200: "In order of creation."})
async def get_apps(call: Call) -> AppsJson:
    """All apps."""
    return await _APPS.answer_all(call)


@_route("GET", "/apps/{app}", {200: "Its settings."}, headers=_HEADERS)
async def get_app(call: Call, app: AppAt) -> Reply[AppJson]:
    """An app."""
    return await _APPS.answer(call, app)


@_route("PUT", "/apps/{app}", {200: "Replaced.", 201: "Created."}, headers=_HEADERS, more=_PUT)
async def put_app(
    call: Call, app: AppAt, body: AppBody, if_match: IfMatch = None, only_new: OnlyNew = False
) -> Reply[AppJson]:
    """Create or replace an app."""
    return await _APPS.replace(call, app, body, if_match, only_new)


@_route("GET", "/admins", {200: "In the order of their ids."}, headers=_HEADERS)
async def get_admins(call: Call) -> Reply[Admins]:
    """The administrators.

    They may change settings in Teams, and disconnect any chat. They may not read a record for that.
    """
    return _settings(admins_to_json(await call.store.read(lambda tx: tx.catalogue().admins)))


@_route("PUT", "/admins", {200: "Replaced."}, headers=_HEADERS)
async def put_admins(call: Call, body: AdminsBody, if_match: IfMatch = None) -> Reply[Admins]:
    """Replace the list of administrators.

    The list as a whole. In force for the next request, and kept in the history. An empty list is allowed: then nobody
    changes settings in Teams, or disconnects chats that are not theirs, until this list names somebody again; this API
    remains. The same again changes nothing.
    """
    by = changed_by(call, body.actor)
    admins = admins_from_json(body.admins)

    def work(tx: Transaction) -> None:
        expected = _expected(if_match, admins_to_json(tx.catalogue().admins))
        settings.put_admins(tx, admins, by=by, via=Via.API, expected=expected)

    await call.store.write(work)
    return _settings(admins_to_json(admins))


def changed_by(call: Call, named: Person | None) -> Actor | None:
    """Who changes settings: the person whose token it is, else whom the body names.

    Raises:
        Unprocessable: the body names somebody though the token does.
    """
    if named and call.caller.actor:
        raise Unprocessable("You are named by your token, so the body can't say who you are.", next_step="Omit actor.")
    return call.caller.actor or actor_of(named)


def _settings(document: Json, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply[Any]:
    return Reply(status=status, body=document, headers={"ETag": f'"{revision(document)}"', **(headers or {})})


def _expected(tags: Tags | None, current: Json | None) -> str | None:
    return expected_of(tags, lambda: None if current is None else revision(current), every="*", never="")
