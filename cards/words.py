"""Every answer as one line of plain words: notifications, previews, and clients that can't show the card."""

from __future__ import annotations

from bot.domain.answers import (
    Answer,
    Connected,
    Disconnected,
    Explanation,
    Failure,
    Help,
    NoteAdded,
    RecordCard,
    Records,
    RecordView,
    Refusal,
    Timeline,
    Welcome,
    WhichRecord,
    Why,
)
from cards.literal import cut, escape
from cards.pieces import BOT, MAX_TITLE

MAX_TEXT = 600


def text(answer: Answer) -> str:
    """The answer in a line that is safe wherever Markdown, HTML or mentions might be obeyed."""
    return escape(cut(_plain(answer), MAX_TEXT))


def named(view: RecordView) -> str:
    """The record in a sentence, as far as it may be named."""
    if view.title is not None:
        return cut(view.title, MAX_TITLE)
    return f"a record ({view.type_label})" if view.type_label is not None else "a record"


def sentences(*parts: str) -> str:
    """The parts that say something, each ended by a full stop if it isn't ended already."""
    return " ".join(part if part[-1] in ".!?…:" else f"{part}." for part in map(str.strip, parts) if part)


def count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _plain(answer: Answer) -> str:
    match answer:
        case RecordCard(view=view):
            label = view.type_label or "Record"
            return f"{label}: {cut(view.title, MAX_TITLE)}" if view.title is not None else label
        case Explanation(title=title, text=why, hint=then) | Refusal(title=title, text=why, next=then):
            return sentences(title, why, then)
        case Connected(view=view) | Disconnected(view=view):
            return f"{status(answer)} {named(view)}."
        case Records(views=views, more=more, hidden=hidden):
            return records_line(len(views) + more + hidden)
        case Timeline(view=view):
            return f"The timeline of {named(view)}."
        case NoteAdded(view=view):
            return f"A note was added to the timeline of {named(view)}."
        case WhichRecord(question=question):
            return question
        case Help(unknown=unknown):
            return sentences(unknown_line(unknown) if unknown else "", "Here is what you can ask me")
        case Welcome():
            return f"Hello, I'm {BOT}. Send help to see what you can ask me."
        case Why(steps=steps, hint=hint):
            return sentences(*(step.text for step in steps), hint)
        case Failure(reference=reference):
            return sentences(*failure_lines(reference))


def status(answer: Connected | Disconnected) -> str:
    """How the chat stands to the record, which is to follow."""
    if isinstance(answer, Connected):
        return "This chat was already connected to" if answer.already else "This chat is now connected to"
    return "This chat is not connected to" if answer.already else "This chat is no longer connected to"


def records_line(number: int) -> str:
    if not number:
        return "This chat is not connected to a record."
    return f"This chat is connected to {count(number, 'record')}."


def unknown_line(word: str) -> str:
    return f"I don't know “{cut(word, 40)}”."


def failure_lines(reference: str) -> tuple[str, str, str]:
    """What happened, why, what to do next."""
    return (
        "Something went wrong",
        "That was my fault, not yours, and it has been logged.",
        f"Try again in a minute. If it happens again, give your administrator this reference: {cut(reference, 80)}",
    )
