"""Another system says what people may do with its records: here accounts; the store knows the rights to all others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.domain.people import Person
from bot.domain.records import Privilege, RecordId
from bot.errors import SettingsInvalid, Unavailable
from bot.features import rights
from bot.features.rights import Rights
from tests.fakes.record_source import FakeRecordSource
from tests.waiting import LIMIT
from tests.world import (
    ACCOUNT,
    ADELE,
    ALEX,
    CASE,
    GROUP,
    GUEST,
    MEGAN,
    OTHER_GROUP,
    PERSONAL,
    World,
    running_world,
    texts,
)

ABSENT = ACCOUNT.replace("1001", "9999")
SECOND = 1_000_000


@pytest.fixture
async def source() -> AsyncIterator[FakeRecordSource]:
    source = FakeRecordSource("account")
    yield source
    source.stubborn = False
    assert source.wrong == []


@pytest.fixture
async def world(tmp_path: Path, source: FakeRecordSource) -> AsyncIterator[World]:
    async with running_world(tmp_path, sources={"account": source}) as running:
        yield running


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is noticed sooner."""
    monkeypatch.setattr(rights, "DEADLINE", 0.3)


async def put(world: World, number: int, **more: Any) -> str:
    body = {"title": f"Contoso {number}", "access": {}} | more
    status, _ = await world.api("PUT", f"/records/account/A-{number}", body)
    assert status in (200, 201)
    return f"account/A-{number}"


async def alone(world: World, text: str) -> str:
    return texts(await world.say(text, chat=PERSONAL))


# What the source says counts ------------------------------------------------------------------------------------------


async def test_who_may_append_by_the_source_connects_though_the_access_map_gives_nothing(world, source) -> None:
    source.rights[await put(world, 5), ALEX.id] = Privilege.APPEND
    assert "Contoso 5" in texts(await world.paste(ACCOUNT.replace("1001", "5")))
    assert "connected to" in texts(await world.say("connect A-5"))
    assert await world.events("account/A-5") == ["record.created", "chat.connected"]


async def test_who_may_write_by_the_access_map_connects_nothing_when_the_source_says_none(world, source) -> None:
    await put(world, 5, access={"*": "write", ALEX.id: "write"}, owner={"id": ALEX.id, "name": ALEX.name})
    assert "Contoso" not in str(await world.paste(ACCOUNT.replace("1001", "5")))
    assert "no such record" in texts(await world.say("connect A-5"))
    assert await world.events("account/A-5") == ["record.created"]


async def test_who_may_only_read_by_the_source_is_told_what_is_missing(world, source) -> None:
    source.rights["account/A-1001", ALEX.id] = Privilege.READ
    assert "needs the right to append" in texts(await world.say("connect A-1001"))
    assert "The record's own system gives you the right to read." in await alone(world, f"why {ACCOUNT}")


async def test_the_source_does_not_give_what_the_store_does_not_have(world, source) -> None:
    source.rights["account/A-9999", ALEX.id] = Privilege.WRITE
    unknown = await world.paste(ACCOUNT), await world.say("connect A-1001")
    assert (await world.paste(ABSENT), await world.say("connect A-9999")) == unknown


async def test_the_owner_of_the_record_and_an_administrator_disconnect_while_the_source_is_silent(
    world, source, hasty
) -> None:
    await put(world, 5, owner={"id": MEGAN.id, "name": MEGAN.name})
    source.rights["account/A-5", ADELE.id] = Privilege.WRITE
    for person in (MEGAN, ALEX):
        source.silent = False
        await world.say("connect A-5", by=ADELE)
        source.silent = True
        card = await world.say("disconnect A-5", by=person)
        assert "no longer connected" in texts(card)
        assert "Contoso" not in str(card), "to end it one need not be able to read"


async def test_records_of_other_types_are_not_asked_for(world, source) -> None:
    assert "connected to" in texts(await world.say(f"connect {CASE}", by=MEGAN))
    assert "Delivery arrived damaged" in texts(await world.paste(CASE, by=MEGAN))
    assert source.asked == []


async def test_nobody_is_asked_where_no_answer_could_help(world, source) -> None:
    await world.paste(ACCOUNT, by=type(GUEST)("29:anonymous", None, "Anonymous"))
    await world.api("GET", "/records/account/A-1001")
    await world.say("help")
    await world.say(f"why {ACCOUNT}")
    _, account = await world.api("GET", "/record-types/account")
    await world.api("PUT", "/record-types/account", account | {"enabled": False})
    assert "switched off" in texts(await world.paste(ACCOUNT))
    assert "switched off" in texts(await world.say("timeline A-1001"))
    assert source.asked == []


async def test_a_source_under_a_name_that_no_type_can_have_is_refused_since_it_would_never_be_asked() -> None:
    with pytest.raises(SettingsInvalid, match="'Account' is no name of a record type"):
        Rights({"Account": FakeRecordSource("account")}, clock=lambda: 0)


# No answer in time means no -------------------------------------------------------------------------------------------

FAULTS = {
    "silent": {"silent": True},
    "not ending when told to": {"stubborn": True},
    "can't say now": {"failing": Unavailable("The system is down.")},
    "broken": {"failing": KeyError("boom")},
    "cancelled": {"failing": asyncio.CancelledError()},
    "too late by itself": {"failing": TimeoutError()},
    "a word": {"garbage": "write"},
    "a number": {"garbage": 3},
    "yes": {"garbage": True},
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_without_an_answer_existing_and_missing_records_are_refused_alike_and_in_words(
    world, source, hasty, fault
) -> None:
    source.rights = {(f"account/A-{number}", ALEX.id): Privilege.WRITE for number in (1001, 9999)}
    for name, value in FAULTS[fault].items():
        setattr(source, name, value)
    with capture_logs() as logged:
        cards = [await world.paste(url) for url in (ACCOUNT, ABSENT)]
    assert cards[0] == cards[1]
    assert "couldn't find out in time" in texts(cards[0])
    assert [entry["event"][:22] for entry in logged if entry["log_level"] in ("warning", "error")] == [
        "the answer about right" if "garbage" in FAULTS[fault] else "no answer about rights"
    ] * 2
    for command in ("connect", "timeline"):
        answers = [texts(await world.say(f"{command} {url}")) for url in (ACCOUNT, ABSENT)]
        assert answers[0] == answers[1]
        assert answers[0].startswith("No answer in time\nI couldn't find out in time")
    told = [await alone(world, f"why {url}") for url in (ACCOUNT, ABSENT)]
    assert told[0] == told[1]
    assert "couldn't find out in time what you may do" in told[0]
    assert await world.events() == ["record.created"]


async def test_unknown_and_forbidden_are_asked_for_alike_and_answered_byte_for_byte_the_same(world, source) -> None:
    pasted = [await world.paste(url) for url in (ACCOUNT, ABSENT)]
    said = [await world.say(f"connect {url}") for url in (ACCOUNT, ABSENT)]
    told = [await world.say(f"why {url}", chat=PERSONAL) for url in (ACCOUNT, ABSENT)]
    for forbidden, unknown in (pasted, said, told):
        assert forbidden == unknown
    assert source.times == {"account/A-1001": 3, "account/A-9999": 3}


async def test_a_silent_source_is_waited_for_two_seconds_and_no_more(world, source, monkeypatch) -> None:
    """It never speaks again: whoever is answered was not made to wait for it."""
    assert rights.DEADLINE == 2
    monkeypatch.setattr(rights, "DEADLINE", 3.5)
    await world.say("help")
    source.silent = True
    for ask in (lambda: world.paste(ACCOUNT), lambda: world.say("connect A-1001")):
        began = time.monotonic()
        assert "couldn't find out in time" in texts(await ask())
        assert 3.4 < time.monotonic() - began < 13, "three seconds and a half, and ten more on a busy machine"
    assert source.open == 0, "the question is taken back"


# Asked at once, and never in anybody's way ----------------------------------------------------------------------------


async def test_the_records_of_a_chat_are_asked_for_once_each_and_all_at_the_same_time(world, source) -> None:
    records = [await put(world, number) for number in range(1, 13)]
    for record in records:
        source.rights[record, ALEX.id] = Privilege.APPEND
        await world.say(f"connect {record}")
    for text in ("records", "timeline", "note x"):
        source.asked.clear()
        source.at_once, source.delay = 0, 0.05
        answer = texts(await world.say(text))
        assert sorted(source.times.items()) == sorted((record, 1) for record in records)
        assert source.at_once == len(records)
        assert "Contoso 1" in answer


async def test_fifty_hanging_questions_hold_up_nobody_else(world, source, monkeypatch) -> None:
    monkeypatch.setattr(rights, "DEADLINE", 60)
    await world.say("help", by=MEGAN)
    source.silent = True
    hanging = [asyncio.create_task(world.paste(ACCOUNT)) for _ in range(25)]
    hanging += [asyncio.create_task(world.say("connect A-1001", chat=OTHER_GROUP)) for _ in range(25)]
    await source.until_open(50)
    for text in (f"connect {CASE}", "records", "note x", "timeline", "disconnect"):
        assert "Delivery" in texts(await world.say(text, by=MEGAN))
        assert "Delivery" in texts(await world.paste(CASE, by=MEGAN))
    assert source.open == 50, "they still hang"
    source.silent = False
    for card in await asyncio.gather(*hanging):
        assert "There is no such record" in texts(card)


async def test_a_source_is_asked_64_questions_at_the_same_time_and_the_rest_wait_within_the_deadline(
    source, monkeypatch
) -> None:
    asking = Rights({"account": source, "order": source}, clock=lambda: 0)
    monkeypatch.setattr(rights, "DEADLINE", LIMIT)
    source.wrong, source.delay = [], 0.02
    grants = asking.of(Person(id="alex", tenant="demo"))
    records = [RecordId("account", str(number)) for number in range(300)]
    source.rights = {(str(record), "alex"): Privilege.READ for record in records}
    answered = await asking.ask(grants, records)
    assert source.at_once == 64
    assert {grant.privilege for grant in answered.said.values()} == {Privilege.READ}
    monkeypatch.setattr(rights, "DEADLINE", 2.5)
    source.silent = True
    began = time.monotonic()
    silent = await asking.ask(grants, records)
    assert time.monotonic() - began < 12.5, "five times the deadline is what five turns of 64 would take"
    assert [grant.privilege for grant in silent.said.values()] == [None] * 300
    source.silent = False
    monkeypatch.setattr(rights, "DEADLINE", LIMIT)
    again = await asking.ask(grants, records[:64])
    assert {grant.privilege for grant in again.said.values()} == {Privilege.READ}, "every place is free again"


async def test_one_message_that_arrives_often_while_the_source_thinks_has_one_effect(
    tmp_path, source, postgres_url
) -> None:
    source.rights["account/A-1001", ALEX.id] = Privilege.APPEND
    source.delay = 0.2
    async with running_world(tmp_path, database_url=postgres_url, sources={"account": source}) as world:
        activity = world.activity("message", text="connect A-1001")
        await asyncio.gather(*(world.post(activity) for _ in range(4)))
        assert await world.events() == ["record.created", "chat.connected"]
        assert len(world.said_in(GROUP)) == 1


# How old an answer may be ---------------------------------------------------------------------------------------------


class Withdrawing(FakeRecordSource):
    """Takes the right away as soon as it has spoken of it. Its first `times` answers are decided by `later`
    (microseconds) after they were given."""

    def __init__(self, *, later: int, times: int) -> None:
        super().__init__("account", rights={("account/A-1001", ALEX.id): Privilege.APPEND})
        self.world: World
        self._later, self._times = later, times

    async def privilege(self, record: RecordId, person: Person) -> Privilege:
        answer = await super().privilege(record, person)
        self.rights.clear()
        if self._times:
            self._times -= 1
            self.world.clock[0] += self._later
        return answer


@pytest.mark.parametrize(
    ("later", "times", "asked", "told"),
    [
        (9 * SECOND, 1, 1, "connected to"),
        (11 * SECOND, 1, 2, "no such record"),
        (11 * SECOND, 99, 3, "couldn't find out in time"),
    ],
    ids=["decided within ten seconds", "too old", "always too old"],
)
async def test_a_right_that_is_withdrawn_before_the_decision_is_used_for_ten_seconds_at_most(
    tmp_path, later, times, asked, told
) -> None:
    source = Withdrawing(later=later, times=times)
    async with running_world(tmp_path, sources={"account": source}) as source.world:
        await source.world.say("help")
        assert told in texts(await source.world.say("connect A-1001"))
        assert ("chat.connected" in await source.world.events()) is (told == "connected to")
    assert source.times == {"account/A-1001": asked}
