"""What the admins choose: record types and apps, each read and written as a whole."""

from __future__ import annotations

from urllib.parse import quote

from bot.domain.links import canonical_id
from bot.domain.records import App, RecordType
from bot.domain.wire import app_from_json, app_to_json, record_type_from_json, record_type_to_json
from bot.features.settings import get_app, get_record_type, put_app, put_record_type
from bot.ports import Json
from bot.web.api.operation import PREFIX, Body, Call, Operation, Reply, Result


async def list_types(call: Call) -> Reply:
    types = await call.store.read(lambda tx: list(tx.catalogue().types.values()))
    return Reply(body={"items": [record_type_to_json(item) for item in types]})


async def get_type(call: Call) -> Reply:
    name = call.path["type"]
    return Reply(body=record_type_to_json(await call.store.read(lambda tx: get_record_type(tx, name))))


async def put_type(call: Call) -> Reply:
    record_type = record_type_from_json(call.body, name=call.path["type"])
    created = await call.store.write(lambda tx: put_record_type(tx, record_type))
    return _put(created, record_type_to_json(record_type), f"{PREFIX}/record-types/{record_type.name}")


async def list_apps(call: Call) -> Reply:
    apps = await call.store.read(lambda tx: list(tx.catalogue().apps.values()))
    return Reply(body={"items": [app_to_json(item) for item in apps]})


async def get_one_app(call: Call) -> Reply:
    app_id = _app_id(call)
    return Reply(body=app_to_json(await call.store.read(lambda tx: get_app(tx, app_id))))


async def put_one_app(call: Call) -> Reply:
    app = app_from_json(call.body, app=_app_id(call))
    created = await call.store.write(lambda tx: put_app(tx, app))
    return _put(created, app_to_json(app), f"{PREFIX}/apps/{quote(app.id, safe='')}")


def _app_id(call: Call) -> str:
    """In its one form; what can't be an id stays as it is: nobody has it, and to write it is refused."""
    return canonical_id(call.path["app"]) or call.path["app"]


def _put(created: bool, body: Json, location: str) -> Reply:
    return Reply(status=201, body=body, headers={"Location": location}) if created else Reply(body=body)


def _put_results(schema: str, example: Json) -> tuple[Result, Result]:
    """What `_put` replies, for the description."""
    location = {"Location": "Where it is."}
    return (
        Result(status=200, description="Replaced.", schema=schema, example=example),
        Result(status=201, description="Created.", schema=schema, example=example, headers=location),
    )


_TYPE: Json = record_type_to_json(
    RecordType(
        name="account",
        label="Account",
        links=("https://crm.example.com/records/account/{id}",),
        key="A-#",
        card_fields=("Owner", "Status"),
        note_fields=("Status",),
    )
)
_APP: Json = app_to_json(App(id="sales-hub", label="Sales Hub"))

OPERATIONS = (
    Operation(
        method="GET",
        path="/record-types",
        name="getRecordTypes",
        tag="Settings",
        summary="All record types",
        handler=list_types,
        results=(
            Result(status=200, description="In order of creation.", schema="RecordTypes", example={"items": [_TYPE]}),
        ),
    ),
    Operation(
        method="GET",
        path="/record-types/{type}",
        name="getRecordType",
        tag="Settings",
        summary="A record type",
        handler=get_type,
        results=(Result(status=200, description="Its settings.", schema="RecordType", example=_TYPE),),
        errors=(404,),
    ),
    Operation(
        method="PUT",
        path="/record-types/{type}",
        name="putRecordType",
        tag="Settings",
        summary="Create or replace a record type",
        description="The settings as a whole: those left out get their default. In force for the next request.",
        handler=put_type,
        body=Body(schema="RecordTypeBody", example=_TYPE),
        results=_put_results("RecordType", _TYPE),
        errors=(409,),
    ),
    Operation(
        method="GET",
        path="/apps",
        name="getApps",
        tag="Settings",
        summary="All apps",
        handler=list_apps,
        results=(Result(status=200, description="In order of creation.", schema="Apps", example={"items": [_APP]}),),
    ),
    Operation(
        method="GET",
        path="/apps/{app}",
        name="getApp",
        tag="Settings",
        summary="An app",
        handler=get_one_app,
        results=(Result(status=200, description="The app.", schema="App", example=_APP),),
        errors=(404,),
    ),
    Operation(
        method="PUT",
        path="/apps/{app}",
        name="putApp",
        tag="Settings",
        summary="Create or replace an app",
        handler=put_one_app,
        body=Body(schema="AppBody", example=_APP),
        results=_put_results("App", _APP),
    ),
)
