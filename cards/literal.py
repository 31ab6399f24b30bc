"""Text from outside that must be shown and never obeyed.

Lengths are counted in UTF-16 code units, as Teams does: one needs at most six bytes of JSON, so a cap on units caps the
size of a card whatever its text is.
"""

from __future__ import annotations

import re

_BRACES = re.compile(r"\{(?=\{)")
_ADDRESS = re.compile(r"(?<=\w)[.:@](?=\S)")
_WORD_JOINER = "\u2060"
_OBEYED = re.compile(r"&(?=#?\w{1,32};)|[<>\\`*~\[\]]|_(?<![^\W_]_)|^[#+-]+(?=\s|$)|^\d{1,9}(?=[.)](?:\s|$))")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_BLANK = "–"


def units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, limit: int) -> str:
    """At most `limit` code units; the last one is `…` when something was cut."""
    if len(text) <= limit and (text.isascii() or units(text) <= limit):
        return text
    kept = text[:limit].encode("utf-16-le", "surrogatepass")[: 2 * limit - 2]
    return kept.decode("utf-16-le", "ignore").rstrip() + "…"


def literal(text: str, limit: int) -> str:
    """For a TextRun or a button's title, where only `{{DATE(...)}}` and `{{TIME(...)}}` would be obeyed."""
    text = cut(text, limit)
    if "{{" in text:
        text = _BRACES.sub("{" + _WORD_JOINER, text)
    return text if text and not text.isspace() else _BLANK


def beside_checkbox(text: str, limit: int) -> str:
    """For the words beside a checkbox, where clients obey Markdown and make links of bare addresses."""
    return escape(_ADDRESS.sub(rf"\g<0>{_WORD_JOINER}", literal(text, limit)))


def cut_lines(text: str, limit: int, lines: int) -> str:
    """At most `lines` lines without empty ones, and at most `limit` code units."""
    kept = [line for line in text.splitlines() if line.strip()]
    if len(kept) > lines:
        return cut("\n".join(kept[:lines]), limit - 2) + "\n…"
    return cut("\n".join(kept), limit)


def escape(text: str) -> str:
    """On one line, for places that may render Markdown or HTML: thumbnails, summaries, plain messages.

    Those places also show text as it is, so nothing is escaped that would be harmless: `AT&T (A-1001)` stays readable,
    and so does `note_fields`.
    """
    return _OBEYED.sub(_escaped, " ".join(text.split()))


def _escaped(match: re.Match[str]) -> str:
    found = match[0]
    if found.isdigit():
        return f"{found}\\"  # the dot that follows would make it a numbered list
    return _ENTITIES.get(found) or f"\\{found}"
