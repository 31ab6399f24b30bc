"""The answers about settings, for `tests.cards.samples`."""

from __future__ import annotations

from typing import Any

from bot.domain.answers import (
    Answer,
    Field,
    FieldKind,
    SettingsForm,
    SettingsItem,
    SettingsOverview,
    TimelineEntry,
)
from bot.domain.catalogue import Catalogue
from bot.domain.history import Subject
from bot.domain.records import Disclosure, Requirement
from bot.domain.settings import App, RecordType
from bot.domain.settings_json import revision, to_json
from bot.features.settings.form import fields
from bot.features.settings.words import administrators, of_app, of_type

EVENING = 1_795_372_200_000_000
"""2026-11-22T18:30:00Z"""
HOUR = 3_600_000_000


def switch(name: str, label: str, *, hint: str = "", value: str = "true") -> Field:
    return Field(name=name, label=label, kind=FieldKind.SWITCH, value=value, hint=hint)


def choice(name: str, label: str, value: str, choices: tuple[tuple[str, str], ...]) -> Field:
    return Field(name=name, label=label, kind=FieldKind.CHOICE, value=value, choices=choices)


def lines(name: str, label: str, value: str, hint: str = "") -> Field:
    return Field(name=name, label=label, kind=FieldKind.LINES, value=value, hint=hint, limit=1000)


def text(name: str, label: str, value: str, hint: str = "") -> Field:
    return Field(name=name, label=label, kind=FieldKind.LINE, value=value, hint=hint, limit=60)


ACCOUNT_TYPE = RecordType(
    name="account",
    label="Account",
    links=("https://crm.example.com/records/account/{id}",),
    key="A-#",
    card_fields=("Owner", "Status", "City"),
    note_fields=("Status",),
    watch_fields=("Status", "Owner"),
)
SALES_HUB = App(id="sales-hub", label="Sales Hub", enabled=False)


def form_of(settings: RecordType | App, **more: Any) -> SettingsForm:
    """The form that the program makes of them."""
    if isinstance(settings, App):
        subject, name, document = Subject.APP, settings.id, to_json(settings)
    else:
        subject, name, document = Subject.RECORD_TYPE, settings.name, to_json(settings)
    return SettingsForm(
        title=f"Settings of {settings.label}",
        subject=f"{subject.value}/{name}",
        seen=revision(document),
        groups=fields(subject, document, {}),
        **more,
    )


TYPES = (
    ACCOUNT_TYPE,
    RecordType(name="opportunity", label="Opportunity", connect=Requirement.WRITE, disclosure=Disclosure.NAME),
    RecordType(name="case", label="Case", enabled=False, disclosure_external=Disclosure.NOTHING),
)
OVERVIEW = SettingsOverview(
    types=tuple(of_type(item) for item in TYPES),
    apps=(of_app(Catalogue(types=TYPES), SALES_HUB),),
    admins=("Alex Wilber", "Megan Bowen"),
    changes=(
        TimelineEntry(seq=9, at=EVENING, text="Alex Wilber changed Account: disclosure_external, note_fields"),
        TimelineEntry(seq=8, at=EVENING - 20 * HOUR, text="Megan Bowen changed Case: enabled"),
    ),
)

TYPICAL: dict[str, Answer] = {
    "settings": OVERVIEW,
    "settings of a type": form_of(ACCOUNT_TYPE),
    "settings, saved": form_of(SALES_HUB, saved=("enabled: on → off",)),
    "settings, not saved": form_of(
        SALES_HUB,
        problem="label must be text of 1 to 60 characters without control characters.",
        note="Megan Bowen changed these settings after your card was made.",
    ),
    "settings of a type, not saved": form_of(ACCOUNT_TYPE, problem="links must be a list of at most 20 texts."),
    "settings of a type, changed meanwhile": form_of(ACCOUNT_TYPE, note="Megan Bowen changed these settings."),
    "administrators": administrators(("Alex Wilber", "Megan Bowen")),
    "administrators, some unnamed": administrators(("Alex Wilber",), unnamed=2),
    "administrators, unnamed": administrators((), unnamed=2),
}

EMPTY: dict[str, Answer] = {
    "settings, none": SettingsOverview(types=(), apps=(), admins=()),
    "settings of nothing": SettingsForm(title="", subject="", seen="", groups=()),
    "settings, all blank": SettingsForm(
        title="",
        subject="",
        seen="",
        groups=(
            ("", (switch("a", "", value=""), choice("b", "", "", (("x", ""),)), lines("c", "", ""), text("d", "", ""))),
        ),
        saved=("",),
    ),
    "administrators, none": administrators(()),
    "administrators, blank": administrators(("",)),
}


def everything_says(words: str) -> dict[str, Answer]:
    item = SettingsItem(subject="record-type/account", label=words, enabled=True, summary=words)
    inputs = (
        switch("enabled", words, hint=words),
        choice("connect", words, "append", (("append", words), ("nobody", words))),
        text("label", words, words, words),
        lines("links", words, words, words),
    )
    return {
        "settings": SettingsOverview(
            types=(item, item),
            apps=(item,),
            admins=(words, words),
            changes=(TimelineEntry(seq=1, at=EVENING, text=words, quote=words),),
        ),
        "settings of a type": SettingsForm(
            title=words,
            subject="record-type/account",
            seen="0123456789abcdef",
            groups=((words, inputs),),
            saved=(words,),
            problem=words,
            note=words,
        ),
        "administrators": administrators((words, words), unnamed=3),
    }


def as_full_as_can_be(words: str) -> dict[str, Answer]:
    """More than `bot.domain.settings_json` lets anybody set."""
    subject = f"record-type/{'a' * 64}"
    item = SettingsItem(subject=subject, label=words, enabled=False, summary=words)
    five = tuple((f"choice {number}", words) for number in range(5))
    inputs = (
        *(switch(f"switch {number}", words, hint=words) for number in range(6)),
        *(choice(f"choice {number}", words, "append", five) for number in range(6)),
        *(text(f"line {number}", words, words[:200], words) for number in range(4)),
        *(lines(f"list {number}", words, words[: 600 * 2**number], words) for number in range(8)),
    )
    entry = TimelineEntry(seq=1, at=EVENING, text=words, quote=words)
    return {
        "settings": SettingsOverview(
            types=(item,) * 100, apps=(item,) * 100, admins=(words,) * 100, changes=(entry,) * 40
        ),
        "settings of a type": SettingsForm(
            title=words,
            subject=subject,
            seen="0123456789abcdef",
            groups=tuple((words, inputs[start::5]) for start in range(5)),
            saved=(words,) * 24,
            problem=words,
            note=words,
        ),
        "administrators": administrators((words,) * 100, unnamed=3),
    }
