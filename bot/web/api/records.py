"""`/records/{type}/{id}`: the record system creates, reads, changes and deletes records."""

from __future__ import annotations

from bot.domain.records import Record, RecordId
from bot.errors import PreconditionFailed
from bot.features.records import delete_record, get_record, put_record
from bot.ports import Json, Transaction
from bot.web.api.bodies import RecordBody, actor_of
from bot.web.api.operation import Body, Call, Operation, Reply, Result
from bot.web.api.parameters import EntityTags, Tags, expected_of
from bot.web.api.places import address_of_record, record_named

IF_MATCH = EntityTags(
    name="If-Match",
    description="Only if the record is at this version (or, with `*`, at any): else 412, also when there is no record. "
    "Weak tags match nothing.",
)
IF_NONE_MATCH = EntityTags(
    name="If-None-Match",
    description="What you have already: 304 without a body if the record is still at this version.",
)
ONLY_NEW = EntityTags(name="If-None-Match", description="`*`: only create, 412 if the record exists.", star=True)


def record_json(record: Record) -> Json:
    return {
        "type": record.record.type,
        "id": record.record.id,
        "title": record.title,
        "url": record.url,
        "fields": dict(record.fields),
        "owner": record.owner and record.owner.to_wire(),
        "app": record.app,
        "access": {person: level.word for person, level in record.access.items()},
        "version": record.version,
    }


async def get(call: Call) -> Reply:
    record_id = record_named(call)
    record = await call.store.read(lambda tx: get_record(tx, record_id))
    known: Tags | None = call.values["If-None-Match"]
    etag = {"ETag": _etag(record)}
    if known and (known.every or str(record.version) in known.strong | known.weak):
        return Reply(status=304, headers=etag)
    return Reply(body=record_json(record), headers=etag)


async def put(call: Call) -> Reply:
    record_id = record_named(call)
    body: RecordBody = call.body

    def work(tx: Transaction) -> tuple[Record, bool]:
        expected = _expected(tx, record_id, call.values["If-Match"])
        stored, created = put_record(
            tx, body.record(record_id), actor=actor_of(body.actor), render=call.render, expected=expected
        )
        if call.values["If-None-Match"] and not created:
            raise PreconditionFailed(
                "If-None-Match asks for a new record, but there is one already. Nothing was changed.",
                next_step="Leave it out to replace the record.",
            )
        return stored, created

    stored, created = await call.store.write(work)
    headers = {"ETag": _etag(stored)}
    if created:
        headers["Location"] = address_of_record(record_id)
    return Reply(status=201 if created else 200, body=record_json(stored), headers=headers)


async def delete(call: Call) -> Reply:
    record_id = record_named(call)

    def work(tx: Transaction) -> None:
        expected = _expected(tx, record_id, call.values["If-Match"])
        delete_record(tx, record_id, actor=None, expected=expected, render=call.render)

    await call.store.write(work)
    return Reply(status=204)


def _etag(record: Record) -> str:
    return f'"{record.version}"'


def _expected(tx: Transaction, record_id: RecordId, tags: Tags | None) -> int | None:
    def current() -> int | None:
        record = tx.record_for(record_id, None)
        return record and record.version

    return expected_of(tags, current, every=0, never=-1)


RECORD_EXAMPLE: Json = {
    "title": "Contoso Ltd",
    "fields": {"Owner": "Alex Wilber", "Status": "Active"},
    "owner": {"id": "5b9f2c1e-7a34-4d0b-9c58-2f1e6a7b8c90", "name": "Alex Wilber"},
    "access": {"*": "read", "0d7f3a52-94c1-4e6d-8b1f-3c2a5e7d9f10": "append"},
    "actor": {"id": "5b9f2c1e-7a34-4d0b-9c58-2f1e6a7b8c90", "name": "Alex Wilber"},
}
_ANSWER: Json = {
    "type": "account",
    "id": "A-1001",
    "title": "Contoso Ltd",
    "url": "https://crm.example.com/records/account/A-1001",
    "fields": {"Owner": "Alex Wilber", "Status": "Active"},
    "owner": {"id": "5b9f2c1e-7a34-4d0b-9c58-2f1e6a7b8c90", "name": "Alex Wilber"},
    "app": None,
    "access": {"*": "read", "0d7f3a52-94c1-4e6d-8b1f-3c2a5e7d9f10": "append"},
    "version": 1,
}
_ETAG = {"ETag": 'The version in quotes, such as `"3"`.'}

OPERATIONS = (
    Operation(
        method="GET",
        path="/records/{type}/{id}",
        name="getRecord",
        tag="Records",
        summary="A record",
        handler=get,
        parameters=(IF_NONE_MATCH,),
        results=(
            Result(status=200, description="The record.", schema="Record", example=_ANSWER, headers=_ETAG),
            Result(status=304, description="It is still at the version you have.", headers=_ETAG),
        ),
        errors=(404,),
    ),
    Operation(
        method="PUT",
        path="/records/{type}/{id}",
        name="putRecord",
        tag="Records",
        summary="Create or replace a record",
        description="The record as a whole. The same again changes nothing, adds no event and gets the same answer. "
        "Where one of the type's `watch_fields` changes, the record's chats are told.",
        handler=put,
        parameters=(IF_MATCH, ONLY_NEW),
        body=Body(schema="RecordBody", model=RecordBody, example=RECORD_EXAMPLE),
        results=(
            Result(status=200, description="Replaced.", schema="Record", example=_ANSWER, headers=_ETAG),
            Result(
                status=201,
                description="Created.",
                schema="Record",
                example=_ANSWER,
                headers={**_ETAG, "Location": "Where the record is."},
            ),
        ),
        errors=(412,),
    ),
    Operation(
        method="DELETE",
        path="/records/{type}/{id}",
        name="deleteRecord",
        tag="Records",
        summary="Delete a record",
        description="Its chats are disconnected and told. Its timeline stays; a new PUT goes on with the same `seq`.",
        handler=delete,
        parameters=(IF_MATCH,),
        results=(Result(status=204, description="Deleted."),),
        errors=(404, 412),
    ),
)
