"""Which chats a record has, and which records a chat."""

from __future__ import annotations

from bot.domain.chats import Chat, Connection, chat_id_of
from bot.domain.events import wire_time
from bot.errors import NotFound
from bot.features.connections import connect_by_system, disconnect_by_system
from bot.features.records import get_record
from bot.ports import Json, Transaction
from bot.web.api.bodies import ConnectionBody, actor_of
from bot.web.api.operation import Body, Call, Operation, Reply, Result
from bot.web.api.places import chat_named, record_named


def _chat_json(connection: Connection, chat: Chat) -> Json:
    return {
        "id": chat.id,
        "kind": chat.kind.value,
        "topic": chat.topic,
        "since": wire_time(connection.since),
        "by": connection.by and connection.by.to_wire(),
        "state": chat.state.value,
    }


async def of_record(call: Call) -> Reply:
    record_id = record_named(call)

    def work(tx: Transaction) -> list[Json]:
        get_record(tx, record_id)
        return [_chat_json(connection, chat) for connection, chat in tx.connections_of_record(record_id)]

    return Reply(body={"items": await call.store.read(work)})


async def connect(call: Call) -> Reply:
    record_id = record_named(call)
    body: ConnectionBody = call.body
    chat_id = chat_id_of(body.chat)

    def work(tx: Transaction) -> tuple[Json, bool]:
        connection, added = connect_by_system(tx, record_id, chat_id, actor=actor_of(body.actor), render=call.render)
        chat = tx.chat(chat_id)
        assert chat is not None
        return _chat_json(connection, chat), added

    item, added = await call.store.write(work)
    return Reply(status=201 if added else 200, body=item)


async def disconnect(call: Call) -> Reply:
    record_id, chat_id = record_named(call), chat_named(call)
    await call.store.write(lambda tx: disconnect_by_system(tx, record_id, chat_id, actor=None, render=call.render))
    return Reply(status=204)


async def records(call: Call) -> Reply:
    chat_id = chat_named(call)

    def work(tx: Transaction) -> list[Json]:
        if tx.chat(chat_id) is None:
            raise NotFound(
                "The bot never was in a chat with this id.", next_step="Copy it from an event or a record's chats."
            )
        found = [(item, tx.record_for(item.record, None)) for item in tx.connections_of_chat(chat_id)]
        return [
            {
                "type": record.record.type,
                "id": record.record.id,
                "title": record.title,
                "url": record.url,
                "since": wire_time(connection.since),
                "by": connection.by and connection.by.to_wire(),
            }
            for connection, record in found
            if record
        ]

    return Reply(body={"items": await call.store.read(work)})


_ACTOR: Json = {"id": "5b9f2c1e-7a34-4d0b-9c58-2f1e6a7b8c90", "name": "Alex Wilber"}
_CHAT: Json = {
    "id": "19:5f0c@thread.v2",
    "kind": "group",
    "topic": "Contoso renewal",
    "since": "2026-11-22T18:30:00.000000Z",
    "by": _ACTOR,
    "state": "active",
}

OPERATIONS = (
    Operation(
        method="GET",
        path="/records/{type}/{id}/chats",
        name="getChats",
        tag="Chats",
        summary="The chats connected to a record",
        handler=of_record,
        results=(
            Result(status=200, description="Its connections.", schema="ConnectedChats", example={"items": [_CHAT]}),
        ),
        errors=(404,),
    ),
    Operation(
        method="POST",
        path="/records/{type}/{id}/chats",
        name="connectChat",
        tag="Chats",
        summary="Connect a chat to a record",
        description="The bot must be in the chat, and it must be no chat of two: else 409. The chat is told.",
        handler=connect,
        body=Body(
            schema="ConnectionBody", model=ConnectionBody, example={"chat": "19:5f0c@thread.v2", "actor": _ACTOR}
        ),
        results=(
            Result(status=200, description="It was connected already.", schema="ConnectedChat", example=_CHAT),
            Result(status=201, description="Connected.", schema="ConnectedChat", example=_CHAT),
        ),
        errors=(404, 409),
    ),
    Operation(
        method="DELETE",
        path="/records/{type}/{id}/chats/{chat}",
        name="disconnectChat",
        tag="Chats",
        summary="Disconnect a chat from a record",
        description="The chat is told when the bot is in it.",
        handler=disconnect,
        results=(Result(status=204, description="Disconnected."),),
        errors=(404,),
    ),
    Operation(
        method="GET",
        path="/chats/{chat}/records",
        name="getRecordsOfChat",
        tag="Chats",
        summary="The records a chat is connected to",
        handler=records,
        results=(
            Result(
                status=200,
                description="Its connections.",
                schema="ConnectedRecords",
                example={
                    "items": [
                        {
                            "type": "account",
                            "id": "A-1001",
                            "title": "Contoso Ltd",
                            "url": "https://crm.example.com/records/account/A-1001",
                            "since": "2026-11-22T18:30:00.000000Z",
                            "by": _ACTOR,
                        }
                    ]
                },
            ),
        ),
        errors=(404,),
    ),
)
