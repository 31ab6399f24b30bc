"""The settings of a record type or an app as a form: what a person reads, and what they entered.

What was entered comes from the client and proves nothing: whatever it is, it becomes a text or a switch here, and
`bot.domain.settings_json` decides whether that is a setting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from typing import Any

from bot.domain.answers import Field, FieldKind
from bot.domain.history import Subject
from bot.domain.records import Disclosure, Requirement
from bot.domain.settings import GROUPS, App, Entered, RecordType
from bot.domain.settings_json import Setting, settings_of
from bot.domain.text import clean
from bot.features.why import SHOWS

CHOICES: Mapping[Any, tuple[tuple[str, str], ...]] = {
    Disclosure: tuple((level.word, SHOWS[level][0].upper() + SHOWS[level][1:]) for level in Disclosure),
    Requirement: (
        (Requirement.READ.value, "Who may read the record"),
        (Requirement.APPEND.value, "Who may append to the record"),
        (Requirement.WRITE.value, "Who may write the record"),
        (Requirement.NOBODY.value, "Nobody"),
    ),
}
"""What can be chosen, by the type of a setting: the word, and what a person reads."""


@dataclass(frozen=True, slots=True)
class Input:
    """How one setting is entered."""

    setting: Setting
    entered: Entered

    @property
    def name(self) -> str:
        return self.setting.name

    @property
    def kind(self) -> FieldKind:
        match self.setting.schema:
            case {"type": "boolean"}:
                return FieldKind.SWITCH
            case {"type": "array"}:
                return FieldKind.LINES
            case {"enum": _}:
                return FieldKind.CHOICE
            case _:
                return FieldKind.LINE

    @property
    def limit(self) -> int:
        """Characters of a text; 0 where there is none to enter."""
        match self.kind:
            case FieldKind.LINES:
                return self.entered.room
            case FieldKind.LINE:
                return self.setting.most
            case _:
                return 0

    @property
    def choices(self) -> tuple[tuple[str, str], ...]:
        return CHOICES.get(self.setting.kind, ())

    @property
    def optional(self) -> bool:
        """Nothing entered means that there is none."""
        return "anyOf" in self.setting.schema

    def field(self, value: str) -> Field:
        return Field(
            name=self.name,
            label=f"{self.entered.label} ({self.name})",
            kind=self.kind,
            value=value,
            choices=self.choices,
            hint=self.entered.hint.replace("{most}", str(self.setting.most)),
            limit=self.limit,
        )


KINDS: Mapping[Subject, type] = {Subject.RECORD_TYPE: RecordType, Subject.APP: App}


@cache
def groups_of(subject: Subject) -> Mapping[str, tuple[Input, ...]]:
    """The inputs by their headings. Settings that a form does not hold stay as they are."""
    inputs = [Input(item, item.entered) for item in settings_of(KINDS[subject]).values() if item.entered is not None]
    inputs.sort(key=lambda item: (GROUPS.index(item.entered.group), item.entered.place))
    return {group: tuple(found) for group, found in groupby(inputs, lambda item: item.entered.group)}


def inputs_of(subject: Subject) -> Iterator[Input]:
    return (item for group in groups_of(subject).values() for item in group)


def shown(value: Any) -> str:
    """A setting as an input holds it."""
    match value:
        case bool():
            return str(value).lower()
        case list():
            return "\n".join(value)
        case _:
            return value or ""


def fits(item: Input, document: Mapping[str, Any]) -> bool:
    """Whether a card has room for the setting; REST may have set a longer one."""
    return not item.limit or len(shown(document[item.name])) <= item.limit


def fields(
    subject: Subject, document: Mapping[str, Any], entered: Mapping[str, str]
) -> tuple[tuple[str, tuple[Field, ...]], ...]:
    """The form: the settings in `document`, or what was entered for them, in groups."""
    return tuple(
        (
            heading,
            tuple(
                item.field(entered.get(item.name, shown(document[item.name]))) for item in group if fits(item, document)
            ),
        )
        for heading, group in groups_of(subject).items()
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """What somebody entered.

    Attributes:
        document: the settings with it, to be checked.
        given: the names of the settings that were entered.
        texts: what the inputs held, as far as they can hold it again.
        problems: what can't be a setting at all.
    """

    document: dict[str, Any]
    given: list[str] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def read(subject: Subject, document: Mapping[str, Any], data: Mapping[str, Any]) -> Entry:
    """Put what was entered over the settings. What is absent stays; what no input has is ignored."""
    entry = Entry(dict(document))
    for item in inputs_of(subject):
        raw = data.get(item.name)
        if raw is None:
            continue
        if isinstance(raw, bool):
            raw = shown(raw)
        if not isinstance(raw, str):
            entry.problems.append(f"{item.name} must be entered as text.")
            continue
        if item.limit and len(raw) > item.limit:
            entry.problems.append(
                f"{item.name} has {len(raw)} characters; there is room for {item.limit}, so it stands here as it was."
            )
            continue
        text = clean(raw.replace("\r\n", "\n").replace("\r", "\n"))
        entry.given.append(item.name)
        if text == shown(document[item.name]):
            continue
        value = _value(item, text, document)
        entry.document[item.name] = value
        if isinstance(value, bool) or item.limit or text in dict(item.choices):
            entry.texts[item.name] = text.lower() if isinstance(value, bool) else text
    return entry


def _value(item: Input, text: str, document: Mapping[str, Any]) -> Any:
    """As `bot.domain.settings_json` takes it; what is none of that it will say."""
    match item.kind:
        case FieldKind.SWITCH:
            return {"true": True, "false": False}.get(text.lower(), text)
        case FieldKind.LINES:
            return _items(text, commas=item.entered.commas and not _named_with_comma(document))
        case _:
            return None if item.optional and not text else text


def _named_with_comma(document: Mapping[str, Any]) -> bool:
    """Whether some list holds an item with a comma: then a comma is part of a name."""
    lists = (value for name, value in document.items() if isinstance(value, list) and name != "links")
    return any("," in item for items in lists for item in items)


def _items(text: str, *, commas: bool) -> list[str]:
    lines = text.split("\n")
    if commas and len(lines) == 1:
        lines = text.split(",")
    return [line.strip() for line in lines if line.strip()]
