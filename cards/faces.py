"""One function per answer: what its card looks like."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

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
from bot.domain.chats import ChatKind
from bot.domain.decisions import Action
from bot.domain.records import Disclosure
from cards import joining, pieces, settings
from cards.elements import Column, ColumnSet, Container, Json, Strict
from cards.literal import cut_lines
from cards.pieces import BOLD, BOT, SMALL, SUBTLE, Face, line, title
from cards.words import changed, status, text, unknown_line

MAX_ACTIONS = 6
MAX_RECORDS = 10
MAX_TIMELINE_UNITS = 8_000
MAX_BUTTONS_BYTES = 60_000
MAX_FALLBACK_BYTES = 2_000
"""A fallback says everything twice; beyond this the button does without."""


def card(answer: Answer) -> Json:
    """The answer as an Adaptive Card."""
    body, actions = _FACES[type(answer)](answer)
    return pieces.assemble(body, actions, text(answer))


def _record(answer: RecordCard) -> Face:
    view = answer.view
    body = [*pieces.heading(view), *pieces.details(view)]
    actions = pieces.open_button(view)
    if answer.connected:
        body.append(line("✓ This chat is connected", SMALL, spacing="medium"))
    elif answer.connect:
        actions.append(pieces.execute("Connect this chat", "connect", {"record": str(view.record)}))
    return body, actions


def _notice(answer: Notice) -> Face:
    body: list[Strict] = [title(answer.title), line(answer.text, spacing="small"), line(answer.next, spacing="medium")]
    return body, []


def _connected(answer: Connected) -> Face:
    body: list[Strict] = [line(status(answer), SUBTLE), _boxed(answer.view, pieces.details(answer.view))]
    if answer.by:
        body.append(line(f"Connected by {answer.by}.", SMALL))
    if not answer.already:
        told = "Its timeline now tells who joins and leaves, and your notes. Messages stay in the chat."
        body.append(line(told, SMALL, spacing="none" if answer.by else "default"))
    return body, pieces.open_button(answer.view)


def _disconnected(answer: Disconnected) -> Face:
    body: list[Strict] = [line(status(answer), SUBTLE), _boxed(answer.view)]
    if answer.by:
        body.append(line(f"Disconnected by {answer.by}.", SMALL))
    return body, pieces.open_button(answer.view)


def _boxed(view: RecordView, more: Iterable[Strict] = ()) -> Strict:
    """The record, set apart from what is said about it."""
    return Container(items=[*pieces.heading(view), *more], style="emphasis", spacing="small")


def _records(answer: Records) -> Face:
    shown = answer.views[:MAX_RECORDS]
    more, hidden = answer.more + len(answer.views) - len(shown), answer.hidden
    body: list[Strict] = [title("Records of this chat")]
    if not shown and not hidden:
        body.append(line("None yet. Connect one: write connect and the record's link or key.", spacing="small"))
    body += [_record_row(view, first=index == 0) for index, view in enumerate(shown)]
    if more:
        body.append(line(f"And {more} more. Ask for one by its link or key.", SUBTLE, spacing="medium"))
    if hidden:
        rest = f"And {hidden} that can't be shown to you here." if shown else _all_hidden(hidden)
        body.append(line(rest, SUBTLE, spacing="small" if more else "medium"))
    return body, []


def _all_hidden(number: int) -> str:
    if number == 1:
        return "It is connected to one record that can't be shown to you here."
    return f"It is connected to {number} records that can't be shown to you here."


def _record_row(view: RecordView, *, first: bool) -> Strict:
    name = line(view.title or view.type_label or "Record", BOLD, limit=pieces.MAX_TITLE, spacing="none")
    label = [line(view.type_label, SMALL, limit=pieces.MAX_LABEL)] if view.title and view.type_label else []
    return pieces.opening([*label, name], view.open_url, first=first)


def _timeline(answer: Timeline) -> Face:
    body = [line("Timeline", SMALL), pieces.name(answer.view)]
    if answer.withheld:
        body.append(line("What happened is not shown in this chat, because others can read it.", spacing="small"))
        body.append(line("Ask me in our personal chat.", SUBTLE, spacing="small"))
        return body, pieces.open_button(answer.view)
    if not answer.entries:
        body.append(line("Nothing has happened yet.", spacing="small"))
    shown = pieces.happenings(answer.entries, room=MAX_TIMELINE_UNITS)
    body += shown
    if shown and len(shown) < answer.total:
        body.append(line(f"The latest {len(shown)} of {answer.total}.", SMALL, spacing="medium"))
    return body, pieces.open_button(answer.view)


def _record_changed(answer: RecordChanged) -> Face:
    view = answer.view
    if view.level < Disclosure.NAME:
        body: list[Strict] = [line(changed(view), BOLD), line(pieces.HIDDEN, SUBTLE, spacing="small")]
    elif answer.changes:
        body = [*pieces.heading(view), *pieces.changes(answer.changes)]
    else:
        body = [*pieces.heading(view), line("This record was changed.", spacing="small")]
    if answer.by:
        body.append(line(f"Changed by {answer.by}.", SMALL))
    return body, pieces.open_button(view)


def _note_added(answer: NoteAdded) -> Face:
    body = [line("Note added to the timeline of", SUBTLE), pieces.name(answer.view)]
    if answer.quote:
        body.append(pieces.quote(cut_lines(answer.quote, pieces.MAX_QUOTE, pieces.MAX_QUOTE_LINES)))
    if answer.by:
        body.append(line(f"By {answer.by}.", SMALL))
    return body, pieces.open_button(answer.view)


def _which_record(answer: WhichRecord) -> Face:
    actions: list[Strict] = []
    room = MAX_BUTTONS_BYTES
    for choice in answer.choices[:MAX_ACTIONS]:
        size = len(json.dumps(choice.data))
        fallback = size <= MAX_FALLBACK_BYTES
        room -= 2 * size if fallback else size
        if room < 0:
            break
        actions.append(pieces.execute(choice.label, answer.verb, choice.data, fallback=fallback))
    more = answer.more + len(answer.choices) - len(actions)
    body: list[Strict] = [title(answer.question)]
    if more:
        named = "" if answer.verb == Action.NOTE.value else " Name the record by its link or key."
        body.append(line(f"{more} more can't be listed here.{named}", SUBTLE, spacing="small"))
    return body, actions


def _help(answer: Help) -> Face:
    shared = answer.kind is not ChatKind.PERSONAL
    body: list[Strict] = [title(unknown_line(answer.unknown) if answer.unknown else "What you can ask me")]
    if answer.unknown:
        body.append(line("Here is what you can ask me.", spacing="small"))
    elsewhere = "In our personal chat" if shared else "In a group chat, a channel or a meeting"
    here = [command for command in answer.commands if command.here]
    groups = [
        ("Do", [command for command in here if command.writes]),
        ("Look up", [command for command in here if not command.writes]),
        (elsewhere, [command for command in answer.commands if command not in here]),
    ]
    for heading, commands in groups:
        rows = [(command.usage, command.summary) for command in commands]
        if rows:
            body.append(line(heading, SMALL, spacing="large"))
            body += _stacked(rows)
    if answer.example:
        start = f"@{BOT} connect" if shared else "timeline"
        body.append(line(f"For example: {start} {answer.example}", SUBTLE, spacing="medium", separator=True))
    return body, []


def _stacked(rows: Iterable[tuple[str, str]]) -> Iterable[Strict]:
    """What to write, and below it what that does: two columns would be too narrow for both on a phone."""
    for what, does in rows:
        yield line(what, BOLD, spacing="small")
        yield line(does, SUBTLE, spacing="none")


def _welcome(answer: Welcome) -> Face:
    example = answer.example or "<link>"
    if answer.kind is ChatKind.PERSONAL:
        rows = [
            ("Paste a link", "In any chat, the link of a record becomes a card."),
            ("Add me to a group chat", "There you can connect the chat to a record."),
            ("why <link>", "I say what I make of a link, and what you may do with the record."),
            (f"timeline {example}", "What happened in a record's chats."),
            ("help", "All you can ask me."),
        ]
    else:
        rows = [
            (f"@{BOT} connect {example}", "Ties this chat to a record."),
            ("Paste a link", "The link of a record becomes a card."),
            (f"@{BOT} help", "All you can ask me."),
        ]
    return [
        title(f"Hello, I'm {BOT}"),
        line("I bring your records into the chat, and the chat to your records. Try this:", spacing="small"),
        *_stacked(rows),
    ], []


_MARKS = {True: ("✓", "good"), False: ("✗", "attention"), None: ("•", "default")}


def _why(answer: Why) -> Face:
    body: list[Strict] = [title("What I make of this link")]
    for step in answer.steps[:MAX_RECORDS]:
        mark, color = _MARKS[step.ok]
        columns = [
            Column(width="20px", items=[line(mark, {"color": color, **BOLD})]),
            Column(width="stretch", items=[line(step.text)], spacing="small"),
        ]
        body.append(ColumnSet(columns=columns, spacing="small"))
    if answer.hint:
        body.append(line(answer.hint, SUBTLE, spacing="medium"))
    return body, []


_FACES: dict[type, Callable[[Any], Face]] = {
    RecordCard: _record,
    Notice: _notice,
    Connected: _connected,
    Disconnected: _disconnected,
    Records: _records,
    Timeline: _timeline,
    NoteAdded: _note_added,
    ChatsOfRecord: joining.chats_of_record,
    WhichRecord: _which_record,
    Help: _help,
    Welcome: _welcome,
    Why: _why,
    SettingsForm: settings.form,
    SettingsOverview: settings.overview,
    RecordChanged: _record_changed,
}
