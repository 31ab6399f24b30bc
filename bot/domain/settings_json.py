"""The settings as JSON: the shape REST takes, `CONFIG` holds and the store keeps.

Read strictly where they come from people and other systems (`..._from_json`). What the store holds may come from a
newer program: that is read as far as it can be understood, and where not it permits and shows nothing
(`..._from_store`); `kept` puts back what could not be read when something else is saved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from hashlib import blake2b
from json import dumps
from typing import Any, TypeVar, get_type_hints

from pydantic import TypeAdapter, ValidationError

from bot.domain.records import Disclosure, Requirement
from bot.domain.settings import Administrator, App, Entered, RecordType
from bot.domain.text import one_line
from bot.errors import Unprocessable

MAX_ADMINS = 100
LEAST: Mapping[Any, Any] = {bool: False, Disclosure: Disclosure.NOTHING, Requirement: Requirement.NOBODY}
"""What an unreadable setting of the store counts as, by its type; others have their default then."""

S = TypeVar("S")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A field of the settings.

    Attributes:
        kind: the type of its value, without its bounds.
        schema: of its value in JSON.
        entered: how it is entered in chat; None where it is not.
    """

    name: str
    kind: Any
    schema: Mapping[str, Any]
    entered: Entered | None
    _adapter: TypeAdapter[Any]
    _least: Any

    @property
    def most(self) -> int:
        """How many characters or items it may have; 0 where that means nothing."""
        bounded = [self.schema, *self.schema.get("anyOf", ())]
        return next((part[bound] for part in bounded for bound in ("maxItems", "maxLength") if bound in part), 0)

    @property
    def expected(self) -> str:
        """What its value must be, in words."""
        match self.schema:
            case {"type": "boolean"}:
                return "true or false"
            case {"enum": words}:
                return f"one of {', '.join(words)}"
            case {"type": "array", "items": item}:
                return f"a list of at most {self.most} texts of 1 to {item['maxLength']} characters"
            case {"anyOf": _}:
                return "text such as A-#, or null"
            case _:
                return f"text of 1 to {self.most} characters without control characters"

    def tolerant(self, value: Any) -> Any:
        """What the store holds, as far as it can be read."""
        try:
            return self._adapter.validate_python(value)
        except ValidationError:
            pass
        if self.schema.get("type") == "array" and isinstance(value, list):
            return tuple(dict.fromkeys(item for item in value if self._reads([item])))
        if self.schema.get("type") == "string" and isinstance(value, str) and self.most:
            return one_line(value, self.most) or self._least
        return self._least

    def _reads(self, value: Any) -> bool:
        try:
            self._adapter.validate_python(value)
        except ValidationError:
            return False
        return True


@cache
def adapter(kind: type[S]) -> TypeAdapter[S]:
    """Made when it is needed first: that takes milliseconds."""
    return TypeAdapter(kind)


@cache
def settings_of(kind: type) -> Mapping[str, Setting]:
    """Every setting by its name, in the order of the fields."""
    hints, properties = get_type_hints(kind, include_extras=True), adapter(kind).json_schema()["properties"]
    found: dict[str, Setting] = {}
    for item in fields(kind):
        hint, schema = hints[item.name], {**properties[item.name]}
        schema.pop("title", None)
        of_field: TypeAdapter[Any] = TypeAdapter(hint)
        if item.default is not MISSING:
            schema["default"] = of_field.dump_python(item.default, mode="json")
        least = None if item.default is MISSING else item.default
        if schema.get("type") == "array":
            schema["uniqueItems"], least = True, ()
        entered = next((part for part in getattr(hint, "__metadata__", ()) if isinstance(part, Entered)), None)
        kind_of_value = getattr(hint, "__origin__", None)
        found[item.name] = Setting(
            name=item.name,
            kind=kind_of_value,
            schema=schema,
            entered=entered,
            _adapter=of_field,
            _least=LEAST.get(kind_of_value, least),
        )
    return found


def _read(kind: type[S], data: Mapping[str, Any], problems: list[str], what: str) -> S | None:
    """The settings in `data`, those left out with their default; None when `problems` says what is wrong with them."""
    try:
        return adapter(kind).validate_python(data)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        problems += dict.fromkeys(_explain(settings_of(kind), what, item) for item in found)
        return None


_SHORTER = {"string_type": "text", "tuple_type": "a list of texts"}


def _explain(known: Mapping[str, Setting], what: str, error: Mapping[str, Any]) -> str:
    name = str(error["loc"][0])
    if error["type"] == "setting":
        return error["ctx"]["words"]
    if name not in known:
        return f"{name!r} is not a setting of {what}."
    expected = _SHORTER.get(error["type"]) if len(error["loc"]) == 1 and "type" in known[name].schema else None
    return f"{name} must be {expected or known[name].expected}."


def _named(data: Mapping[str, Any], member: str, name: str | None, problems: list[str]) -> dict[str, Any]:
    """With the name that the address has, and the label that follows from it where none is given."""
    data = {member: name or "", **data}
    if name is not None and data[member] != name:
        problems.append(f"{member} is {data[member]!r}, but the address names {name!r}.")
    return {"label": data[member], **data}


def record_type_from_json(data: Mapping[str, Any], *, name: str | None = None) -> RecordType:
    """Read a record type; settings left out have their default.

    Args:
        name: what the address names, if there is one; the object must not say otherwise.

    Raises:
        Unprocessable: names every problem.
    """
    return _settings_from_json(RecordType, data, "name", name, "a record type")


def app_from_json(data: Mapping[str, Any], *, app: str | None = None) -> App:
    """Read an app.

    Raises:
        Unprocessable: names every problem.
    """
    return _settings_from_json(App, data, "id", app, "an app")


def _settings_from_json(kind: type[S], data: Mapping[str, Any], member: str, name: str | None, what: str) -> S:
    problems: list[str] = []
    read = _read(kind, _named(data, member, name, problems), problems, what)
    if read is None or problems:
        raise Unprocessable(" ".join(problems))
    return read


def record_type_from_store(data: Any, *, name: str) -> RecordType:
    """Read a record type that this program or a newer one saved. An unreadable disclosure is `nothing`, an unreadable
    requirement `nobody`, a switch off; patterns, keys and apps that can't be read match nothing."""
    return _settings_from_store(RecordType, data, "name", name)


def app_from_store(data: Any, *, app: str) -> App:
    """Read an app that this program or a newer one saved; one that can't be read is off."""
    return _settings_from_store(App, data, "id", app)


def _settings_from_store(kind: Callable[..., S], data: Any, member: str, name: str) -> S:
    stored = data if isinstance(data, Mapping) else {"enabled": False}
    known = settings_of(kind)  # pyright: ignore[reportArgumentType] - a dataclass
    values = {key: known[key].tolerant(value) for key, value in stored.items() if key in known}
    return kind(**{**values, "label": values.get("label") or name, member: name})


def to_json(settings: RecordType | App) -> dict[str, Any]:
    """The whole object, every setting present."""
    return adapter(type(settings)).dump_python(settings, mode="json")


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
        wrong: list[str] = []
        read = _read(Administrator, item if isinstance(item, dict) else {"id": item}, wrong, "an administrator")
        if read is not None and read.id in admins:
            wrong.append(f"{read.id} stands there twice.")
        if wrong:
            problems.append(f"Administrator number {number}: {' '.join(wrong)}")
        elif read is not None:
            admins[read.id] = read.name
    if problems:
        raise Unprocessable(" ".join(problems))
    return admins


def admins_from_store(ids: Any, names: Any) -> dict[str, str]:
    """The administrators that this program or a newer one saved, id -> name; who can't be read is none."""
    named = names if isinstance(names, Mapping) else {}
    listed = [item for item in ids if isinstance(item, str)] if isinstance(ids, list) else []
    return {item: name if isinstance(name := named.get(item), str) else "" for item in listed}


def admins_to_json(admins: Mapping[str, str]) -> dict[str, Any]:
    """The administrators (id -> name), in the order of their ids."""
    return {"admins": [{"id": admin, "name": admins[admin]} for admin in sorted(admins)]}


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
        known = {name: kept(stored[name], read[name], saved[name]) for name in saved if name in stored and name in read}
        return {**newer, **saved, **known}
    if isinstance(stored, list) and isinstance(saved, list):
        return saved + [item for item in stored if item not in read and item not in saved]
    return saved


def revision(document: Any) -> str:
    """What stands for exactly these settings, as the functions above write them: an ETag, and how a card that was drawn
    before they changed is told apart."""
    return blake2b(dumps(document, sort_keys=True).encode(), digest_size=8).hexdigest()
