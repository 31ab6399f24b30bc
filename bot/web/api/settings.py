"""What the admins choose: record types, apps, and who is an admin; each read and written as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from bot.domain.catalogue import Catalogue
from bot.domain.history import Via
from bot.domain.links import canonical_id
from bot.domain.people import Actor
from bot.domain.settings import App, RecordType
from bot.domain.settings_json import (
    admins_from_json,
    admins_to_json,
    app_from_json,
    record_type_from_json,
    revision,
    to_json,
)
from bot.errors import PreconditionFailed, Unprocessable
from bot.features.settings import get_app, get_record_type, put_admins, put_app, put_record_type
from bot.ports import Json, Transaction
from bot.web.api.bodies import AdminsBody, Person, SettingsBody, actor_of
from bot.web.api.operation import PREFIX, Body, Call, Operation, Reply, Result
from bot.web.api.parameters import EntityTags, Tags, expected_of

IF_MATCH = EntityTags(
    name="If-Match",
    description="Only if the settings are still those of this ETag (or, with `*`, whatever they are): else 412, also "
    "when there are none. Weak tags match nothing.",
)
ONLY_NEW = EntityTags(name="If-None-Match", description="`*`: only create, 412 if there are settings.", star=True)

Item = TypeVar("Item", RecordType, App)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[Item]):
    """Record types, or apps: all in which their operations differ.

    Attributes:
        schema: of one, in the description; the others' names are made of it.
        one, many: in words.
        place: where they are, below the prefix.
        parameter: how the path calls the name or id of one.
        name: that parameter in its one form.
        among: all of them, by name or id.
        read: one from the settings in a body and the name in the address.
    """

    schema: str
    one: str
    many: str
    place: str
    parameter: str
    example: Json
    name: Callable[[str], str]
    among: Callable[[Catalogue], Mapping[str, Item]]
    get: Callable[[Transaction, str], Item]
    put: Callable[..., bool]
    read: Callable[[Json, str], Item]
    to_json: Callable[[Item], Json]
    errors: tuple[int, ...] = ()

    async def answer_all(self, call: Call) -> Reply:
        found = await call.store.read(lambda tx: list(self.among(tx.catalogue()).values()))
        return Reply(body={"items": [self.to_json(item) for item in found]})

    async def answer(self, call: Call) -> Reply:
        name = self._named(call)
        return _settings(self.to_json(await call.store.read(lambda tx: self.get(tx, name))))

    async def replace(self, call: Call) -> Reply:
        name, body, by = self._named(call), call.body, changed_by(call)
        item = self.read(body.settings, name)

        def work(tx: Transaction) -> bool:
            current = self.among(tx.catalogue()).get(name)
            expected = _expected(call.values["If-Match"], None if current is None else self.to_json(current))
            created = self.put(tx, item, by=by, via=Via.API, expected=expected)
            if call.values["If-None-Match"] and not created:
                raise PreconditionFailed(
                    "If-None-Match asks for new settings, but there are some already. Nothing was changed.",
                    next_step="Leave it out to replace them.",
                )
            return created

        if await call.store.write(work):
            location = f"{PREFIX}{self.place}/{quote(name, safe='')}"
            return _settings(self.to_json(item), status=201, headers={"Location": location})
        return _settings(self.to_json(item))

    def _named(self, call: Call) -> str:
        return self.name(call.path[self.parameter])


async def get_admins(call: Call) -> Reply:
    return _settings(admins_to_json(await call.store.read(lambda tx: tx.catalogue().admins)))


async def replace_admins(call: Call) -> Reply:
    body, by = call.body, changed_by(call)
    admins = admins_from_json(body.admins)

    def work(tx: Transaction) -> None:
        expected = _expected(call.values["If-Match"], admins_to_json(tx.catalogue().admins))
        put_admins(tx, admins, by=by, via=Via.API, expected=expected)

    await call.store.write(work)
    return _settings(admins_to_json(admins))


def changed_by(call: Call) -> Actor | None:
    """Who changes settings: the person whose token it is, else whom the body names.

    Raises:
        Unprocessable: the body names somebody though the token does.
    """
    named: Person | None = call.body.actor
    if named and call.caller.actor:
        raise Unprocessable("You are named by your token, so the body can't say who you are.", next_step="Omit actor.")
    return call.caller.actor or actor_of(named)


def _settings(document: Json, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status=status, body=document, headers={"ETag": f'"{revision(document)}"', **(headers or {})})


def _expected(tags: Tags | None, current: Json | None) -> str | None:
    return expected_of(tags, lambda: None if current is None else revision(current), every="*", never="")


# Description ---------------------------------------------------------------------------------------------------------

TYPES: Kind[RecordType] = Kind(
    schema="RecordType",
    one="a record type",
    many="record types",
    place="/record-types",
    parameter="type",
    example=to_json(
        RecordType(
            name="account",
            label="Account",
            links=("https://crm.example.com/records/account/{id}",),
            key="A-#",
            card_fields=("Owner", "Status"),
            note_fields=("Status",),
        )
    ),
    name=lambda text: text,
    among=lambda catalogue: catalogue.types,
    get=get_record_type,
    put=put_record_type,
    read=lambda settings, name: record_type_from_json(settings, name=name),
    to_json=to_json,
    errors=(409,),
)
APPS: Kind[App] = Kind(
    schema="App",
    one="an app",
    many="apps",
    place="/apps",
    parameter="app",
    example=to_json(App(id="sales-hub", label="Sales Hub")),
    # What can't be an id stays as it is: nobody has it, and to write it is refused.
    name=lambda text: canonical_id(text) or text,
    among=lambda catalogue: catalogue.apps,
    get=get_app,
    put=put_app,
    read=lambda settings, app: app_from_json(settings, app=app),
    to_json=to_json,
)

PERSON: Json = {"id": "5b9f2c1e-7a34-4d0b-9c58-2f1e6a7b8c90", "name": "Alex Wilber"}
_ADMINS: Json = {"admins": [PERSON]}
_ETAG = {"ETag": "Stands for exactly these settings."}


def _result(status: int, description: str, schema: str, example: Any, **headers: str) -> Result:
    return Result(status=status, description=description, schema=schema, example=example, headers={**_ETAG, **headers})


def _operations(kind: Kind[Any]) -> tuple[Operation, ...]:
    schema, example, path = kind.schema, kind.example, f"{kind.place}/{{{kind.parameter}}}"
    return (
        Operation(
            method="GET",
            path=kind.place,
            name=f"get{schema}s",
            tag="Settings",
            summary=f"All {kind.many}",
            handler=kind.answer_all,
            results=(
                Result(
                    status=200, description="In order of creation.", schema=f"{schema}s", example={"items": [example]}
                ),
            ),
            admins=True,
        ),
        Operation(
            method="GET",
            path=path,
            name=f"get{schema}",
            tag="Settings",
            summary=kind.one.capitalize(),
            handler=kind.answer,
            results=(_result(200, "Its settings.", schema, example),),
            errors=(404,),
            admins=True,
        ),
        Operation(
            method="PUT",
            path=path,
            name=f"put{schema}",
            tag="Settings",
            summary=f"Create or replace {kind.one}",
            description="The settings as a whole: those left out get their default. In force for the next request, and "
            "kept in the history. The same again changes nothing.",
            handler=kind.replace,
            parameters=(IF_MATCH, ONLY_NEW),
            body=Body(schema=f"{schema}Body", model=SettingsBody, example={**example, "actor": PERSON}),
            results=(
                _result(200, "Replaced.", schema, example),
                _result(201, "Created.", schema, example, Location="Where it is."),
            ),
            errors=(*kind.errors, 412),
            admins=True,
        ),
    )


OPERATIONS = (
    *_operations(TYPES),
    *_operations(APPS),
    Operation(
        method="GET",
        path="/admins",
        name="getAdmins",
        tag="Settings",
        summary="The administrators",
        description="They may change settings in Teams, and disconnect any chat. They may not read a record for that.",
        handler=get_admins,
        results=(_result(200, "In the order of their ids.", "Admins", _ADMINS),),
        admins=True,
    ),
    Operation(
        method="PUT",
        path="/admins",
        name="putAdmins",
        tag="Settings",
        summary="Replace the list of administrators",
        description="The list as a whole. In force for the next request, and kept in the history. An empty list is "
        "allowed: then nobody changes settings in Teams, or disconnects chats that are not theirs, until this list "
        "names somebody again; this API remains. The same again changes nothing.",
        handler=replace_admins,
        parameters=(IF_MATCH,),
        body=Body(schema="AdminsBody", model=AdminsBody, example={**_ADMINS, "actor": PERSON}),
        results=(_result(200, "Replaced.", "Admins", _ADMINS),),
        errors=(412,),
        admins=True,
    ),
)
