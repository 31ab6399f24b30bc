"""Putting words on a record's timeline: `note <text>`."""

from __future__ import annotations

import hashlib

from bot.domain.answers import NoteAdded, WhichRecord
from bot.domain.decisions import Action
from bot.domain.disclosure import name_of
from bot.domain.events import Event, EventChat, EventType, Fact
from bot.domain.people import Actor
from bot.domain.records import Disclosure, RecordId
from bot.domain.text import clean
from bot.errors import Invalid, NotAllowed, NotFound, Unprocessable
from bot.features.command import SHARED, Asked, Command, only_record
from bot.features.refusals import stale_button
from bot.features.scene import Scene
from bot.ports import Transaction

MAX_NOTE = 4000
SAME_NOTE_WITHIN = 60_000_000
"""Microseconds: Teams may deliver one message again under a new id."""


def checked_text(text: str) -> str:
    """The note's text, cleaned.

    Raises:
        Invalid: there is none, or too much of it.
    """
    text = clean(text)
    if not text:
        raise Invalid(
            "A note needs a text.", next_step="Write note and what you want to keep, for example: note Call on Monday"
        )
    if len(text) > MAX_NOTE:
        raise Invalid(
            f"This note has {len(text)} characters; a note has room for {MAX_NOTE}.",
            next_step="Shorten it, or send it in parts. Nothing was saved.",
        )
    return text


def _placed(scene: Scene, asked: Asked) -> tuple[RecordId | None, str]:
    """The record, where a button names it, and the text. It comes back with the button; it is this person's word, so
    only its author may place it.

    Raises:
        StaleButton, NotAllowed: a button that names no record, or is somebody else's.
    """
    if asked.data is None:
        return None, asked.argument
    link, text = asked.link(scene.catalogue), asked.data.get("text")
    if not isinstance(text, str):
        raise stale_button()
    if asked.data.get("by") != scene.person.id:
        raise NotAllowed("This note is somebody else's.", next_step="Only its author can say where it belongs.")
    return link.record, text


def note(scene: Scene, asked: Asked) -> NoteAdded | WhichRecord:
    """Add a note to the timeline of the chat's record; with several it asks which.

    Raises:
        Invalid: no text, or too much; a button that names no record.
        NotFound: the chat is not connected (to this record).
        NotAllowed: the person may read the record but not append to it, or the note is somebody else's.
    """
    record_id, text = _placed(scene, asked)
    text = checked_text(text)
    if record_id is None:
        which = only_record(
            scene,
            asked.command,
            "To which record's timeline does this note belong?",
            lambda record: {"record": str(record), "text": text, "by": scene.person.id or ""},
        )
        if isinstance(which, WhichRecord):
            return which
        record_id = which
    scene.tx.lock_record(record_id)
    target = scene.target(record_id)
    scene.require(Action.NOTE, target)
    seq = _add_once(scene, record_id, text)
    return NoteAdded(
        view=target.view,
        seq=seq,
        by=name_of(scene.person.actor, target.level),
        quote=text if target.level >= Disclosure.FIELDS else "",
    )


def _add_once(scene: Scene, record_id: RecordId, text: str) -> int:
    """The note's `seq`; the same note again within a minute, with nothing else in between, is the first one."""
    person = scene.person.id or ""
    digest = hashlib.sha256(f"{record_id}\n{text}".encode()).hexdigest()
    recent = scene.tx.recent_note(scene.chat.id, person)
    if recent and recent[0] == digest and scene.tx.now - recent[1] <= SAME_NOTE_WITHIN:
        return recent[2]
    fact = Fact(
        type=EventType.NOTE_ADDED,
        record=record_id,
        actor=scene.person.actor,
        chat=EventChat.of(scene.chat),
        data={"text": text},
    )
    seq = scene.tx.add_event(fact).seq
    scene.tx.remember_note(scene.chat.id, person, digest, seq)
    return seq


COMMAND = Command(
    usage="note <text>",
    summary="Add a note to the timeline of this chat's record",
    chats=SHARED,
    writes=True,
    button=True,
    action=Action.NOTE,
    run=note,
)


def note_by_system(tx: Transaction, record_id: RecordId, text: str, author: Actor | None) -> Event:
    """A note from the record system.

    Raises:
        NotFound: no such record.
        Unprocessable: no text, or too much.
    """
    try:
        text = checked_text(text)
    except Invalid as problem:
        raise Unprocessable(problem.what) from None
    tx.lock_record(record_id)
    if tx.record_for(record_id, None) is None:
        raise NotFound(f"There is no record {record_id}.", next_step="Create it first with PUT /api/v1/records.")
    return tx.add_event(Fact(type=EventType.NOTE_ADDED, record=record_id, actor=author, data={"text": text}))
