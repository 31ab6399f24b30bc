"""The record system's side: records come, change and go."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.events import EventType, Fact
from bot.domain.links import LinkIndex, compile_pattern
from bot.domain.people import Actor
from bot.domain.records import Record, RecordId
from bot.errors import NotFound, PreconditionFailed, Unprocessable
from bot.features.connections import remove, tell_disconnected
from bot.ports import Render, Transaction


def put_record(
    tx: Transaction, record: Record, *, actor: Actor | None, expected: int | None = None
) -> tuple[Record, bool]:
    """Create or replace. Returns the record as stored and whether it is new. The same again is no event.

    Args:
        expected: the version `If-Match` names; 0 stands for any existing one.

    Raises:
        Unprocessable: unknown type, or a url that is not this record's.
        PreconditionFailed: `expected` is not the current version, or there is no record.
    """
    _check(tx, record)
    record = replace(record, url=record.url or tx.catalogue().open_url(record.record))
    tx.lock_record(record.record)
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
    return stored, current is None


def _check(tx: Transaction, record: Record) -> None:
    record_type = tx.catalogue().types.get(record.record.type)
    if record_type is None:
        known = ", ".join(tx.catalogue().types) or "none"
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
    chats = [chat for _, chat in tx.connections_of_record(record_id)]
    for chat in sorted(chats, key=lambda chat: chat.id):
        tx.lock_chat(chat.id)
    tx.lock_record(record_id)
    record = tx.record(record_id)
    _match(record, expected)
    if record is None:
        raise NotFound(f"There is no record {record_id}.", next_step="Nothing is left to delete.")
    for connection, chat in tx.connections_of_record(record_id):
        remove(tx, chat, connection.record, actor)
        tell_disconnected(tx, record, record_id, chat, actor=actor, render=render)
    tx.delete_record(record_id)
    tx.add_event(Fact(type=EventType.RECORD_DELETED, record=record_id, actor=actor))
