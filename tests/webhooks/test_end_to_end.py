"""What happens in a chat reaches the receivers that want it: signed, in order, once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.receiver import FakeReceiver, Fault
from tests.waiting import soon
from tests.world import ACCOUNT, World, running_world


async def create(world: World, receiver: FakeReceiver, **filters: Any) -> str:
    status, made = await world.api("POST", "/webhooks", receiver.webhook | filters)
    assert status == 201, made
    return made["id"]


async def status_of(world: World, webhook: str) -> Any:
    return (await world.api("GET", f"/webhooks/{webhook}"))[1]


async def until(world: World, webhook: str, accept: Callable[[Any], bool]) -> Any:
    """The webhook's status, once it is accepted."""
    async with soon():
        while True:
            status = await status_of(world, webhook)
            if accept(status):
                return status
            await asyncio.sleep(0.02)


async def enter(world: World) -> None:
    await world.happens(membersAdded=[{"id": "28:connect-chats"}])


async def test_what_happens_in_a_chat_is_told_in_order_to_those_who_want_it(world: World) -> None:
    async with FakeReceiver() as everything, FakeReceiver() as notes, FakeReceiver() as cases:
        await create(world, everything)
        await create(world, notes, types=["note.added"])
        await create(world, cases, record_types=["case"])
        await enter(world)
        await world.say(f"connect {ACCOUNT}")
        for number in range(1, 4):
            await world.say(f"note number {number}")
        assert (await world.api("PUT", "/records/case/C-7", {"title": "x"}))[0] == 201
        await world.say("disconnect")
        told = [arrival.type for arrival in await everything.take(6) if arrival.subject == "account/A-1001"]
        assert told == ["chat.connected", "note.added", "note.added", "note.added", "chat.disconnected"]
        texts = [arrival.data["data"]["text"] for arrival in await notes.take(3)]
        assert texts == ["number 1", "number 2", "number 3"]
        assert [arrival.subject for arrival in await cases.take(1)] == ["case/C-7"]
        _, feed = await world.api("GET", "/records/account/A-1001/timeline?limit=100")
        of_account = [arrival.data for arrival in everything.arrivals if arrival.subject == "account/A-1001"]
        assert of_account == feed["events"][-5:]
        for receiver in (everything, notes, cases):
            account = receiver.account()
            assert account["requests"] == account["taken"] == len(receiver.arrivals)
            assert (account["inversions"], account["problems"]) == (0, [])


async def test_a_receiver_that_fails_gets_the_same_again_and_holds_up_nobody_else(world: World) -> None:
    async with FakeReceiver() as healthy, FakeReceiver() as failing:
        await create(world, healthy)
        webhook = await create(world, failing)
        failing.always = Fault(status=503)
        for number in range(3):
            await world.api("POST", "/records/account/A-1001/timeline", {"text": str(number)})
        await healthy.take(3)
        status = await until(world, webhook, lambda status: status["last_error"] is not None)
        assert (status["waiting"], status["delivered_at"]) == (3, None)
        assert "answered 503" in status["last_error"]["message"]
        failing.always = None
        assert await world.api("POST", f"/webhooks/{webhook}/replay") == (200, {"replayed": 0})
        arrivals = await failing.take(3)
        assert [arrival.data["data"]["text"] for arrival in arrivals] == ["0", "1", "2"]
        assert arrivals[0].attempt > 1
        assert failing.problems == []


async def test_410_ends_it_until_a_replay_and_what_happened_meanwhile_is_told(world: World) -> None:
    async with FakeReceiver() as receiver:
        webhook = await create(world, receiver)
        receiver.faults.append(Fault(status=410))
        await world.api("POST", "/records/account/A-1001/timeline", {"text": "1"})
        await until(world, webhook, lambda status: status["state"] == "disabled")
        await world.api("POST", "/records/account/A-1001/timeline", {"text": "2"})
        await asyncio.sleep(1.2)  # more than a poll
        assert (receiver.requests.total(), receiver.arrivals) == (1, [])
        assert (await status_of(world, webhook))["waiting"] == 2
        await world.api("POST", f"/webhooks/{webhook}/replay")
        assert [arrival.data["data"]["text"] for arrival in await receiver.take(2)] == ["1", "2"]
        assert ((await status_of(world, webhook))["state"], receiver.problems) == ("active", [])


async def test_while_a_secret_is_replaced_both_fit(world: World) -> None:
    async with FakeReceiver() as before, FakeReceiver() as after:
        webhooks = [await create(world, receiver) for receiver in (before, after)]
        for webhook in webhooks:
            _, changed = await world.api("POST", f"/webhooks/{webhook}/secret", {})
        after.secret = changed["secret"]
        await world.api("POST", "/records/account/A-1001/timeline", {"text": "x"})
        for receiver in (before, after):
            await receiver.take(1)
            assert receiver.problems == []


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_many_events_of_many_records_come_once_and_in_order(
    database: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = request.getfixturevalue("postgres_url") if database == "postgresql" else ""
    records = [f"account/N-{number}" for number in range(10)]
    async with running_world(tmp_path, database_url=url) as world, FakeReceiver() as receiver:
        await create(world, receiver)
        for record in records:
            await world.api("PUT", f"/records/{record}", {"title": "x"})
        for number in range(10):
            text = {"text": str(number)}
            await asyncio.gather(*(world.api("POST", f"/records/{record}/timeline", text) for record in records))
        await receiver.take(110, within=30)
        assert receiver.order() == {record: list(range(1, 12)) for record in records}
        assert receiver.account() | {"taken": 110, "doubled": 0, "inversions": 0} == receiver.account()
        assert receiver.problems == []
