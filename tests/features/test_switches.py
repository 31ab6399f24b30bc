"""An app or a record type that is switched off: its connections sleep everywhere, and on again all is back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.features.left import left_for, set_type
from tests.world import ACCOUNT, ADELE, ALEX, GROUP, MEGAN, OPPORTUNITY, World, buttons, running_world, texts

HUB = {"id": "hub", "label": "Hub", "enabled": True}
RECORD = {
    "title": "Contoso Ltd",
    "app": "hub",
    "fields": {"Status": "Active"},
    "owner": {"id": MEGAN.id, "name": MEGAN.name},
    "access": {"*": "append"},
}
SWITCHES = ["the type", "the record's app", "the record's app, on the type"]


@pytest.fixture(params=SWITCHES)
def switch(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A chat is connected to an account of the app `hub`, whose Status is watched, and to an opportunity."""
    async with running_world(tmp_path) as running:
        await running.api("PUT", "/apps/hub", HUB)
        await running.api("PUT", "/records/account/A-1001", RECORD)
        await set_type(running, watch_fields=["Status"])
        await set_type(running, "opportunity", connect="read")
        for record in ("account/A-1001", "opportunity/O-2001"):
            assert "connected to" in texts(await running.say(f"connect {record}"))
        await running.say("help", by=ADELE)
        yield running


async def turn(world: World, switch: str, *, on: bool) -> None:
    match switch:
        case "the type":
            await set_type(world, enabled=on)
        case "the record's app":
            await world.api("PUT", "/apps/hub", HUB | {"enabled": on})
        case _:
            await set_type(world, apps=["*"] if on else ["sales-hub"])


async def put(world: World, **fields: str) -> None:
    status, _ = await world.api("PUT", "/records/account/A-1001", RECORD | {"fields": fields})
    assert status == 200


async def asked_for(world: World) -> Mapping[str, dict[str, Any]]:
    """Every way in which a chat or a person comes across the record."""
    press = {"record": "account/A-1001"}
    return {
        "records": await world.say("records"),
        "timeline": await world.say("timeline A-1001"),
        "note": await world.say("note A-1001 is late"),  # two records: it asks which one
        "note, by its button": await world.press("note", press | {"text": "Call on Monday", "by": ALEX.id}),
        "connect": await world.say("connect A-1001"),
        "connect, by its button": await world.press("connect", press),
        "unfurl": await world.paste(ACCOUNT),
    }


async def test_nothing_of_the_record_is_told_while_it_is_off(world: World, tmp_path: Path, switch: str) -> None:
    await turn(world, switch, on=False)
    before = left_for(tmp_path, GROUP)
    answers = await asked_for(world)
    await put(world, Status="Lost")
    assert left_for(tmp_path, GROUP) == before, "no change post"
    for name, answer in answers.items():
        told = str(answer).replace(ACCOUNT, "")
        assert [word for word in ("Contoso Ltd", "Active", "Lost", "Megan Bowen") if word in told] == [], name
    for name in ("timeline", "note, by its button", "connect", "connect, by its button", "unfurl"):
        assert "switched off" in str(answers[name]), name
    assert "can't be shown" in texts(answers["records"])
    assert "note.added" not in await world.events()


async def test_everything_else_goes_on(world: World, switch: str) -> None:
    title = "Contoso renewal 2027"
    assert title in texts(await world.say("records"))
    await turn(world, switch, on=False)
    assert title in texts(await world.say("records"))
    assert title in texts(await world.paste(OPPORTUNITY))


async def test_the_connection_stays_and_on_again_all_is_back(world: World, tmp_path: Path, switch: str) -> None:
    before = {name: texts(answer) for name, answer in (await asked_for(world)).items() if name != "timeline"}
    connection = await world.api("GET", "/records/account/A-1001/chats")
    await turn(world, switch, on=False)
    await asked_for(world)
    await put(world, Status="Lost")
    assert await world.api("GET", "/records/account/A-1001/chats") == connection
    await turn(world, switch, on=True)
    await put(world, Status="Active")
    (post,) = left_for(tmp_path, GROUP)
    assert "Lost → Active" in str(post)
    after = await asked_for(world)
    assert {name: texts(answer) for name, answer in after.items() if name != "timeline"} == before
    assert await world.api("GET", "/records/account/A-1001/chats") == connection
    assert "Call on Monday" in texts(after["timeline"])
    events = await world.events()
    assert events.count("record.updated") == 3, "what happened meanwhile stands in the timeline"
    assert events.count("chat.connected") == 1


async def test_whoever_may_disconnect_may_do_so_while_it_is_off(world: World, switch: str) -> None:
    await turn(world, switch, on=False)
    assert "no longer connected" in texts(await world.say("disconnect A-1001", by=MEGAN))
    await turn(world, switch, on=True)
    assert "Contoso Ltd" not in texts(await world.say("records"))


async def test_an_app_that_only_the_link_names_switches_off_the_link_alone(world: World) -> None:
    link = f"{ACCOUNT}?appid=sales-hub"
    await world.api("PUT", "/apps/sales-hub", {"id": "sales-hub", "label": "Sales Hub", "enabled": False})
    assert "switched off" in texts(await world.paste(link))
    assert "Open" in buttons(await world.paste(ACCOUNT))
    assert "Contoso Ltd" in texts(await world.say("records"))


async def test_a_command_with_a_link_that_gets_no_card_gets_none_either(world: World) -> None:
    """Typing a link says no more than pasting it; whoever may disconnect still may."""
    link = f"{ACCOUNT}?appid=sales-hub"
    await world.api("PUT", "/apps/sales-hub", {"id": "sales-hub", "label": "Sales Hub", "enabled": False})
    for command in ("connect", "timeline"):
        assert "switched off" in texts(await world.say(f"{command} {link}")), command
        assert "switched off" in str(await world.press(command, {"record": link})), command
        assert "Contoso Ltd" in texts(await world.say(f"{command} A-1001")), command
    assert "switched off" in texts(await world.say(f"disconnect {link}", by=ADELE))
    assert "no longer connected" in texts(await world.say(f"disconnect {link}"))
