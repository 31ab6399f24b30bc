"""Live streams over HTTP: how they begin, where they go on, and what is refused."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from bot.domain.records import RecordId
from bot.web.api import streams
from bot.web.api.parameters import MAX_POSITION, cursor_at, position_of
from tests.waiting import soon
from tests.web.api.conftest import TOKEN, Api, serving
from tests.web.api.event_source import Parser, listening

ACCOUNT = RecordId("account", "A-1")
RECORD = "/records/account/A-1"
TIMELINE = f"{RECORD}/timeline/stream"
FEED = "/events/stream"


async def _put(api: Api, notes: int = 0) -> None:
    assert (await api.ask("PUT", RECORD, {"title": "one"})).status in (200, 201)
    for number in range(notes):
        await _note(api, f"note {number}")


async def _note(api: Api, text: str) -> None:
    assert (await api.ask("POST", f"{RECORD}/timeline", {"text": text})).status == 201


# Beginning and going on ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "first_id"), [(FEED, cursor_at(1)), (TIMELINE, "1")])
async def test_it_begins_at_once_with_a_comment_and_the_place_to_come_back_to(
    api: Api, path: str, first_id: str
) -> None:
    await _put(api)
    async with soon(), listening(api, path) as stream:
        assert stream.response.headers["Cache-Control"] == "no-store"
        assert stream.response.headers["X-Accel-Buffering"] == "no"
        await stream.begun()
        assert (stream.parser.comments, stream.parser.last_id) == ([b"connected"], first_id)


@pytest.mark.parametrize("path", [FEED, TIMELINE])
async def test_without_a_place_only_what_happens_from_now_on_is_told_as_rest_shows_it(any_api: Api, path: str) -> None:
    await _put(any_api, notes=2)
    async with soon(), listening(any_api, path) as stream:
        await stream.begun()
        await _note(any_api, "Zürich\nnext line\tand \u2028 another")
        (message,) = await stream.messages(1)
    page = (await any_api.ask("GET", f"{RECORD}/timeline?after=3")).json
    assert [message.event] == page["events"]


@pytest.mark.parametrize("path", [FEED, TIMELINE])
async def test_who_comes_back_with_any_id_hears_exactly_what_follows(any_api: Api, path: str) -> None:
    await _put(any_api, notes=4)
    async with soon(), listening(any_api, f"{path}?after=0") as stream:
        whole = await stream.messages(5)
    assert [message.event["seq"] for message in whole] == [1, 2, 3, 4, 5]
    for number, message in enumerate(whole[:-1], 1):
        async with soon(), listening(any_api, path, Last_Event_ID=message.id) as stream:
            assert await stream.messages(5 - number) == whole[number:]
        async with soon(), listening(any_api, f"{path}?after={message.id}") as stream:
            assert await stream.messages(5 - number) == whole[number:]


async def test_the_header_counts_before_the_parameter(api: Api) -> None:
    """EventSource repeats the address it was made with, its `after` too, when it comes back with the header."""
    await _put(api, notes=3)
    async with soon(), listening(api, f"{TIMELINE}?after=1", Last_Event_ID="3") as stream:
        assert [message.id for message in await stream.messages(1)] == ["4"]


async def test_the_ids_of_the_feed_are_its_cursors(api: Api) -> None:
    await _put(api, notes=3)
    page = (await api.ask("GET", "/events?limit=2")).json
    async with soon(), listening(api, FEED, Last_Event_ID=page["next"]) as stream:
        messages = await stream.messages(2)
    rest = (await api.ask("GET", f"/events?after={page['next']}")).json
    assert [message.event for message in messages] == rest["events"]
    assert messages[-1].id == rest["next"]


async def test_a_timeline_goes_on_when_its_record_is_deleted_and_put_again(api: Api) -> None:
    await _put(api)
    async with soon(), listening(api, TIMELINE) as stream:
        await stream.begun()
        await api.ask("DELETE", RECORD)
        assert [message.event["type"] for message in await stream.messages(1)] == ["record.deleted"]
        await _put(api)
        assert [(message.id, message.event["type"]) for message in await stream.messages(1)] == [
            ("3", "record.created")
        ]


async def test_a_comment_comes_every_few_seconds(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    assert streams.HEARTBEAT == 15
    monkeypatch.setattr(streams, "HEARTBEAT", 0.05)
    async with soon(), listening(api, FEED) as stream:
        while stream.parser.comments.count(b"ping") < 3:
            assert stream.parser.feed(await stream.response.content.readany()) == []


async def test_a_client_of_http_1_0_is_told_until_the_connection_ends(api: Api) -> None:
    await _put(api, notes=1)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(api.base.rpartition(":")[2]))
    writer.write(f"GET /api/v1{TIMELINE}?after=0 HTTP/1.0\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode())
    async with soon():
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"chunked" not in head
        assert b"keep-alive" not in head.lower()
        assert (await reader.readuntil(b'"note 0"}}\n\n')).startswith(b": connected\n")
    writer.close()


async def test_the_description_shows_what_a_stream_looks_like(api: Api) -> None:
    document = (await api.ask("GET", "/openapi.json", Authorization="")).json
    for path, parse in ((FEED, position_of), ("/records/{type}/{id}/timeline/stream", int)):
        (media,) = document["paths"][path]["get"]["responses"]["200"]["content"].items()
        assert media[0] == "text/event-stream"
        parser = Parser()
        (message,) = parser.feed(media[1]["example"].encode())
        assert parse(message.id) == message.event["seq"] == 7


# Refusals ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [FEED, TIMELINE])
@pytest.mark.parametrize("place", ["", "x", "-1", "1.5", "Mjo3", "MTowNw", "9" * 17, "\xb2", "a b", "1, 2"])
async def test_what_is_no_id_of_the_stream_is_refused_and_told_what_to_send(api: Api, path: str, place: str) -> None:
    await _put(api)
    headers = {"Authorization": f"Bearer {TOKEN}", "Last-Event-ID": place}
    async with api.http.get(f"{api.base}/api/v1{path}", headers=headers) as answer:
        assert answer.status == 400
        assert "header Last-Event-ID" in (await answer.json(content_type=None))["detail"]
    async with api.http.get(
        f"{api.base}/api/v1{path}", params={"after": place}, headers={"Authorization": f"Bearer {TOKEN}"}
    ) as answer:
        assert answer.status == 400
        assert "parameter after" in (await answer.json(content_type=None))["detail"]


@pytest.mark.parametrize(("path", "place"), [(FEED, cursor_at(2)), (FEED, cursor_at(MAX_POSITION)), (TIMELINE, "2")])
async def test_a_place_from_elsewhere_is_refused_and_told_what_to_do(api: Api, path: str, place: str) -> None:
    await _put(api)
    answer = await api.ask("GET", path, Last_Event_ID=place)
    assert answer.status == 400
    assert "begin anew" in answer.detail


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/records/account/never/timeline/stream", 404),
        ("GET", "/records/Account/A-1/timeline/stream", 404),
        ("GET", f"{FEED}?afer=1", 400),
        ("GET", f"{FEED}?after=0&after=0", 400),
        ("HEAD", FEED, 405),
        ("POST", FEED, 405),
    ],
)
async def test_other_requests_are_refused_like_everywhere(api: Api, method: str, path: str, status: int) -> None:
    assert (await api.ask(method, path)).status == status


@pytest.mark.parametrize("accept", ["application/json", "*/*", "text/event-stream"])
async def test_what_the_client_says_it_accepts_does_not_matter(api: Api, accept: str) -> None:
    async with soon(), listening(api, FEED, Accept=accept) as stream:
        await stream.begun()


@pytest.mark.parametrize("path", [FEED, TIMELINE])
async def test_the_token_is_asked_for_and_never_taken_from_the_address(api: Api, path: str) -> None:
    await _put(api)
    for query in ("", f"?token={TOKEN}", f"?access_token={TOKEN}", f"?authorization=Bearer%20{TOKEN}"):
        assert (await api.ask("GET", f"{path}{query.replace(' ', '%20')}", Authorization="")).status == 401


async def test_one_too_many_is_sent_away_for_a_while(sqlite_url: str) -> None:
    async with aclosing(serving(sqlite_url, most=1)) as servers:
        api = await anext(servers)
        async with soon(), listening(api, FEED) as stream:
            await stream.begun()
            answer = await api.ask("GET", FEED)
            assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
            assert "streams are open" in answer.detail
