"""The settings as JSON: the shape REST takes, `CONFIG` holds and the store keeps.

Read strictly at the door (`..._from_json`). What the store holds may be a newer program's: what of it can't be read
permits and shows nothing (`..._from_store`), and `kept` puts it back when something else is saved.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields as dataclass_fields
from functools import partial
from hashlib import blake2b
from typing import Any

from bot.domain.links import MAX_LINK, canonical_id, compile_key, compile_pattern, is_type_name
from bot.domain.records import (
    ANY_APP,
    MAX_NOTE_FIELDS,
    MAX_WATCH_FIELDS,
    App,
    Disclosure,
    RecordType,
    Requirement,
)
from bot.domain.text import clean
from bot.errors import Unprocessable

MAX_CARD_FIELDS = 10
MAX_LINKS = 20
MAX_APPS = 100
MAX_APP = 128
MAX_LABEL = 60
MAX_FIELD_NAME = 60
MAX_ADMINS = 100
JOIN_HISTORY = ("none", "all")


def _one_line(text: str) -> str:
    """The text without control characters, line ends and tabs among them."""
    return " ".join(clean(text).splitlines()).replace("\t", " ")


class _Reader:
    """Takes known members out of an object and collects what is wrong with them."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = dict(data)
        self.problems: list[str] = []

    def _take(self, name: str, kind: type, expected: str, default: Any) -> Any:
        if name not in self.data:
            return default
        value = self.data.pop(name)
        if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
            self.problems.append(f"{name} must be {expected}.")
            return default
        return value

    def flag(self, name: str, default: bool) -> bool:
        return self._take(name, bool, "true or false", default)

    def text(self, name: str, default: str, limit: int) -> str:
        value = self._take(name, str, "text", default)
        if not value.strip() or len(value) > limit or _one_line(value) != value.strip():
            self.problems.append(f"{name} must be text of 1 to {limit} characters without control characters.")
            return default
        return value.strip()

    def texts(self, name: str, default: tuple[str, ...], *, most: int, limit: int) -> tuple[str, ...]:
        value = self._take(name, list, "a list of texts", None)
        if value is None:
            return default
        if len(value) > most or not all(
            isinstance(item, str) and 0 < len(item) <= limit and _one_line(item) == item for item in value
        ):
            self.problems.append(f"{name} must be a list of at most {most} texts of 1 to {limit} characters.")
            return default
        if len(set(value)) != len(value):
            self.problems.append(f"{name} names something twice.")
        return tuple(value)

    def choice(self, name: str, default: Any, least: Any, parse: Callable[[str], Any], words: list[str]) -> Any:
        """`least`: what an unreadable value counts as where reading goes on."""
        value = self._take(name, str, f"one of {', '.join(words)}", None)
        if value is None:
            return default
        if value not in words:
            self.problems.append(f"{name} must be one of {', '.join(words)}.")
            return default
        return parse(value)

    def key(self, type_name: str) -> str | None:
        value = self.data.pop("key", None)
        if value is not None and not isinstance(value, str):
            self.problems.append("key must be text such as A-#, or null.")
            return None
        if value is not None:
            self._tell(lambda: compile_key(type_name, value))
        return value

    def links(self, type_name: str) -> tuple[str, ...]:
        patterns = self.texts("links", (), most=MAX_LINKS, limit=MAX_LINK)
        for pattern in patterns:
            self._tell(lambda pattern=pattern: compile_pattern(type_name, pattern))
        return patterns

    def apps(self, default: tuple[str, ...]) -> tuple[str, ...]:
        named = self.texts("apps", default, most=MAX_APPS, limit=MAX_APP)
        if not all(map(_names_app, named)):
            self.problems.append('apps must hold app ids (GUIDs in lower case, without braces) or "*" for every app.')
        return named

    def _tell(self, check: Callable[[], Any]) -> None:
        try:
            check()
        except Unprocessable as problem:
            self.problems.append(str(problem))

    def done(self, what: str) -> None:
        self.problems += [f"{name!r} is not a setting of {what}." for name in self.data]
        if self.problems:
            raise Unprocessable(" ".join(self.problems))


class _Tolerant(_Reader):
    """Takes what it can read; whatever else there is permits nothing and shows nothing."""

    def flag(self, name: str, default: bool) -> bool:
        value = self.data.pop(name, default)
        return value if isinstance(value, bool) else False

    def text(self, name: str, default: str, limit: int) -> str:
        value = self.data.pop(name, None)
        return _one_line(value).strip() or default if isinstance(value, str) else default

    def texts(self, name: str, default: tuple[str, ...], *, most: int, limit: int) -> tuple[str, ...]:
        value = self.data.pop(name, list(default))
        return tuple(dict.fromkeys(item for item in value if isinstance(item, str))) if isinstance(value, list) else ()

    def choice(self, name: str, default: Any, least: Any, parse: Callable[[str], Any], words: list[str]) -> Any:
        if name not in self.data:
            return default
        value = self.data.pop(name)
        return parse(value) if isinstance(value, str) and value in words else least

    def key(self, type_name: str) -> str | None:
        value = self.data.pop("key", None)
        return value if isinstance(value, str) and _is_read(compile_key, type_name, value) else None

    def links(self, type_name: str) -> tuple[str, ...]:
        patterns = self.texts("links", (), most=MAX_LINKS, limit=MAX_LINK)
        return tuple(pattern for pattern in patterns if _is_read(compile_pattern, type_name, pattern))

    def apps(self, default: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(filter(_names_app, self.texts("apps", default, most=MAX_APPS, limit=MAX_APP)))


def _is_read(compile_text: Callable[[str, str], Any], type_name: str, text: str) -> bool:
    try:
        compile_text(type_name, text)
    except Unprocessable:
        return False
    return True


def _names_app(text: str) -> bool:
    return text == ANY_APP or canonical_id(text) == text


_DISCLOSURES = [item.word for item in Disclosure]
_REQUIREMENTS = [item.value for item in Requirement]


def _disclosure(word: str) -> Disclosure:
    return Disclosure[word.upper()]


def record_type_from_json(data: Mapping[str, Any], *, name: str | None = None) -> RecordType:
    """Read a record type; settings left out have their default.

    Args:
        name: what the address names, if there is one; the object must not say otherwise.

    Raises:
        Unprocessable: names every problem.
    """
    reader = _Reader(data)
    type_name = reader.text("name", name or "", 64)
    if not is_type_name(type_name):
        reader.problems.append(
            "name must start with a letter a-z and go on with a-z, 0-9, _ and - (64 characters at most)."
        )
    elif name is not None and type_name != name:
        reader.problems.append(f"name is {type_name!r}, but the address names {name!r}.")
    result = _record_type(reader, type_name)
    reader.done("a record type")
    return result


def record_type_from_store(data: Any, *, name: str) -> RecordType:
    """Read a record type that this program or a newer one saved. An unreadable disclosure is `nothing`, an unreadable
    requirement `nobody`, a switch off; patterns, keys and apps that can't be read match nothing."""
    reader = _Tolerant(data if isinstance(data, Mapping) else {"enabled": False})
    return _record_type(reader, name)


def _record_type(reader: _Reader, type_name: str) -> RecordType:
    default = RecordType(name=type_name, label="")
    disclosure = partial(reader.choice, least=Disclosure.NOTHING, parse=_disclosure, words=_DISCLOSURES)
    requirement = partial(reader.choice, least=Requirement.NOBODY, parse=Requirement, words=_REQUIREMENTS)
    return RecordType(
        name=type_name,
        label=reader.text("label", type_name, MAX_LABEL),
        enabled=reader.flag("enabled", default.enabled),
        links=reader.links(type_name),
        key=reader.key(type_name),
        apps=reader.apps(default.apps),
        card_fields=reader.texts("card_fields", (), most=MAX_CARD_FIELDS, limit=MAX_FIELD_NAME),
        disclosure=disclosure("disclosure", default.disclosure),
        disclosure_unknown=disclosure("disclosure_unknown", default.disclosure_unknown),
        disclosure_external=disclosure("disclosure_external", default.disclosure_external),
        connect=requirement("connect", default.connect),
        join=requirement("join", default.join),
        join_history=reader.choice("join_history", default.join_history, JOIN_HISTORY[0], str, list(JOIN_HISTORY)),
        owner_may_disconnect=reader.flag("owner_may_disconnect", default.owner_may_disconnect),
        connector_may_disconnect=reader.flag("connector_may_disconnect", default.connector_may_disconnect),
        note=reader.flag("note", default.note),
        note_fields=reader.texts("note_fields", (), most=MAX_NOTE_FIELDS, limit=MAX_FIELD_NAME),
        auto_name=reader.flag("auto_name", default.auto_name),
        chat_title=reader.text("chat_title", default.chat_title, 200),
        watch_fields=reader.texts("watch_fields", (), most=MAX_WATCH_FIELDS, limit=MAX_FIELD_NAME),
    )


def record_type_to_json(record_type: RecordType) -> dict[str, Any]:
    """The whole object, every setting present."""
    result: dict[str, Any] = {}
    for item in dataclass_fields(RecordType):
        value = getattr(record_type, item.name)
        if isinstance(value, Disclosure):
            value = value.word
        elif isinstance(value, Requirement):
            value = value.value
        elif isinstance(value, tuple):
            value = list(value)
        result[item.name] = value
    return result


def app_from_json(data: Mapping[str, Any], *, app: str | None = None) -> App:
    """Read an app.

    Raises:
        Unprocessable: names every problem.
    """
    reader = _Reader(data)
    app_id = reader.text("id", app or "", 128)
    if canonical_id(app_id) != app_id:
        reader.problems.append(
            "id must be an app id: letters, digits and . _ ~ - (a GUID in lower case, without braces)."
        )
    elif app is not None and app_id != app:
        reader.problems.append(f"id is {app_id!r}, but the address names {app!r}.")
    result = _app(reader, app_id)
    reader.done("an app")
    return result


def app_from_store(data: Any, *, app: str) -> App:
    """Read an app that this program or a newer one saved; one that can't be read is off."""
    return _app(_Tolerant(data if isinstance(data, Mapping) else {"enabled": False}), app)


def _app(reader: _Reader, app_id: str) -> App:
    return App(id=app_id, label=reader.text("label", app_id, MAX_LABEL), enabled=reader.flag("enabled", True))


def app_to_json(app: App) -> dict[str, Any]:
    return {"id": app.id, "label": app.label, "enabled": app.enabled}


def admins_from_json(data: Any) -> dict[str, str]:
    """Read the list of administrators: each an Entra object id, or `{"id": ..., "name": ...}`. Id -> name.

    Raises:
        Unprocessable: names every problem.
    """
    if not isinstance(data, list) or len(data) > MAX_ADMINS:
        raise Unprocessable(f"admins must be a list of at most {MAX_ADMINS} Entra object ids.")
    admins: dict[str, str] = {}
    problems: list[str] = []
    for number, item in enumerate(data, 1):
        reader = _Reader(item if isinstance(item, dict) else {"id": item})
        admin = (canonical_id(reader.text("id", "", 128)) or "").lower()
        name = reader.text("name", "", MAX_LABEL) if reader.data.get("name", "") != "" else ""
        reader.data.pop("name", None)
        if not admin or "@" in admin:
            reader.problems.append("id must be the Entra object id of a person, not a sign-in name.")
        elif admin in admins:
            reader.problems.append(f"{admin} stands there twice.")
        try:
            reader.done("an administrator")
        except Unprocessable as error:
            problems.append(f"Administrator number {number}: {error}")
        admins[admin] = name
    if problems:
        raise Unprocessable(" ".join(problems))
    return admins


def admins_from_store(ids: Any, names: Any) -> dict[str, str]:
    """The administrators that this program or a newer one saved, id -> name; who can't be read is none."""
    named = names if isinstance(names, Mapping) else {}
    listed = [item for item in ids if isinstance(item, str)] if isinstance(ids, list) else []
    return {item: name if isinstance(name := named.get(item), str) else "" for item in listed}


def kept(stored: Any, read: Any, saved: Any) -> Any:
    """The document to store: what is saved, and of what was stored all that this program could not read.

    Args:
        stored: the document as it stands in the store.
        read: the same as this program reads and writes it; where `saved` says the same, nobody changed it.
        saved: what is to be in force.
    """
    if saved == read:
        return stored
    if isinstance(stored, Mapping) and isinstance(saved, Mapping):
        newer = {name: value for name, value in stored.items() if name not in read}
        known = {
            name: kept(stored[name], read[name], value)
            for name, value in saved.items()
            if name in stored and name in read
        }
        return {**newer, **saved, **known}
    if isinstance(stored, list) and isinstance(saved, list):
        return saved + [item for item in stored if item not in read and item not in saved]
    return saved


def admins_to_json(admins: Mapping[str, str]) -> dict[str, Any]:
    """The administrators (id -> name), in the order of their ids."""
    return {"admins": [{"id": admin, "name": admins[admin]} for admin in sorted(admins)]}


def revision(document: Any) -> str:
    """What stands for exactly these settings, as the functions above write them: an ETag, and how a card that was drawn
    before they changed is told apart."""
    return blake2b(json.dumps(document, sort_keys=True).encode(), digest_size=8).hexdigest()
