"""What the cards have in common: how a record, a line, a pair and a button look."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from bot.domain.answers import FieldChange, RecordView, TimelineEntry
from bot.domain.records import Disclosure
from cards.elements import (
    AdaptiveCard,
    Column,
    ColumnSet,
    Container,
    Execute,
    Json,
    OpenUrl,
    RichTextBlock,
    Strict,
    Submit,
    TextRun,
)
from cards.literal import cut, cut_lines, literal, units

BOT = "Connect Chats"
HIDDEN = "Details are not shown in this chat, because others can read it."

MAX_TITLE = 200
MAX_LABEL = 60
MAX_LINE = 600
MAX_VALUE = 300
MAX_BUTTON = 40
MAX_QUOTE = 600
MAX_QUOTE_LINES = 8
MAX_ROWS = 10
MAX_ROWS_UNITS = 2_400
"""Of all rows together: ten full ones would not fit an unfurl."""

CardParts = tuple[list[Strict], list[Strict]]
"""The elements of a card, and its buttons."""


@dataclass(frozen=True, slots=True)
class Look:
    """How an answer looks.

    Attributes:
        card: its body and its actions.
        words: the same in a line of plain words: for notifications, previews, and clients that can't show the card.
    """

    card: Callable[[Any], CardParts]
    words: Callable[[Any], str]


SMALL: Mapping[str, Any] = {"size": "small", "isSubtle": True}
SUBTLE: Mapping[str, Any] = {"isSubtle": True}
BOLD: Mapping[str, Any] = {"weight": "bolder"}
TITLE: Mapping[str, Any] = {"size": "large", "weight": "bolder"}


def line(text: str, style: Mapping[str, Any] | None = None, *, limit: int = MAX_LINE, **place: Any) -> RichTextBlock:
    """A paragraph. Never a TextBlock: that one obeys Markdown. `place`: `spacing`, `separator`."""
    return RichTextBlock(inlines=[TextRun(text=literal(text, limit), **(style or {}))], **place)


def title(text: str) -> RichTextBlock:
    return line(text, TITLE, limit=MAX_TITLE)


def heading(view: RecordView) -> list[Strict]:
    """What names the record: its type small above its title; the type alone; or the bare word."""
    if view.title is None:
        return [title(view.type_label or "Record")]
    block = line(view.title, TITLE, limit=MAX_TITLE, spacing="none")
    if view.type_label is None:
        return [block]
    return [line(view.type_label, SMALL, limit=MAX_LABEL), block]


def name(view: RecordView) -> Strict:
    """The record under a small word that says what the card is about."""
    return line(view.title or view.type_label or "Record", TITLE, limit=MAX_TITLE, spacing="none")


def changes(made: Iterable[FieldChange]) -> list[Strict]:
    """What each field was and is."""
    return rows((change.label, before_and_after(change)) for change in made)


def before_and_after(change: FieldChange) -> str:
    before, after = (literal(value, MAX_VALUE // 2) for value in (change.before, change.after))
    return f"{before} → {after}"


def details(view: RecordView) -> list[Strict]:
    """The record's fields, as many as fit; or why there is no more to see than the type."""
    if view.level < Disclosure.NAME:
        return [line(HIDDEN, SUBTLE, spacing="small")]
    return rows(view.fields)


def rows(pairs: Iterable[tuple[str, str]]) -> list[Strict]:
    """Labels and values, as many as fit."""
    shown: list[Strict] = []
    room = MAX_ROWS_UNITS
    for label, value in islice(pairs, MAX_ROWS):
        label, value = cut(label, MAX_LABEL), cut(value, MAX_VALUE)
        room -= units(label) + units(value)
        if room < 0:
            break
        shown.append(_row(label, value, spacing="small" if shown else "medium"))
    return shown


def _row(label: str, value: str, *, spacing: str) -> Strict:
    """A ColumnSet of its own, so that a row stays a row when its value wraps."""
    columns = [Column(width=2, items=[line(label, SUBTLE)]), Column(width=3, items=[line(value)])]
    return ColumnSet(columns=columns, spacing=spacing)


def opening(items: list[Strict], url: str | None, *, first: bool, word: str = "Open") -> Strict:
    """A row that opens when it is chosen, if there is an address; the word at its end says so."""
    columns = [Column(width="stretch", items=items)]
    place: dict[str, Any] = {"spacing": "medium", "separator": not first}
    if url:
        said = line(word, {"color": "accent"})
        columns.append(Column(width="auto", items=[said], verticalContentAlignment="center"))
        place["select_action"] = OpenUrl(title=word, url=url).render()
    return ColumnSet(columns=columns, **place)


def open_button(view: RecordView) -> list[Strict]:
    return [OpenUrl(title="Open", url=view.open_url)] if view.open_url else []


def execute(label: str, verb: str, data: Mapping[str, str], *, fallback: bool = True, **looks: str) -> Execute:
    """A button that asks the bot for `verb`. Clients that know no Execute send the same, the verb among the data.

    `looks`: `style`, `associated_inputs`.
    """
    looks["title"] = literal(label, MAX_BUTTON)
    button: Json = {**looks, "verb": verb, "data": dict(data)}
    if fallback:
        button["fallback"] = Submit(**looks, data={**data, "verb": verb}).render()
    return Execute(**button)


def happenings(entries: Iterable[TimelineEntry], *, room: int) -> list[Strict]:
    """The entries from the newest on, as many as `room` UTF-16 code units hold."""
    shown: list[Strict] = []
    for entry in entries:
        quoted = cut_lines(entry.quote, MAX_QUOTE, MAX_QUOTE_LINES)
        room -= min(units(entry.text), MAX_LINE) + units(quoted)
        if room < 0:
            break
        items: list[Strict] = [_moment(entry.at), line(entry.text, spacing="none")]
        if quoted:
            items.append(quote(quoted))
        shown.append(Container(items=items, spacing="medium"))
    return shown


def _moment(at: int) -> Strict:
    """When, in the reader's own time zone and language: the client fills these in."""
    moment = stamp(at)
    return RichTextBlock(inlines=[TextRun(text=f"{{{{DATE({moment},SHORT)}}}} {{{{TIME({moment})}}}}", **SMALL)])


def stamp(at: int) -> str:
    """Microseconds since the epoch as the card's own `DATE` and `TIME` want them."""
    return datetime.fromtimestamp(at // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def quote(words: str) -> Strict:
    return Container(items=[line(words, limit=2 * MAX_QUOTE)], style="emphasis", spacing="small")


def assemble(body: list[Strict], actions: list[Strict], fallback_text: str) -> Json:
    """The card, in the oldest version that has what it uses."""
    version = "1.5" if any(isinstance(action, Execute) for action in actions) else "1.3"
    content: dict[str, Any] = {"version": version, "fallback_text": fallback_text, "body": body}
    if actions:
        content["actions"] = actions
    return AdaptiveCard(**content).render()


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
