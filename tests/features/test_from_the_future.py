"""A newer program wrote into the same database: people and systems are served on."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bot.domain.events import Event, EventType, Fact
from bot.domain.records import Disclosure, RecordId
from bot.features.timeline import describe
from bot.store.engine import open_engines
from tests.world import ACCOUNT, GROUP, World, running_world, texts

Newer = Callable[[str], None]


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/world.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with running_world(tmp_path, database_url=database_url) as running:
        yield running


@pytest.fixture
def newer(database_url: str) -> Newer:
    """Runs a statement of a newer program."""

    def run(statement: str) -> None:
        engines = open_engines(database_url)
        with engines.writer.begin() as connection:
            assert connection.execute(text(statement)).rowcount >= 1
        engines.dispose()

    return run


async def test_an_event_of_a_newer_program_is_passed_on_and_told_without_words_of_its_own(
    world: World, newer: Newer
) -> None:
    await world.say("connect A-1001")
    await world.say("note secret words")
    newer("UPDATE events SET kind = 'record.merged', data = '{\"text\": \"secret words\"}' WHERE kind = 'note.added'")
    assert (await world.events())[-1] == "record.merged"
    status, feed = await world.api("GET", "/events")
    assert (status, feed["events"][-1]["data"]) == (200, {"text": "secret words"})
    told = texts(await world.say("timeline"))
    assert "Something happened" in told
    assert "secret words" not in told
    assert "Note added" in texts(await world.say("note goes on"))
    assert (await world.events())[-1] == "note.added"


async def test_a_setting_of_a_newer_program_stops_nothing_and_outlives_a_save(
    world: World, newer: Newer, database_url: str
) -> None:
    _, account = await world.api("GET", "/record-types/account")
    document = json.dumps(account | {"reactions": {"enabled": True}, "disclosure_external": "summary"})
    newer(f"UPDATE record_types SET document = '{document}' WHERE name = 'account'")
    newer("UPDATE settings SET version = version + 1")
    async with world.http.get(f"{world.base}/readyz") as response:
        assert response.status == 200
    assert "Contoso" in texts(await world.paste(ACCOUNT))
    status, seen = await world.api("GET", "/record-types/account")
    assert (status, seen) == (200, account | {"disclosure_external": "nothing"})
    status, _ = await world.api("PUT", "/records/account/A-77", {"title": "New", "access": {"*": "read"}})
    assert status == 201
    status, _ = await world.api("PUT", "/record-types/account", seen | {"label": "Customer"})
    assert status == 200
    engines = open_engines(database_url)
    with engines.reader.connect() as connection:
        found = connection.execute(text("SELECT document FROM record_types WHERE name = 'account'")).scalar_one()
    engines.dispose()
    stored = json.loads(found)
    assert (stored["label"], stored["disclosure_external"]) == ("Customer", "summary")
    assert stored["reactions"] == {"enabled": True}
    status, problem = await world.api("PUT", "/record-types/account", seen | {"reactions": {}})
    assert (status, "'reactions' is not a setting" in problem["detail"]) == (422, True), "the door is as strict as ever"


async def test_a_chat_of_a_kind_that_only_a_newer_program_knows_is_served_and_keeps_it(
    world: World, newer: Newer
) -> None:
    await world.say("connect A-1001")
    newer(f"UPDATE chats SET kind = 'community' WHERE id = '{GROUP}'")
    assert "Contoso" in texts(await world.say("records"))
    assert "added" in texts(await world.say("note it goes on")).lower()
    _, found = await world.api("GET", "/records/account/A-1001/chats")
    assert [(chat["id"], chat["kind"]) for chat in found["items"]] == [(GROUP, "community")]
    await world.happens(membersAdded=[{"id": "29:lynne", "name": "Lynne"}])
    _, found = await world.api("GET", "/records/account/A-1001/chats")
    assert [chat["kind"] for chat in found["items"]] == ["community"]


async def test_a_state_that_only_a_newer_program_knows_is_not_changed(world: World, newer: Newer) -> None:
    await world.say("connect A-1001")
    newer(f"UPDATE chats SET state = 'archived' WHERE id = '{GROUP}'")
    assert texts(await world.say("records"))
    await world.happens("conversationUpdate", membersRemoved=[{"id": "28:connect-chats"}])
    await world.happens("conversationUpdate", membersAdded=[{"id": "28:connect-chats"}])
    _, found = await world.api("GET", "/records/account/A-1001/chats")
    assert [chat["state"] for chat in found["items"]] == ["archived"]
    assert await world.events() == ["record.created", "chat.connected"]


@pytest.mark.parametrize(
    "data", [{"member": "Lynne"}, {"member": None}, {"changed": "Status"}, {"changed": [{"name": "Status"}]}, {}]
)
@pytest.mark.parametrize("kind", [*EventType, EventType.stored("record.merged")])
def test_whatever_is_in_an_event_has_words(kind: EventType, data: Any) -> None:
    fact = Fact(type=kind, record=RecordId("account", "A-1001"), data=data)
    told = describe(Event(id="01J", seq=1, at=0, fact=fact), Disclosure.FIELDS, ("Status",))
    assert told.text
    assert "{" not in told.text


async def test_in_a_chat_whose_audience_is_not_known_the_least_of_all_is_shown(world: World, newer: Newer) -> None:
    await world.say("connect A-1001")
    _, account = await world.api("GET", "/record-types/account")
    await world.api("PUT", "/record-types/account", account | {"disclosure_external": "button"})
    assert "Contoso" in texts(await world.paste(ACCOUNT))
    newer(f"UPDATE chats SET audience = 'partners' WHERE id = '{GROUP}'")
    assert "Contoso" not in texts(await world.paste(ACCOUNT))
    assert "Account" not in texts(await world.paste(ACCOUNT))
