"""When a failed delivery is tried again, and when it is given up."""

from __future__ import annotations

from itertools import accumulate

import pytest

from bot.outbox.schedule import HOUR, LONGEST_ASKED, MINUTE, SECOND, WAITS, WHOLE, next_try, up_to_a_tenth_more

NOW = 1_795_372_200_000_000


def wait(attempts: int = 1, *, age: int = 0, retry_after: float | None = None, jitter: float = 1.0) -> int | None:
    """Microseconds until the next try; None when there is none."""
    until = next_try(now=NOW, since=NOW - age, attempts=attempts, retry_after=retry_after, jitter=lambda: jitter)
    return None if until is None else until - NOW


def test_the_waits_are_those_of_standard_webhooks() -> None:
    hours = [moment / HOUR for moment in accumulate(WAITS)]
    assert [round(hour, 2) for hour in hours] == [0.0, 0.08, 0.58, 2.58, 7.58, 17.58, 31.58, 51.58, 75.58]
    assert WHOLE == 75 * HOUR + 35 * MINUTE + 5 * SECOND


@pytest.mark.parametrize("attempts", range(1, 10))
def test_each_try_has_its_wait_and_jitter_makes_it_longer_never_shorter(attempts: int) -> None:
    assert wait(attempts) == WAITS[attempts - 1]
    assert wait(attempts, jitter=1.1) == pytest.approx(WAITS[attempts - 1] * 1.1, abs=1)


def test_what_is_tried_more_often_than_the_schedule_has_waits_goes_on_with_the_longest() -> None:
    assert wait(50) == WAITS[-1]


@pytest.mark.parametrize("attempts", [1, 9, 50])
def test_it_is_given_up_when_it_is_as_old_as_the_whole_schedule_however_often_it_was_tried(attempts: int) -> None:
    assert wait(attempts, age=WHOLE - 1) is not None
    assert wait(attempts, age=WHOLE) is None


@pytest.mark.parametrize(
    ("asked", "waited"),
    [
        (1.0, WAITS[0]),
        (-3.0, WAITS[0]),
        (90.5, 90_500_000),
        (86_400.0, LONGEST_ASKED),
        (999_999_999.0, LONGEST_ASKED),
    ],
)
def test_who_asks_for_more_time_gets_it_up_to_a_day_and_never_less_than_the_schedule(asked: float, waited: int) -> None:
    assert wait(retry_after=asked) == waited


def test_jitter_is_another_number_each_time_up_to_a_tenth_more() -> None:
    numbers = [up_to_a_tenth_more() for _ in range(1000)]
    assert 1.0 <= min(numbers) < 1.01
    assert 1.09 < max(numbers) <= 1.1
