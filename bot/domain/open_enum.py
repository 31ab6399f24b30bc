"""Words of ours that are stored, where a newer program may have stored one that this program does not know."""

from __future__ import annotations

from enum import Enum
from functools import cache
from typing import Any, Self


class OpenEnum(Enum):
    """An enumeration that later versions add members to.

    `Class("word")` knows the members and raises `ValueError` for anything else, as the door must.
    `Class.stored("word")` never fails: a word that is no member is kept as it stands, equal only to itself, so that it
    can be written back.
    """

    @classmethod
    def stored(cls, word: str) -> Self:
        """The member with this value, or one that stands for a word of a newer program."""
        found = _members(cls).get(word)
        return cls._newer(word) if found is None else found

    @classmethod
    def _newer(cls, word: str) -> Self:
        newer = object.__new__(cls)
        newer._name_ = newer._value_ = word
        return newer

    @property
    def known(self) -> bool:
        """Whether this program knows what it means."""
        return self._value_ in _members(type(self))

    def __eq__(self, other: object) -> bool:
        return self is other or (type(self) is type(other) and self.value == other.value)  # pyright: ignore

    def __hash__(self) -> int:
        return hash(self._value_)


@cache
def _members(cls: type[OpenEnum]) -> dict[str, Any]:
    return {member.value: member for member in cls}
