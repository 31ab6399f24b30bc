"""What `/metrics` tells, beside the requests: what must still be told, and what the other parts count.

Parts count for themselves, in plain dictionaries, and know nothing of Prometheus; a scrape reads them. What only the
database knows is asked at the scrape. Labels are words of this program, never ids.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from bot.domain.deliveries import OutboxStatus
from bot.errors import Unavailable
from bot.outbox.attempts import DestinationKind, Outcome
from bot.ports import Clock

log = structlog.get_logger(__name__)

PATIENCE = 2.0
"""Seconds a scrape waits for the database; Prometheus itself gives a scrape 10."""

SECOND = 1_000_000

Ask = Callable[[], Awaitable[Mapping[str, OutboxStatus]]]

CONNECTOR = {
    "sent": "Messages the connector took from this process.",
    "repeated": "Calls of the connector that this process made again.",
    "throttled": "Calls that the connector refused because there were too many (429).",
    "delayed": "Messages that waited for their turn in the chat's budget.",
    "overspent": "Messages put off because their chat's budget was spent.",
    "failed": "Calls of the connector given up.",
}
"""Each count of `bot.teams.connector.Connector.counts`, and what it means. Not labels of one metric: their sum would
mean nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where a scrape finds what others know. What nobody counts is nothing.

    Attributes:
        outbox: asks the database, by kind of destination. It may raise anything.
        clock: the store's.
        attempts: tries to deliver, by (`DestinationKind`, `Outcome`); those missing are 0.
        connector: the counts in `CONNECTOR`; those missing are 0, too.
        readers: how many live streams are open.
        dropped: how many were ended because their reader was too slow.
    """

    outbox: Ask
    clock: Clock
    attempts: Callable[[], Mapping[tuple[str, str], int]] = dict
    connector: Callable[[], Mapping[str, int]] = dict
    readers: Callable[[], int] = int
    dropped: Callable[[], int] = int


class Metrics(Collector):
    """Everything `/metrics` tells. Scrapes that come together share one question to the database.

    Attributes:
        registry: where others add metrics of their own.
    """

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._outbox: Mapping[str, OutboxStatus] | None = None
        self._asking: asyncio.Task[None] | None = None
        self.registry = CollectorRegistry()
        self.registry.register(self)
        ProcessCollector(registry=self.registry)

    async def scrape(self) -> bytes:
        """The metrics as Prometheus reads them. Never fails: what can't be had is left out."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        await asyncio.shield(self._asking)
        return generate_latest(self.registry)

    async def _ask(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                self._outbox = await self._sources.outbox()
        except (Unavailable, TimeoutError) as error:
            self._outbox = None
            log.warning("no metrics of the outbox", why=str(error) or f"no answer within {PATIENCE:g} s")
        except Exception as error:
            self._outbox = None
            log.error("no metrics of the outbox", exc_info=error)

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "connect_chats_store_up",
            "Whether the database answered this scrape: 1 or 0. While it is 0, what only it knows is missing.",
            value=self._outbox is not None,
        )
        if self._outbox is not None:
            yield from _waiting(self._outbox, now=self._sources.clock())
        attempts = CounterMetricFamily(
            "connect_chats_outbox_attempts",
            "Tries of this process to deliver, by kind of destination and outcome.",
            labels=("kind", "outcome"),
        )
        tried = self._sources.attempts()
        # Also what never happened yet: an alert must see it begin.
        for kind, outcome in product(DestinationKind, Outcome):
            attempts.add_metric((kind.value, outcome.value), tried.get((kind.value, outcome.value), 0))
        yield attempts
        yield GaugeMetricFamily(
            "connect_chats_stream_readers", "Live streams open at this process.", value=self._sources.readers()
        )
        yield CounterMetricFamily(
            "connect_chats_stream_readers_dropped",
            "Live streams this process ended because their reader was too slow.",
            value=self._sources.dropped(),
        )
        counts = self._sources.connector()
        for name, meaning in CONNECTOR.items():
            yield CounterMetricFamily(f"connect_chats_connector_{name}", meaning, value=counts.get(name, 0))


def _waiting(outbox: Mapping[str, OutboxStatus], *, now: int) -> Iterator[Metric]:
    """Read from the database that replicas share, so each tells the same: take one of them or the highest, no sum."""
    of_all = "The same at every replica."
    waiting = GaugeMetricFamily(
        "connect_chats_outbox_waiting",
        f"What must still be told and whose destination takes it, by kind of destination. {of_all}",
        labels=("kind",),
    )
    oldest = GaugeMetricFamily(
        "connect_chats_outbox_oldest_seconds",
        f"How long the oldest of what waits has been waiting; 0 when nothing waits. {of_all}",
        labels=("kind",),
    )
    parked = GaugeMetricFamily(
        "connect_chats_outbox_parked",
        f"What was given up and is kept, until it is replayed or its webhook removed. {of_all}",
        labels=("kind",),
    )
    for kind, status in sorted(outbox.items()):
        waiting.add_metric((kind,), status.waiting)
        oldest.add_metric((kind,), 0 if status.oldest is None else max(0, now - status.oldest) / SECOND)
        parked.add_metric((kind,), status.parked)
    yield from (waiting, oldest, parked)
