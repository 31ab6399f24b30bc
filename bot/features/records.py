"""The record system's side: records come, change and go."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.answers import FieldChange
from bot.domain.catalogue import Catalogue
from bot.domain.chats import Chat
from bot.domain.decisions import Action
from bot.domain.disclosure import present_changed, watched_changes
from bot.domain.events import EventType, Fact
from bot.domain.links import LinkIndex, compile_pattern
from bot.domain.people import Actor
from bot.domain.policy import decide, disclosure_in, gather
from bot.domain.records import Disclosure, Record, RecordId
from bot.domain.settings import RecordType
from bot.errors import NotFound, PreconditionFailed, Unprocessable
from bot.features.connections import remove, tell_disconnected
from bot.ports import Render, Transaction


def put_record(
    tx: Transaction, record: Record, *, actor: Actor | None, render: Render, expected: int | None = None
) -> tuple[Record, bool]:
    """Create or replace. Returns the record as stored and whether it is new. The same again is no event.

    Where a watched field changed, the record's chats are told.

    Args:
        expected: the version `If-Match` names; 0 stands for any existing one.

    Raises:
        Unprocessable: unknown type, or a url that is not this record's.
        PreconditionFailed: `expected` is not the current version, or there is no record.
    """
    _hold_chats_to_tell(tx, record)
    tx.lock_record(record.record)
    catalogue = tx.catalogue()
    record_type = _checked_type(record, catalogue)
    record = replace(record, url=record.url or catalogue.open_url(record.record))
    current = tx.record(record.record)
    _match(current, expected)
    if current is not None and replace(current, version=0) == replace(record, version=0):
        return current, False
    stored = replace(record, version=tx.last_version(record.record) + 1)
    tx.put_record(stored)
    if current is None:
        tx.add_event(Fact(type=EventType.RECORD_CREATED, record=record.record, actor=actor))
    else:
        tx.add_event(
            Fact(
                type=EventType.RECORD_UPDATED,
                record=record.record,
                actor=actor,
                data={"changed": _changed(current, stored)},
            )
        )
        if changes := watched_changes(current, stored, record_type):
            _tell_chats(tx, current, stored, changes, actor=actor, render=render)
    return stored, current is None


def _hold_chats_to_tell(tx: Transaction, record: Record) -> None:
    """Whoever comes into a chat that is about to be told waits, and then takes back what is not for them.

    Chats are locked before records, so this looks at the record before anybody is kept from changing it.
    """
    record_type = tx.catalogue().types.get(record.record.type)
    if record_type is None or not record_type.watch_fields:
        return
    current = tx.record(record.record)
    if current is not None and watched_changes(current, record, record_type):
        for chat in _chats_of(tx, record.record):
            tx.lock_chat(chat.id)


def _tell_chats(
    tx: Transaction,
    before: Record,
    after: Record,
    changes: tuple[FieldChange, ...],
    *,
    actor: Actor | None,
    render: Render,
) -> None:
    """Leave word of the changes in the record's chats, as much of it as each may hear.

    The record is locked, so nobody connects or disconnects one meanwhile. A record that just came from an app that is
    switched off brings no value from there.
    """
    catalogue = tx.catalogue()
    for chat in _chats_of(tx, after.record):
        was, now = (gather(catalogue, after.record, it, tenant=tx.tenant, chat=chat) for it in (before, after))
        awake = now.chat is not None and all(decide(Action.TELL, it).allowed for it in (was, now))
        level = disclosure_in(now.settings, now.audience)
        if awake and level > Disclosure.NOTHING:
            tx.tell(chat.id, render(present_changed(after, changes, now.settings, level, catalogue, by=actor)))


def _chats_of(tx: Transaction, record: RecordId) -> list[Chat]:
    """The record's chats in the order in which transactions lock chats, and what is told to them."""
    return sorted((chat for _, chat in tx.connections_of_record(record)), key=lambda chat: chat.id)


def _checked_type(record: Record, catalogue: Catalogue) -> RecordType:
    """The record's type.

    Raises:
        Unprocessable: as `put_record`.
    """
    record_type = catalogue.types.get(record.record.type)
    if record_type is None:
        known = ", ".join(catalogue.types) or "none"
        raise Unprocessable(
            f"There is no record type {record.record.type!r}.",
            next_step=f"Known types: {known}. PUT /api/v1/record-types/{{type}} adds one.",
        )
    if record.url is not None:
        index = LinkIndex(compile_pattern(record_type.name, text) for text in record_type.links)
        link = index.find(record.url)
        if link is None or link.record != record.record:
            raise Unprocessable(
                "The url is not the address of this record by any link pattern of its type.",
                next_step="Leave url out to have it built, or correct the type's links.",
            )
    return record_type


def _match(current: Record | None, expected: int | None) -> None:
    if expected is None:
        return
    if current is None:
        raise PreconditionFailed(
            "If-Match names a version, but there is no such record.", next_step="Leave If-Match out."
        )
    if expected not in (0, current.version):
        raise PreconditionFailed(
            f"The record is at version {current.version}, not at the one that If-Match names.",
            next_step="GET the record, apply your change to it, and try again.",
        )


def _changed(before: Record, after: Record) -> list[str]:
    """Names of what changed: members of the record, and labels of fields."""
    names = [
        name for name in ("title", "url", "owner", "app", "access") if getattr(before, name) != getattr(after, name)
    ]
    labels = [*after.fields, *(label for label in before.fields if label not in after.fields)]
    return names + [label for label in labels if before.fields.get(label) != after.fields.get(label)]


def get_record(tx: Transaction, record_id: RecordId) -> Record:
    """The record.

    Raises:
        NotFound: there is none.
    """
    record = tx.record(record_id)
    if record is None:
        raise NotFound(f"There is no record {record_id}.", next_step="PUT creates it.")
    return record


def delete_record(
    tx: Transaction, record_id: RecordId, *, actor: Actor | None, expected: int | None, render: Render
) -> None:
    """Delete the record: its chats are disconnected and told, its timeline stays.

    Raises:
        NotFound: there is none.
        PreconditionFailed: `expected` is not the current version.
    """
    for chat in _chats_of(tx, record_id):
        tx.lock_chat(chat.id)
    tx.lock_record(record_id)
    record = tx.record(record_id)
    _match(record, expected)
    if record is None:
        raise NotFound(f"There is no record {record_id}.", next_step="Nothing is left to delete.")
    for chat in _chats_of(tx, record_id):
        remove(tx, chat, record_id, actor)
        tell_disconnected(tx, record, record_id, chat, actor=actor, render=render)
    tx.delete_record(record_id)
    tx.add_event(Fact(type=EventType.RECORD_DELETED, record=record_id, actor=actor))
