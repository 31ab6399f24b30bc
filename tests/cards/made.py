"""Samples of an answer made from its type alone, so that one that was just added is looked at as the others are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import cards
from bot.domain.answers import Answer
from bot.domain.records import RecordId

RECORD = RecordId("account", "A-1")
URL = "https://crm.example.com/records/account/A-1"
EVENING = 1_795_372_200_000_000
"""2026-11-22T18:30:00Z"""


def made(kind: type, words: str, many: int = 2) -> Any:
    """An answer, or a part of one, with `words` wherever text from outside can stand, and `many` of what it lists."""
    hints = get_type_hints(kind)
    return kind(**{field.name: _value(field.name, hints[field.name], words, many) for field in fields(kind)})


def _value(name: str, hint: Any, words: str, many: int) -> Any:
    inner = [argument for argument in get_args(hint) if argument is not NoneType]
    if hint is str:
        return URL if name.endswith("url") else "timeline" if name == "verb" else words
    if hint is RecordId:
        return RECORD
    if get_origin(hint) is tuple:
        one = [_value(name, argument, words, many) for argument in inner if argument is not ...]
        return tuple(one * many if ... in inner else one)
    if get_origin(hint) in (dict, Mapping):
        return {"record": str(RECORD), "text": words}
    if inner:
        return _value(name, inner[0], words, many)
    if is_dataclass(hint):
        return made(hint, words, many)
    return list(hint)[-1] if issubclass(hint, Enum) else hint(EVENING)


def with_the_others(by_hand: dict[str, Answer], words: str, many: int = 2) -> dict[str, Answer]:
    """These samples, and one of each answer that they lack."""
    there = {type(answer) for answer in by_hand.values()}
    return by_hand | {kind.__name__: made(kind, words, many) for kind in cards.LOOKS if kind not in there}
