"""What happened: a record's timeline, notes on it, and the feed of all events."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Annotated, Any, Literal, cast

from pydantic import Field, with_config
from typing_extensions import TypedDict

from bot.domain import events
from bot.domain.chats import ChatKind
from bot.domain.events import EventType
from bot.errors import NotFound, Unprocessable
from bot.features.notes import MAX_NOTE, note_by_system
from bot.ports import Json, Transaction
from bot.web.api.bodies import LINES_PATTERN, Body, Person, actor_of
from bot.web.api.parameters import CURSOR, KEY, MAX_POSITION, cursor_at, one_of, whole_number
from bot.web.api.places import RecordAt
from bot.web.api.route import SYSTEM, Call, Header, Query, Reply, Route
from bot.web.api.shapes import ALEX, Actor, ChatId, RecordName, Time, Topic, word

EVENT_EXAMPLE: Json = {
    "id": "01KAXV7Q5J6Z8M3T9R2W4Y1N0B",
    "seq": 7,
    "type": EventType.CHAT_CONNECTED.value,
    "record": {"type": "account", "id": "A-1001"},
    "at": "2026-11-22T18:30:00.000000Z",
    "actor": ALEX,
    "chat": {"id": "19:5f0c@thread.v2", "kind": "group", "topic": "Contoso renewal"},
    "data": {},
}


class NoteBody(Body):
    """A note for a record's timeline."""

    text: str = Field(
        min_length=1,
        max_length=MAX_NOTE,
        pattern=LINES_PATTERN,
        description="Surrounding spaces and bidirectional control characters are removed.",
        examples=["Credit approved"],
    )
    author: Person | None = Field(default=None, description="Who wrote it: the event's `actor`.")


class EventChat(TypedDict):
    """The chat as it was when the event happened."""

    id: ChatId
    kind: Annotated[str, word(ChatKind, ChatKind.GROUP)]
    topic: Topic


@with_config({"json_schema_extra": {"examples": [EVENT_EXAMPLE]}})
class Event(TypedDict):
    """A fact about a record, never changed."""

    id: Annotated[str, Field(description="A ULID.")]
    seq: Annotated[int, Field(ge=1, description="Counts from 1 per record, without gaps.")]
    type: Annotated[str, word(EventType, EventType.CHAT_CONNECTED)]
    record: RecordName
    at: Time
    actor: Actor | None
    chat: EventChat | None
    data: Annotated[
        dict[str, Any], Field(description="More, depending on the type: `text` of a note, `changed` names.")
    ]


Note = Annotated[
    Event,
    Field(
        examples=[{**EVENT_EXAMPLE, "seq": 8, "type": "note.added", "chat": None, "data": {"text": "Credit approved"}}]
    ),
]


class Timeline(TypedDict):
    events: list[Event]
    next: Annotated[int | None, Field(description="Send it as `after`.", examples=[7])]


class Feed(TypedDict):
    events: list[Event]
    next: Annotated[str, Field(description="Send it as `after`.", examples=[cursor_at(7)])]


def event_json(event: events.Event) -> Event:
    return cast(Event, event.to_wire())


Limit = Annotated[int, Query("How many events at most.", whole_number(1, 1000))]
After = Annotated[
    int,
    Query(
        "Only what follows the event with this `seq`; with `order=desc` what precedes it. 0: from the start.",
        whole_number(0, MAX_POSITION),
    ),
]
Order = Annotated[Literal["asc", "desc"], Query("Oldest first, or newest first.", one_of("asc", "desc"))]
Cursor = Annotated[int | None, Query("The `next` of an earlier answer. Left out: from the first event on.", CURSOR)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        "Idempotency-Key",
        "Names this request, so that sending it again can't add a second note: within 24 hours the same key with "
        "the same body gets the first answer again, with another body 422. Up to 255 printable ASCII characters, no "
        "spaces.",
        KEY,
    ),
]
_route = partial(Route, tag="Timelines", callers=SYSTEM)


@_route("GET", "/records/{type}/{id}/timeline", {200: "A page of events."})
async def get_timeline(
    call: Call, record: RecordAt, after: After = 0, limit: Limit = 100, order: Order = "asc"
) -> Timeline:
    """A record's events.

    Oldest first: `next` is always there, also on an empty page; ask again with `after=next` to hear what happened
    since. With `order=desc`, newest first: `next` leads to older events, null after the oldest. A deleted record's
    timeline stays readable.
    """
    newest_first = order == "desc"

    def work(tx: Transaction) -> list[events.Event]:
        if tx.last_seq(record) == 0:
            raise NotFound(f"There never was a record {record}.", next_step="PUT /api/v1/records creates it.")
        return tx.events(record, after=after, limit=limit, newest_first=newest_first)

    found = await call.store.read(work)
    return {
        "events": [event_json(event) for event in found],
        "next": _backward(found) if newest_first else _forward(found, after),
    }


def _forward(found: list[events.Event], after: int) -> int:
    """Never null: events go on being added, and who polls must not lose their place."""
    return found[-1].seq if found else after


def _backward(found: list[events.Event]) -> int | None:
    """Null once the first event was reached: there is nothing before it, ever."""
    return found[-1].seq if found and found[-1].seq > 1 else None


@_route(
    "POST",
    "/records/{type}/{id}/timeline",
    {201: "Added, or it had been under this key: then with `Idempotent-Replay`."},
)
async def add_note(call: Call, record: RecordAt, body: NoteBody, idempotency_key: IdempotencyKey = None) -> Reply[Note]:
    """Add a note to a record's timeline."""
    name = idempotency_key and _digest("POST timeline", record.type, record.id, idempotency_key)
    digest = _digest(body.model_dump_json())

    def work(tx: Transaction) -> tuple[Json, bool]:
        if name and (saved := _said_before(tx, name, digest)):
            return saved, True
        wire = note_by_system(tx, record, body.text, actor_of(body.author)).to_wire()
        if name:
            tx.save_idempotent_response(name, digest, wire)
        return wire, False

    wire, replayed = await call.store.write(work)
    return Reply(status=201, body=cast(Event, wire), headers={"Idempotent-Replay": "true"} if replayed else {})


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


@_route("GET", "/events", {200: "A page of events."})
async def get_events(call: Call, after: Cursor = None, limit: Limit = 100) -> Feed:
    """All events of all records.

    Each event once, in `seq` order per record. `next` is always there, also on an empty page: keep it, and ask again
    with `after=next`.
    """
    place = after or 0
    found = await call.store.read(lambda tx: tx.feed(after=place, limit=limit))
    return {
        "events": [event_json(event) for _, event in found],
        "next": cursor_at(found[-1][0] if found else place),
    }
