"""Waking those who wait for what a transaction added."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

Notify = Callable[[], None]


class Notifier:
    """Calls everybody who listens, on the event loop, soon after `notify` was called in any thread: once for many."""

    def __init__(self) -> None:
        self._listeners: dict[object, Notify] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._notifying = False

    def start(self) -> None:
        """From now on it calls on the running loop."""
        self._loop = asyncio.get_running_loop()

    def add(self, listener: Notify) -> Callable[[], None]:
        """Returns what ends it."""
        key = object()
        self._listeners[key] = listener

        def end() -> None:
            self._listeners.pop(key, None)

        return end

    def notify(self) -> None:
        """From any thread."""
        if self._notifying or not self._listeners or self._loop is None:
            return
        self._notifying = True
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._notify_all)

    def _notify_all(self) -> None:
        self._notifying = False  # before: who comes while they are called is called again
        for listener in list(self._listeners.values()):
            listener()
