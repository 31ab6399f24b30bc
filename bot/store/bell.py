"""Waking those who wait for what a transaction added."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

Ring = Callable[[], None]


class Bell:
    """Calls each `ring` on the event loop soon after `ring` was called in any thread: once for many calls."""

    def __init__(self) -> None:
        self._rings: dict[object, Ring] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._swinging = False

    def start(self) -> None:
        """From now on it rings on the running loop."""
        self._loop = asyncio.get_running_loop()

    def add(self, ring: Ring) -> Callable[[], None]:
        """Returns what ends it."""
        key = object()
        self._rings[key] = ring

        def end() -> None:
            self._rings.pop(key, None)

        return end

    def ring(self) -> None:
        """From any thread."""
        if self._swinging or not self._rings or self._loop is None:
            return
        self._swinging = True
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._ring_all)

    def _ring_all(self) -> None:
        self._swinging = False  # before: who comes while they are called is heard again
        for ring in list(self._rings.values()):
            ring()
