"""JSON: read by the letter, written in the fewest bytes. Decoders and encoders are made once; that costs as much as
using them."""

from __future__ import annotations

import json
from typing import Any

from bot.domain.text import one_line


class NotAnObject(ValueError):
    """It is not one JSON object. The message ends a sentence that begins with what it is: "The body ..."."""


def read_object(data: bytes, *, repeats: bool = False) -> dict[str, Any]:
    """One JSON object, by the letter of RFC 8259: UTF-8, no NaN, no member twice.

    Args:
        repeats: a member may stand there twice, the last one counts: half the time.

    Raises:
        NotAnObject: it is something else.
    """
    try:
        value = (_LAST_COUNTS if repeats else _EACH_ONCE).decode(data.decode())
    except UnicodeDecodeError:
        raise NotAnObject("is not UTF-8") from None
    except RecursionError:
        raise NotAnObject("is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise NotAnObject(f"is not JSON: {error.msg} (line {error.lineno}, column {error.colno})") from None
    except ValueError as error:  # from the two hooks, or a number with thousands of digits
        raise NotAnObject(f"is not JSON we take: {error}") from None
    if not isinstance(value, dict):
        raise NotAnObject("is JSON, but not an object")
    return value


def compact(document: Any) -> str:
    """Without spaces, each character as it is. Half a character, which a chat's name may hold, is no UTF-8 then."""
    return _COMPACT.encode(document)


def compact_ascii(document: Any) -> str:
    """Without spaces, in ASCII: no text in it can be one that nobody takes."""
    return _COMPACT_ASCII.encode(document)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1) if len(names) <= 1000 else ""
        named = one_line(twice, 60) or "''"
        raise ValueError(f"an object has the member {named} twice" if twice else "an object has a member twice")
    return members


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


_EACH_ONCE = json.JSONDecoder(object_pairs_hook=_each_once, parse_constant=_no_constant)
_LAST_COUNTS = json.JSONDecoder(parse_constant=_no_constant)
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)
_COMPACT_ASCII = json.JSONEncoder(separators=(",", ":"), check_circular=False)
