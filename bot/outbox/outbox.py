"""The worker: sees what is due, and runs a pump for each destination that has something.

All chats are one destination, since Teams is one system; each webhook is one, since its receiver may hang.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import structlog

from bot.errors import Unavailable
from bot.outbox.attempts import Attempts
from bot.outbox.chats import ToChats, Unreachable
from bot.outbox.pump import Destination, Pump
from bot.outbox.schedule import HOUR, Jitter, up_to_a_tenth_more
from bot.outbox.webhooks import ToWebhook
from bot.ports import Clock, EventSender, Sender, Store, Transaction

log = structlog.get_logger(__name__)

# Seconds.
POLL = 1.0
BREATH = 0.02  # changes come in crowds: one look for all of them
GRACE = 5.0
GIVING_BACK = 2.0
HOUSEKEEPING = 600.0

KEEP = 24 * HOUR
"""Repeats of a turn are recognised for a day."""
KEEP_REFUSALS = 90 * 24 * HOUR
KEEP_GUESTS = 90 * 24 * HOUR
CHATS = ""
"""The name of the chats among the destinations; a webhook's is its id."""


class Outbox:
    """Delivers what must still be told.

    Attributes:
        attempts: counts this process's tries.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        sender: Sender,
        events: EventSender,
        unreachable: Unreachable,
        jitter: Jitter = up_to_a_tenth_more,
    ) -> None:
        """`clock` is the store's: leases are measured by it."""
        self.attempts = Attempts()
        self._store = store
        self._clock = clock
        self._chats = ToChats(sender=sender, unreachable=unreachable, jitter=jitter)
        self._events = events
        self._jitter = jitter
        self._pumps: dict[str, Pump[Any, Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()

    async def run(self) -> None:
        """Deliver until cancelled, whatever happens. Then claim no more, let what is being sent end, for a while, and
        give the rest back: another replica need not wait for the leases to run out."""
        silence = self._store.on_change(self._woken.set)
        housekeeping = asyncio.create_task(self._keep_house())
        try:
            while True:
                self._woken.clear()
                await self._look()
                await asyncio.sleep(BREATH)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(POLL):
                        await self._woken.wait()
        finally:
            silence()
            housekeeping.cancel()
            await self._stop()

    async def _look(self) -> None:
        try:
            due = await self._store.read(_due)
        except Unavailable as error:
            log.warning("outbox waits", why=str(error))
            return
        except Exception:
            log.exception("outbox failed")
            return
        for name in due:
            if name in self._pumps:
                self._pumps[name].wake()
            else:
                self._start(name)

    def _start(self, name: str) -> None:
        destination: Destination[Any, Any] = (
            self._chats if name == CHATS else ToWebhook(name, sender=self._events, jitter=self._jitter)
        )
        self._pumps[name] = Pump(destination, store=self._store, clock=self._clock, attempts=self.attempts)
        task = asyncio.create_task(self._run(name))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, name: str) -> None:
        try:
            await self._pumps[name].run()
        finally:
            del self._pumps[name]

    async def _stop(self) -> None:
        for pump in self._pumps.values():
            pump.stop()
        await self._wait(GRACE)
        for pump in self._pumps.values():
            pump.abandon()
        await self._wait(GIVING_BACK)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _wait(self, seconds: float) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    async def _keep_house(self) -> None:
        """Forget what nobody needs any more."""
        while True:
            try:
                await self._store.write(lambda tx: tx.expire(before=tx.now - KEEP))
                await self._store.write(lambda tx: tx.forget_refusals(before=tx.now - KEEP_REFUSALS))
                await self._store.write(lambda tx: tx.forget_guests(before=tx.now - KEEP_GUESTS))
            except Unavailable as error:
                log.warning("housekeeping waits", why=str(error))
            except Exception:
                log.exception("housekeeping failed")
            await asyncio.sleep(HOUSEKEEPING)


def _due(tx: Transaction) -> list[str]:
    """Destinations with something to deliver."""
    waiting, _ = tx.outbox_backlog()
    return [CHATS] * bool(waiting) + tx.due_webhooks()
