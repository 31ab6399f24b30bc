"""The settings as an administrator sees and changes them.

What is entered comes back as data of the button, under the setting's name. A value stands in its input exactly as it
is: what would be altered to be shown would be saved altered.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from bot.domain.answers import (
    Field,
    FieldKind,
    SettingsForm,
    SettingsItem,
    SettingsOverview,
)
from bot.domain.text import listed
from cards import pieces
from cards.elements import Choice, ChoiceSet, Column, ColumnSet, Container, Strict, TextInput, Toggle
from cards.literal import beside_checkbox, cut, literal
from cards.pieces import BOLD, SMALL, SUBTLE, CardParts, Look, count, line, sentences, title

SAVED = "Saved. In force from now on."
UNSAVED = "Nothing was saved."
MAX_NEWS = 1_500
MAX_NEWS_AT_END = 400
MAX_HINT = 200
MAX_SAVED = 6
MAX_CHANGE = 160
MAX_FIELD_BYTES = 14_000
MAX_FORM_BYTES = 34_000
"""Of all inputs together, as JSON at its longest. Settings made by REST may be longer than a message can."""
LONG = 6
"""Inputs; below more than these the top of the form may be out of sight."""
MAX_ITEMS = 15
MAX_NAME = 60
MAX_SUMMARY = 160
MAX_ITEMS_BYTES = 12_000
MAX_CHOICES = 100
MAX_CHOICE = 50
MAX_CHOICES_BYTES = 24_000
MAX_CHANGES_UNITS = 1_200

E = TypeVar("E", bound=Strict)


def _form(answer: SettingsForm) -> CardParts:
    """Save sends what was entered with the revision that was seen; the other buttons send nothing of it."""
    subject = {"subject": answer.subject}
    body = [title(answer.title), *_news(answer, limit=MAX_NEWS), *_groups(answer)]
    if sum(len(fields) for _, fields in answer.groups) > LONG:
        body += _news(answer, limit=MAX_NEWS_AT_END)
    return body, [
        pieces.execute("Save", "settings.save", {**subject, "seen": answer.seen}, style="positive"),
        pieces.execute("Reload", "settings", subject, associated_inputs="none"),
        pieces.execute("All settings", "settings", {"subject": ""}, associated_inputs="none"),
    ]


def _news(answer: SettingsForm, *, limit: int) -> list[Strict]:
    """What became of the last press of Save, and what else to know; in one element, or none."""
    lines: list[Strict] = []
    if answer.problem:
        lines.append(line(UNSAVED, {"color": "attention", **BOLD}))
        lines.append(line(answer.problem, limit=limit, spacing="none"))
    elif answer.saved:
        lines.append(line(f"✓ {SAVED}", {"color": "good", **BOLD}))
        lines += [line(change, SMALL, limit=MAX_CHANGE, spacing="none") for change in answer.saved[:MAX_SAVED]]
        if more := len(answer.saved[MAX_SAVED:]):
            lines.append(line(f"And {more} more.", SMALL, spacing="none"))
    if answer.note:
        lines.append(line(answer.note, limit=limit, spacing="medium"))
    return [Container(items=lines, spacing="medium")] if lines else []


def _groups(answer: SettingsForm) -> Iterator[Strict]:
    """Each is one element, so that no list of choices stands where another card of the settings has another one: when a
    button's answer replaces its card, the Playground leaves the choices of a list at the same place as they were."""
    room = MAX_FORM_BYTES
    for heading, fields in answer.groups:
        items: list[Strict] = [line(heading, BOLD, limit=pieces.MAX_LABEL)] if heading else []
        for field in fields:
            entry = _entry(field)
            size = _size(entry)
            if size > min(room, MAX_FIELD_BYTES):
                entry = [line(f"{_label(field)}: too long for a card. It stays as it is; REST can change it.", SUBTLE)]
                size = _size(entry)
            room -= size
            items += entry
        yield Container(items=items, spacing="large", separator=True)


def _size(elements: Sequence[Strict]) -> int:
    return sum(len(json.dumps(element.render())) for element in elements)


def _entry(field: Field) -> list[Strict]:
    """The input, and below it what to enter or what it does."""
    gap = "none" if field.kind is FieldKind.SWITCH else "small"
    hint = [line(field.hint, SMALL, limit=MAX_HINT, spacing=gap)] if field.hint else []
    return [_input(field), *hint]


def _label(field: Field) -> str:
    return literal(field.label, pieces.MAX_LABEL)


def _input(field: Field) -> Strict:
    shared = {"id": field.name, "value": field.value, "spacing": "medium"}
    match field.kind:
        case FieldKind.SWITCH:
            return Toggle(title=beside_checkbox(field.label, pieces.MAX_LABEL), wrap=True, **shared)
        case FieldKind.CHOICE:
            choices = [Choice(title=literal(words, MAX_CHOICE), value=value) for value, words in field.choices]
            return ChoiceSet(label=_label(field), choices=choices, style="compact", **shared)
        case FieldKind.LINE | FieldKind.LINES:
            limit = {"max_length": field.limit} if field.limit else {}
            lines = field.kind is FieldKind.LINES
            return TextInput(label=_label(field), is_multiline=lines, **limit, **shared)


def _overview(answer: SettingsOverview) -> CardParts:
    """All that can be set, and a list to choose from what to change."""
    body: list[Strict] = [title("Settings"), *_items("Record types", answer.types)]
    if answer.apps:
        body += _items("Apps", answer.apps)
    body += [
        _headline("Administrators"),
        line(listed([literal(name, MAX_NAME) for name in answer.admins]) or "None yet.", spacing="small"),
    ]
    if answer.changes:
        body += [_headline("Latest changes"), *pieces.happenings(answer.changes, room=MAX_CHANGES_UNITS)]
    choices = _subjects(answer)
    if not choices:
        return body, []
    body.append(
        ChoiceSet(
            id="subject",
            label="What do you want to change?",
            value=choices[0].render()["value"],
            choices=choices,
            style="compact",
            spacing="large",
            separator=True,
        )
    )
    if more := len(answer.types) + len(answer.apps) - len(choices):
        body.append(line(f"{more} more can't be listed here. Write settings and the type's name.", SMALL))
    return body, [pieces.execute("Change", "settings", {}, style="positive")]


def _headline(words: str) -> Strict:
    return line(words, SMALL, spacing="large")


def _items(heading: str, items: tuple[SettingsItem, ...]) -> Iterator[Strict]:
    yield _headline(heading)
    if not items:
        yield line("None yet. They are created with the REST API.", spacing="small")
    rows = _fitting((_row(item) for item in items[:MAX_ITEMS]), MAX_ITEMS_BYTES)
    yield from rows
    if more := len(items) - len(rows):
        yield line(f"And {more} more.", SUBTLE, spacing="small")


def _row(item: SettingsItem) -> Strict:
    name = line(item.label, BOLD, limit=pieces.MAX_LABEL)
    about = line(item.summary, SMALL, limit=MAX_SUMMARY, spacing="none")
    state = line("On", {"color": "good"}) if item.enabled else line("Off", SUBTLE)
    return ColumnSet(columns=[Column(width="stretch", items=[name, about]), Column(width="auto", items=[state])])


def _subjects(answer: SettingsOverview) -> list[Choice]:
    """What can be changed, as much as a card holds."""
    words = [(item.subject, item.label) for item in answer.types]
    words += [(item.subject, f"{cut(item.label, MAX_CHOICE - 6)} (app)") for item in answer.apps]
    choices = (Choice(title=literal(label, MAX_CHOICE), value=subject) for subject, label in words[:MAX_CHOICES])
    return _fitting(choices, MAX_CHOICES_BYTES)


def _fitting(elements: Iterable[E], room: int) -> list[E]:
    """As many as `room` bytes hold."""
    kept: list[E] = []
    for element in elements:
        room -= _size([element])
        if room < 0:
            break
        kept.append(element)
    return kept


def _form_in_words(answer: SettingsForm) -> str:
    unsaved = (UNSAVED, answer.problem) if answer.problem else ()
    return sentences(answer.title, *unsaved, SAVED if answer.saved else "")


def _overview_in_words(answer: SettingsOverview) -> str:
    return f"Settings of {count(len(answer.types), 'record type')} and {count(len(answer.apps), 'app')}."


LOOKS: dict[type, Look] = {
    SettingsForm: Look(_form, _form_in_words),
    SettingsOverview: Look(_overview, _overview_in_words),
}
