"""A receiver of webhooks that also remembers when each request came, and what the database says was owed to it."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

from sqlalchemy import text

from bot.store.engine import open_engines
from tests.fakes.receiver import Arrival, FakeReceiver

Place = tuple[str, int]
"""An event's record (`type/id`) and `seq`."""


class Witness(FakeReceiver):
    """Attributes besides those of its base:

    taken: every request that was taken, repeats too, with the second (`time.monotonic`) at which it came.
    """

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[tuple[float, Arrival]] = []

    def _take(self, arrival: Arrival) -> None:
        self.taken.append((time.monotonic(), arrival))
        super()._take(arrival)

    @property
    def places(self) -> set[Place]:
        return {(arrival.subject, arrival.seq) for arrival in self.arrivals}

    @property
    def stale(self) -> list[Place]:
        """Repeats that came after a later event of the same record: only a record's latest event may be in doubt."""
        latest: dict[str, int] = {}
        found = []
        for _, arrival in self.taken:
            before = latest.get(arrival.subject, 0)
            if arrival.seq < before:
                found.append((arrival.subject, arrival.seq))
            latest[arrival.subject] = max(before, arrival.seq)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What the database says at one instant.

    Attributes:
        written: the events, in the order of the feed.
        owed: what webhooks must still be told.
        parked: what they were not told in the time of the whole schedule.
        messages: how many messages for chats are not delivered.
    """

    written: list[Place]
    owed: Counter[Place]
    parked: Counter[Place]
    messages: int

    @property
    def waiting(self) -> int:
        return self.owed.total() + self.messages


_WRITTEN = text("SELECT type, id, seq FROM events ORDER BY position")
_OWED = text("SELECT type, id, seq FROM owed")
_PARKED = text("SELECT events.type, events.id, seq FROM parked JOIN events USING (tenant, position)")
_UNDELIVERED = text("SELECT count(*) FROM outbox WHERE state <> 'done'")


def read_books(url: str) -> Books:
    """Blocking. Needs no running program."""
    engines = open_engines(url)
    try:
        with engines.reader.connect() as connection, connection.begin():
            written, owed, parked = (
                [(f"{kind}/{record}", seq) for kind, record, seq in connection.execute(query)]
                for query in (_WRITTEN, _OWED, _PARKED)
            )
            messages = connection.execute(_UNDELIVERED).scalar_one()
    finally:
        engines.dispose()
    return Books(written=written, owed=Counter(owed), parked=Counter(parked), messages=messages)
