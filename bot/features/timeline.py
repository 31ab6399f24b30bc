"""What happened: `timeline [link or key] [n]`."""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.answers import Timeline, TimelineEntry, WhichRecord
from bot.domain.chats import ChatKind
from bot.domain.decisions import Action, Reason
from bot.domain.events import Event, EventType, Fact
from bot.domain.links import Link
from bot.domain.policy import decide
from bot.domain.records import Disclosure
from bot.domain.text import clean, one_line
from bot.errors import Invalid
from bot.features.command import Asked, Command, only_record
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


def _asked_for(scene: Scene, asked: Asked) -> tuple[Link | None, int]:
    """The record that was named, if one was, and how many events.

    Raises:
        Invalid: it can't be understood, or none was named where there is none of the chat.
    """
    found, rest = asked.find(scene.catalogue)
    if asked.data is not None:
        rest = str(asked.data.get("count", ""))
    elif found is None and rest and not rest.lstrip("-").isdigit():
        raise asked.not_understood(scene.catalogue)
    elif found is None and scene.chat.kind is ChatKind.PERSONAL:
        raise Invalid("You didn't say which record.", next_step=f"Write {asked.command.usage}.")
    return found, split_count(rest)


def timeline(scene: Scene, asked: Asked) -> Timeline | WhichRecord:
    """The latest events of a record the person may read, newest first.

    Raises:
        Invalid: as `_asked_for`.
        RecordNotFound, NotAllowed: as `Scene.require`.
    """
    link, count = _asked_for(scene, asked)
    if link is None:
        which = only_record(
            scene,
            asked.command,
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


COMMAND = Command(
    usage="timeline [link or key] [n]",
    summary="The latest events of a record",
    action=Action.TIMELINE,
    button=True,
    run=timeline,
)

_KINDS = {kind.value: kind.word for kind in ChatKind}


def describe(event: Event, level: Disclosure, shown_fields: tuple[str, ...]) -> TimelineEntry:
    """One event in a sentence; names from `name` on, texts and changed fields at `fields` only.

    Of an event of a newer program, or data that this one can't read, nothing is shown: what it is nobody here knows.
    """
    fact = event.fact
    kind = _KINDS.get(fact.chat.kind, "chat") if fact.chat else "chat"
    member = _member_of(fact)
    if fact.type is EventType.MEMBER_JOINED and member:
        words = f"{member} joined a connected {kind}"
    elif fact.type is EventType.MEMBER_LEFT and member:
        words = f"{member} left a connected {kind}"
    else:
        words = fact.type.sentence(kind=kind, actor=one_line(fact.actor.name, 60) if fact.actor else "")
    quote = ""
    if level >= Disclosure.FIELDS and fact.type.known:
        if changed := [name for name in _changed(fact) if name in shown_fields]:
            words += f": {', '.join(one_line(name, 60) for name in changed)}"
        quote = clean(str(fact.data.get("text", "")))
        quote = quote if len(quote) <= MAX_QUOTE else quote[: MAX_QUOTE - 1] + "…"
    return TimelineEntry(seq=event.seq, at=event.at, text=words, quote=quote)


def _member_of(fact: Fact) -> str:
    """The name of who came or went, "" where it is not told."""
    member = fact.data.get("member")
    return one_line(str(member.get("name") or ""), 60) if isinstance(member, Mapping) else ""


def _changed(fact: Fact) -> list[str]:
    """The names of the fields that were changed."""
    changed = fact.data.get("changed")
    return [name for name in changed if isinstance(name, str)] if isinstance(changed, list) else []
