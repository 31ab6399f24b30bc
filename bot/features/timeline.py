"""What happened: `timeline [link or key] [n]`."""

from __future__ import annotations

from bot.domain.answers import Timeline, TimelineEntry, WhichRecord
from bot.domain.chats import ChatKind
from bot.domain.decisions import Action, Reason
from bot.domain.events import Event, EventType
from bot.domain.links import Link
from bot.domain.policy import decide
from bot.domain.records import Disclosure
from bot.domain.text import clean, one_line
from bot.errors import Invalid
from bot.features.references import only_record
from bot.features.scene import Scene

DEFAULT_COUNT = 5
MAX_COUNT = 20
MAX_QUOTE = 500


def split_count(rest: str) -> int:
    """The `n` that follows the reference, or the default.

    Raises:
        Invalid: it is no number from 1 to 20.
    """
    if not rest:
        return DEFAULT_COUNT
    if not (rest.isascii() and rest.isdigit() and len(rest) <= 4 and 1 <= int(rest) <= MAX_COUNT):
        raise Invalid(
            f"I can't read {one_line(rest, 40)!r} as a number of events.",
            next_step=f"Write timeline, a link or key if you like, and a number from 1 to {MAX_COUNT}.",
        )
    return int(rest)


def timeline(scene: Scene, link: Link | None, count: int) -> Timeline | WhichRecord:
    """The latest `count` events of a record the person may read, newest first.

    Raises:
        RecordNotFound, NotAllowed: as `Scene.require`.
    """
    if link is None:
        which = only_record(
            scene,
            Action.TIMELINE,
            "Whose timeline shall I show?",
            lambda record: {"record": str(record), "count": str(count)},
        )
        if isinstance(which, WhichRecord):
            return which
        link = Link(which)
    target = scene.target(link.record, link_app=link.app)
    if decide(Action.TIMELINE, target.facts).reason is Reason.NOT_SHOWN:
        return Timeline(view=target.view, entries=(), total=0, withheld=True)
    scene.require(Action.TIMELINE, target)
    events = scene.tx.events(link.record, limit=count, newest_first=True)
    return Timeline(
        view=target.view,
        entries=tuple(describe(event, target.level, target.type.card_fields) for event in events),
        total=scene.tx.last_seq(link.record),
    )


_WORDS = {
    EventType.RECORD_CREATED: "created the record",
    EventType.RECORD_UPDATED: "changed the record",
    EventType.RECORD_DELETED: "deleted the record",
    EventType.CHAT_CONNECTED: "connected a {kind}",
    EventType.CHAT_DISCONNECTED: "disconnected a {kind}",
    EventType.CHAT_RENAMED: "renamed a connected {kind}",
    EventType.NOTE_ADDED: "added a note",
    EventType.MESSAGE_SAVED: "saved a message",
}
_PASSIVE = {
    EventType.RECORD_CREATED: "The record was created",
    EventType.RECORD_UPDATED: "The record was changed",
    EventType.RECORD_DELETED: "The record was deleted",
    EventType.CHAT_CONNECTED: "A {kind} was connected",
    EventType.CHAT_DISCONNECTED: "A {kind} was disconnected",
    EventType.CHAT_RENAMED: "A connected {kind} was renamed",
    EventType.CHAT_SUSPENDED: "I was removed from a connected {kind}; its connection sleeps",
    EventType.CHAT_RESUMED: "I am back in a connected {kind}",
    EventType.MEMBER_JOINED: "Somebody joined a connected {kind}",
    EventType.MEMBER_LEFT: "Somebody left a connected {kind}",
    EventType.NOTE_ADDED: "A note was added",
    EventType.MESSAGE_SAVED: "A message was saved",
}
_KINDS = {kind.value: kind.word for kind in ChatKind}


def describe(event: Event, level: Disclosure, shown_fields: tuple[str, ...]) -> TimelineEntry:
    """One event in a sentence; names from `name` on, texts and changed fields at `fields` only."""
    fact = event.fact
    kind = _KINDS.get(fact.chat.kind, "chat") if fact.chat else "chat"
    actor = one_line(fact.actor.name, 60) if fact.actor else ""
    member = one_line(str(fact.data.get("member", {}).get("name") or ""), 60)
    if fact.type is EventType.MEMBER_JOINED and member:
        words = f"{member} joined a connected {kind}"
    elif fact.type is EventType.MEMBER_LEFT and member:
        words = f"{member} left a connected {kind}"
    elif actor and fact.type in _WORDS:
        words = f"{actor} {_WORDS[fact.type].format(kind=kind)}"
    else:
        words = _PASSIVE[fact.type].format(kind=kind)
    quote = ""
    if level >= Disclosure.FIELDS:
        if changed := [name for name in fact.data.get("changed", ()) if name in shown_fields]:
            words += f": {', '.join(one_line(name, 60) for name in changed)}"
        quote = clean(str(fact.data.get("text", "")))
        quote = quote if len(quote) <= MAX_QUOTE else quote[: MAX_QUOTE - 1] + "…"
    return TimelineEntry(seq=event.seq, at=event.at, text=words, quote=quote)
