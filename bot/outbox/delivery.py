"""Delivers messages into chats that their turn could not deliver itself, and those nobody there just asked for.

At least once: a crash between sending and noting it sends the message again. In order per chat: only a chat's oldest
waiting message can be claimed.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import structlog

from bot.domain.chats import ChatState, state_after
from bot.errors import SendFailed, Unavailable
from bot.ports import Delivery, Sender, Store, Transaction

log = structlog.get_logger(__name__)

SECOND = 1_000_000
LEASE = 60 * SECOND
BATCH = 20
POLL = 1.0
KEEP = 24 * 3600 * SECOND
HOUSEKEEPING = 600.0
SCHEDULE = tuple(seconds * SECOND for seconds in (5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800))
"""Waiting times between attempts; after the last one the message is parked."""

Unreachable = Callable[[Transaction, str, ChatState], None]


class Outbox:
    """The worker. `unreachable` is told, inside the transaction, of chats that the bot can't speak in any more."""

    def __init__(self, *, store: Store, sender: Sender, unreachable: Unreachable) -> None:
        self._store = store
        self._sender = sender
        self._unreachable = unreachable
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look now instead of at the next poll. Nothing relies on it."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled, whatever happens."""
        housekeeping = asyncio.create_task(self._keep_house())
        try:
            while True:
                try:
                    delivered = await self.deliver_due()
                except Unavailable as error:
                    log.warning("outbox waits", why=str(error))
                    delivered = 0
                except Exception:
                    log.exception("outbox failed")
                    delivered = 0
                if not delivered:
                    await self._pause()
        finally:
            housekeeping.cancel()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(POLL):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    async def deliver_due(self) -> int:
        """Deliver what is due now, at most one message per chat; how many were claimed."""
        waiting, _ = await self._store.read(lambda tx: tx.outbox_backlog())
        if not waiting:
            return 0
        claimed = await self._store.write(lambda tx: tx.claim_deliveries(limit=BATCH, lease=LEASE))
        results = await asyncio.gather(*(self._deliver(delivery) for delivery in claimed), return_exceptions=True)
        for failed in results:  # only now, when all have ended: the others were delivered
            if failed is not None:
                raise failed
        return len(claimed)

    async def _deliver(self, delivery: Delivery) -> None:
        try:
            await self._sender.send(delivery.chat, delivery.message)
        except SendFailed as error:
            await self._failed(delivery, error)
        except Exception:
            log.exception("message not sent", delivery=delivery.id)
            await self._failed(delivery, SendFailed("Sending broke on our side. The log tells how.", retryable=True))
        else:
            await self._store.write(lambda tx: tx.finish_delivery(delivery.id, delivery.fence))

    async def _failed(self, delivery: Delivery, error: SendFailed) -> None:
        log.warning("message not delivered", delivery=delivery.id, attempts=delivery.attempts, why=str(error))
        state = state_after(error)
        if state is not None:
            await self._store.write(lambda tx: self._hold(tx, delivery, state, str(error)))
        elif error.ambiguous or not error.retryable or delivery.attempts > len(SCHEDULE):
            reason = f"ambiguous: {error}" if error.ambiguous else str(error)
            await self._store.write(lambda tx: tx.park_delivery(delivery.id, delivery.fence, error=reason))
        else:
            wait = max(SCHEDULE[delivery.attempts - 1], round((error.retry_after or 0) * SECOND))
            wait = round(wait * random.uniform(1.0, 1.2))
            await self._store.write(
                lambda tx: tx.postpone_delivery(delivery.id, delivery.fence, until=tx.now + wait, error=str(error))
            )

    def _hold(self, tx: Transaction, delivery: Delivery, state: ChatState, error: str) -> None:
        """A suspended chat keeps its messages until the bot is back; a chat that is gone never needs them."""
        self._unreachable(tx, delivery.chat.id, state)
        if state is ChatState.GONE:
            tx.park_delivery(delivery.id, delivery.fence, error=error)
        else:
            tx.postpone_delivery(delivery.id, delivery.fence, until=tx.now, error=error)

    async def _keep_house(self) -> None:
        """Forget what nobody needs any more: repeats are recognised for a day."""
        while True:
            try:
                await self._store.write(lambda tx: tx.expire(before=tx.now - KEEP))
            except Unavailable as error:
                log.warning("housekeeping waits", why=str(error))
            except Exception:
                log.exception("housekeeping failed")
            await asyncio.sleep(HOUSEKEEPING)
