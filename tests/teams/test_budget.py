"""What a chat may be told in a while: a burst is spread, and the rest is left for later."""

from __future__ import annotations

import random

from bot.teams.budget import MAX_CHATS, WINDOWS, Budget
from bot.teams.connector import BUDGET_PATIENCE, Connector
from tests.fakes.connector import FakeConnector
from tests.teams.conftest import CHAT, MESSAGE, Clock, chat, failure


def test_no_window_is_ever_overspent() -> None:
    budget, now, moments = Budget(), 0.0, []
    chance = random.Random(7)
    for _ in range(8000):
        now += chance.choice((0.0, 0.0, 0.0, 0.1, 5.0))
        taken, wait = budget.reserve(CHAT, now=now, patience=5.0)
        if taken:
            moments.append(now + wait)
    assert moments == sorted(moments)
    assert len(moments) > 1800
    for most, seconds in WINDOWS:
        assert all(later - earlier >= seconds - 1e-6 for earlier, later in zip(moments, moments[most:], strict=False))


def test_an_idle_chat_never_waits_and_chats_do_not_wait_for_each_other() -> None:
    budget = Budget()
    for number in range(100):
        assert budget.reserve(str(number), now=0.0, patience=0.0) == (True, 0.0)
    for number in range(1000):
        assert budget.reserve(CHAT, now=number * 3.0, patience=0.0) == (True, 0.0)


def test_the_budget_remembers_a_bounded_number_of_chats() -> None:
    budget = Budget()
    for _ in range(7):
        budget.reserve("first", now=0.0, patience=9.0)
    for number in range(MAX_CHATS):
        budget.reserve(str(number), now=0.0, patience=9.0)
    assert budget.reserve("first", now=0.0, patience=0.0) == (True, 0.0)


async def test_a_burst_is_spread_and_the_rest_left_for_later(
    connector: Connector, fake: FakeConnector, clock: Clock
) -> None:
    for _ in range(7):
        await connector.send(chat(fake), MESSAGE)
    assert clock.pauses == []

    for _ in range(3):
        await connector.post(fake.url, f"{CHAT};messageid=1", MESSAGE)
    assert clock.pauses == [1.0, 1.0]
    assert connector.counts["delayed"] == 2
    assert len(fake.messages[CHAT]) == 10


async def test_a_chat_that_is_spoken_to_too_much_says_when_to_come_back(
    connector: Connector, fake: FakeConnector, clock: Clock
) -> None:
    for _ in range(60):
        await connector.send(chat(fake), MESSAGE)
        clock.seconds += 0.3
    error = await failure(connector.send(chat(fake), MESSAGE))
    assert (error.retryable, error.ambiguous, connector.counts["overspent"]) == (True, False, 1)
    assert error.retry_after is not None
    assert BUDGET_PATIENCE < error.retry_after <= 30
    assert len(fake.received) == 60
