"""Timelines, notes and the feed: pages that nobody can lose their place in, notes that are added once."""

from __future__ import annotations

import asyncio

import pytest

from bot.web.api.parameters import MAX_POSITION, cursor_at, position_of
from tests.web.api.conftest import Api

RECORD = "/records/account/A-1"


async def _with_notes(api: Api, count: int) -> None:
    await api.ask("PUT", RECORD, {"title": "one"})
    for number in range(count):
        await api.ask("POST", f"{RECORD}/timeline", {"text": f"note {number}"})


async def test_pages_forward_hold_every_event_once_and_the_last_page_keeps_the_place(any_api: Api) -> None:
    await _with_notes(any_api, 6)
    after, seen = 0, []
    for _ in range(4):
        page = (await any_api.ask("GET", f"{RECORD}/timeline?after={after}&limit=3")).json
        seen += [event["seq"] for event in page["events"]]
        after = page["next"]
    assert seen == [1, 2, 3, 4, 5, 6, 7]
    assert page == {"events": [], "next": 7}
    await any_api.ask("POST", f"{RECORD}/timeline", {"text": "later"})
    page = (await any_api.ask("GET", f"{RECORD}/timeline?after={after}")).json
    assert [event["data"]["text"] for event in page["events"]] == ["later"]


async def test_pages_backward_end_with_null_at_the_first_event(any_api: Api) -> None:
    await _with_notes(any_api, 5)
    first = (await any_api.ask("GET", f"{RECORD}/timeline?order=desc&limit=4")).json
    assert ([event["seq"] for event in first["events"]], first["next"]) == ([6, 5, 4, 3], 3)
    second = (await any_api.ask("GET", f"{RECORD}/timeline?order=desc&limit=4&after=3")).json
    assert ([event["seq"] for event in second["events"]], second["next"]) == ([2, 1], None)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=", "limit"),
        ("limit=1e2", "limit"),
        ("limit=%D9%A1", "limit"),
        ("limit=1&limit=2", "limit"),
        ("after=-1", "after"),
        ("after=" + "9" * 400, "after"),
        (f"after={MAX_POSITION + 1}", "after"),
        ("order=ASC", "order"),
        ("afer=3", "afer"),
    ],
)
async def test_a_query_parameter_that_cannot_be_meant_is_named(api: Api, query: str, named: str) -> None:
    await api.ask("PUT", RECORD, {"title": "one"})
    answer = await api.ask("GET", f"{RECORD}/timeline?{query}")
    assert answer.status == 400
    assert named in answer.detail


async def test_the_largest_place_is_one_the_database_understands(any_api: Api) -> None:
    await any_api.ask("PUT", RECORD, {"title": "one"})
    page = await any_api.ask("GET", f"{RECORD}/timeline?after={MAX_POSITION}")
    assert page.json == {"events": [], "next": MAX_POSITION}
    assert (await any_api.ask("GET", f"/events?after={cursor_at(MAX_POSITION)}")).json["events"] == []


async def test_a_timeline_that_never_was_is_unknown(api: Api) -> None:
    assert (await api.ask("GET", f"{RECORD}/timeline")).status == 404
    assert (await api.ask("POST", f"{RECORD}/timeline", {"text": "x"})).status == 404


# Notes ---------------------------------------------------------------------------------------------------------------


async def test_a_note_is_an_event_by_its_author_with_its_text_cleaned(any_api: Api) -> None:
    await any_api.ask("PUT", RECORD, {"title": "one"})
    author = {"id": "5b9f2c1e-7a34-4d0b-9c58-2f1e6a7b8c90", "name": "Alex Wilber"}
    answer = await any_api.ask("POST", f"{RECORD}/timeline", {"text": "  Credit\u202e approved\n ", "author": author})
    assert answer.status == 201
    assert answer.json["type"] == "note.added"
    assert answer.json["actor"] == author
    assert answer.json["data"] == {"text": "Credit approved"}
    assert answer.json == (await any_api.ask("GET", f"{RECORD}/timeline?after=1")).json["events"][0]


@pytest.mark.parametrize("text", ["", " ", "\u202e", "x" * 4001])
async def test_a_note_needs_a_text_that_fits(api: Api, text: str) -> None:
    await api.ask("PUT", RECORD, {"title": "one"})
    assert (await api.ask("POST", f"{RECORD}/timeline", {"text": text})).status == 422
    assert await api.events() == ["record.created"]


async def test_the_same_key_and_note_is_added_once_and_answered_the_same(any_api: Api) -> None:
    await any_api.ask("PUT", RECORD, {"title": "one"})
    first = await any_api.ask("POST", f"{RECORD}/timeline", {"text": "a"}, Idempotency_Key="k-1")
    again = await any_api.ask("POST", f"{RECORD}/timeline", {"text": "a", "author": None}, Idempotency_Key="k-1")
    assert (again.status, again.json) == (201, first.json)
    assert again.headers["Idempotent-Replay"] == "true"
    assert "Idempotent-Replay" not in first.headers
    other = await any_api.ask("POST", f"{RECORD}/timeline", {"text": "b"}, Idempotency_Key="k-1")
    assert other.status == 422
    assert await any_api.events() == ["record.created", "note.added"]


async def test_a_key_holds_for_its_record_only(api: Api) -> None:
    for record in ("A-1", "A-2"):
        await api.ask("PUT", f"/records/account/{record}", {"title": "one"})
        answer = await api.ask("POST", f"/records/account/{record}/timeline", {"text": "a"}, Idempotency_Key="k-1")
        assert answer.status == 201
        assert answer.json["record"]["id"] == record


async def test_a_refused_request_leaves_its_key_free(api: Api) -> None:
    assert (await api.ask("POST", f"{RECORD}/timeline", {"text": "a"}, Idempotency_Key="k-1")).status == 404
    await api.ask("PUT", RECORD, {"title": "one"})
    assert (await api.ask("POST", f"{RECORD}/timeline", {"text": "b"}, Idempotency_Key="k-1")).status == 201


async def test_thirty_repeats_at_once_add_one_note(any_api: Api) -> None:
    await any_api.ask("PUT", RECORD, {"title": "one"})
    answers = await asyncio.gather(
        *(any_api.ask("POST", f"{RECORD}/timeline", {"text": "a"}, Idempotency_Key="k-1") for _ in range(30))
    )
    assert {answer.status for answer in answers} == {201}
    assert len({answer.json["id"] for answer in answers}) == 1
    assert sum("Idempotent-Replay" not in answer.headers for answer in answers) == 1
    assert await any_api.events() == ["record.created", "note.added"]


@pytest.mark.parametrize("key", ["a b", "x" * 256, "é"])
async def test_a_key_that_is_none_is_refused(api: Api, key: str) -> None:
    await api.ask("PUT", RECORD, {"title": "one"})
    answer = await api.ask("POST", f"{RECORD}/timeline", {"text": "a"}, Idempotency_Key=key)
    assert answer.status == 400
    assert "Idempotency-Key" in answer.detail


# The feed ------------------------------------------------------------------------------------------------------------


async def test_the_feed_gives_every_event_once_in_order_while_others_write(any_api: Api) -> None:
    async def write(record: str) -> None:
        await any_api.ask("PUT", f"/records/account/{record}", {"title": "one"})
        for number in range(8):
            await any_api.ask("POST", f"/records/account/{record}/timeline", {"text": str(number)})

    writing = asyncio.gather(*(write(f"W-{number}") for number in range(8)))
    seen: list[tuple[str, int]] = []
    cursor = "&after=0"
    while True:
        ended = writing.done()
        page = (await any_api.ask("GET", f"/events?limit=7{cursor}")).json
        seen += [(event["record"]["id"], event["seq"]) for event in page["events"]]
        cursor = f"&after={page['next']}"
        if ended and not page["events"]:
            break
    await writing
    for number in range(8):
        assert [seq for record, seq in seen if record == f"W-{number}"] == list(range(1, 10))
    assert len(seen) == 72


async def test_an_empty_page_of_the_feed_keeps_the_place(api: Api) -> None:
    start = (await api.ask("GET", "/events")).json
    assert start["events"] == []
    await api.ask("PUT", RECORD, {"title": "one"})
    page = (await api.ask("GET", f"/events?after={start['next']}")).json
    assert [event["type"] for event in page["events"]] == ["record.created"]
    end = (await api.ask("GET", f"/events?after={page['next']}")).json
    assert end == {"events": [], "next": page["next"]}


@pytest.mark.parametrize(
    "cursor", ["", "7", "MTo3=", "MTo-", "Mjo3", "MTowNw", "%00", "x" * 5000, "MTo5OTk5OTk5OTk5OTk5OTk5"]
)
async def test_what_is_no_cursor_of_ours_is_refused(api: Api, cursor: str) -> None:
    answer = await api.ask("GET", f"/events?after={cursor}")
    assert answer.status == 400
    assert "after" in answer.detail


def test_a_cursor_stands_for_its_position() -> None:
    for position in (0, 1, 7, 10**9, MAX_POSITION):
        assert position_of(cursor_at(position)) == position
