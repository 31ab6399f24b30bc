"""What happened: a record's timeline, notes on it, and the feed of all events."""

from __future__ import annotations

import hashlib

from bot.domain.events import Event
from bot.domain.records import RecordId
from bot.errors import NotFound, Unprocessable
from bot.features.notes import note_by_system
from bot.ports import Json, Transaction
from bot.web.api.bodies import NoteBody, actor_of
from bot.web.api.operation import Body, Call, Operation, Reply, Result
from bot.web.api.parameters import MAX_POSITION, Choice, Cursor, IdempotencyKey, Number, cursor_at
from bot.web.api.places import record_named

LIMIT = Number(name="limit", description="How many events at most.", default=100, minimum=1, maximum=1000)
AFTER = Number(
    name="after",
    description="Only what follows the event with this `seq`; with `order=desc` what precedes it. 0: from the start.",
    default=0,
    minimum=0,
    maximum=MAX_POSITION,
)
ORDER = Choice(name="order", description="Oldest first, or newest first.", words=("asc", "desc"))
CURSOR = Cursor(name="after", description="The `next` of an earlier answer. Left out: from the first event on.")
KEY = IdempotencyKey()


async def timeline(call: Call) -> Reply:
    record_id, after, limit = record_named(call), call.values["after"], call.values["limit"]
    newest_first = call.values["order"] == "desc"

    def work(tx: Transaction) -> list[Event]:
        if tx.last_seq(record_id) == 0:
            raise NotFound(f"There never was a record {record_id}.", next_step="PUT /api/v1/records creates it.")
        return tx.events(record_id, after=after, limit=limit, newest_first=newest_first)

    events = await call.store.read(work)
    return Reply(
        body={
            "events": [event.to_wire() for event in events],
            "next": _backward(events) if newest_first else _forward(events, after),
        }
    )


def _forward(events: list[Event], after: int) -> int:
    """Never null: events go on being added, and who polls must not lose their place."""
    return events[-1].seq if events else after


def _backward(events: list[Event]) -> int | None:
    """Null once the first event was reached: there is nothing before it, ever."""
    return events[-1].seq if events and events[-1].seq > 1 else None


async def add_note(call: Call) -> Reply:
    record_id, body, key = record_named(call), call.body, call.values[KEY.name]
    name = None if key is None else _digest("POST timeline", record_id.type, record_id.id, key)
    digest = _digest(body.model_dump_json())

    def work(tx: Transaction) -> tuple[Json, bool]:
        if name and (saved := _said_before(tx, name, digest)):
            return saved, True
        wire = _note(tx, record_id, body)
        if name:
            tx.save_idempotent_response(name, digest, wire)
        return wire, False

    wire, replayed = await call.store.write(work)
    return Reply(status=201, body=wire, headers={"Idempotent-Replay": "true"} if replayed else {})


def _note(tx: Transaction, record_id: RecordId, body: NoteBody) -> Json:
    return note_by_system(tx, record_id, body.text, actor_of(body.author)).to_wire()


def _said_before(tx: Transaction, name: str, digest: str) -> Json | None:
    saved = tx.idempotent_response(name)
    if saved is None:
        return None
    if saved[0] != digest:
        raise Unprocessable(
            "This Idempotency-Key was used for another note on this record. Nothing was added.",
            next_step="Use a new key for a new note.",
        )
    return saved[1]


def _digest(*parts: str) -> str:
    """One short text for several: the parts can't run into each other, since none of them holds a line end."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


async def events(call: Call) -> Reply:
    after, limit = call.values["after"], call.values["limit"]
    found = await call.store.read(lambda tx: tx.feed(after=after, limit=limit))
    return Reply(
        body={
            "events": [event.to_wire() for _, event in found],
            "next": cursor_at(found[-1][0] if found else after),
        }
    )


EVENT_EXAMPLE: Json = {
    "id": "01KAXV7Q5J6Z8M3T9R2W4Y1N0B",
    "seq": 7,
    "type": "chat.connected",
    "record": {"type": "account", "id": "A-1001"},
    "at": "2026-11-22T18:30:00.000000Z",
    "actor": {"id": "5b9f2c1e-7a34-4d0b-9c58-2f1e6a7b8c90", "name": "Alex Wilber"},
    "chat": {"id": "19:5f0c@thread.v2", "kind": "group", "topic": "Contoso renewal"},
    "data": {},
}
_NOTE_ANSWER: Json = {
    **EVENT_EXAMPLE,
    "seq": 8,
    "type": "note.added",
    "chat": None,
    "data": {"text": "Credit approved"},
}

OPERATIONS = (
    Operation(
        method="GET",
        path="/records/{type}/{id}/timeline",
        name="getTimeline",
        tag="Timelines",
        summary="A record's events",
        description="Oldest first: `next` is always there, also on an empty page; ask again with `after=next` to hear "
        "what happened since. With `order=desc`, newest first: `next` leads to older events, null after the oldest. "
        "A deleted record's timeline stays readable.",
        handler=timeline,
        parameters=(AFTER, LIMIT, ORDER),
        results=(
            Result(
                status=200,
                description="A page of events.",
                schema="Timeline",
                example={"events": [EVENT_EXAMPLE], "next": 7},
            ),
        ),
        errors=(404,),
    ),
    Operation(
        method="POST",
        path="/records/{type}/{id}/timeline",
        name="addNote",
        tag="Timelines",
        summary="Add a note to a record's timeline",
        handler=add_note,
        parameters=(KEY,),
        body=Body(
            schema="NoteBody",
            model=NoteBody,
            example={
                "text": "Credit approved",
                "author": {"id": "5b9f2c1e-7a34-4d0b-9c58-2f1e6a7b8c90", "name": "Alex Wilber"},
            },
        ),
        results=(
            Result(
                status=201,
                description="Added, or it had been under this key: then with `Idempotent-Replay`.",
                schema="Event",
                example=_NOTE_ANSWER,
            ),
        ),
        errors=(404,),
    ),
    Operation(
        method="GET",
        path="/events",
        name="getEvents",
        tag="Timelines",
        summary="All events of all records",
        description="Each event once, in `seq` order per record. `next` is always there, also on an empty page: keep "
        "it, and ask again with `after=next`.",
        handler=events,
        parameters=(CURSOR, LIMIT),
        results=(
            Result(
                status=200,
                description="A page of events.",
                schema="Feed",
                example={"events": [EVENT_EXAMPLE], "next": cursor_at(7)},
            ),
        ),
    ),
)
