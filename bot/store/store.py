"""`bot.ports.Store` on SQLite or PostgreSQL."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from bot.domain.catalogue import Catalogue
from bot.domain.records import RecordId
from bot.errors import Unavailable
from bot.ports import Clock, UnfurlFacts
from bot.store.engine import Engines, open_engines
from bot.store.failures import UNSTORABLE, explained, may_repeat, opening, unprocessable
from bot.store.migrate import migrate
from bot.store.notifier import Notifier
from bot.store.queues import Subscribers
from bot.store.replicas import Replicas
from bot.store.settings import load_catalogue
from bot.store.transaction import SqlTransaction
from bot.store.unfurl_query import UnfurlQuery
from bot.store.workers import WorkerThreads

T = TypeVar("T")

ATTEMPTS = 6
PING_TIMEOUT_S = 3.0
UNFURLS_HANDED_BACK_TOGETHER = 32


def open_store(url: str, *, tenant: str, clock: Clock) -> SqlStore:
    """The store of one tenant in the database at `url`. Nothing is opened before `start`.

    Raises:
        SettingsInvalid: `url` can't be used.
    """
    return SqlStore(open_engines(url), tenant=tenant, clock=clock)


class SqlStore:
    """`bot.ports.Store`, with what its owner needs besides: `start`, `seed`, `ping` and `close`.

    Three kinds of worker threads, so that a long page never blocks an unfurl and neither waits for a writer.
    """

    def __init__(self, engines: Engines, *, tenant: str, clock: Clock) -> None:
        self._engines = engines
        self._tenant = tenant
        self._clock = clock
        self._known = Catalogue()
        self._subscribers = Subscribers(version=0)
        self._notifier = Notifier()
        self._replicas = (
            None if engines.sqlite else Replicas(engines.writer, tenant=tenant, notify=self._notifier.notify)
        )
        self._unfurl_query = UnfurlQuery(engines.reader, tenant=tenant, catalogue=self._catalogue_at)
        self._write_workers = WorkerThreads("store-write", threads=engines.writers)
        self._read_workers = WorkerThreads("store-read", threads=engines.readers)
        self._unfurl_workers = WorkerThreads(
            "store-unfurl",
            threads=engines.unfurlers,
            batch=UNFURLS_HANDED_BACK_TOGETHER if engines.unfurlers == 1 else 1,
        )

    async def start(self) -> None:
        """Migrate the database where needed and read the settings.

        Raises:
            SettingsInvalid: the database belongs to a newer program.
            Unavailable: the database can't be opened; says why, for the operator.
        """
        try:
            await asyncio.to_thread(self._open)
        except DBAPIError as error:
            raise opening(error) from error
        self._notifier.start()
        if self._replicas:
            self._replicas.start()
        for workers in (self._write_workers, self._read_workers, self._unfurl_workers):
            workers.start()

    def _open(self) -> None:
        migrate(self._engines.writer)
        self._known = self._load()

    async def close(self) -> None:
        """Finish what was asked for, then let go of the database."""
        if self._replicas:
            await self._replicas.close()
        for workers in (self._unfurl_workers, self._read_workers, self._write_workers):
            await workers.close()
        await asyncio.to_thread(self._release)

    def _release(self) -> None:
        self._unfurl_query.close()
        self._engines.dispose()

    async def seed(self, catalogue: Catalogue) -> None:
        """Write the first settings, in one transaction; nothing when the tenant has some already."""
        await self._write_workers.run(self._transact, self._engines.writer, lambda tx: tx.seed(catalogue))

    async def ping(self) -> None:
        """Ask the database for the settings.

        Raises:
            Unavailable: it did not answer within three seconds.
        """
        try:
            async with asyncio.timeout(PING_TIMEOUT_S):
                await self.read(lambda tx: tx.catalogue())
        except TimeoutError as error:
            raise Unavailable("The database does not answer. Try again in a moment.") from error

    async def read(self, work: Callable[[SqlTransaction], T]) -> T:
        """Run `work` in one transaction that only reads, and sees one instant.

        Raises:
            Unavailable: the database is down, locked or overloaded.
        """
        return await self._read_workers.run(self._transact, self._engines.reader, work)

    async def write(self, work: Callable[[SqlTransaction], T], *, durable: bool = True) -> T:
        """Run `work` in one transaction; when this returns, what it wrote is on disk.

        `work` may run more than once. Whatever it raises rolls everything back. `durable` False: see `bot.ports.Store`.

        Raises:
            Unavailable: the database is down, locked, full or overloaded.
        """
        engine = self._engines.writer if durable else self._engines.hurried
        return await self._write_workers.run(self._transact, engine, work)

    async def unfurl_facts(self, record: RecordId | None, *, person: str | None, chat: str) -> UnfurlFacts:
        """The hot path's one read.

        Raises:
            Unavailable: the database is down or overloaded.
            Unprocessable: an id holds what no id can hold.
        """
        return await self._unfurl_workers.run(self._glimpse, record, person, chat)

    def _glimpse(self, record: RecordId | None, person: str | None, chat: str) -> UnfurlFacts:
        try:
            with explained():
                return self._unfurl_query.unfurl_facts(record, person, chat)
        except UNSTORABLE as error:
            raise unprocessable() from error

    def catalogue(self) -> Catalogue:
        """The settings this process saw last, without reading."""
        return self._known

    def on_change(self, notify: Callable[[], None]) -> Callable[[], None]:
        """Have `notify` called on the event loop soon after each transaction that added something others wait for, here
        or, on PostgreSQL, on another replica. Returns what ends that."""
        return self._notifier.add(notify)

    def _catalogue_at(self, version: int) -> Catalogue:
        known = self._known
        if known.version != version:
            known = self._known = self._load()
        return known

    def _load(self) -> Catalogue:
        with self._engines.reader.connect() as connection, connection.begin():
            return load_catalogue(connection, self._tenant)

    def _transact(self, engine: Engine, work: Callable[[SqlTransaction], Any]) -> Any:
        with explained():
            for attempt in range(ATTEMPTS):
                committing = False
                try:
                    with engine.connect() as connection, connection.begin():
                        known = self._known
                        tx = SqlTransaction(connection, tenant=self._tenant, now=self._clock(), known=known)
                        tx.subscribers = self._subscribers
                        result = work(tx)
                        if tx.news and self._replicas:
                            self._replicas.tell(connection)
                        tx.end()
                        committing = True
                except DBAPIError as error:
                    if attempt == ATTEMPTS - 1 or not may_repeat(error, committing=committing):
                        raise
                    time.sleep(random.uniform(0.2, 1) * 0.01 * 2**attempt)
                else:
                    if tx.known is not known:  # only now: a change that was rolled back never was
                        self._known = tx.known
                    if tx.subscribers.version > self._subscribers.version:
                        self._subscribers = tx.subscribers
                    if tx.news:
                        self._notifier.notify()
                    return result
        raise AssertionError("the last attempt returns or raises")
