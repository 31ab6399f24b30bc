"""A watched field of a record changes: its chats are told, each as much as it may hear."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.connector import Fault
from tests.features.left import left_for, lines_left_for, set_type
from tests.waiting import Gate, until
from tests.world import (
    ALEX,
    CHANNEL,
    GROUP,
    GUEST,
    MEGAN,
    OTHER_GROUP,
    World,
    buttons,
    running_world,
    texts,
)

FIELDS = {"Status": "Active", "City": "Zürich", "Revenue": "CHF 4.2 M"}
RECORD = {"title": "Contoso Ltd", "fields": FIELDS, "access": {"*": "append"}}
BY = {"id": MEGAN.id, "name": "Megan Bowen"}


async def put(world: World, fields: dict[str, str], **more: Any) -> None:
    """Put the record with these fields changed; `more` are other members of it."""
    body = {**RECORD, "fields": {**FIELDS, **fields}, "actor": BY, **more}
    status, answer = await world.api("PUT", "/records/account/A-1001", body)
    assert status == 200, answer


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[World]:
    """Status and City are watched, and one chat is connected."""
    async with running_world(tmp_path) as world:
        await put(world, {})
        await set_type(world, watch_fields=["Status", "City"])
        await world.say("connect A-1001")
        yield world


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("nothing", None),
        ("button", ["A record of this chat was changed."]),
        ("type", ["A record of this chat (Account) was changed."]),
        ("name", ["Account", "Contoso AG", "This record was changed.", "Changed by Megan Bowen."]),
        ("fields", ["Account", "Contoso AG", "Status", "Active → Lost", "Changed by Megan Bowen."]),
    ],
)
async def test_a_chat_hears_as_much_as_its_disclosure_allows(
    watched: World, tmp_path: Path, level: str, shown: list[str] | None
) -> None:
    await set_type(watched, disclosure=level)
    await put(watched, {"Status": "Lost", "Revenue": "CHF 1 M"}, title="Contoso AG")
    if shown is None:
        assert left_for(tmp_path, GROUP) == []
        return
    (message,) = left_for(tmp_path, GROUP)
    card = message["attachments"][0]["content"]
    lines = [line for line in texts(card).splitlines() if not line.startswith("Details are not shown")]
    assert lines == [*shown, "Open"]
    assert buttons(card) == ["Open"]
    hidden = ["CHF", "Revenue", "Zürich", "City", "Contoso Ltd"]
    hidden += ["Contoso AG", "Megan"] if level in ("button", "type") else []
    hidden += ["Active", "Lost", "Status"] if level != "fields" else []
    assert [word for word in hidden if word in json.dumps(message, ensure_ascii=False)] == []


async def test_each_chat_hears_what_its_own_audience_may(watched: World, tmp_path: Path) -> None:
    watched.connector.chats[CHANNEL] = [ALEX.member(), GUEST.member(userPrincipalName="g#EXT#@contoso.example")]
    await watched.say("connect A-1001", chat=CHANNEL)
    await put(watched, {"Status": "Lost"})
    (inside,), (outside,) = left_for(tmp_path, GROUP), left_for(tmp_path, CHANNEL)
    assert "Active → Lost" in json.dumps(inside, ensure_ascii=False)
    assert "(Account) was changed" in json.dumps(outside)
    assert [word for word in ("Contoso", "Lost", "Active", "Megan") if word in json.dumps(outside)] == []
    assert left_for(tmp_path, OTHER_GROUP) == []


async def test_every_watched_field_that_changed_is_told_in_the_order_of_the_list_and_no_other(
    watched: World, tmp_path: Path
) -> None:
    await set_type(watched, watch_fields=["Status", "Phase", "City"])
    await put(watched, {"City": "", "Phase": "2", "Revenue": "CHF 1 M"})
    (lines,) = lines_left_for(tmp_path, GROUP)
    assert [line for line in lines if line in ("Status", "Phase", "City", "Revenue")] == ["Phase", "City"]
    assert [("2" in line, "Zürich" in line) for line in lines if "→" in line] == [(True, False), (False, True)]


@pytest.mark.parametrize(
    "change",
    [{}, {"Revenue": "CHF 1 M"}, {"Status": " Active\u200e "}, {"Phase": ""}],
    ids=["identical", "unwatched", "looks the same", "no value either way"],
)
async def test_what_is_no_change_of_a_watched_field_is_told_to_nobody(
    watched: World, tmp_path: Path, change: dict[str, str]
) -> None:
    await set_type(watched, watch_fields=["Status", "Phase"])
    await put(watched, change)
    await put(watched, change, title="Contoso AG", access={"*": "read"})
    assert left_for(tmp_path, GROUP) == []


async def test_a_type_that_watches_nothing_tells_nothing(world: World, tmp_path: Path) -> None:
    await world.say("connect A-1001")
    await put(world, {"Status": "Lost"})
    assert left_for(tmp_path, GROUP) == []


async def test_a_new_record_is_news_to_nobody_even_where_one_of_its_name_was(watched: World, tmp_path: Path) -> None:
    await watched.api("DELETE", "/records/account/A-1001")
    assert len(left_for(tmp_path, GROUP)) == 1
    await watched.api("PUT", "/records/account/A-1001", RECORD | {"fields": {"Status": "New"}})
    assert len(left_for(tmp_path, GROUP)) == 1


@pytest.mark.parametrize("switch", ["type", "app", "app of before", "app not listed", "suspended", "disconnected"])
async def test_what_is_switched_off_or_asleep_tells_nothing(watched: World, tmp_path: Path, switch: str) -> None:
    off = {"label": "Old hub", "enabled": False}
    after: dict[str, Any] = {}
    if switch == "type":
        await set_type(watched, enabled=False)
    elif switch.startswith("app"):
        await watched.api("PUT", "/apps/old-hub", off | {"enabled": switch == "app not listed"})
        await set_type(watched, apps=["sales-hub"] if switch == "app not listed" else ["*"])
        after = {"app": "sales-hub" if switch == "app of before" else "old-hub"}
        await put(watched, {}, app="old-hub")
    elif switch == "suspended":
        await watched.happens("installationUpdate", action="remove")
    else:
        await watched.say("disconnect")
    await put(watched, {"Status": "Lost"}, **after)
    assert left_for(tmp_path, GROUP) == []


async def test_values_are_cleaned_and_capped_before_they_are_told(watched: World, tmp_path: Path) -> None:
    await put(watched, {"Status": "x" * 1900 + "END"})
    await put(watched, {"Status": "two\u202e\nlines"})
    first, second = left_for(tmp_path, GROUP)
    assert "END" not in json.dumps(first)
    assert "xxx…" in json.dumps(first, ensure_ascii=False)
    assert "two lines" in json.dumps(second, ensure_ascii=False)


async def test_the_event_names_what_changed_and_holds_no_value(watched: World) -> None:
    await put(watched, {"Status": "Lost", "Revenue": "CHF 1 M"})
    _, timeline = await watched.api("GET", "/records/account/A-1001/timeline?order=desc&limit=1")
    assert timeline["events"][0]["data"] == {"changed": ["Status", "Revenue"]}


async def test_fifty_quick_changes_are_few_messages_and_none_of_them_is_lost(watched: World) -> None:
    """The first goes out at once; while it is on its way the others wait, and then they go together."""
    gate = Gate()
    watched.connector.faults.append(Fault(gate=gate))
    for number in range(50):
        await put(watched, {"Status": f"step {number}"})
    gate.open()

    def cards() -> list[Any]:
        return [card["content"] for said in watched.said_in(GROUP) for card in said["attachments"]]

    await until(lambda: len(cards()) >= 50)
    told = [line for card in cards() for line in texts(card).splitlines() if "→" in line]
    assert told == [f"{'Active' if n == 0 else f'step {n - 1}'} → step {n}" for n in range(50)]
    assert len(watched.said_in(GROUP)) <= 10
