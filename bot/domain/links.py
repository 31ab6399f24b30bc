"""Links to records: patterns, strict parsing, and building.

A pattern is an http(s) URL with `{id}` as one whole path segment or one whole query value:
`https://crm.example.com/records/account/{id}`, `https://org.crm4.dynamics.com/main.aspx?etn=account&id={id}`.

A pasted link is parsed here and never fetched. The grammar is narrower than a browser's on purpose: what it does not
understand without doubt (userinfo, a trailing dot, a backslash, a parameter given twice) is not a link to a record.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote

from bot.domain.records import RecordId
from bot.domain.text import GUID
from bot.errors import Unprocessable

MAX_LINK = 2048
APP_PARAMETER = "appid"

_URL = re.compile(r"(https?)://([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#.*)?", re.IGNORECASE)
_AUTHORITY = re.compile(r"([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::([1-9][0-9]{0,4}))?", re.IGNORECASE)
_FORBIDDEN = re.compile(
    r"[\x00-\x20\x7f-\xa0\u2000-\u200f\u2028-\u202f\u2060-\u2069\ufeff\\<>\"]|%(?:0|1|7f)", re.IGNORECASE
)
_BAD_ESCAPE = re.compile(r"%(?![0-9a-f]{2})", re.IGNORECASE)
_GUID_IN_BRACES = re.compile(rf"\{{?({GUID.pattern})\}}?", GUID.flags)
ID_PATTERN = r"[A-Za-z0-9_](?:[A-Za-z0-9._~:@!$()*+,;=-]{0,126}[A-Za-z0-9_)=])?"
TYPE_NAME_PATTERN = r"[a-z][a-z0-9_-]{0,63}"
_ID = re.compile(ID_PATTERN)
_TYPE_NAME = re.compile(TYPE_NAME_PATTERN)
_PLACEHOLDER = "{id}"
_DEFAULT_PORT = {"http": 80, "https": 443}


def canonical_id(text: str) -> str | None:
    """The one form of an id (a GUID: lower case, no braces), or None when it can't be one."""
    if guid := _GUID_IN_BRACES.fullmatch(text):
        return guid[1].lower()
    return text if _ID.fullmatch(text) else None


def is_type_name(text: str) -> bool:
    return _TYPE_NAME.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Site:
    """Where a link points before its path: all three must be equal."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        port = "" if self.port == _DEFAULT_PORT[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"


@dataclass(frozen=True, slots=True)
class _Address:
    site: Site
    segments: tuple[str, ...]
    query: tuple[tuple[str, str], ...]


def _parse(text: str) -> _Address | None:
    """Take an http(s) URL apart; None when it is not one or leaves any doubt."""
    if len(text) > MAX_LINK or _FORBIDDEN.search(text) or _BAD_ESCAPE.search(text):
        return None
    url = _URL.fullmatch(text)
    authority = url and _AUTHORITY.fullmatch(url[2])
    if not url or not authority or ".." in authority[1]:
        return None
    scheme = url[1].lower()
    port = int(authority[2] or _DEFAULT_PORT[scheme])
    path = url[3].removesuffix("/")
    query = [pair.partition("=") for pair in (url[4] or "").split("&") if pair]
    return _Address(
        site=Site(scheme, authority[1].lower(), port),
        segments=tuple(unquote(segment) for segment in path.split("/")[1:]),
        query=tuple((unquote(name), unquote(value)) for name, _, value in query),
    )


@dataclass(frozen=True, slots=True)
class Link:
    """What a pasted link names: the record, and the app when it says one."""

    record: RecordId
    app: str | None = None


@dataclass(frozen=True, slots=True)
class LinkPattern:
    """One compiled link pattern of a record type."""

    text: str
    type: str
    site: Site
    segments: tuple[str, ...]
    query: tuple[tuple[str, str], ...]

    @property
    def matched(self) -> _Address:
        """What `match` looks at: the same for two patterns, however they are spelled, when the same links match."""
        return _Address(self.site, self.segments, tuple(sorted(self.query)))

    def match(self, address: _Address) -> Link | None:
        if len(address.segments) != len(self.segments):
            return None
        found = None
        for ours, theirs in zip(self.segments, address.segments, strict=True):
            if ours == _PLACEHOLDER:
                found = theirs
            elif ours != theirs:
                return None
        for name, ours in self.query:
            values = [value for key, value in address.query if key == name]
            if len(values) != 1:
                return None
            if ours == _PLACEHOLDER:
                found = values[0]
            elif ours != values[0]:
                return None
        record_id = canonical_id(found or "")
        apps = [value for key, value in address.query if key == APP_PARAMETER]
        if record_id is None or len(apps) > 1:
            return None
        app = canonical_id(apps[0]) if apps else None
        return None if apps and app is None else Link(RecordId(self.type, record_id), app)

    def build(self, record_id: str) -> str:
        """The address of a record: from the pattern and the id alone."""
        return self.text.replace(_PLACEHOLDER, quote(record_id, safe="~:@!$()*,;"), 1)


@lru_cache(maxsize=1024)
def compile_pattern(type_name: str, text: str) -> LinkPattern:
    """Compile one link pattern.

    Raises:
        Unprocessable: the pattern is not an http(s) URL with exactly one `{id}` as a whole segment or query value.
    """
    address = _parse(text)
    if address is None:
        raise Unprocessable(
            f"The link pattern {text!r} is not an http(s) address. Write it like https://host/path/{{id}}."
        )
    slots = [part for part in (*address.segments, *(value for _, value in address.query)) if _PLACEHOLDER in part]
    if slots != [_PLACEHOLDER] or text.count(_PLACEHOLDER) != 1:
        raise Unprocessable(
            f"The link pattern {text!r} must have {{id}} exactly once, as a whole path segment or a whole query value."
        )
    if len({name for name, _ in address.query}) != len(address.query):
        raise Unprocessable(f"The link pattern {text!r} names a query parameter twice. Leave one of them out.")
    return LinkPattern(text, type_name, address.site, address.segments, address.query)


class LinkIndex:
    """All patterns, found by site."""

    def __init__(self, patterns: Iterable[LinkPattern]) -> None:
        self._by_site: dict[Site, list[LinkPattern]] = {}
        for pattern in patterns:
            self._by_site.setdefault(pattern.site, []).append(pattern)

    def __iter__(self) -> Iterator[LinkPattern]:
        return (pattern for patterns in self._by_site.values() for pattern in patterns)

    def find(self, text: str) -> Link | None:
        """The record a link names, or None. Surrounding spaces and `&amp;` (as Teams may send it) don't matter."""
        address = _parse(text[: MAX_LINK * 2].strip().replace("&amp;", "&"))
        if address is None:
            return None
        for pattern in self._by_site.get(address.site, ()):
            if link := pattern.match(address):
                return link
        return None

    def knows_site(self, text: str) -> bool:
        """Whether the link points to a site that some pattern names (for `why`)."""
        address = _parse(text[: MAX_LINK * 2].strip().replace("&amp;", "&"))
        return address is not None and address.site in self._by_site


@dataclass(frozen=True, slots=True)
class KeyPattern:
    """A type's short key (`A-#`): literal text, and `#` for digits. What matches is the id."""

    type: str
    expression: re.Pattern[str]
    literals: tuple[str, ...]

    @property
    def matched(self) -> tuple[str, ...]:
        """What `find` looks at: the same for two keys when the same texts match."""
        return tuple(literal.lower() for literal in self.literals)

    def find(self, text: str) -> RecordId | None:
        """Letters may be typed in either case; the id bears the pattern's."""
        match = self.expression.fullmatch(text)
        if match is None:
            return None
        parts = [self.literals[0]]
        for digits, literal in zip(match.groups(), self.literals[1:], strict=True):
            parts += [digits, literal]
        return RecordId(self.type, "".join(parts))


@lru_cache(maxsize=1024)
def compile_key(type_name: str, text: str) -> KeyPattern:
    """Compile one key pattern.

    Raises:
        Unprocessable: it has no `#`, two in a row, or text that can't stand in an id.
    """
    literals = tuple(text.split("#"))
    if (
        len(text) > 64
        or not 2 <= len(literals) <= 5
        or "" in literals[1:-1]
        or canonical_id(text.replace("#", "0")) is None
    ):
        raise Unprocessable(f"The key pattern {text!r} must be literal text with # for digits, such as A-#.")
    expression = "([0-9]{1,20})".join(re.escape(literal) for literal in literals)
    return KeyPattern(type_name, re.compile(expression, re.IGNORECASE | re.ASCII), literals)
