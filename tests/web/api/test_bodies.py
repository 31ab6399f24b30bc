"""Bodies: what is not understood is refused, every problem named at once, and no value breaks the database."""

from __future__ import annotations

import json
import re
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.links import ID_PATTERN, canonical_id
from bot.web.api.reading import MAX_BODY
from tests.web.api.conftest import GROUP, TOKEN, Api

RECORD = "/records/account/A-1"
WRITES = [
    ("PUT", RECORD, {"title": "x"}),
    ("POST", f"{RECORD}/timeline", {"text": "x"}),
    ("POST", f"{RECORD}/chats", {"chat": GROUP}),
    ("PUT", "/record-types/invoice", {"label": "x"}),
    ("PUT", "/apps/crm", {"label": "x"}),
]


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"null", "not an object"),
        (b"[]", "not an object"),
        (b'"x"', "not an object"),
        (b"1", "not an object"),
        (b'{"title":"\xff"}', "UTF-8"),
        (b'\xef\xbb\xbf{"title":"x"}', "not JSON"),
        ('{"title":"x"}'.encode("utf-16"), "UTF-8"),
        (b'{"title":NaN}', "NaN"),
        (b'{"title":-Infinity}', "Infinity"),
        (b'{"title":"a","title":"b"}', "title twice"),
        (b'{"title":"a"}{}', "not JSON"),
        (b'{"title":' + b"9" * 5000 + b"}", "not JSON"),
        (b'{"title":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "deeply"),
        (b"[" * 250_000, "deeply"),
    ],
)
async def test_what_is_no_json_object_is_400_and_says_why(api: Api, raw: bytes, says: str) -> None:
    for method, path, _ in WRITES:
        answer = await api.ask(method, path, raw=raw)
        assert answer.status == 400, (path, answer)
        assert says in answer.detail


async def test_other_media_types_and_compressed_bodies_are_415(api: Api) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml", "x"):
        assert (await api.ask("PUT", RECORD, raw=b'{"title":"x"}', Content_Type=kind)).status == 415
    assert (await api.ask("PUT", RECORD, raw=b'{"title":"x"}', Content_Encoding="gzip")).status in (400, 415)
    assert (
        await api.ask("PUT", RECORD, raw=b'{"title":"x"}', Content_Type="application/json; charset=utf-8")
    ).status == 201


async def test_a_body_over_the_cap_is_413_announced_or_not(api: Api) -> None:
    body = json.dumps({"title": "x", "fields": {"a": "x" * MAX_BODY}}).encode()
    assert (await api.ask("PUT", RECORD, raw=body)).status == 413

    async def pieces():
        for start in range(0, len(body), 10_000):
            yield body[start : start + 10_000]

    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    async with api.http.put(f"{api.base}/api/v1{RECORD}", data=pieces(), headers=headers) as answer:
        assert answer.status == 413


BROKEN: list[tuple[Any, list[str]]] = [
    ({}, ["title is missing"]),
    ({"title": ""}, ["title must not be empty"]),
    ({"title": "x" * 201}, ["title must have at most 200"]),
    ({"title": 1}, ["title must be text"]),
    ({"title": None}, ["title must be text"]),
    ({"title": "a\u0000b"}, ["title must not have control characters"]),
    ({"title": "a\nb"}, ["title must not have control characters"]),
    ({"title": "a\ud800b"}, ["title must be text in Unicode"]),
    ({"title": "x", "fields": []}, ["fields must be an object"]),
    ({"title": "x", "fields": {"": "x"}}, ["The name '' in fields must not be empty"]),
    ({"title": "x", "fields": {"x" * 61: "x"}}, ["in fields must have at most 60"]),
    ({"title": "x", "fields": {"a": "x" * 2001}}, ["fields.a must have at most 2000"]),
    ({"title": "x", "fields": {"a": 1, "b": None}}, ["fields.a must be text", "fields.b must be text"]),
    ({"title": "x", "fields": {"a\u0000": "x", "b": "\u0000", "\udfff": "x"}}, ["The name a", "fields.b", "Unicode"]),
    ({"title": "x", "fields": {str(n): "x" for n in range(101)}}, ["fields must have at most 100"]),
    ({"title": "x", "owner": "Alex"}, ["owner must be an object"]),
    ({"title": "x", "owner": {}}, ["owner.id is missing"]),
    ({"title": "x", "owner": {"id": "a b", "name": "x" * 201}}, ["owner.id must be", "owner.name must have at most"]),
    ({"title": "x", "owner": {"id": "*"}}, ["owner.id must be"]),
    ({"title": "x", "app": "a b"}, ["app must be"]),
    ({"title": "x", "access": {"a": "admin"}}, ["access.a must be 'none', 'read', 'append' or 'write'"]),
    ({"title": "x", "access": {"a": 3}}, ["access.a must be"]),
    ({"title": "x", "access": {"a b": "read"}}, ["access has a b, which is neither"]),
    ({"title": "x", "access": {"": "read"}}, ["access has '', which is neither"]),
    ({"title": "x", "access": {"A": "read", "a": "none"}}, ["access names a twice"]),
    ({"title": "x", "access": {str(n): "read" for n in range(10_001)}}, ["access must have at most 10000"]),
    ({"title": "x", "actor": {"id": "a", "role": "x"}}, ["actor.role is not known here"]),
    ({"Title": "x", "titel": "x", "url": 1}, ["title is missing", "Title is not", "titel is not", "url must be text"]),
    ({"title": "x", "\ud800": 1}, []),
]


@pytest.mark.parametrize(("body", "says"), BROKEN)
async def test_what_breaks_a_rule_is_422_with_every_problem_and_changes_nothing(
    any_api: Api, body: Any, says: list[str]
) -> None:
    answer = await any_api.ask("PUT", RECORD, body)
    assert answer.status == 422
    for words in says:
        assert words in answer.detail
    assert await any_api.events() == []


async def test_only_so_many_problems_are_told(api: Api) -> None:
    answer = await api.ask("PUT", RECORD, {"title": "x"} | {f"unknown{number}": 1 for number in range(1000)})
    assert "And 980 more." in answer.detail
    assert len(answer.detail) < 2000


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("timeline", {"text": 1}),
        ("timeline", {"text": "x", "chat": "y"}),
        ("timeline", {"text": "a\u0000b"}),
        ("timeline", {"text": "\ud800"}),
        ("timeline", {"text": "x", "author": {"name": "x"}}),
        ("chats", {}),
        ("chats", {"chat": ""}),
        ("chats", {"chat": "x" * 1025}),
        ("chats", {"chat": "a\u0000"}),
        ("chats", {"chat": ["x"]}),
        ("chats", {"chat": "x", "by": "me"}),
    ],
)
async def test_notes_and_connections_are_as_strict(any_api: Api, path: str, body: Any) -> None:
    await any_api.ask("PUT", RECORD, {"title": "x"})
    assert (await any_api.ask("POST", f"{RECORD}/{path}", body)).status == 422


async def test_hostile_text_is_kept_as_text(any_api: Api) -> None:
    fields = {
        "markup": "<script>alert(1)</script>",
        "sql": "'; DROP TABLE records; --",
        "emoji": "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "bidi": "\u202eabc",
        "json": '{"a":1}',
        "percent": "%s %00 {0}",
        "combining": "e\u0301" * 100,
        "edge": "\uffff\U0010ffff\ufeff",
    }
    assert (await any_api.ask("PUT", RECORD, {"title": "\u202eevil", "fields": fields})).status == 201
    assert (await any_api.ask("GET", RECORD)).json["fields"] == fields


async def test_the_largest_record_that_is_allowed_is_taken(any_api: Api) -> None:
    fields = {f"{number:060}": "é" * 1000 for number in range(100)}
    access = {f"{number:08x}-0000-4000-8000-000000000000": "read" for number in range(10_000)}
    body = json.dumps({"title": "x" * 200, "fields": fields, "access": access}, ensure_ascii=False).encode()
    assert 0.5 * MAX_BODY < len(body) < MAX_BODY
    assert (await any_api.ask("PUT", RECORD, raw=body)).status == 201
    assert len((await any_api.ask("GET", RECORD)).json["access"]) == 10_000


async def test_broken_requests_leave_the_server_serving(api: Api) -> None:
    """Bytes that are no HTTP, a body that never comes, a client that hangs up."""
    address = (urlsplit(api.base).hostname, urlsplit(api.base).port)
    head = f"PUT /api/v1{RECORD} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
    head += "Content-Type: application/json\r\n"
    for bytes_sent in (
        b"\x00\xff" * 50,
        f"{head}Content-Length: 10\r\n\r\n{{".encode(),
        f"{head}Content-Length: -1\r\n\r\n".encode(),
    ):
        with socket.create_connection(address) as connection:
            connection.sendall(bytes_sent)
    assert (await api.ask("GET", "/record-types")).status == 200
    assert await api.events() == []


@given(st.from_regex(ID_PATTERN, fullmatch=True))
def test_every_id_that_the_description_allows_is_one(text: str) -> None:
    assert re.fullmatch(ID_PATTERN, text)
    assert canonical_id(text) is not None
