"""Settings and their history in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.domain.answers import Notice, SettingsItem, TimelineEntry
from bot.domain.catalogue import Catalogue
from bot.domain.history import SettingsChange, Subject, Via
from bot.domain.people import Audience
from bot.domain.policy import disclosure_in
from bot.domain.records import Disclosure, Requirement
from bot.domain.setting_types import ANY_APP
from bot.domain.settings import App, RecordType
from bot.domain.text import listed, one_line

MAX_NAME = 60
MAX_VALUE = 160
MAX_SUMMARY = 160
_SEEN = {
    Disclosure.NOTHING: "nothing",
    Disclosure.BUTTON: "a button",
    Disclosure.TYPE: "the type",
    Disclosure.NAME: "the name",
    Disclosure.FIELDS: "fields",
}


def value_in_words(value: Any) -> str:
    """A setting's value on one line; the words are those of REST but for yes and no."""
    match value:
        case bool():
            return "on" if value else "off"
        case list():
            return one_line(", ".join(value), MAX_VALUE) or "none"
        case _:
            return one_line(value or "", MAX_VALUE) or "none"


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """What is different, a line each: "disclosure_external: type → nothing"."""
    return tuple(
        f"{name}: {value_in_words(before.get(name))} → {value_in_words(value)}"
        for name, value in after.items()
        if value != before.get(name)
    )


def of_type(record_type: RecordType) -> SettingsItem:
    """A record type in the overview."""
    needed = record_type.connect
    who = "nobody" if needed is Requirement.NOBODY else f"who has the right to {needed.value}"
    seen = {audience: _SEEN[disclosure_in(record_type, audience)] for audience in Audience}
    summary = (
        f"Chats are connected by {who}. Cards show: own people {seen[Audience.INTERNAL]}, "
        f"guests {seen[Audience.EXTERNAL]}, unknown readers {seen[Audience.UNKNOWN]}."
    )
    return SettingsItem(
        subject=f"{Subject.RECORD_TYPE.value}/{record_type.name}",
        label=one_line(record_type.label, MAX_NAME),
        enabled=record_type.enabled,
        summary=summary,
    )


def of_app(catalogue: Catalogue, app: App) -> SettingsItem:
    """An app in the overview."""
    labels = [item.label for item in catalogue.types.values() if ANY_APP in item.apps or app.id in item.apps]
    listed = ", ".join(labels)
    return SettingsItem(
        subject=f"{Subject.APP.value}/{app.id}",
        label=one_line(app.label, MAX_NAME),
        enabled=app.enabled,
        summary=one_line(f"Its links are answered for: {listed or 'no record type'}.", MAX_SUMMARY),
    )


def who(change: SettingsChange) -> str:
    """Who made a change, as far as they were named."""
    if change.by is not None:
        return one_line(change.by.name, MAX_NAME) or change.by.id or "Somebody"
    return {Via.CONFIG: "CONFIG", Via.API: "The record system"}.get(change.via, "Somebody")


def entry(change: SettingsChange) -> TimelineEntry:
    """A change in a sentence: "Alex Wilber changed Account: disclosure_external"."""
    return TimelineEntry(seq=change.number, at=change.at, text=f"{who(change)} {_what(change)}")


def _what(change: SettingsChange) -> str:
    if change.subject is Subject.ADMINS:
        return _what_of_admins(change)
    if not change.subject.known:
        return "changed something that I don't know yet"
    label = one_line(str(change.after.get("label") or change.name), MAX_NAME)
    if change.before is None:
        return f"added {label}"
    before = change.before
    names = ", ".join(name for name, value in change.after.items() if value != before.get(name))
    return f"changed {label}: {one_line(names, MAX_SUMMARY)}"


def _what_of_admins(change: SettingsChange) -> str:
    if change.before is None:
        return "set the administrators"
    before, after = (
        {str(admin.get("id")) for admin in version.get("admins", ())} for version in (change.before, change.after)
    )
    return "changed the administrators" if before != after else "changed an administrator's name"


def administrators(names: Sequence[str], unnamed: int = 0) -> Notice:
    """Who may change the settings, for somebody who may not. `unnamed`: how many there are besides those named."""
    number = len(names) + unnamed
    if not number:
        who, then = "No administrator is named yet.", "Whoever runs Connect Chats can name one by its REST API."
    elif not names:
        who = f"There is {number} administrator." if number == 1 else f"There are {number} administrators."
        then = "Ask those who look after Teams or the record system in your organisation."
    elif number == 1:
        who, then = f"The administrator is {listed(names)}.", "Ask them for the change you need."
    else:
        who = f"The administrators are {listed(names, unnamed)}."
        then = "Ask one of them for the change you need."
    return Notice(title="Settings are for administrators", text=who, next=then, refused=False)
