"""Telling a webhook of events: in order per record, each at least once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.domain.deliveries import EventDelivery
from bot.domain.webhooks import WebhookState
from bot.errors import ReceiverGone, SendFailed
from bot.outbox.attempts import DestinationKind, Outcome, Settled, reason, tried
from bot.outbox.pump import Held
from bot.outbox.schedule import Jitter, next_try
from bot.ports import EventSender, Transaction

SLOTS = 48
"""Events of as many records are told at once."""
STOPPED = "This server was stopped before the receiver answered, so the event is told again."


@dataclass(frozen=True, slots=True)
class Attempted:
    """An event that was tried. `error`: why the receiver did not take it; None when it did."""

    delivery: EventDelivery
    error: SendFailed | None


class ToWebhook:
    """A webhook as the destination of a pump."""

    kind = DestinationKind.WEBHOOK
    slots = SLOTS

    def __init__(self, webhook: str, *, sender: EventSender, jitter: Jitter) -> None:
        self._webhook = webhook
        self._sender = sender
        self._jitter = jitter

    def claim(self, tx: Transaction, *, limit: int, lease: int) -> list[EventDelivery]:
        return tx.claim_events(self._webhook, limit=limit, lease=lease)

    def renew(self, tx: Transaction, held: Sequence[EventDelivery], *, lease: int) -> list[EventDelivery | None]:
        still = {delivery.event.id: delivery for delivery in tx.renew_events(held, lease=lease)} if held else {}
        return [still.get(delivery.event.id) for delivery in held]

    async def send(self, held: Held[EventDelivery]) -> Attempted:
        delivery = held.delivery
        return Attempted(delivery, await tried(self._sender.send(delivery), kind=self.kind, what=name_of(delivery)))

    def settle(self, tx: Transaction, results: Sequence[Attempted]) -> list[Settled]:
        settled: list[Settled] = []
        if taken := [attempted.delivery for attempted in results if attempted.error is None]:
            late = {delivery.event.id for delivery in tx.delivered_events(taken)}
            for delivery in taken:
                ours = delivery.event.id not in late
                settled.append((name_of(delivery), self._outcome(tx, Outcome.DELIVERED, ours=ours)))
        for attempted in results:
            if attempted.error is not None:
                settled.append((name_of(attempted.delivery), self._failed(tx, attempted.delivery, attempted.error)))
        return settled

    def _failed(self, tx: Transaction, delivery: EventDelivery, error: SendFailed) -> Outcome:
        why = reason(error)
        if isinstance(error, ReceiverGone):
            until, outcome = tx.now, Outcome.DISABLED
        else:
            until = next_try(
                now=tx.now,
                since=delivery.since,
                attempts=delivery.attempts,
                retry_after=error.retry_after,
                jitter=self._jitter,
            )
            outcome = Outcome.PARKED if until is None else Outcome.FAILED
        if until is None:
            ours = tx.park_event(delivery, error=why)
        else:
            ours = tx.postpone_event(delivery, until=until, error=why)
        if ours and outcome is Outcome.DISABLED:
            self._disable(tx)
        return self._outcome(tx, outcome, ours=ours)

    def _outcome(self, tx: Transaction, outcome: Outcome, *, ours: bool) -> Outcome:
        """Of a webhook that was deleted meanwhile nobody holds anything any more."""
        return outcome if ours or tx.webhook(self._webhook) is None else Outcome.OVERTAKEN

    def _disable(self, tx: Transaction) -> None:
        """As it is now: somebody may have changed it since the event was claimed."""
        webhook = tx.webhook(self._webhook)
        if webhook is not None:
            tx.put_webhook(replace(webhook, state=WebhookState.DISABLED))

    def give_back(self, tx: Transaction, held: Sequence[EventDelivery]) -> None:
        for delivery in held:
            tx.postpone_event(delivery, until=tx.now, error=STOPPED)


def name_of(delivery: EventDelivery) -> str:
    """For the log: which event, of which record, to which webhook, and the how manieth try."""
    event = delivery.event
    return f"{event.id} ({event.fact.record} {event.seq}) to webhook {delivery.webhook.id}, try {delivery.attempts}"
