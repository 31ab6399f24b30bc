"""When a failed delivery is tried again, and when it is given up.

Source: Standard Webhooks 1.0 (standardwebhooks.com), "Deliverability and reliability": the first try is immediate, the
waits between the tries are those of `WAITS`.
"""

from __future__ import annotations

import random
from collections.abc import Callable

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

WAITS = (
    5 * SECOND,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
)
"""Microseconds, as all times here."""
WHOLE = sum(WAITS)
"""75 h 35 min 5 s."""
LONGEST_ASKED = 24 * HOUR
"""A receiver may ask for more time than the schedule gives it (`Retry-After`), but not for more than this."""

Jitter = Callable[[], float]
"""What a wait is multiplied by, each time another number: those who failed together must not come back together."""


def up_to_a_tenth_more() -> float:
    return random.uniform(1.0, 1.1)


def next_try(
    *, now: int, since: int, attempts: int, retry_after: float | None, jitter: Jitter = up_to_a_tenth_more
) -> int | None:
    """What it means that a try failed.

    What waited behind something that could not be delivered is measured by its own age, so it is given up when it is
    itself too old, and not because it was tried often enough.

    Args:
        since: when its schedule began.
        attempts: how often it was tried, at least once.
        retry_after: seconds the receiver asked to wait, if it did.

    Returns:
        When to try again; None to give it up.
    """
    if now - since >= WHOLE:
        return None
    asked = min(round((retry_after or 0) * SECOND), LONGEST_ASKED)
    wait = max(WAITS[min(attempts, len(WAITS)) - 1], asked)
    return now + round(wait * jitter())
