"""Cards about records and how a chat stands to them."""

from __future__ import annotations

import json
from collections.abc import Iterable

from bot.domain.answers import Connected, Disconnected, RecordCard, RecordChanged, Records, RecordView, WhichRecord
from bot.domain.decisions import Action
from bot.domain.records import Disclosure
from cards import pieces
from cards.elements import Container, Strict
from cards.literal import cut
from cards.pieces import BOLD, SMALL, SUBTLE, CardParts, Look, count, line, named, sentences, title

MAX_ACTIONS = 6
MAX_RECORDS = 10
MAX_BUTTONS_BYTES = 60_000
MAX_FALLBACK_BYTES = 2_000
"""A fallback says everything twice; beyond this the button does without."""


def _record(answer: RecordCard) -> CardParts:
    view = answer.view
    body = [*pieces.heading(view), *pieces.details(view)]
    actions = pieces.open_button(view)
    if answer.connected:
        body.append(line("✓ This chat is connected", SMALL, spacing="medium"))
    elif answer.connect:
        actions.append(pieces.execute("Connect this chat", "connect", {"record": str(view.record)}))
    return body, actions


def _label_and_title(answer: RecordCard) -> str:
    label, name = answer.view.type_label or "Record", answer.view.title
    return f"{label}: {cut(name, pieces.MAX_TITLE)}" if name is not None else label


def _connected(answer: Connected) -> CardParts:
    body: list[Strict] = [line(_status(answer), SUBTLE), _boxed(answer.view, pieces.details(answer.view))]
    if answer.by:
        body.append(line(f"Connected by {answer.by}.", SMALL))
    if not answer.already:
        told = "Its timeline now tells who joins and leaves, and your notes. Messages stay in the chat."
        body.append(line(told, SMALL, spacing="none" if answer.by else "default"))
    return body, pieces.open_button(answer.view)


def _disconnected(answer: Disconnected) -> CardParts:
    body: list[Strict] = [line(_status(answer), SUBTLE), _boxed(answer.view)]
    if answer.by:
        body.append(line(f"Disconnected by {answer.by}.", SMALL))
    return body, pieces.open_button(answer.view)


def _boxed(view: RecordView, more: Iterable[Strict] = ()) -> Strict:
    """The record, set apart from what is said about it."""
    return Container(items=[*pieces.heading(view), *more], style="emphasis", spacing="small")


def _status(answer: Connected | Disconnected) -> str:
    """How the chat stands to the record, which is to follow."""
    if isinstance(answer, Connected):
        return "This chat was already connected to" if answer.already else "This chat is now connected to"
    return "This chat is not connected to" if answer.already else "This chat is no longer connected to"


def _records(answer: Records) -> CardParts:
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


def _connected_to(answer: Records) -> str:
    number = len(answer.views) + answer.more + answer.hidden
    return (
        f"This chat is connected to {count(number, 'record')}." if number else "This chat is not connected to a record."
    )


def _record_changed(answer: RecordChanged) -> CardParts:
    view = answer.view
    if view.level < Disclosure.NAME:
        body: list[Strict] = [line(_changed(view), BOLD), line(pieces.HIDDEN, SUBTLE, spacing="small")]
    elif answer.changes:
        body = [*pieces.heading(view), *pieces.changes(answer.changes)]
    else:
        body = [*pieces.heading(view), line("This record was changed.", spacing="small")]
    if answer.by:
        body.append(line(f"Changed by {answer.by}.", SMALL))
    return body, pieces.open_button(view)


def _changed(view: RecordView) -> str:
    """That a record changed, as far as it may be named."""
    if view.title is not None:
        return f"{cut(view.title, pieces.MAX_TITLE)} was changed."
    label = f" ({view.type_label})" if view.type_label is not None else ""
    return f"A record of this chat{label} was changed."


def _what_changed(answer: RecordChanged) -> str:
    told = (f"{change.label}: {pieces.before_and_after(change)}" for change in answer.changes)
    return sentences(_changed(answer.view), "; ".join(told))


def _which_record(answer: WhichRecord) -> CardParts:
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


LOOKS: dict[type, Look] = {
    RecordCard: Look(_record, _label_and_title),
    Connected: Look(_connected, lambda answer: f"{_status(answer)} {named(answer.view)}."),
    Disconnected: Look(_disconnected, lambda answer: f"{_status(answer)} {named(answer.view)}."),
    Records: Look(_records, _connected_to),
    RecordChanged: Look(_record_changed, _what_changed),
    WhichRecord: Look(_which_record, lambda answer: answer.question),
}
