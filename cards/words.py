"""Every answer as one line of plain words: notifications, previews, and clients that can't show the card."""

from __future__ import annotations

from bot.domain.answers import (
    Answer,
    ChatsOfRecord,
    Connected,
    Disconnected,
    Help,
    NoteAdded,
    Notice,
    RecordCard,
    RecordChanged,
    Records,
    RecordView,
    SettingsForm,
    SettingsOverview,
    Timeline,
    Welcome,
    WhichRecord,
    Why,
)
from cards.literal import cut, escape
from cards.pieces import BOT, MAX_TITLE, before_and_after

MAX_TEXT = 600
SAVED = "Saved. In force from now on."
UNSAVED = "Nothing was saved."


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
        case Connected() | Disconnected() | Timeline() | NoteAdded() | RecordChanged() | ChatsOfRecord():
            return _about_record(answer)
        case SettingsForm() | SettingsOverview():
            return _about_settings(answer)
        case Notice(title=title, text=why, next=then):
            return sentences(title, why, then)
        case Records(views=views, more=more, hidden=hidden):
            return records_line(len(views) + more + hidden)
        case WhichRecord(question=question):
            return question
        case Help(unknown=unknown):
            return sentences(unknown_line(unknown) if unknown else "", "Here is what you can ask me")
        case Welcome():
            return f"Hello, I'm {BOT}. Send help to see what you can ask me."
        case Why(steps=steps, hint=hint):
            return sentences(*(step.text for step in steps), hint)


def _about_record(
    answer: Connected | Disconnected | Timeline | NoteAdded | RecordChanged | ChatsOfRecord,
) -> str:
    view = answer.view
    match answer:
        case Connected() | Disconnected():
            return f"{status(answer)} {named(view)}."
        case Timeline():
            return f"The timeline of {named(view)}."
        case NoteAdded():
            return f"A note was added to the timeline of {named(view)}."
        case ChatsOfRecord(chats=chats, more=more):
            return f"Chats of {named(view)}: {len(chats) + more or 'none to join'}."
        case RecordChanged(changes=changes):
            told = (f"{change.label}: {before_and_after(change)}" for change in changes)
            return sentences(changed(view), "; ".join(told))


def _about_settings(answer: SettingsForm | SettingsOverview) -> str:
    match answer:
        case SettingsForm(title=title, problem=problem, saved=saved):
            return sentences(title, UNSAVED if problem else "", problem, SAVED if saved else "")
        case SettingsOverview(types=types, apps=apps):
            return f"Settings of {count(len(types), 'record type')} and {count(len(apps), 'app')}."


def status(answer: Connected | Disconnected) -> str:
    """How the chat stands to the record, which is to follow."""
    if isinstance(answer, Connected):
        return "This chat was already connected to" if answer.already else "This chat is now connected to"
    return "This chat is not connected to" if answer.already else "This chat is no longer connected to"


def changed(view: RecordView) -> str:
    """That a record changed, as far as it may be named."""
    if view.title is not None:
        return f"{cut(view.title, MAX_TITLE)} was changed."
    label = f" ({view.type_label})" if view.type_label is not None else ""
    return f"A record of this chat{label} was changed."


def records_line(number: int) -> str:
    if not number:
        return "This chat is not connected to a record."
    return f"This chat is connected to {count(number, 'record')}."


def unknown_line(word: str) -> str:
    return f"I don't know “{cut(word, 40)}”."
