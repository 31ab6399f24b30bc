"""Waiting for what must happen, and holding it up meanwhile.

No limit of less than ten seconds decides a test: where others keep both cores busy, anything may take that long. So
tests wait for conditions, and what must not be waited for is held up until the test lets it go.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Callable
from typing import Any

LIMIT = 30.0
"""Seconds within which whatever a test waits for happens on the busiest machine. Only a failure ever takes them."""


def soon() -> asyncio.Timeout:
    """A limit for what must happen."""
    return asyncio.timeout(LIMIT)


async def until(condition: Callable[[], Any]) -> Any:
    """Wait until `condition` says something true, and return that. It may have to be awaited.

    Raises:
        AssertionError: it never did.
    """
    give_up_at = time.monotonic() + LIMIT
    while True:
        found = condition()
        if inspect.isawaitable(found):
            found = await found
        if found:
            return found
        assert time.monotonic() < give_up_at, f"it was not so within {LIMIT:.0f} seconds"
        await asyncio.sleep(0.005)


class Gate:
    """Holds up whoever comes until it is opened; `waiting` counts them."""

    def __init__(self) -> None:
        self.waiting = 0
        self._opened = asyncio.Event()

    async def passed(self) -> None:
        self.waiting += 1
        await self._opened.wait()
        self.waiting -= 1

    def open(self) -> None:
        self._opened.set()


class Stop:
    """Where a thread stands still until it is let go."""

    def __init__(self) -> None:
        self._reached, self._gone_on = threading.Event(), threading.Event()

    def here(self) -> None:
        """In the thread: stand still."""
        self._reached.set()
        assert self._gone_on.wait(LIMIT), "nobody let it go"

    async def reached(self) -> None:
        """Returns when the thread stands there."""
        assert await asyncio.to_thread(self._reached.wait, LIMIT), "nobody came there"

    def go_on(self) -> None:
        self._gone_on.set()
