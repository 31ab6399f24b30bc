"""Tying chats to records: `connect`, `disconnect`, `records`."""

from __future__ import annotations

from collections.abc import Iterable

from bot.domain.answers import Connected, Disconnected, Records, RecordView, WhichRecord
from bot.domain.catalogue import Catalogue
from bot.domain.chats import Chat, Connection
from bot.domain.disclosure import name_of, present, present_unknown
from bot.domain.events import EventChat, EventType, Fact
from bot.domain.people import Actor
from bot.domain.policy import disclosure_in, may_disconnect
from bot.domain.records import Disclosure, Record, RecordId, RecordType, Requirement
from bot.errors import Conflict, NotAllowed, NotFound, RecordNotFound
from bot.features.references import only_record
from bot.features.scene import UNKNOWN_RECORD, UNKNOWN_RECORD_NEXT, Readable, Scene
from bot.ports import Render, Transaction

MAX_SHOWN = 10
NOT_CONNECTABLE = "A chat of two can't be connected to a record."
NOT_CONNECTABLE_NEXT = (
    "Start a group chat with the people who work on it, add me there, and send: connect <link or key>"
)


def connect(scene: Scene, record_id: RecordId) -> Connected:
    """Connect the chat. Asking twice is an answer, not a second event: Teams redelivers.

    Raises:
        RecordNotFound: there is none, or the person may not read it (we never say which).
        NotAllowed: the type asks for more than the person has; says what is missing and who can help.
        Conflict: this kind of chat can't be connected.
    """
    if not scene.chat.kind.connectable:
        raise Conflict(NOT_CONNECTABLE, next_step=NOT_CONNECTABLE_NEXT)
    scene.tx.lock_chat(scene.chat.id)
    scene.tx.lock_record(record_id)
    target = scene.read(record_id)
    if not target.type.connect.met_by(target.privilege):
        raise _missing_right(target)
    added = _add(scene.tx, scene.chat, record_id, scene.person.actor)
    if not added:
        present_one = scene.tx.connection(scene.chat.id, record_id)
        by = name_of(present_one.by if present_one else None, target.level)
        return Connected(view=target.view, by=by, already=True)
    return Connected(view=target.view, by=name_of(scene.person.actor, target.level))


def _missing_right(target: Readable) -> NotAllowed:
    if target.type.connect is Requirement.NOBODY:
        return NotAllowed(
            "Connecting chats to this kind of record is switched off.",
            next_step="An administrator of Connect Chats can switch it on.",
        )
    owner = name_of(target.record.owner, target.level)
    return NotAllowed(
        f"You may read this record, but connecting a chat to it needs the right to {target.type.connect.value}.",
        next_step=f"Ask its owner, {owner}, for it." if owner else "Ask the record's owner for it.",
    )


def _add(tx: Transaction, chat: Chat, record: RecordId, by: Actor | None) -> bool:
    added = tx.add_connection(Connection(chat=chat.id, record=record, since=tx.now, by=by))
    if added:
        tx.add_event(Fact(type=EventType.CHAT_CONNECTED, record=record, actor=by, chat=EventChat.of(chat)))
    return added


def disconnect(scene: Scene, record_id: RecordId | None) -> Disconnected | WhichRecord:
    """Disconnect the chat from the record, or from the only one it has.

    An admin may, the record's owner and whoever made the connection where the type allows it; none of them needs to be
    able to read the record.

    Raises:
        RecordNotFound: nothing the person may know of.
        NotAllowed: they may know of it, but not disconnect it.
    """
    if record_id is None:
        which = only_record(
            scene, "disconnect", "Which record shall I disconnect?", lambda record: {"record": str(record)}
        )
        if isinstance(which, WhichRecord):
            return which
        record_id = which
    scene.tx.lock_chat(scene.chat.id)
    scene.tx.lock_record(record_id)
    connection = scene.tx.connection(scene.chat.id, record_id)
    readable = scene.try_read(record_id)
    if connection is None:
        if readable is None:
            raise RecordNotFound(UNKNOWN_RECORD, next_step=UNKNOWN_RECORD_NEXT)
        return Disconnected(view=readable.view, already=True)
    if not _may_disconnect(scene, connection):
        raise _not_yours(scene, connection, readable)
    remove(scene.tx, scene.chat, record_id, scene.person.actor)
    view = readable.view if readable else scene.outline(record_id)
    return Disconnected(view=view, by=name_of(scene.person.actor, view.level))


def _may_disconnect(scene: Scene, connection: Connection) -> bool:
    record = scene.tx.record_for(connection.record, scene.person.id)
    owner = record.owner if record else None
    return may_disconnect(
        scene.catalogue.types.get(connection.record.type),
        person=scene.person,
        is_admin=scene.is_admin,
        is_owner=owner is not None and owner.id is not None and owner.id == scene.person.id,
        connected_by=connection.by.id if connection.by else None,
    )


def _not_yours(scene: Scene, connection: Connection, readable: Readable | None) -> NotAllowed | RecordNotFound:
    if readable is None:
        return RecordNotFound(UNKNOWN_RECORD, next_step=UNKNOWN_RECORD_NEXT)
    able = ["an administrator of Connect Chats"]
    if readable.type.owner_may_disconnect and readable.record.owner:
        owner = name_of(readable.record.owner, readable.level)
        able.append(f"the record's owner{f', {owner}' if owner else ''}")
    if readable.type.connector_may_disconnect and connection.by:
        by = name_of(connection.by, readable.level)
        if not by or by not in able[-1]:
            able.append(f"{by}, who connected it" if by else "the person who connected it")
    return NotAllowed("You may not disconnect this record.", next_step=f"Ask {' or '.join(able)}.")


def remove(tx: Transaction, chat: Chat, record: RecordId, by: Actor | None) -> bool:
    """Take a connection away and tell the timeline; False when there was none."""
    removed = tx.remove_connection(chat.id, record)
    if removed:
        tx.add_event(Fact(type=EventType.CHAT_DISCONNECTED, record=record, actor=by, chat=EventChat.of(chat)))
    return removed


def records(scene: Scene) -> Records:
    """The chat's records that the person may read; how many more there are, without a word about them."""
    connections = scene.tx.connections_of_chat(scene.chat.id)
    readable = [found.view for connection in connections if (found := scene.try_read(connection.record))]
    return Records(
        views=tuple(readable[:MAX_SHOWN]),
        more=max(0, len(readable) - MAX_SHOWN),
        hidden=len(connections) - len(readable),
    )


# For the record system (REST) ----------------------------------------------------------------------------------------


def connect_by_system(
    tx: Transaction, record_id: RecordId, chat_id: str, *, actor: Actor | None, render: Render
) -> tuple[Connection, bool]:
    """Connect a chat the bot is in. Returns the connection and whether it is new. The chat is told.

    Raises:
        NotFound: no such record.
        Conflict: the bot is not in the chat, or a chat of two.
    """
    tx.lock_chat(chat_id)
    tx.lock_record(record_id)
    record, chat = tx.record(record_id), tx.chat(chat_id)
    if record is None:
        raise NotFound(f"There is no record {record_id}.", next_step="Create it first with PUT /api/v1/records.")
    if chat is None or chat.state.value != "active":
        raise Conflict(
            "The bot is not in this chat, so it can't speak there.",
            next_step="Add the app Connect Chats to the chat in Teams, then try again.",
        )
    if not chat.kind.connectable:
        raise Conflict(NOT_CONNECTABLE, next_step="Use a group chat, a channel or a meeting.")
    added = _add(tx, chat, record_id, actor)
    connection = tx.connection(chat_id, record_id)
    assert connection is not None
    if added:
        catalogue = tx.catalogue()
        view = _view_for(catalogue, record, record_id, chat)
        if view.level is not Disclosure.NOTHING:
            tx.tell(chat_id, render(Connected(view=view, by=name_of(actor, view.level))))
    return connection, added


def disconnect_by_system(
    tx: Transaction, record_id: RecordId, chat_id: str, *, actor: Actor | None, render: Render
) -> None:
    """Disconnect a chat; the chat is told when the bot is in it.

    Raises:
        NotFound: there is no such connection.
    """
    tx.lock_chat(chat_id)
    tx.lock_record(record_id)
    chat = tx.chat(chat_id)
    if chat is None or not remove(tx, chat, record_id, actor):
        raise NotFound(f"This chat is not connected to {record_id}.", next_step="GET the record's chats lists them.")
    tell_disconnected(tx, tx.record(record_id), record_id, chat, actor=actor, render=render)


def tell_disconnected(
    tx: Transaction, record: Record | None, record_id: RecordId, chat: Chat, *, actor: Actor | None, render: Render
) -> None:
    """Leave word of a disconnection in the chat."""
    if chat.state.value == "active":
        view = _view_for(tx.catalogue(), record, record_id, chat)
        tx.tell(chat.id, render(Disconnected(view=view, by=name_of(actor, view.level))))


def _view_for(catalogue: Catalogue, record: Record | None, record_id: RecordId, chat: Chat) -> RecordView:
    """The record as a message may show it for which nobody in the chat asked just now: `note_fields`."""
    record_type = catalogue.types.get(record_id.type) or RecordType(name=record_id.type, label="Record")
    level = disclosure_in(record_type, chat.audience)
    if record is None:
        return present_unknown(record_id, record_type, level, catalogue)
    return present(record, record_type, level, catalogue, allowed=record_type.note_fields)


def note_view(catalogue: Catalogue, target: Readable) -> RecordView:
    """The record as the note shows it that introduces it to a chat."""
    return present(target.record, target.type, target.level, catalogue, allowed=target.type.note_fields)


def by_record(connections: Iterable[Connection]) -> list[RecordId]:
    """The records of these connections in the one order in which transactions lock records."""
    return sorted(connection.record for connection in connections)
