"""The types of settings: what each takes, beyond its type in Python, and how JSON has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import GroupedMetadata, MaxLen
from pydantic import AfterValidator, Field, GetCoreSchemaHandler, Strict, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError, core_schema

from bot.domain.links import (
    ID_PATTERN,
    MAX_LINK,
    TYPE_NAME_PATTERN,
    canonical_id,
    compile_key,
    compile_pattern,
    is_type_name,
)
from bot.domain.records import Disclosure, Requirement
from bot.domain.text import clean
from bot.errors import Unprocessable

ANY_APP = "*"
MAX_LABEL = 60
MAX_ID = 128


def _one_line(text: str) -> str:
    """The text without control characters, line ends and tabs among them."""
    return " ".join(clean(text).splitlines()).replace("\t", " ")


def problem(words: str) -> PydanticCustomError:
    """A setting breaks a rule that has a sentence of its own."""
    return PydanticCustomError("setting", "{words}", {"words": words})


def _trimmed(text: str) -> str:
    if not text.strip() or _one_line(text) != text.strip():
        raise ValueError
    return text.strip()


def _exact(text: str) -> str:
    if _one_line(text) != text:
        raise ValueError
    return text


def _compiled(compile_text: Callable[[str, str], Any]) -> Callable[[str], str]:
    def check(text: str) -> str:
        try:
            compile_text("", text)
        except Unprocessable as error:
            raise problem(str(error)) from None
        return text

    return check


def _type_name(text: str) -> str:
    if not is_type_name(text):
        raise problem("name must start with a letter a-z and go on with a-z, 0-9, _ and - (64 characters at most).")
    return text


def _app_id(text: str) -> str:
    if canonical_id(text) != text:
        raise problem("id must be an app id: letters, digits and . _ ~ - (a GUID in lower case, without braces).")
    return text


def _app_listed(text: str) -> str:
    if text != ANY_APP and canonical_id(text) != text:
        raise problem('apps must hold app ids (GUIDs in lower case, without braces) or "*" for every app.')
    return text


def _person_id(text: str) -> str:
    person = (canonical_id(_trimmed(text)) or "").lower()
    if not person or "@" in person:
        raise problem("id must be the Entra object id of a person, not a sign-in name.")
    return person


def _perhaps_trimmed(text: str) -> str:
    return _trimmed(text) if text else ""


@dataclass(frozen=True, slots=True)
class Most(GroupedMetadata):
    """A list of at most so many items, each once. JSON has it as an array."""

    items: int

    def __iter__(self) -> Iterator[Any]:
        return iter((MaxLen(self.items), AfterValidator(_each_once)))


def _each_once(items: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    if len(set(items)) != len(items):
        raise problem(f"{info.field_name} names something twice.")
    return items


@dataclass(frozen=True, slots=True)
class Word:
    """A member of an enumeration. JSON has it as a word."""

    members: Mapping[str, Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        words = {member: word for word, member in self.members.items()}
        serialization = core_schema.plain_serializer_function_ser_schema(words.__getitem__)
        return core_schema.no_info_plain_validator_function(self._read, serialization=serialization)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.members)}

    def _read(self, word: Any) -> Any:
        if not isinstance(word, str) or word not in self.members:
            raise ValueError
        return self.members[word]


def _pattern(pattern: str, most: int) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^{pattern}$", "maxLength": most}


Switch = Annotated[bool, Strict()]
Label = Annotated[str, Field(min_length=1, max_length=MAX_LABEL), AfterValidator(_trimmed)]
Title = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_trimmed)]
TypeName = Annotated[str, AfterValidator(_type_name), WithJsonSchema(_pattern(TYPE_NAME_PATTERN, 64))]
AppId = Annotated[str, AfterValidator(_app_id), WithJsonSchema(_pattern(ID_PATTERN, MAX_ID))]
AppListed = Annotated[str, Field(max_length=MAX_ID), AfterValidator(_app_listed)]
FieldName = Annotated[str, Field(min_length=1, max_length=MAX_LABEL), AfterValidator(_exact)]
Pattern = Annotated[str, Field(max_length=MAX_LINK), AfterValidator(_exact), AfterValidator(_compiled(compile_pattern))]
Key = Annotated[str, Field(max_length=64), AfterValidator(_compiled(compile_key))]
Discloses = Annotated[Disclosure, Word({item.word: item for item in Disclosure})]
Requires = Annotated[Requirement, Word({item.value: item for item in Requirement})]
PersonId = Annotated[str, Field(min_length=1, max_length=MAX_ID), AfterValidator(_person_id)]
PersonName = Annotated[str, Field(max_length=MAX_LABEL), AfterValidator(_perhaps_trimmed)]
