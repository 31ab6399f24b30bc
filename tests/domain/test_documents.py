"""JSON is read by the letter, and written so that it can be read again."""

from __future__ import annotations

import json

import pytest

from bot.domain.documents import NotAnObject, compact, compact_ascii, read_object

DOCUMENT = {"name": "Zürich 🎿", "list": [1, 2.5, None, True], "object": {"": "\u2028"}}


@pytest.mark.parametrize("repeats", [False, True])
@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "is not JSON"),
        (b"{} {}", "is not JSON: Extra data"),
        (b"\xef\xbb\xbf{}", "is not JSON"),
        (b'{"a":"\xff"}', "is not UTF-8"),
        (b'{"a":NaN}', "is not JSON we take: NaN is not a JSON value"),
        (b'{"a":-Infinity}', "is not JSON we take: -Infinity"),
        (b'{"a":' + b"9" * 5000 + b"}", "is not JSON we take"),
        (b'{"a":' * 100_000, "is nested too deeply"),
        (b"[]", "is JSON, but not an object"),
        (b"null", "is JSON, but not an object"),
    ],
)
def test_what_is_not_one_object_is_refused_and_named(data: bytes, why: str, repeats: bool) -> None:
    with pytest.raises(NotAnObject, match=f"^{why}"):
        read_object(data, repeats=repeats)


def test_a_member_twice_is_refused_unless_the_reader_has_no_time_to_look() -> None:
    twice = b'{"a":{"b":1,"b":2}}'
    with pytest.raises(NotAnObject, match="has the member b twice"):
        read_object(twice)
    assert read_object(twice, repeats=True) == {"a": {"b": 2}}


def test_what_is_written_has_no_spaces_and_reads_the_same() -> None:
    assert read_object(compact(DOCUMENT).encode()) == read_object(compact_ascii(DOCUMENT).encode("ascii")) == DOCUMENT
    assert compact(DOCUMENT) == json.dumps(DOCUMENT, ensure_ascii=False, separators=(",", ":"))
    assert compact_ascii(DOCUMENT) == json.dumps(DOCUMENT, separators=(",", ":"))
