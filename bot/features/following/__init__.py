"""Following what happens, as it happens: all events, or those of one record.

While somebody follows, one task reads the end of the feed, once for everybody, and keeps the newest events. Nothing is
queued for anybody: each follower asks for what comes after their own place, and gets it from there, or from the store
while they are further behind. So a slow one costs its connection and nothing else, and none can miss an event or get
one twice, whoever drops it where.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from bot.domain.records import RecordId
from bot.errors import Invalid, NotFound, Unavailable
from bot.features.following.recent import Entry, Recent, StreamItem, line_of
from bot.ports import Store, Transaction

log = structlog.get_logger(__name__)

KEPT = 2000
"""Events kept at least, for those who are hardly behind: 0.5 to 1 KB each."""

PAGE = 100
MAX_FOLLOWERS = 1000
POLL = 1.0
"""Seconds. A change wakes; what is relied on is looking each second."""

GATHER = 0.01
GATHER_EACH = 0.0005
"""Seconds in which more may come after some came, and more of them for each follower: waking one takes 0.1 ms, for one
event or a hundred. So that under constant writing this takes a fifth of a processor, not all of it."""

READS = 2
"""Pages read for followers at the same time. When hundreds come back at once, the store has others to answer, too."""


class Follower:
    """Somebody who follows. Entered, they are counted and hear of news; `place` is how far they have come.

    Entering raises `Unavailable` when there are too many, or the program is ending.
    """

    record: RecordId | None = None
    """None: they follow everything."""

    def __init__(self, following: Following, place: int) -> None:
        self._following = following
        self._news = asyncio.Event()
        self._news.set()  # there may be something since `place`
        self.place = place
        self.ended = False

    def __enter__(self) -> Follower:
        self._following.join(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._following.leave(self)

    async def next(self, *, within: float) -> list[StreamItem]:
        """What follows, oldest first; nothing when nothing came within so many seconds, or this has `ended`.

        Raises:
            Unavailable: the store can't be read now. Who is not behind does without it.
        """
        if not self._news.is_set():
            try:
                async with asyncio.timeout(within):
                    await self._news.wait()
            except TimeoutError:
                return []
        self._news.clear()  # before looking: what comes meanwhile is looked for again
        items = self._recent()
        if items is None:
            items = await self._following.read(self._page)
        if self.ended or not items:
            return []
        if len(items) == PAGE:
            self._news.set()  # there may be more
        self.place = items[-1].place
        return items

    def wake(self) -> None:
        """There is news."""
        self._news.set()

    def end(self) -> None:
        """Say that there will be no more."""
        self.ended = True
        self._news.set()

    def _recent(self) -> list[StreamItem] | None:
        """What follows their place, as far as it is kept; None when it is not."""
        found = self._following.recent.after(self.place)
        return None if found is None else [StreamItem(entry.position, entry.line) for entry in found[:PAGE]]

    def _page(self, tx: Transaction) -> list[StreamItem]:
        """What follows their place."""
        return [StreamItem(place, line_of(event)) for place, event in tx.feed(after=self.place, limit=PAGE)]


class RecordFollower(Follower):
    """Somebody who follows one record. It may be deleted and put again meanwhile: its timeline goes on."""

    def __init__(self, following: Following, place: int, record: RecordId) -> None:
        super().__init__(following, place)
        self.record = record
        self._followed = record

    def _recent(self) -> list[StreamItem] | None:
        found = self._following.recent.of_record(self._followed, self.place)
        return None if found is None else [StreamItem(entry.seq, entry.line) for entry in found[:PAGE]]

    def _page(self, tx: Transaction) -> list[StreamItem]:
        events = tx.events(self._followed, after=self.place, limit=PAGE)
        return [StreamItem(event.seq, line_of(event)) for event in events]


class Following:
    """Everybody who follows something in this process.

    Attributes:
        recent: the end of the feed.
        dropped: how many were hung up on because they took too long; whoever hangs up counts.
    """

    def __init__(self, store: Store, *, keep: int = KEPT, most: int = MAX_FOLLOWERS) -> None:
        self._store = store
        self._keep = keep
        self._most = most
        self._followers: dict[RecordId | None, set[Follower]] = {}
        self._changed = asyncio.Event()
        self._reads = asyncio.Semaphore(READS)
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self.recent = Recent(0)
        self.readers = 0
        self.dropped = 0

    async def everything(self, after: int | None) -> Follower:
        """Follow all events after a position in the feed; None: from now on.

        Raises:
            Invalid: the feed has not come there yet.
        """
        last = await self._store.read(lambda tx: tx.last_position())
        return Follower(self, _place(after, last))

    async def one_record(self, record: RecordId, after: int | None) -> RecordFollower:
        """Follow a record's events after a `seq`; None: from now on.

        Raises:
            NotFound: there never was such a record.
            Invalid: its timeline has not come there yet.
        """
        last = await self._store.read(lambda tx: tx.last_seq(record))
        if last == 0:
            raise NotFound(f"There never was a record {record}.", next_step="PUT /api/v1/records creates it.")
        return RecordFollower(self, _place(after, last), record)

    async def read(self, page: Callable[[Transaction], list[StreamItem]]) -> list[StreamItem]:
        """Read a follower's page from the store."""
        async with self._reads:
            return await self._store.read(page)

    def join(self, follower: Follower) -> None:
        if self._closed:
            raise Unavailable("The program is ending. Try again in a moment.")
        if self.readers >= self._most:
            raise Unavailable(
                f"{self._most} streams are open here already.", next_step="Try again later, or ask GET /api/v1/events."
            )
        self._followers.setdefault(follower.record, set()).add(follower)
        self.readers += 1
        if self._task is None:
            self._task = asyncio.create_task(self._read_along())

    def leave(self, follower: Follower) -> None:
        of_same = self._followers[follower.record]
        of_same.remove(follower)
        if not of_same:
            del self._followers[follower.record]
        self.readers -= 1
        if not self.readers and self._task:
            self._task.cancel()
            self._task = None

    def close(self) -> None:
        """End everybody's following; nobody can begin any more."""
        self._closed = True
        for follower in self._everybody():
            follower.end()

    def _everybody(self) -> list[Follower]:
        return [follower for of_same in self._followers.values() for follower in of_same]

    async def _read_along(self) -> None:
        """Read what is added to the feed, until cancelled."""
        unsubscribe = self._store.on_change(self._changed.set)
        started = False
        try:
            while True:
                self._changed.clear()
                try:
                    if not started:
                        await self._begin()
                        started = True
                    await self._read_on()
                except Unavailable as error:
                    log.warning("streams wait", why=str(error))
                except Exception:
                    log.exception("streams failed")
                await self._pause()
        finally:
            unsubscribe()

    async def _begin(self) -> None:
        """Go on where the last task ended, or nearer to the feed's end if it has moved on since."""
        last = await self._store.read(lambda tx: tx.last_position())
        if self.recent.head < last - self._keep:
            self.recent = Recent(last - self._keep)
            for follower in self._everybody():
                follower.wake()

    async def _read_on(self) -> None:
        while True:
            entries = await self._store.read(self._next_entries)
            self.recent.add(entries, keep=self._keep)
            for subject in {None, *(entry.record for entry in entries)} if entries else ():
                for follower in self._followers.get(subject, ()):
                    follower.wake()
            if len(entries) < PAGE:
                return

    def _next_entries(self, tx: Transaction) -> list[Entry]:
        return [Entry.of(position, event) for position, event in tx.feed(after=self.recent.head, limit=PAGE)]

    async def _pause(self) -> None:
        await asyncio.sleep(max(GATHER, GATHER_EACH * self.readers))
        try:
            async with asyncio.timeout(POLL):
                await self._changed.wait()
        except TimeoutError:
            pass


def _place(after: int | None, last: int) -> int:
    if after is None:
        return last
    if after > last:
        raise Invalid(
            "The stream can't go on there, because it has not come that far: the place is from another server, or from "
            "before a backup was restored.",
            next_step="Read what you may have missed with GET, and begin anew without Last-Event-ID and after.",
        )
    return after
