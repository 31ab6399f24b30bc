"""Records, their types, and the words for rights and for how much may be shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum

from bot.domain.people import Actor


class Privilege(IntEnum):
    """What a person may do with a record. Ordered: each includes those before it."""

    NONE = 0
    READ = 1
    APPEND = 2
    WRITE = 3

    @property
    def word(self) -> str:
        return self.name.lower()


class Requirement(Enum):
    """The least privilege a type asks for; `nobody` switches the action off."""

    READ = "read"
    APPEND = "append"
    WRITE = "write"
    NOBODY = "nobody"

    def met_by(self, privilege: Privilege) -> bool:
        return self is not Requirement.NOBODY and privilege >= Privilege[self.name]


class Disclosure(IntEnum):
    """How much of a record may be shown where everybody in a chat sees it. Ordered."""

    NOTHING = 0
    BUTTON = 1
    TYPE = 2
    NAME = 3
    FIELDS = 4

    @property
    def word(self) -> str:
        return self.name.lower()


EVERYBODY = "*"
"""The access entry that holds for everybody of the tenant who is not a guest."""


@dataclass(frozen=True, slots=True, order=True)
class RecordId:
    """A record's identity: the name of its type and its id within it."""

    type: str
    id: str

    def __str__(self) -> str:
        return f"{self.type}/{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A thing in a system of records.

    Attributes:
        url: the record's own address; None means it is built from the type's first link pattern.
        fields: label -> value, in the order they are shown.
        access: person's Entra object id, or `*` -> privilege.
        app: the app it belongs to (Dynamics' `appid`), if it names one.
        version: counts from 1; the ETag.
    """

    record: RecordId
    title: str
    url: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    owner: Actor | None = None
    app: str | None = None
    access: Mapping[str, Privilege] = field(default_factory=dict)
    version: int = 0
