"""What is measured, and in which order: whatever is compared takes turns, so that all see the same machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from statistics import median

from tests.bench.load import Run, drive
from tests.bench.servers import Cores, Server
from tests.bench.stage import LONG, SHORT, Stage, staged

IN_FLIGHT = (1, 16, 64)
SLOW = 0.1
"""Seconds the token endpoint takes where it is slow."""
MESSAGES_PER_SECOND = 50
"""While unfurls are timed: enough to need tokens all the time, too few to keep the processor busy."""
SLOW_ROUND = 2.0
"""Seconds: each has a token call or two in it."""


class NotDone(Exception):
    """A message was answered to Teams, but the reply did not arrive at the connector, or was an apology."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One load.

    Attributes:
        rate: answers per second.
        p50: milliseconds; None where nothing is answered.
        cpu: milliseconds of the server's processor time per answer; None where the system doesn't tell.
        busy: the share of one core that the load generator (with the fakes) took.
    """

    rate: float
    p50: float | None
    cpu: float | None
    busy: float


@dataclass(slots=True)
class Measured:
    """Everything that was seen.

    Attributes:
        samples: by what was asked of whom and how many were in flight, one a round.
        unfurls: by the token endpoint's delay, one a round, while messages flow; slow_calls: token calls meanwhile.
        messages, token_calls, connections: of the steady rounds; connections are new ones to the connector.
        memory: of the product after all the load, MB of 1,000,000 bytes.
        beside: unfurls by whether events were delivered meanwhile, one a round; delivered: so many in a second.
        told: seconds from the answer to a note until a receiver had it.
        streamed: events told in a second to each of the readers of live streams, one a round.
    """

    starts: list[float] = field(default_factory=list)
    samples: dict[tuple[str, int], list[Sample]] = field(default_factory=dict)
    unfurls: dict[float, list[Run]] = field(default_factory=lambda: {0.0: [], SLOW: []})
    slow_calls: int = 0
    messages: int = 0
    token_calls: int = 0
    connections: int = 0
    memory: float | None = None
    beside: dict[bool, list[Run]] = field(default_factory=lambda: {False: [], True: []})
    delivered: list[float] = field(default_factory=list)
    told: list[float] = field(default_factory=list)
    streamed: list[float] = field(default_factory=list)

    def ratio(self, what: str, to: str, in_flight: int) -> float:
        """The median of the rounds' ratios: in each, the two were measured within seconds."""
        pairs = zip(self.samples[what, in_flight], self.samples[to, in_flight], strict=True)
        return median(one.rate / other.rate for one, other in pairs)

    def ratio_by_cpu(self, what: str, to: str, in_flight: int) -> float | None:
        """The same by processor time per answer: what the ratio would be if nobody else used the core."""
        pairs = zip(self.samples[what, in_flight], self.samples[to, in_flight], strict=True)
        ratios = [other.cpu / one.cpu for one, other in pairs if one.cpu and other.cpu]
        return median(ratios) if ratios else None

    def unfurl_p50(self, delay: float) -> float:
        """Milliseconds."""
        return median(run.p50 for run in self.unfurls[delay]) * 1000

    def beside_ratio(self) -> float:
        """An unfurl's p50 while events are delivered, to that when they are not."""
        return median(busy.p50 / idle.p50 for idle, busy in zip(self.beside[False], self.beside[True], strict=True))


async def measure(folder: Path, cores: Cores, *, rounds: int, seconds: float, say: Callable[[str], None]) -> Measured:
    """Run everything.

    Args:
        folder: for databases and logs; on a disk, since the product's writes wait for it.
        seconds: of each load in each round.
    """
    measured = Measured()
    async with staged(folder, cores, measured.starts, say) as stage:
        say("unfurling while messages flow; the token endpoint is fast and slow in turn")
        await _tokens(stage, measured, rounds)
        await _settle(stage)
        for number in range(rounds):
            say(f"round {number + 1} of {rounds}: {', '.join(map(str, IN_FLIGHT))} in flight")
            await _round(stage, measured, number, seconds)
        measured.memory = stage.product.memory_mb()
    return measured


async def _tokens(stage: Stage, measured: Measured, rounds: int) -> None:
    """Tokens live so briefly that the endpoint is asked all the time; in reality it is once an hour."""
    port = stage.product.port
    before = stage.microsoft.requests["token"]
    for _ in range(rounds):
        for delay, runs in measured.unfurls.items():
            stage.microsoft.delay["token"] = delay
            interval = 8 / MESSAGES_PER_SECOND
            _, unfurls = await asyncio.gather(
                drive(port, stage.questions, in_flight=8, seconds=SLOW_ROUND, interval=interval),
                drive(port, stage.links, in_flight=1, seconds=SLOW_ROUND),
            )
            runs.append(unfurls)
    measured.slow_calls = stage.microsoft.requests["token"] - before


async def _settle(stage: Stage) -> None:
    """A token for an hour, and as many connections as can be in use at once: from here on none of either is needed."""
    stage.token_lifetime = LONG
    stage.microsoft.delay["token"] = 0
    await asyncio.sleep(SHORT)
    await drive(stage.product.port, islice(stage.questions, 1), in_flight=1)
    most = max(IN_FLIGHT)
    stage.hold_replies(most)
    await drive(stage.product.port, islice(stage.questions, 4 * most), in_flight=most)
    stage.take_counts()


async def _round(stage: Stage, measured: Measured, number: int, seconds: float) -> None:
    """Each load for each number of requests in flight; the order of the loads turns from round to round."""
    loads: list[tuple[str, Server, Iterator[bytes]]] = [
        ("floor", stage.floor, stage.links),
        ("unfurl", stage.product, stage.links),
        ("message", stage.product, stage.questions),
        ("stock", stage.stock, stage.links),
        ("note", stage.product, stage.notes),
    ]
    turn = number % len(loads)
    for in_flight in IN_FLIGHT:
        for what, server, requests in loads[turn:] + loads[:turn]:
            run, sample = await _load(server, requests, in_flight, seconds)
            measured.samples.setdefault((what, in_flight), []).append(sample)
            if what in ("message", "note"):
                _count(stage, measured, run)


async def _load(server: Server, requests: Iterator[bytes], in_flight: int, seconds: float) -> tuple[Run, Sample]:
    cpu, busy = server.cpu_seconds(), time.process_time()
    run = await drive(server.port, requests, in_flight=in_flight, seconds=seconds)
    busy = (time.process_time() - busy) / run.elapsed
    cpu = None if cpu is None else ((server.cpu_seconds() or 0.0) - cpu) / run.count * 1000
    return run, Sample(rate=run.rate, p50=run.p50 * 1000, cpu=cpu, busy=busy)


def _count(stage: Stage, measured: Measured, run: Run) -> None:
    """Every message must have been replied to, once.

    Raises:
        NotDone: the connector took more or fewer replies.
    """
    replies, token_calls, connections = stage.take_counts()
    if replies != run.count:
        raise NotDone(f"{run.count} messages were taken, but {replies} good replies arrived.")
    measured.messages += run.count
    measured.token_calls += token_calls
    measured.connections += connections
