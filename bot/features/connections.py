"""Tying chats to records: `connect`, `disconnect`, `records`."""

from __future__ import annotations

from collections.abc import Iterable

from bot.domain.answers import Connected, Disconnected, Notice, Records, RecordView, WhichRecord
from bot.domain.catalogue import Catalogue
from bot.domain.chats import Chat, ChatState, Connection
from bot.domain.decisions import Action, Reason
from bot.domain.disclosure import name_of, present, present_unknown
from bot.domain.events import EventChat, EventType, Fact
from bot.domain.links import Link
from bot.domain.people import Actor
from bot.domain.policy import decide, disclosure_in, gather
from bot.domain.records import Record, RecordId
from bot.errors import Conflict, NotFound
from bot.features.command import SHARED, Asked, Command, only_record
from bot.features.refusals import NOT_CONNECTABLE, NOT_CONNECTABLE_NEXT
from bot.features.scene import Scene, Target
from bot.ports import Render, Transaction

MAX_SHOWN = 10


def connect(scene: Scene, asked: Asked) -> Connected:
    """Connect the chat. Asking twice is an answer, not a second event: Teams redelivers.

    Raises:
        Invalid: no record was named.
        RecordNotFound: there is none, or the person may not read it (we never say which).
        NotAllowed: the type asks for more than the person has; says what is missing and who can help.
        Conflict: this kind of chat can't be connected.
    """
    link = asked.link(scene.catalogue)
    record_id = link.record
    scene.tx.lock_chat(scene.chat.id)
    scene.tx.lock_record(record_id)
    target = scene.target(record_id, link_app=link.app)
    scene.require(Action.CONNECT, target)
    if not _add(scene.tx, scene.chat, record_id, scene.person.actor):
        present_one = scene.tx.connection(scene.chat.id, record_id)
        by = name_of(present_one.by if present_one else None, target.level)
        return Connected(view=target.view, by=by, already=True)
    view = _with_note(scene.catalogue, target) if target.type.note else target.view
    return Connected(view=view, by=name_of(scene.person.actor, target.level))


def _with_note(catalogue: Catalogue, target: Target) -> RecordView:
    """The note and the record's card in one, the note's fields first: a card may not have room for all."""
    fields = (*target.type.note_fields, *target.type.card_fields)
    return present(target.record, target.type, target.level, catalogue, allowed=tuple(dict.fromkeys(fields)))


def _add(tx: Transaction, chat: Chat, record: RecordId, by: Actor | None) -> bool:
    added = tx.add_connection(Connection(chat=chat.id, record=record, since=tx.now, by=by))
    if added:
        tx.add_event(Fact(type=EventType.CHAT_CONNECTED, record=record, actor=by, chat=EventChat.of(chat)))
    return added


def disconnect(scene: Scene, asked: Asked) -> Disconnected | WhichRecord:
    """Disconnect the chat from the record, or from the only one it has.

    An admin may, the record's owner and whoever made the connection where the type allows it; none of them needs to be
    able to read the record.

    Raises:
        RecordNotFound: nothing the person may know of.
        NotAllowed: they may know of it, but not disconnect it.
    """
    if asked.bare:
        which = only_record(
            scene, asked.command, "Which record shall I disconnect?", lambda record: {"record": str(record)}
        )
        if isinstance(which, WhichRecord):
            return which
        link = Link(which)
    else:
        link = asked.link(scene.catalogue)
    record_id = link.record
    scene.tx.lock_chat(scene.chat.id)
    scene.tx.lock_record(record_id)
    target = scene.target(record_id, link_app=link.app)
    if decide(Action.DISCONNECT, target.facts).reason is Reason.NOT_CONNECTED:
        return Disconnected(view=target.view, already=True)
    scene.require(Action.DISCONNECT, target)
    remove(scene.tx, scene.chat, record_id, scene.person.actor)
    return Disconnected(view=target.view, by=name_of(scene.person.actor, target.level))


def remove(tx: Transaction, chat: Chat, record: RecordId, by: Actor | None) -> bool:
    """Take a connection away and tell the timeline; False when there was none."""
    removed = tx.remove_connection(chat.id, record)
    if removed:
        tx.add_event(Fact(type=EventType.CHAT_DISCONNECTED, record=record, actor=by, chat=EventChat.of(chat)))
    return removed


def records(scene: Scene, asked: Asked) -> Records:
    """The chat's records that the person may read; how many more there are, without a word about them."""
    connections = scene.tx.connections_of_chat(scene.chat.id)
    scene.need_rights(connection.record for connection in connections)
    targets = [scene.target(connection.record, connection) for connection in connections]
    readable = [target.view for target in targets if target.readable]
    return Records(
        views=tuple(readable[:MAX_SHOWN]),
        more=max(0, len(readable) - MAX_SHOWN),
        hidden=len(connections) - len(readable),
    )


CONNECT = Command(
    usage="connect <link or key>",
    summary="Connect this chat to a record",
    action=Action.CONNECT,
    chats=SHARED,
    elsewhere=Notice(title="Not connected", text=NOT_CONNECTABLE, next=NOT_CONNECTABLE_NEXT),
    writes=True,
    button=True,
    run=connect,
)
DISCONNECT = Command(
    usage="disconnect [link or key]",
    summary="Disconnect this chat from a record",
    action=Action.DISCONNECT,
    chats=SHARED,
    writes=True,
    button=True,
    run=disconnect,
)
RECORDS = Command(
    usage="records", summary="The records this chat is connected to", chats=SHARED, action=Action.SEE, run=records
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
    facts = gather(tx.catalogue(), record_id, record, tenant=tx.tenant, chat=chat)
    decision = decide(Action.SYSTEM_CONNECT, facts)
    if decision.reason is Reason.ONE_TO_ONE:
        raise Conflict(NOT_CONNECTABLE, next_step="Use a group chat, a channel or a meeting.")
    if chat is None or not decision.allowed:
        raise Conflict(
            "The bot is not in this chat, so it can't speak there.",
            next_step="Add the app Connect Chats to the chat in Teams, then try again.",
        )
    added = _add(tx, chat, record_id, actor)
    connection = tx.connection(chat_id, record_id)
    assert connection is not None
    if added:
        view = _view_for(tx, record, record_id, chat, note=True)
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
    if chat.state is ChatState.ACTIVE:
        view = _view_for(tx, record, record_id, chat, note=False)
        tx.tell(chat.id, render(Disconnected(view=view, by=name_of(actor, view.level))))


def _view_for(tx: Transaction, record: Record | None, record_id: RecordId, chat: Chat, *, note: bool) -> RecordView:
    """The record as a message may show it for which nobody in the chat asked just now; no field but the note's."""
    catalogue = tx.catalogue()
    facts = gather(catalogue, record_id, record, tenant=tx.tenant, chat=chat)
    level = disclosure_in(facts.settings, facts.audience)
    if record is None or not decide(Action.TELL, facts).allowed:
        return present_unknown(record_id, facts.settings, level, catalogue)
    fields = facts.settings.note_fields if note and facts.settings.note else ()
    return present(record, facts.settings, level, catalogue, allowed=fields)


def note_view(catalogue: Catalogue, target: Target) -> RecordView:
    """The record as the note shows it that introduces it to a chat."""
    return present(target.record, target.type, target.level, catalogue, allowed=target.type.note_fields)


def by_record(connections: Iterable[Connection]) -> list[RecordId]:
    """The records of these connections in the one order in which transactions lock records."""
    return sorted(connection.record for connection in connections)
