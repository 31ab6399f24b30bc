"""The goals, what was reached, and both in words and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import Any

from tests.bench.delivery import PACE, READERS
from tests.bench.measure import IN_FLIGHT, SLOW, Measured
from tests.bench.post_office import IN_FLIGHT as EACH

WHAT = {
    "floor": "floor: unfurl",
    "unfurl": "product: unfurl",
    "message": "product: message -> reply",
    "note": "product: note -> reply",
    "stock": "stock SDK: unfurl",
    "posting": "bare loop: POST",
    "delivery": "product: event -> receiver",
}
FLOORS = {"posting": "posting", "delivery": "posting"}
"""What is compared with another floor than a bare handler."""
BUSY = 0.85
"""A load generator that takes more of its core may be what was measured."""
ENOUGH = 0.95
"""Of the pace that deliveries should have had."""
SHARED = 0.75
"""A floor that gets less of its core shares it with others: of 16 requests one always waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A target of the project's and what was measured; `reached` is None where it could not be measured."""

    name: str
    value: float | None
    unit: str
    target: str
    reached: bool | None


def goals(seen: Measured) -> list[Goal]:
    message = min(seen.ratio("message", "floor", number) for number in IN_FLIGHT if number > 1)
    slow = seen.unfurl_p50(SLOW) / seen.unfurl_p50(0.0)
    deliveries = [
        _least(
            f"events delivered, receivers: {in_flight // EACH}",
            seen.ratio(what, "posting", in_flight),
            0.3,
            "x bare loop",
        )
        for what, in_flight in sorted(seen.samples)
        if what == "delivery"
    ]
    return [
        _least("unfurl, 16 in flight", seen.ratio("unfurl", "floor", 16), 0.45, "x floor"),
        _least("unfurl, 16 in flight", seen.ratio("unfurl", "stock", 16), 14, "x stock"),
        _least("message -> reply, 16 and 64 in flight (the lower one)", message, 0.2, "x floor"),
        _most("token calls per steady message", seen.token_calls / seen.messages, 0, ""),
        _most("new TLS connections per steady message", seen.connections / seen.messages, 0, ""),
        _most("unfurl p50, token endpoint 100 ms slower", slow, 1.5, "x that with 0 ms"),
        *deliveries,
        _beside(seen),
        _most("memory of the product after the load", seen.memory, 120, "MB"),
        _most("start to ready", median(seen.starts), 4, "s"),
    ]


def _beside(seen: Measured) -> Goal:
    """Reached only if so many events were delivered."""
    goal = _most(f"unfurl p50 while {PACE:,} events/s are delivered", seen.beside_ratio(), 1.5, "x idle")
    return replace(goal, reached=goal.reached and median(seen.delivered) >= ENOUGH * PACE)


def _least(name: str, value: float, target: float, unit: str) -> Goal:
    return Goal(name=name, value=value, unit=unit, target=f">= {target:g}", reached=value >= target)


def _most(name: str, value: float | None, target: float, unit: str) -> Goal:
    reached = None if value is None else value <= target
    return Goal(name=name, value=value, unit=unit, target=f"<= {target:g}", reached=reached)


def rates(seen: Measured) -> list[dict[str, Any]]:
    """The medians of the rounds, with the spread of the rates."""
    rows = []
    for what, in_flight in sorted(seen.samples, key=lambda load: (list(WHAT).index(load[0]), load[1])):
        samples, floor = seen.samples[what, in_flight], FLOORS.get(what, "floor")
        p50s = [sample.p50 for sample in samples if sample.p50 is not None]
        cpu = [sample.cpu for sample in samples if sample.cpu is not None]
        row = {
            "what": WHAT[what],
            "in_flight": in_flight,
            "per_second": median(sample.rate for sample in samples),
            "slowest": min(sample.rate for sample in samples),
            "fastest": max(sample.rate for sample in samples),
            "p50_ms": median(p50s) if p50s else None,
            "cpu_ms": median(cpu) if cpu else None,
            "x_floor": seen.ratio(what, floor, in_flight),
            "x_floor_by_cpu": seen.ratio_by_cpu(what, floor, in_flight),
            "of_core": median(sample.cpu * sample.rate / 1000 for sample in samples if sample.cpu) if cpu else None,
            "load_busy": median(sample.busy for sample in samples),
        }
        rows.append(row)
    return rows


def as_json(seen: Measured, about: dict[str, Any]) -> dict[str, Any]:
    tokens = {
        f"{delay * 1000:g}": {
            "p50_ms": seen.unfurl_p50(delay),
            "p99_ms": median(run.p99 for run in runs) * 1000,
        }
        for delay, runs in seen.unfurls.items()
    }
    return {
        "about": about,
        "goals": [asdict(goal) for goal in goals(seen)],
        "rates": rates(seen),
        "unfurl_by_token_delay_ms": tokens,
        "token_calls_while_slow": seen.slow_calls,
        "unfurl_p50_ms_beside_delivery": {
            f"{rate:.0f}": median(run.p50 for run in seen.beside[delivering]) * 1000
            for delivering, rate in ((False, 0), (True, median(seen.delivered)))
        },
        "note_to_receiver_ms": median(seen.told) * 1000,
        f"streamed_per_second_to_{READERS}_readers": median(seen.streamed),
        "start_seconds": seen.starts,
    }


def as_text(seen: Measured) -> Iterator[str]:
    """The tables, line by line."""
    yield (
        f"{'':28}{'in flight':>10}{'per second':>12}{'(from - to)':>15}{'p50 ms':>9}{'cpu ms':>8}"
        f"{'x floor':>9}{'(by cpu)':>10}"
    )
    for row in rates(seen):
        spread = f"({row['slowest']:.0f} - {row['fastest']:.0f})"
        p50 = "-" if row["p50_ms"] is None else f"{row['p50_ms']:.2f}"
        cpu = "-" if row["cpu_ms"] is None else f"{row['cpu_ms']:.2f}"
        by_cpu = "-" if row["x_floor_by_cpu"] is None else f"({row['x_floor_by_cpu']:.3f})"
        yield (
            f"{row['what']:28}{row['in_flight']:>10}{row['per_second']:>12.0f}{spread:>15}"
            f"{p50:>9}{cpu:>8}{row['x_floor']:>9.3f}{by_cpu:>10}"
        )
    yield ""
    for delay, runs in seen.unfurls.items():
        p99 = median(run.p99 for run in runs) * 1000
        yield (
            f"unfurl while messages flow, token endpoint {delay * 1000:3.0f} ms slower: "
            f"p50 {seen.unfurl_p50(delay):.2f} ms, p99 {p99:.2f} ms"
        )
    for delivering, rate in ((False, 0.0), (True, median(seen.delivered))):
        p50 = median(run.p50 for run in seen.beside[delivering]) * 1000
        yield f"unfurl while {rate:4.0f} events/s are delivered: p50 {p50:.2f} ms"
    yield f"from the answer to a note until a receiver has it, idle: p50 {median(seen.told) * 1000:.1f} ms"
    yield f"live streams: {median(seen.streamed):.0f} events/s to each of {READERS} readers"
    busiest = max(rates(seen), key=lambda row: row["load_busy"])
    if busiest["load_busy"] > BUSY:
        yield f"Mind: the load generator took {busiest['load_busy']:.0%} of its core at {busiest['what']}."
    shares = [row["of_core"] for row in rates(seen) if row["what"] == WHAT["floor"] and row["in_flight"] > 1]
    if None not in shares and min(shares) < SHARED:
        yield f"Mind: the floor got {min(shares):.0%} of its core, others the rest. Trust the ratios by cpu, or repeat."
    yield ""
    for goal in goals(seen):
        value = "not measured" if goal.value is None else f"{goal.value:.3g} {goal.unit}".strip()
        verdict = {True: "reached", False: "MISSED", None: "?"}[goal.reached]
        yield f"{goal.name:56}{value:>24}   target {goal.target:8}{verdict:>8}"
