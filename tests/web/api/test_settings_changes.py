"""Changing settings by REST, whichever they are: not over somebody else's change, and with who did it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.domain.people import Actor
from bot.errors import Unprocessable
from bot.web.api.route import Call, Caller
from bot.web.api.settings import AdminsBody, SettingsBody, put_admins, put_app, put_record_type
from cards import render
from tests.web.api.conftest import Answer, Api

TYPE, APP, ADMINS = PLACES = ("/record-types/account", "/apps/sales-hub", "/admins")
ALEX = {"id": "5b9f2c1e-7a34-4d0b-9c58-2f1e6a7b8c90", "name": "Alex Wilber"}
MEGAN = {"id": "0d7f3a52-94c1-4e6d-8b1f-3c2a5e7d9f10", "name": "Megan Bowen"}

everywhere = pytest.mark.parametrize("place", PLACES)


def another(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings with a change."""
    return {"admins": [MEGAN]} if "admins" in settings else {**settings, "label": settings["label"] + " II"}


async def history(api: Api) -> list[dict[str, Any]]:
    """The changes since the first start, oldest first."""
    answer = await api.ask("GET", "/audit/settings?limit=1000")
    return [item for item in answer.json["items"] if item["via"] != "config"]


async def read(api: Api, place: str) -> tuple[dict[str, Any], str]:
    answer = await api.ask("GET", place)
    assert answer.status == 200
    return answer.json, answer.headers["ETag"]


def is_stale(answer: Answer) -> bool:
    assert answer.status == 412, answer
    assert answer.json["type"] == "urn:connect-chats:problem:precondition-failed"
    return bool(answer.detail)


@everywhere
async def test_what_was_read_is_written_back_as_it_is_and_that_changes_nothing(any_api: Api, place: str) -> None:
    settings, etag = await read(any_api, place)
    again = await any_api.ask("PUT", place, {**settings, "actor": ALEX}, If_Match=etag)
    assert (again.status, again.json, again.headers["ETag"]) == (200, settings, etag)
    assert await history(any_api) == []


@everywhere
async def test_a_change_over_somebody_elses_is_refused(any_api: Api, place: str) -> None:
    settings, etag = await read(any_api, place)
    changed = await any_api.ask("PUT", place, another(settings), If_Match=etag)
    assert changed.status == 200
    assert changed.headers["ETag"] != etag
    assert await read(any_api, place) == (changed.json, changed.headers["ETag"])
    assert is_stale(await any_api.ask("PUT", place, settings, If_Match=etag))
    assert await read(any_api, place) == (changed.json, changed.headers["ETag"])
    assert len(await history(any_api)) == 1
    back = await any_api.ask("PUT", place, settings, If_Match=f'"other", {changed.headers["ETag"]}')
    assert (back.status, back.headers["ETag"]) == (200, etag)


@everywhere
async def test_a_star_is_whatever_settings_there_are_and_a_weak_tag_none(api: Api, place: str) -> None:
    settings, etag = await read(api, place)
    assert is_stale(await api.ask("PUT", place, another(settings), If_Match=f"W/{etag}"))
    assert is_stale(await api.ask("PUT", place, another(settings), If_Match='"*"'))
    assert (await api.ask("PUT", place, another(settings), If_Match=etag.strip('"'))).status == 400
    assert await read(api, place) == (settings, etag)
    assert (await api.ask("PUT", place, another(settings), If_Match="*")).status == 200


@everywhere
async def test_of_two_who_read_the_same_and_write_at_once_one_is_refused(any_api: Api, place: str) -> None:
    settings, etag = await read(any_api, place)
    first, second = another(settings), settings | ({"admins": []} if place == ADMINS else {"label": "Third"})
    answers = await asyncio.gather(*(any_api.ask("PUT", place, body, If_Match=etag) for body in (first, second)))
    assert sorted(answer.status for answer in answers) == [200, 412]
    assert [(await read(any_api, place))[0]] == [answer.json for answer in answers if answer.status == 200]


@pytest.mark.parametrize("place", ["/record-types/invoice", "/apps/field-service"])
async def test_what_must_be_there_is_not_created_and_what_must_be_new_not_replaced(any_api: Api, place: str) -> None:
    assert is_stale(await any_api.ask("PUT", place, {"label": "x"}, If_Match="*"))
    assert is_stale(await any_api.ask("PUT", place, {"label": "x"}, If_Match='""'))
    assert (await any_api.ask("GET", place)).status == 404
    created = await any_api.ask("PUT", place, {"label": "x"}, If_None_Match="*")
    assert (created.status, created.headers["Location"]) == (201, f"/api/v1{place}")
    for label in ("x", "y"):
        assert is_stale(await any_api.ask("PUT", place, {"label": label}, If_None_Match="*"))
    assert await read(any_api, place) == (created.json, created.headers["ETag"])
    assert len(await history(any_api)) == 1


@everywhere
async def test_who_changed_it_is_in_the_history_and_not_in_the_settings(any_api: Api, place: str) -> None:
    settings, _ = await read(any_api, place)
    by_alex = await any_api.ask("PUT", place, {**another(settings), "actor": {**ALEX, "id": ALEX["id"].upper()}})
    assert "actor" not in by_alex.json
    assert "actor" not in (await read(any_api, place))[0]
    for body in (settings, {**another(settings), "actor": None}):
        assert (await any_api.ask("PUT", place, body)).status == 200
    changes = await history(any_api)
    assert [(item["by"], item["via"]) for item in changes] == [(ALEX, "api"), (None, "api"), (None, "api")]
    assert [(item["before"], item["after"]) for item in changes[:2]] == [
        (settings, by_alex.json),
        (by_alex.json, settings),
    ]


@everywhere
@pytest.mark.parametrize(
    ("actor", "named"), [({"name": "x"}, "actor.id"), ({**ALEX, "role": "x"}, "actor.role"), ("Alex", "actor")]
)
async def test_an_actor_that_is_none_is_refused(api: Api, place: str, actor: Any, named: str) -> None:
    settings, etag = await read(api, place)
    answer = await api.ask("PUT", place, {**another(settings), "actor": actor})
    assert answer.status == 422
    assert named in answer.detail
    assert await read(api, place) == (settings, etag)


def by_person(api: Api, place: str, body: dict[str, Any]) -> Any:
    """The request of an administrator whose Entra token says that it is Megan, as its route's function gets it."""
    route = {TYPE: put_record_type, APP: put_app, ADMINS: put_admins}[place]
    call = Call(caller=Caller(actor=Actor(**MEGAN)), store=api.store, following=api.following, render=render)
    names = {TYPE: {"name": "account"}, APP: {"app": "sales-hub"}, ADMINS: {}}[place]
    model = AdminsBody if place == ADMINS else SettingsBody
    return route.function(call, **names, body=model.model_validate(body))


@everywhere
async def test_a_persons_token_says_who_changed_it(api: Api, place: str) -> None:
    settings, _ = await read(api, place)
    await by_person(api, place, another(settings))
    assert [item["by"] for item in await history(api)] == [MEGAN]


@everywhere
async def test_who_is_named_by_a_token_can_not_name_somebody_else(api: Api, place: str) -> None:
    settings, etag = await read(api, place)
    for actor in (ALEX, MEGAN):
        with pytest.raises(Unprocessable, match="named by your token"):
            await by_person(api, place, {**another(settings), "actor": actor})
    assert await read(api, place) == (settings, etag)


# The administrators --------------------------------------------------------------------------------------------------


async def test_administrators_are_named_by_id_alone_or_with_their_name(any_api: Api) -> None:
    answer = await any_api.ask("PUT", "/admins", {"admins": [f"{{{ALEX['id'].upper()}}}", MEGAN]})
    assert answer.json == {"admins": [MEGAN, {"id": ALEX["id"], "name": ""}]}
    assert (await any_api.ask("GET", "/admins")).json == answer.json


async def test_there_may_be_no_administrator(any_api: Api) -> None:
    assert (await any_api.ask("PUT", "/admins", {"admins": []})).json == {"admins": []}
    assert (await any_api.ask("GET", "/admins")).json == {"admins": []}
    assert (await any_api.ask("PUT", "/admins", {"admins": [MEGAN]})).status == 200


async def test_an_administrators_id_is_kept_as_the_ids_of_people_are(any_api: Api) -> None:
    """Lower case, as they come from Teams: in capitals it would be nobody's."""
    kept = {"admins": [{"id": "alex", "name": ""}]}
    assert (await any_api.ask("PUT", "/admins", {"admins": ["Alex"]})).json == kept
    assert (await any_api.ask("PUT", "/admins", {"admins": ["Alex", "alex"]})).status == 422


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, ["admins"]),
        ({"admins": None}, ["admins"]),
        ({"admins": ["alex@contoso.example"]}, ["number 1", "sign-in name"]),
        ({"admins": [ALEX["id"]], "colour": "red"}, ["colour"]),
        ({"admins": [ALEX, ALEX["id"].upper()]}, ["number 2", "twice"]),
        ({"admins": ["a b", {"name": "x"}, {**ALEX, "role": "x"}, 7]}, ["number 1", "number 2", "role", "number 4"]),
        ({"admins": [{"id": ALEX["id"], "name": None}]}, ["name"]),
        ({"admins": [{"id": ALEX["id"], "name": "x" * 61}]}, ["name"]),
        ({"admins": [f"person-{number}" for number in range(101)]}, ["100"]),
    ],
)
async def test_a_list_that_breaks_a_rule_is_refused_and_the_old_one_stays(api: Api, body: Any, named: list) -> None:
    before = await read(api, "/admins")
    answer = await api.ask("PUT", "/admins", body)
    assert answer.status == 422
    assert all(name in answer.detail for name in named), answer.detail
    assert await read(api, "/admins") == before
