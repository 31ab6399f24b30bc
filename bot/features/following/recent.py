"""The end of the feed, in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import takewhile
from typing import NamedTuple

from bot.domain.documents import compact
from bot.domain.events import Event
from bot.domain.records import RecordId


class StreamItem(NamedTuple):
    """An event as a follower gets it.

    Attributes:
        place: where the follower is with it: its position in the feed, or for one record its `seq`.
        line: its JSON as REST shows it, UTF-8, on one line.
    """

    place: int
    line: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """An event of the feed."""

    position: int
    record: RecordId
    seq: int
    line: bytes

    @classmethod
    def of(cls, position: int, event: Event) -> Entry:
        return cls(position, event.fact.record, event.seq, line_of(event))


def line_of(event: Event) -> bytes:
    return compact(event.to_wire()).encode()


class Recent:
    """The newest events of the feed: all with a position above `floor`, up to `head`."""

    def __init__(self, position: int) -> None:
        self.floor = self.head = position
        self._all: deque[Entry] = deque()
        self._by_record: dict[RecordId, deque[Entry]] = {}

    def add(self, entries: Iterable[Entry], *, keep: int) -> None:
        """Add what follows `head`, and drop the oldest above `keep`."""
        for entry in entries:
            self._all.append(entry)
            self._by_record.setdefault(entry.record, deque()).append(entry)
            self.head = entry.position
        while len(self._all) > keep:
            oldest = self._all.popleft()
            self.floor = oldest.position
            self._by_record[oldest.record].popleft()
            if not self._by_record[oldest.record]:
                del self._by_record[oldest.record]

    def after(self, position: int) -> list[Entry] | None:
        """What follows a position; None when it is too long ago to know."""
        if position < self.floor:
            return None
        return _newer(self._all, lambda entry: entry.position > position)

    def of_record(self, record: RecordId, seq: int) -> list[Entry] | None:
        """What follows a `seq` of the record; None when that is not known here. There are no gaps in `seq`."""
        entries = self._by_record.get(record)
        if not entries or entries[0].seq > seq + 1:
            return None
        return _newer(entries, lambda entry: entry.seq > seq)


def _newer(entries: deque[Entry], newer: Callable[[Entry], bool]) -> list[Entry]:
    """Oldest first. Searched from the end: nearly everybody is there."""
    found = list(takewhile(newer, reversed(entries)))
    found.reverse()
    return found
