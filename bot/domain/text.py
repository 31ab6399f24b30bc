"""Text that came from outside, made safe to keep and to show."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_UNSEEN = re.compile(f"[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\ufeff\\ufff9-\\ufffb\ud800-\udfff{_BIDI}]")
_SPACE = re.compile(r"\s+")
GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


def is_guid(text: str) -> bool:
    """Whether it is a GUID in the form Entra writes: with dashes, without braces."""
    return GUID.fullmatch(text) is not None


def clean(text: str) -> str:
    """Without control and bidirectional characters, which can make a value look like another; line ends are kept."""
    return unicodedata.normalize("NFC", _UNSEEN.sub("", text.replace("\r\n", "\n"))).strip()


def one_line(text: str, limit: int) -> str:
    """Cleaned, on one line, at most `limit` characters (the last is `…` when something was cut)."""
    text = _SPACE.sub(" ", clean(text[: limit * 8 + 64]))
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


MAX_NAMES = 10


def listed(names: Sequence[str], more: int = 0) -> str:
    """`Alex, Megan and 3 more`; at most ten names."""
    more += len(names[MAX_NAMES:])
    parts = [*names[:MAX_NAMES], *([f"{more} more"] if more else [])]
    return " and ".join(part for part in (", ".join(parts[:-1]), parts[-1]) if part) if parts else ""
