"""Query parameters and headers: how each is read, and how it is described."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeVar

from bot.errors import Invalid
from bot.ports import Json

T = TypeVar("T")

MAX_POSITION = 2**53 - 1
"""The largest whole number that every JSON reader keeps exactly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A whole number."""

    name: str
    description: str
    default: int
    minimum: int
    maximum: int
    where: Literal["query"] = "query"

    @property
    def schema(self) -> Json:
        return {"type": "integer", "minimum": self.minimum, "maximum": self.maximum, "default": self.default}

    def read(self, text: str | None) -> int:
        if text is None:
            return self.default
        if text.isascii() and text.isdigit() and len(text) <= 16 and self.minimum <= int(text) <= self.maximum:
            return int(text)
        raise Invalid(f"The parameter {self.name} must be a whole number from {self.minimum} to {self.maximum}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of a few words; the first is the default."""

    name: str
    description: str
    words: tuple[str, ...]
    where: Literal["query"] = "query"

    @property
    def schema(self) -> Json:
        return {"type": "string", "enum": list(self.words), "default": self.words[0]}

    def read(self, text: str | None) -> str:
        if text is None:
            return self.words[0]
        if text in self.words:
            return text
        raise Invalid(f"The parameter {self.name} must be one of {', '.join(self.words)}.")


BEGINNING = "0"
"""Also a cursor: so that every `after` begins with the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """A place in the feed of all events. Opaque: callers hand back what they were given."""

    name: str
    description: str
    where: Literal["query"] = "query"

    @property
    def schema(self) -> Json:
        return {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,40}$"}

    def read(self, text: str | None) -> int:
        if text is None or text == BEGINNING:
            return 0
        position = position_of(text)
        if position is None:
            raise Invalid(
                f"The parameter {self.name} is not a cursor of this feed.",
                next_step="Send the `next` of an earlier answer, or leave it out to start at the first event.",
            )
        return position


_CURSOR = re.compile(r"1:(0|[1-9][0-9]{0,15})")


@lru_cache(maxsize=4096)  # every stream writes the same ones
def cursor_at(position: int) -> str:
    return base64.urlsafe_b64encode(f"1:{position}".encode()).decode().rstrip("=")


def position_of(cursor: str) -> int | None:
    """The position a cursor stands for, or None when we never gave it out."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    found = _CURSOR.fullmatch(text)
    return int(found[1]) if found and int(found[1]) <= MAX_POSITION and cursor_at(int(found[1])) == cursor else None


_TAG = r'(?:W/)?"[!#-~]*"'
_TAGS = re.compile(rf"{_TAG}(?:[ \t]*,[ \t]*{_TAG})*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """A list of entity tags (RFC 9110, 8.8.3). `every`: it was `*`; `strong`, `weak`: what stands in the quotes."""

    every: bool = False
    strong: frozenset[str] = frozenset()
    weak: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityTags:
    """`If-Match` or `If-None-Match`. `star`: only `*` makes sense here."""

    name: str
    description: str
    star: bool = False
    where: Literal["header"] = "header"

    @property
    def schema(self) -> Json:
        if self.star:
            return {"type": "string", "enum": ["*"]}
        return {"type": "string", "pattern": rf"^(\*|{_TAG}(, ?{_TAG})*)$"}

    def read(self, text: str | None) -> Tags | None:
        if text is None:
            return None
        text = text.strip(" \t")
        if text == "*":
            return Tags(every=True)
        if self.star or not _TAGS.fullmatch(text):
            raise Invalid(
                f"The header {self.name} must be * here."
                if self.star
                else f'The header {self.name} must be *, or entity tags in quotes such as "3".',
                next_step="The ETag of an answer is one.",
            )
        tags = re.findall(_TAG, text)
        return Tags(
            strong=frozenset(tag[1:-1] for tag in tags if tag[0] == '"'),
            weak=frozenset(tag[3:-1] for tag in tags if tag[0] == "W"),
        )


def expected_of(tags: Tags | None, current: Callable[[], T | None], *, every: T, never: T) -> T | None:
    """`If-Match` as the one state that a feature compares when it holds the thing: of several tags the current one.

    Should the thing change in between, that is another state than the one found here, and the answer 412 is right.

    Args:
        current: finds the state that is there now; None when there is none.
        every: what stands for any state; never: a state that nothing has.
    """
    if tags is None:
        return None
    if tags.every:
        return every
    found = current()
    return found if found is not None and str(found) in tags.strong else never


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyKey:
    """The caller's name for one request (draft-ietf-httpapi-idempotency-key-header)."""

    name: str = "Idempotency-Key"
    description: str = (
        "Names this request, so that sending it again can't add a second note: within 24 hours the same key with the "
        "same body gets the first answer again, with another body 422. Up to 255 printable ASCII characters, no spaces."
    )
    where: Literal["header"] = "header"

    @property
    def schema(self) -> Json:
        return {"type": "string", "pattern": "^[!-~]{1,255}$"}

    def read(self, text: str | None) -> str | None:
        if text is not None and not re.fullmatch("[!-~]{1,255}", text):
            raise Invalid(f"The header {self.name} must be 1 to 255 printable ASCII characters without spaces.")
        return text


def read_all(parameters: tuple[Any, ...], query: Any, headers: Any) -> dict[str, Any]:
    """The values of all parameters, from aiohttp's multi-dictionaries.

    Raises:
        Invalid: one can't be read, stands there twice, or is not known here (a misspelt one would be without effect).
    """
    known = {parameter.name for parameter in parameters if parameter.where == "query"}
    for name in query:
        if name not in known:
            raise Invalid(
                f"There is no query parameter {name[:60]!r} here.",
                next_step=f"Known: {', '.join(sorted(known))}." if known else "This address takes none.",
            )
        if len(query.getall(name)) > 1:
            raise Invalid(f"The parameter {name} stands there more than once.", next_step="Send it once.")
    values = {}
    for parameter in parameters:
        if parameter.where == "query":
            text = query.get(parameter.name)
        else:
            lines = headers.getall(parameter.name, None)
            text = None if lines is None else ", ".join(lines)
        values[parameter.name] = parameter.read(text)
    return values
