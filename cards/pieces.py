"""What the cards have in common: how a record, a line, a pair and a button look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bot.domain.answers import RecordView
from bot.domain.records import Disclosure
from cards.elements import (
    AdaptiveCard,
    Column,
    ColumnSet,
    Execute,
    Json,
    OpenUrl,
    RichTextBlock,
    Strict,
    Submit,
    TextRun,
)
from cards.literal import cut, literal, units

BOT = "Connect Chats"
HIDDEN = "Details are not shown in this chat, because others can read it."

MAX_TITLE = 200
MAX_LABEL = 60
MAX_LINE = 600
MAX_BUTTON = 60
MAX_ROWS = 10
MAX_ROWS_UNITS = 2_400
"""Of all rows together: ten full ones would not fit an unfurl."""

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


def hidden(view: RecordView) -> list[Strict]:
    """Why there is no more to see, where the level hides the record's name."""
    return [line(HIDDEN, SUBTLE, spacing="small")] if view.level < Disclosure.NAME else []


def pairs(rows: Iterable[tuple[str, str]], *, label: Mapping[str, Any], widths: tuple[int, int]) -> list[Strict]:
    """Rows of two aligned columns. One ColumnSet each, so that a row stays a row when its value wraps."""
    return [
        ColumnSet(
            columns=[
                Column(width=widths[0], items=[line(left, label, limit=MAX_LABEL)]),
                Column(width=widths[1], items=[line(right)]),
            ],
            spacing="small" if index else "medium",
        )
        for index, (left, right) in enumerate(rows)
    ]


def fields(view: RecordView) -> list[Strict]:
    """The record's fields, as many as fit."""
    rows, room = [], MAX_ROWS_UNITS
    for label, value in view.fields[:MAX_ROWS]:
        room -= min(units(label), MAX_LABEL)
        if room < MAX_LABEL:
            break
        value = cut(value, min(300, room))
        room -= units(value)
        rows.append((label, value))
    return pairs(rows, label=SUBTLE, widths=(2, 3))


def open_button(view: RecordView) -> list[Strict]:
    return [OpenUrl(title="Open", url=view.open_url)] if view.open_url else []


def execute(label: str, verb: str, data: Mapping[str, str], *, fallback: bool = True) -> Execute:
    """A button that asks the bot for `verb`. Clients that know no Execute send the same, the verb among the data."""
    label = literal(label, MAX_BUTTON)
    button: Json = {"title": label, "verb": verb, "data": dict(data)}
    if fallback:
        button["fallback"] = Submit(title=label, data={**data, "verb": verb}).render()
    return Execute(**button)


def assemble(body: list[Strict], actions: list[Strict], fallback_text: str) -> Json:
    """The card, in the oldest version that has what it uses."""
    version = "1.5" if any(isinstance(action, Execute) for action in actions) else "1.3"
    content: dict[str, Any] = {"version": version, "fallback_text": fallback_text, "body": body}
    if actions:
        content["actions"] = actions
    return AdaptiveCard(**content).render()
