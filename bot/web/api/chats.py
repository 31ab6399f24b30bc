"""Which chats a record has, and which records a chat."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from bot.domain.chats import Chat, ChatKind, ChatState, Connection, chat_id_of
from bot.domain.events import wire_time
from bot.errors import NotFound
from bot.features.connections import connect_by_system, disconnect_by_system
from bot.features.records import get_record
from bot.ports import Transaction
from bot.web.api.bodies import LINE_PATTERN, MAX_CHAT, Body, Person, actor_of
from bot.web.api.places import ChatAt, RecordAt
from bot.web.api.route import SYSTEM, Call, Reply, Route
from bot.web.api.shapes import (
    Actor,
    ChatId,
    RecordKey,
    RecordUrl,
    Time,
    Title,
    Topic,
    TypeName,
    actor_json,
    word,
)


class ConnectionBody(Body):
    """A chat to connect to a record."""

    chat: ChatId = Field(
        min_length=1,
        max_length=MAX_CHAT,
        pattern=LINE_PATTERN,
        description="The chat's id. A channel's `;messageid=` is cut off.",
    )
    actor: Person | None = Field(default=None, description="Who connected it, for the timeline and the chat.")


class ConnectedChat(TypedDict):
    id: ChatId
    kind: Annotated[str, word(ChatKind, ChatKind.GROUP)]
    topic: Topic
    since: Time
    by: Actor | None
    state: Annotated[
        str,
        word(
            ChatState,
            ChatState.ACTIVE,
            "`suspended`: the bot was removed from the chat; `gone`: the chat was deleted.",
        ),
    ]


class ConnectedChats(TypedDict):
    items: list[ConnectedChat]


class ConnectedRecord(TypedDict):
    type: TypeName
    id: RecordKey
    title: Title
    url: RecordUrl
    since: Time
    by: Actor | None


class ConnectedRecords(TypedDict):
    items: list[ConnectedRecord]


def _chat_json(connection: Connection, chat: Chat) -> ConnectedChat:
    return {
        "id": chat.id,
        "kind": chat.kind.value,
        "topic": chat.topic,
        "since": wire_time(connection.since),
        "by": connection.by and actor_json(connection.by),
        "state": chat.state.value,
    }


_route = partial(Route, tag="Chats", callers=SYSTEM)


@_route("GET", "/records/{type}/{id}/chats", {200: "Its connections."})
async def get_chats(call: Call, record: RecordAt) -> ConnectedChats:
    """The chats connected to a record."""

    def work(tx: Transaction) -> list[ConnectedChat]:
        get_record(tx, record)
        return [_chat_json(connection, chat) for connection, chat in tx.connections_of_record(record)]

    return {"items": await call.store.read(work)}


@_route("POST", "/records/{type}/{id}/chats", {200: "It was connected already.", 201: "Connected."}, errors=(409,))
async def connect_chat(call: Call, record: RecordAt, body: ConnectionBody) -> Reply[ConnectedChat]:
    """Connect a chat to a record.

    The bot must be in the chat, and it must be no chat of two: else 409. The chat is told.
    """
    chat_id = chat_id_of(body.chat)

    def work(tx: Transaction) -> tuple[ConnectedChat, bool]:
        connection, added = connect_by_system(tx, record, chat_id, actor=actor_of(body.actor), render=call.render)
        chat = tx.chat(chat_id)
        assert chat is not None
        return _chat_json(connection, chat), added

    item, added = await call.store.write(work)
    return Reply(status=201 if added else 200, body=item)


@_route("DELETE", "/records/{type}/{id}/chats/{chat}", {204: "Disconnected."})
async def disconnect_chat(call: Call, record: RecordAt, chat: ChatAt) -> None:
    """Disconnect a chat from a record.

    The chat is told when the bot is in it.
    """
    await call.store.write(lambda tx: disconnect_by_system(tx, record, chat, actor=None, render=call.render))


@_route("GET", "/chats/{chat}/records", {200: "Its connections."})
async def get_records_of_chat(call: Call, chat: ChatAt) -> ConnectedRecords:
    """The records a chat is connected to."""

    def work(tx: Transaction) -> list[ConnectedRecord]:
        if tx.chat(chat) is None:
            raise NotFound(
                "The bot never was in a chat with this id.", next_step="Copy it from an event or a record's chats."
            )
        found = [(item, tx.record_for(item.record, None)) for item in tx.connections_of_chat(chat)]
        return [
            {
                "type": record.record.type,
                "id": record.record.id,
                "title": record.title,
                "url": record.url,
                "since": wire_time(connection.since),
                "by": connection.by and actor_json(connection.by),
            }
            for connection, record in found
            if record
        ]

    return {"items": await call.store.read(work)}
