"""`/records/{type}/{id}`: creating, replacing, reading and deleting; versions and preconditions."""

from __future__ import annotations

import asyncio

import pytest

from tests.web.api.conftest import GROUP, Api

RECORD = "/records/account/A-1"
GUID = "6F9619FF-8B86-D011-B42D-00CF4FC964FF"
ALEX = {"id": "5B9F2C1E-7A34-4D0B-9C58-2F1E6A7B8C90", "name": "Alex Wilber"}


async def test_a_record_comes_back_as_it_was_put(any_api: Api) -> None:
    body = {
        "title": "Contoso",
        "fields": {"Status": "Active", "City": "Zürich", "Empty": "", "Lines": "a\n\tb"},
        "owner": ALEX,
        "app": "sales-hub",
        "access": {"*": "read", GUID: "append"},
        "actor": ALEX,
    }
    created = await any_api.ask("PUT", RECORD, body)
    assert created.status == 201
    assert created.headers["Location"] == "/api/v1/records/account/A-1"
    assert created.headers["ETag"] == '"1"'
    assert created.json == {
        "type": "account",
        "id": "A-1",
        "title": "Contoso",
        "url": "https://crm.example.com/records/account/A-1",
        "fields": body["fields"],
        "owner": {"id": ALEX["id"].lower(), "name": "Alex Wilber"},
        "app": "sales-hub",
        "access": {"*": "read", GUID.lower(): "append"},
        "version": 1,
    }
    read = await any_api.ask("GET", RECORD)
    assert (read.status, read.json, read.headers["ETag"]) == (200, created.json, '"1"')


async def test_the_same_put_again_is_no_event_and_another_one_is(any_api: Api) -> None:
    body = {"title": "Contoso", "fields": {"Status": "New", "City": "Bern"}, "actor": ALEX}
    await any_api.ask("PUT", RECORD, body)
    again = await any_api.ask("PUT", RECORD, body)
    assert (again.status, again.json["version"]) == (200, 1)
    changed = await any_api.ask("PUT", RECORD, body | {"fields": {"Status": "Old"}})
    assert (changed.status, changed.headers["ETag"]) == (200, '"2"')
    timeline = (await any_api.ask("GET", f"{RECORD}/timeline")).json["events"]
    assert [event["type"] for event in timeline] == ["record.created", "record.updated"]
    assert timeline[1]["data"] == {"changed": ["Status", "City"]}
    assert timeline[1]["actor"] == {"id": ALEX["id"].lower(), "name": "Alex Wilber"}


@pytest.mark.parametrize("written", [GUID, GUID.lower(), f"%7B{GUID}%7D", f"{{{GUID}}}"])
async def test_a_guid_has_one_form_however_it_is_written(api: Api, written: str) -> None:
    assert (await api.ask("PUT", f"/records/account/{written}", {"title": "x"})).json["id"] == GUID.lower()
    assert (await api.ask("GET", f"/records/account/{GUID}")).status == 200


async def test_ids_of_people_are_kept_in_lower_case_as_teams_names_them(api: Api) -> None:
    person = {"id": "ALEX-20", "name": "Alex"}
    stored = (await api.ask("PUT", RECORD, {"title": "x", "owner": person, "access": {"MEGAN-21": "read"}})).json
    assert (stored["owner"]["id"], stored["access"]) == ("alex-20", {"megan-21": "read"})


@pytest.mark.parametrize("path", ["/records/account/A%20B", "/records/account/A%2FB", "/records/account/%FF%00"])
async def test_an_impossible_id_is_unknown_to_read_and_refused_to_write(any_api: Api, path: str) -> None:
    assert (await any_api.ask("GET", path)).status == 404
    assert (await any_api.ask("DELETE", path)).status == 404
    refused = await any_api.ask("PUT", path, {"title": "x"})
    assert refused.status == 422
    assert "An id is" in refused.detail


@pytest.mark.parametrize("name", ["nope", "Account", "acc%00ount", "%F0%9F%98%80", "x" * 100])
async def test_an_unknown_type_is_unknown_to_read_and_refused_to_write(any_api: Api, name: str) -> None:
    assert (await any_api.ask("GET", f"/records/{name}/A-1")).status == 404
    assert (await any_api.ask("GET", f"/records/{name}/A-1/timeline")).status == 404
    assert (await any_api.ask("PUT", f"/records/{name}/A-1", {"title": "x"})).status == 422


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/records/account/A-1",
        "https://crm.example.com/records/account/A-2",
        "https://crm.example.com@evil.example/records/account/A-1",
        "javascript:alert(1)",
        "",
    ],
)
async def test_an_address_that_is_not_the_records_own_is_refused(api: Api, url: str) -> None:
    answer = await api.ask("PUT", RECORD, {"title": "x", "url": url})
    assert answer.status == 422
    assert "link pattern" in answer.detail
    assert await api.events() == []


async def test_the_records_own_address_is_kept(api: Api) -> None:
    url = "https://crm.example.com/records/account/A-1?view=all"
    assert (await api.ask("PUT", RECORD, {"title": "x", "url": url})).json["url"] == url


# Preconditions -------------------------------------------------------------------------------------------------------


async def test_if_match_lets_through_the_current_version_only(any_api: Api) -> None:
    await any_api.ask("PUT", RECORD, {"title": "one"})
    await any_api.ask("PUT", RECORD, {"title": "two"}, If_Match='"1"')
    late = await any_api.ask("PUT", RECORD, {"title": "three"}, If_Match='"1"')
    assert late.status == 412
    assert "version 2" in late.detail
    assert (await any_api.ask("PUT", RECORD, {"title": "three"}, If_Match='"9", "2"')).status == 200
    assert (await any_api.ask("PUT", RECORD, {"title": "four"}, If_Match="*")).status == 200
    assert (await any_api.ask("DELETE", RECORD, If_Match='"1"')).status == 412
    assert (await any_api.ask("DELETE", RECORD, If_Match='"4"')).status == 204


async def test_a_weak_or_foreign_tag_matches_nothing(api: Api) -> None:
    await api.ask("PUT", RECORD, {"title": "one"})
    for tags in ('W/"1"', '"01"', '"one"', '""'):
        assert (await api.ask("PUT", RECORD, {"title": "two"}, If_Match=tags)).status == 412, tags


@pytest.mark.parametrize("tags", ['"1"', "*", 'W/"1"'])
async def test_if_match_on_an_absent_record_creates_nothing(api: Api, tags: str) -> None:
    assert (await api.ask("PUT", RECORD, {"title": "one"}, If_Match=tags)).status == 412
    assert await api.events() == []


@pytest.mark.parametrize("tags", ["1", "'1'", '"1', '"1" "2"', '*, "1"', 'w/"1"'])
async def test_a_malformed_tag_is_named(api: Api, tags: str) -> None:
    for method in ("PUT", "DELETE"):
        answer = await api.ask(method, RECORD, {"title": "one"}, If_Match=tags)
        assert answer.status == 400
        assert "If-Match" in answer.detail
    assert (await api.ask("GET", RECORD, If_None_Match=tags)).status == 400


async def test_if_none_match_star_only_creates(api: Api) -> None:
    assert (await api.ask("PUT", RECORD, {"title": "one"}, If_None_Match="*")).status == 201
    refused = await api.ask("PUT", RECORD, {"title": "two"}, If_None_Match="*")
    assert refused.status == 412
    assert (await api.ask("GET", RECORD)).json["title"] == "one"
    assert await api.events() == ["record.created"]
    assert (await api.ask("PUT", RECORD, {"title": "two"}, If_None_Match='"1"')).status == 400


async def test_reading_what_you_have_is_304_without_a_body(api: Api) -> None:
    await api.ask("PUT", RECORD, {"title": "one"})
    for tags in ('"1"', 'W/"1"', '"0", "1"', "*"):
        answer = await api.ask("GET", RECORD, If_None_Match=tags)
        assert (answer.status, answer.json, answer.headers["ETag"]) == (304, None, '"1"')
    assert (await api.ask("GET", RECORD, If_None_Match='"2"')).status == 200


async def test_of_twenty_writers_that_saw_one_version_one_wins(any_api: Api) -> None:
    await any_api.ask("PUT", RECORD, {"title": "start"})
    answers = await asyncio.gather(
        *(any_api.ask("PUT", RECORD, {"title": f"writer {number}"}, If_Match='"1"') for number in range(20))
    )
    assert sorted(answer.status for answer in answers) == [200] + [412] * 19
    assert await any_api.events() == ["record.created", "record.updated"]


# Deleting ------------------------------------------------------------------------------------------------------------


async def test_deleting_keeps_the_timeline_and_a_new_record_goes_on_with_it(any_api: Api) -> None:
    await any_api.enter()
    await any_api.ask("PUT", RECORD, {"title": "one"})
    await any_api.ask("POST", f"{RECORD}/chats", {"chat": GROUP})
    assert (await any_api.ask("DELETE", RECORD)).status == 204
    assert (await any_api.ask("DELETE", RECORD)).status == 404
    assert (await any_api.ask("GET", RECORD)).status == 404
    assert await any_api.events() == ["record.created", "chat.connected", "chat.disconnected", "record.deleted"]
    assert (await any_api.ask("PUT", RECORD, {"title": "again"})).headers["ETag"] == '"2"'
    seqs = [event["seq"] for event in (await any_api.ask("GET", f"{RECORD}/timeline")).json["events"]]
    assert seqs == [1, 2, 3, 4, 5]
