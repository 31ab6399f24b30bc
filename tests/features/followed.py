"""A store to follow, that is watched, and listening to what a follower hears."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.domain.records import RecordId
from bot.errors import Unavailable
from bot.features.following import Follower, Following
from bot.ports import Transaction
from bot.store.store import SqlStore, open_store
from bot.wiring import system_clock
from tests.sqlite import new_sqlite
from tests.store.examples import noted
from tests.waiting import LIMIT, soon

ONE, OTHER = RecordId("account", "A-1"), RecordId("account", "A-2")
NEVER = 0.1
"""Seconds to wait for what must not come."""


class Watched:
    """A store that counts its reads, can be down, and rings only if it is told to."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.reads = 0
        self.down = self.silent = False
        self.listening = 0

    async def read(self, work: Callable[[Transaction], Any]) -> Any:
        if self.down:
            raise Unavailable("The database does not answer.")
        self.reads += 1
        return await self.store.read(work)

    def on_change(self, ring: Callable[[], None]) -> Callable[[], None]:
        self.listening += 1
        end = self.store.on_change(lambda: None if self.silent else ring())

        def ended() -> None:
            self.listening -= 1
            end()

        return ended

    async def add(self, *records: RecordId) -> None:
        await self.store.write(lambda tx: [tx.add_event(noted(record)) for record in records])


@asynccontextmanager
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    store = open_store(new_sqlite(tmp_path / "following.db"), tenant="contoso", clock=system_clock)
    await store.start()
    try:
        yield Watched(store)
    finally:
        await store.close()


def following(store: Watched, **options: int) -> Following:
    return Following(store, **options)  # type: ignore[arg-type]


async def hear(follower: Follower, count: int) -> list[int]:
    """The places of the next `count` events; fails when they do not come soon or others come, too."""
    heard: list[int] = []
    async with soon():
        while len(heard) < count:
            heard += [told.place for told in await follower.next(within=LIMIT)]
    assert len(heard) == count
    return heard
