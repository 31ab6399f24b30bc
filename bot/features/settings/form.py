"""The settings of a record type or an app as a form: what a person reads, and what they entered.

What was entered comes from the client and proves nothing: whatever it is, it becomes a text or a switch here, and
`bot.domain.wire` decides whether that is a setting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.domain.answers import Field, FieldKind
from bot.domain.history import Subject
from bot.domain.records import MAX_NOTE_FIELDS, MAX_WATCH_FIELDS, Disclosure, Requirement
from bot.domain.text import clean
from bot.domain.wire import MAX_CARD_FIELDS, MAX_LABEL
from bot.features.why import SHOWS

MAX_KEY = 64
MAX_FIELD_NAMES = 1_000
MAX_LINES = 4_000
"""Characters of a list in a card: a message has room for 80 KB, and the form goes back with what was entered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """How one setting is entered.

    Attributes:
        limit: characters of a text.
        commas: on a single line, commas part the items too.
        optional: nothing entered means that there is none.
    """

    name: str
    label: str
    kind: FieldKind = FieldKind.SWITCH
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    limit: int = 0
    commas: bool = False
    optional: bool = False

    def field(self, value: str) -> Field:
        return Field(
            name=self.name,
            label=f"{self.label} ({self.name})",
            kind=self.kind,
            value=value,
            choices=self.choices,
            hint=self.hint,
            limit=self.limit,
        )


Groups = tuple[tuple[str, tuple[Input, ...]], ...]


def _shows(name: str, where: str, hint: str) -> Input:
    choices = tuple((level.word, SHOWS[level][0].upper() + SHOWS[level][1:]) for level in Disclosure)
    return Input(name=name, label=where, kind=FieldKind.CHOICE, choices=choices, hint=hint)


def _field_names(name: str, label: str, most: int, hint: str) -> Input:
    return Input(
        name=name,
        label=label,
        kind=FieldKind.LINES,
        hint=f"One a line, at most {most}. {hint}",
        limit=MAX_FIELD_NAMES,
        commas=True,
    )


_WHO = (
    (Requirement.READ.value, "Who may read the record"),
    (Requirement.APPEND.value, "Who may append to the record"),
    (Requirement.WRITE.value, "Who may write the record"),
    (Requirement.NOBODY.value, "Nobody"),
)
_LABEL = Input(name="label", label="Name on cards", kind=FieldKind.LINE, limit=MAX_LABEL)
_OF_TYPES: Groups = (
    (
        "On or off",
        (
            Input(name="enabled", label="Switched on", hint="Off: its connections sleep, nothing is lost."),
            Input(
                name="apps",
                label="Apps whose links are answered",
                kind=FieldKind.LINES,
                hint="Their ids, one a line; * for every app.",
                limit=MAX_LINES,
                commas=True,
            ),
        ),
    ),
    (
        "Who may",
        (
            Input(name="connect", label="Who may connect a chat", kind=FieldKind.CHOICE, choices=_WHO),
            Input(
                name="join",
                label="Who may join its chats",
                kind=FieldKind.CHOICE,
                choices=_WHO,
                hint="They are told which chats there are; a member adds them.",
            ),
            Input(name="owner_may_disconnect", label="Its owner may disconnect it"),
            Input(name="connector_may_disconnect", label="Who connected it may disconnect"),
        ),
    ),
    (
        "How much a card shows",
        (
            _field_names("card_fields", "Fields", MAX_CARD_FIELDS, "A card shows no other."),
            _shows("disclosure", "In chats of your own people", "Chats with others never show more."),
            _shows("disclosure_external", "Where guests read along", "Or people of other organisations."),
            _shows(
                "disclosure_unknown",
                "Where I can't tell who reads",
                "I am not in them. To people without the app: the kind at most.",
            ),
        ),
    ),
    (
        "When a chat is connected, and afterwards",
        (
            Input(name="note", label="Introduce the record to the chat"),
            _field_names("note_fields", "Fields of the introduction", MAX_NOTE_FIELDS, "Where fields may be shown."),
            _field_names(
                "watch_fields", "Fields whose changes are told", MAX_WATCH_FIELDS, "None: no word of changes."
            ),
        ),
    ),
    (
        "Its name, links and keys",
        (
            _LABEL,
            Input(
                name="links",
                label="Addresses of its records",
                kind=FieldKind.LINES,
                hint="One a line, with {id} where the record's id stands.",
                limit=MAX_LINES,
            ),
            Input(
                name="key",
                label="What may be typed instead",
                kind=FieldKind.LINE,
                hint="# stands for digits: A-# for A-1001. Empty for none.",
                limit=MAX_KEY,
                optional=True,
            ),
        ),
    ),
)
_OF_APPS: Groups = (
    ("This app", (Input(name="enabled", label="Switched on", hint="Off: connections of its records sleep."), _LABEL)),
)
INPUTS: Mapping[Subject, Groups] = {Subject.RECORD_TYPE: _OF_TYPES, Subject.APP: _OF_APPS}
"""Settings that have no effect yet are not there; those that a form does not hold stay as they are."""


def inputs_of(subject: Subject) -> Iterator[Input]:
    return (item for _, group in INPUTS[subject] for item in group)


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
        for heading, group in INPUTS[subject]
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
    """As `bot.domain.wire` takes it; what is none of that it will say."""
    match item.kind:
        case FieldKind.SWITCH:
            return {"true": True, "false": False}.get(text.lower(), text)
        case FieldKind.LINES:
            return _items(text, commas=item.commas and not _named_with_comma(document))
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
