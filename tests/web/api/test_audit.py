"""`/audit`: every change of a setting and every refusal, each once, in either order, page by page."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.decisions import Action, Reason
from bot.domain.history import Refused
from bot.domain.people import Actor
from bot.domain.records import RecordId
from tests.web.api.conftest import GROUP, Api

ALEX = {"id": "5b9f2c1e-7a34-4d0b-9c58-2f1e6a7b8c90", "name": "Alex Wilber"}
BY = Actor(**ALEX)
REFUSED = (
    Refused(
        action=Action.CONNECT,
        reason=Reason.TOO_LITTLE,
        setting="connect",
        by=BY,
        chat=GROUP,
        record=RecordId("account", "A-1"),
    ),
    Refused(action=Action.SETTINGS, reason=Reason.NOT_ADMIN, setting="admins", by=BY, chat="a:1"),
    Refused(action=Action.NOTE, reason=Reason.UNKNOWN, by=Actor(id=None), record=RecordId("nothing", "X-1")),
)


async def change(api: Api, times: int) -> None:
    for number in range(times):
        body = {"label": f"Sales {number}", "actor": ALEX}
        assert (await api.ask("PUT", "/apps/sales-hub", body)).status == 200


async def refuse(api: Api, *all_refused: Refused) -> None:
    for refused in all_refused:
        await api.store.write(lambda tx, refused=refused: tx.add_refusal(refused))


async def items(api: Api, path: str) -> list[dict[str, Any]]:
    answer = await api.ask("GET", path)
    assert answer.status == 200, answer
    return answer.json["items"]


async def test_a_change_of_a_setting_is_told_as_it_was_made(any_api: Api) -> None:
    app = (await any_api.ask("GET", "/apps/sales-hub")).json
    await any_api.ask("PUT", "/apps/sales-hub", {**app, "enabled": False, "actor": ALEX})
    await any_api.ask("PUT", "/record-types/invoice", {})
    newest, before_it = await items(any_api, "/audit/settings?order=desc&limit=2")
    assert before_it == {
        "number": before_it["number"],
        "at": before_it["at"],
        "subject": "app",
        "name": "sales-hub",
        "via": "api",
        "by": ALEX,
        "before": app,
        "after": {**app, "enabled": False},
    }
    assert before_it["number"] < newest["number"]
    assert before_it["at"] <= newest["at"]
    told = (newest["subject"], newest["name"], newest["via"], newest["by"], newest["before"])
    assert told == ("record-type", "invoice", "api", None, None)
    assert newest["after"] == (await any_api.ask("GET", "/record-types/invoice")).json


async def test_the_history_begins_with_what_the_first_start_read(api: Api) -> None:
    changes = await items(api, "/audit/settings")
    assert {item["via"] for item in changes} == {"config"}
    assert [item["subject"] for item in changes] == ["record-type"] * 3 + ["app", "admins"]
    assert changes[-1]["after"] == (await api.ask("GET", "/admins")).json
    assert changes[-1]["name"] == ""


async def test_a_refusal_is_told_with_who_where_what_and_why(any_api: Api) -> None:
    await refuse(any_api, *REFUSED)
    found = await items(any_api, "/audit/refusals")
    numbers, times = [item.pop("number") for item in found], [item.pop("at") for item in found]
    assert (sorted(set(numbers)), sorted(times)) == (numbers, times)
    assert found == [
        {
            "action": "connect",
            "by": ALEX,
            "chat": GROUP,
            "record": {"type": "account", "id": "A-1"},
            "reason": "too-little",
            "setting": "connect",
        },
        {
            "action": "settings",
            "by": ALEX,
            "chat": "a:1",
            "record": None,
            "reason": "not-admin",
            "setting": "admins",
        },
        {
            "action": "note",
            "by": {"id": None, "name": ""},
            "chat": None,
            "record": {"type": "nothing", "id": "X-1"},
            "reason": "unknown",
            "setting": None,
        },
    ]


@pytest.mark.parametrize("path", ["/audit/settings", "/audit/refusals"])
async def test_page_by_page_each_entry_comes_once_in_either_order(any_api: Api, path: str) -> None:
    """Whatever the pages' size; backwards the last page says that it is the last, also when it is full."""
    await change(any_api, 3)
    await refuse(any_api, *REFUSED, *REFUSED)
    everything = await items(any_api, f"{path}?limit=1000")
    assert len(everything) > 5
    for order in ("asc", "desc"):
        for limit in range(1, len(everything) + 2):
            found: list[dict[str, Any]] = []
            after, pages = 0, 0
            while after is not None and pages <= len(everything):
                page = (await any_api.ask("GET", f"{path}?after={after}&limit={limit}&order={order}")).json
                assert len(page["items"]) <= limit
                found += page["items"]
                pages += 1
                if order == "asc" and not page["items"]:
                    assert page["next"] == after
                    break
                after = page["next"]
            assert found == (everything if order == "asc" else everything[::-1])
            assert order == "asc" or (after is None and pages == -(-len(everything) // limit))


async def test_who_polls_hears_of_what_happens_later(any_api: Api) -> None:
    empty = (await any_api.ask("GET", "/audit/refusals")).json
    assert empty == {"items": [], "next": 0}
    await refuse(any_api, REFUSED[0])
    first = (await any_api.ask("GET", f"/audit/refusals?after={empty['next']}")).json
    await refuse(any_api, REFUSED[1])
    second = (await any_api.ask("GET", f"/audit/refusals?after={first['next']}")).json
    assert [item["action"] for page in (first, second) for item in page["items"]] == ["connect", "settings"]
    assert (await any_api.ask("GET", f"/audit/refusals?after={second['next']}")).json == {
        "items": [],
        "next": second["next"],
    }


async def test_what_was_forgotten_is_not_waited_for_when_reading_backwards(api: Api) -> None:
    """Old refusals are deleted, so that the first number there is need not be 1."""
    await refuse(api, *REFUSED)
    await api.store.write(lambda tx: tx.forget_refusals(before=tx.now + 1))
    await refuse(api, REFUSED[0])
    page = (await api.ask("GET", "/audit/refusals?order=desc&limit=1")).json
    assert (page["items"][0]["number"], page["next"]) == (len(REFUSED) + 1, None)
