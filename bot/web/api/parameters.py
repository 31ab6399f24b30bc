"""How the text of a query parameter or a header is read, and how it is described."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from bot.errors import Invalid
from bot.ports import Json

T = TypeVar("T")

MAX_POSITION = 2**53 - 1
"""The largest whole number that every JSON reader keeps exactly."""


@dataclass(frozen=True, slots=True)
class Form:
    """The form of a text.

    Attributes:
        read: its value, from the text and what that is called ("The parameter limit"). Raises Invalid.
    """

    schema: Json
    read: Callable[[str, str], Any]


def whole_number(minimum: int, maximum: int) -> Form:
    def read(text: str, named: str) -> int:
        if text.isascii() and text.isdigit() and len(text) <= 16 and minimum <= int(text) <= maximum:
            return int(text)
        raise Invalid(f"{named} must be a whole number from {minimum} to {maximum}.")

    return Form({"type": "integer", "minimum": minimum, "maximum": maximum}, read)


def one_of(*words: str) -> Form:
    def read(text: str, named: str) -> str:
        if text in words:
            return text
        raise Invalid(f"{named} must be one of {', '.join(words)}.")

    return Form({"type": "string", "enum": list(words)}, read)


# Cursors: places in the feed of all events. Opaque: callers hand back what they were given. ---------------------------

BEGINNING = "0"
"""Also a cursor: so that every `after` begins with the same."""

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


def _read_cursor(text: str, named: str) -> int:
    position = 0 if text == BEGINNING else position_of(text)
    if position is None:
        raise Invalid(
            f"{named} is not a cursor of this feed.",
            next_step="Send the `next` of an earlier answer, or leave it out to start at the first event.",
        )
    return position


CURSOR = Form({"type": "string", "pattern": "^[A-Za-z0-9_-]{1,40}$"}, _read_cursor)


# Entity tags (RFC 9110, 8.8.3) ----------------------------------------------------------------------------------------

_TAG = r'(?:W/)?"[!#-~]*"'
_TAGS = re.compile(rf"{_TAG}(?:[ \t]*,[ \t]*{_TAG})*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """A list of entity tags. `every`: it was `*`; `strong`, `weak`: what stands in the quotes."""

    every: bool = False
    strong: frozenset[str] = frozenset()
    weak: frozenset[str] = frozenset()


def _read_tags(text: str, named: str) -> Tags:
    text = text.strip(" \t")
    if text == "*":
        return Tags(every=True)
    if not _TAGS.fullmatch(text):
        raise Invalid(
            f'{named} must be *, or entity tags in quotes such as "3".', next_step="The ETag of an answer is one."
        )
    tags = re.findall(_TAG, text)
    return Tags(
        strong=frozenset(tag[1:-1] for tag in tags if tag[0] == '"'),
        weak=frozenset(tag[3:-1] for tag in tags if tag[0] == "W"),
    )


def _read_star(text: str, named: str) -> bool:
    if text.strip(" \t") == "*":
        return True
    raise Invalid(f"{named} must be * here.", next_step="The ETag of an answer is one.")


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


TAGS = Form({"type": "string", "pattern": rf"^(\*|{_TAG}(, ?{_TAG})*)$"}, _read_tags)
STAR = Form({"type": "string", "enum": ["*"]}, _read_star)


# The caller's name for one request (draft-ietf-httpapi-idempotency-key-header) ----------------------------------------


def _read_key(text: str, named: str) -> str:
    if not re.fullmatch("[!-~]{1,255}", text):
        raise Invalid(f"{named} must be 1 to 255 printable ASCII characters without spaces.")
    return text


KEY = Form({"type": "string", "pattern": "^[!-~]{1,255}$"}, _read_key)
