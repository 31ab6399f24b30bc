"""Brings what is due to one destination: claim -> send -> settle.

A pump sends a number of things at once and never waits for a slow one to go on with the others. It speaks to the store
in one kind of transaction, which settles all that has ended, renews the leases of what is still being sent and claims
as much as there is room for. No transaction is open while something is sent.

What is claimed is held by a lease, a time, not by a lock: a process that is killed or stopped loses it. So whoever
sends looks at the clock first, and who comes back too late is refused by the store, since its fence is an old one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from functools import partial
from typing import Generic, Protocol, TypeVar

import structlog

from bot.errors import Unavailable
from bot.outbox.attempts import Attempts, DestinationKind, Settled
from bot.outbox.schedule import SECOND
from bot.ports import Clock, Store, Transaction

log = structlog.get_logger(__name__)

LEASE = 6 * SECOND
RENEW = 2 * SECOND
AGAIN = 1.0
"""Seconds until a transaction that failed is tried again."""
TOGETHER = 4
"""Sends that are begun without a look at what else there is to do: a tenth of a millisecond each."""
GATHER = 0.01
"""Seconds that the first of several that have ended waits for the others: a transaction costs as much as ten sends."""


class Leased(Protocol):
    """Something claimed. `lease_until`: microseconds; from then on another worker may claim it."""

    @property
    def lease_until(self) -> int: ...


D = TypeVar("D", bound=Leased)
R = TypeVar("R")


class Held(Generic[D]):
    """A delivery under its latest lease."""

    __slots__ = ("_clock", "delivery")

    def __init__(self, delivery: D, clock: Clock) -> None:
        self.delivery = delivery
        self._clock = clock

    @property
    def ours(self) -> bool:
        """Whether nobody else can have claimed it by now."""
        return self._clock() < self.delivery.lease_until


class Destination(Protocol[D, R]):
    """Where a pump brings deliveries of the type D; R is what it knows after a try.

    Attributes:
        slots: how many deliveries are sent at once.
    """

    @property
    def kind(self) -> DestinationKind: ...
    @property
    def slots(self) -> int: ...

    def claim(self, tx: Transaction, *, limit: int, lease: int) -> list[D]: ...
    def renew(self, tx: Transaction, held: Sequence[D], *, lease: int) -> list[D | None]:
        """Each of them with its new lease, in the same order; None for one that somebody else holds now."""
        ...

    async def send(self, held: Held[D]) -> R:
        """Try it. Raises nothing: what went wrong is part of the result."""
        ...

    def settle(self, tx: Transaction, results: Sequence[R]) -> list[Settled]:
        """Note what came of the tries. Runs again when the transaction does, so it has no other effect."""
        ...

    def give_back(self, tx: Transaction, held: Sequence[D]) -> None:
        """Whoever wants may claim them at once."""
        ...


class Pump(Generic[D, R]):
    """One destination's pump."""

    def __init__(self, destination: Destination[D, R], *, store: Store, clock: Clock, attempts: Attempts) -> None:
        self._destination = destination
        self._store = store
        self._clock = clock
        self._attempts = attempts
        self._sending: dict[Held[D], asyncio.Task[R | None]] = {}
        self._results: list[R] = []
        self._unsent: list[D] = []
        self._renewed_at = 0
        self._stopping = False
        self._most_gathered = destination.slots * 3 // 4
        self._asked = True
        self._gathered = False
        self._gathering: asyncio.TimerHandle | None = None
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There may be more to claim."""
        self._asked = True
        self._woken.set()

    def stop(self) -> None:
        """Claim no more; `run` returns when what is being sent has ended."""
        self._stopping = True
        self.wake()

    def abandon(self) -> None:
        """Send no more, and give back what is being sent."""
        for task in self._sending.values():
            task.cancel()

    async def run(self) -> None:
        """Deliver until nothing is due and nothing is being sent."""
        while self._asked or self._sending or self._results or self._unsent:
            await self._pause()
            self._begin_again()
            try:
                await self._exchange()
            except Exception as error:
                if isinstance(error, Unavailable):
                    log.warning("outbox waits", kind=self._destination.kind.value, why=str(error))
                else:
                    log.exception("outbox failed", kind=self._destination.kind.value)
                await asyncio.sleep(AGAIN)
                self._asked = True

    async def _pause(self) -> None:
        """Until there is enough to do, or leases must be renewed."""
        while not self._enough and (left := self._until_renewal()):
            self._woken.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left / SECOND):
                    await self._woken.wait()

    @property
    def _enough(self) -> bool:
        ended = len(self._results) + len(self._unsent)
        return (
            self._asked
            or self._gathered
            or not self._sending
            or ended >= (1 if self._stopping else self._most_gathered)
        )

    def _begin_again(self) -> None:
        self._asked = self._gathered = False
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None

    def _gather(self) -> None:
        self._gathered = True
        self._woken.set()

    def _until_renewal(self) -> int:
        """Microseconds; 0 also when the clock was put back."""
        since = self._clock() - self._renewed_at
        return RENEW - since if 0 <= since < RENEW else 0

    async def _exchange(self) -> None:
        """The transaction: settle, renew, claim."""
        destination, now = self._destination, self._clock()
        results, unsent = tuple(self._results), tuple(self._unsent)
        renewing = () if self._until_renewal() else tuple(self._sending)
        room = 0 if self._stopping else destination.slots - len(self._sending)
        if not (results or unsent or renewing or room):
            return

        def work(tx: Transaction) -> tuple[list[Settled], list[D | None], list[D]]:
            settled = destination.settle(tx, results)
            destination.give_back(tx, unsent)
            renewed = destination.renew(tx, [held.delivery for held in renewing], lease=LEASE)
            return settled, renewed, destination.claim(tx, limit=room, lease=LEASE) if room else []

        # Not durable: a commit that waits for the disk costs as much as ten sends, and what a power cut undoes is only
        # told again, as is what was being sent then.
        settled, renewed, claimed = await self._store.write(work, durable=False)
        del self._results[: len(results)], self._unsent[: len(unsent)]
        for one in settled:
            self._attempts.count(destination.kind, one)
        for held, delivery in zip(renewing, renewed, strict=True):
            held.delivery = delivery or held.delivery
        if renewing or not self._sending:
            self._renewed_at = now
        if self._stopping:
            self._unsent += claimed
        else:
            await self._start(claimed)

    async def _start(self, claimed: Sequence[D]) -> None:
        """A few at a time, so that whoever else needs the processor waits for these and not for all."""
        for number, delivery in enumerate(claimed, 1):
            if self._stopping:
                self._unsent.append(delivery)
                continue
            held = Held(delivery, self._clock)
            task = self._sending[held] = asyncio.create_task(self._send(held))
            task.add_done_callback(partial(self._ended, held))
            if number % TOGETHER == 0:
                await asyncio.sleep(0)

    async def _send(self, held: Held[D]) -> R | None:
        """None when its lease ran out before it was sent: somebody else may have it by now."""
        return await self._destination.send(held) if held.ours else None

    def _ended(self, held: Held[D], task: asyncio.Task[R | None]) -> None:
        del self._sending[held]
        result = None if task.cancelled() else task.result()
        if result is None:
            self._unsent.append(held.delivery)  # if nobody else has it by now, it can be claimed again
        else:
            self._results.append(result)
        if self._enough:
            self._woken.set()
        elif self._gathering is None:
            self._gathering = asyncio.get_running_loop().call_later(GATHER, self._gather)
