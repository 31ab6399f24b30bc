"""Telling the other replicas on one PostgreSQL that something was added, and hearing them.

It only wakes: what is not heard is found by polling. What is told in a transaction is heard after its commit, and never
when it is rolled back.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from hashlib import blake2b
from typing import Any
from uuid import uuid4

import structlog
from sqlalchemy import Connection, Engine

log = structlog.get_logger(__name__)

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
_CONNECTING: dict[str, Any] = {
    "connect_timeout": 5,
    # A connection that only listens would never notice that the server is gone.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}


class Replicas:
    """A channel per tenant; a message on it is the id of the process that wrote it.

    Args:
        notify: what to do when another replica was heard, or may have been missed; called on the event loop.
    """

    def __init__(self, engine: Engine, *, tenant: str, notify: Callable[[], None]) -> None:
        _, self._address = engine.dialect.create_connect_args(engine.url)
        self._channel = f"connect_chats_{blake2b(tenant.encode(), digest_size=16).hexdigest()}"
        self._own = uuid4().hex
        self._notify = notify
        self._listening: asyncio.Task[None] | None = None

    def tell(self, connection: Connection) -> None:
        """Have the others woken when this transaction is committed."""
        parameters = {"channel": self._channel, "own": self._own}
        connection.exec_driver_sql("SELECT pg_notify(%(channel)s, %(own)s)", parameters)

    def start(self) -> None:
        """Listen, on the running loop, until closed."""
        self._listening = asyncio.create_task(self._listen())

    async def close(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)

    async def _listen(self) -> None:
        import psycopg  # not needed, and maybe not there, where the store is SQLite

        pause = FIRST_PAUSE_S
        while True:
            try:
                connecting = psycopg.AsyncConnection.connect(**self._address, **_CONNECTING, autocommit=True)
                async with await connecting as connection:
                    await connection.execute(f"LISTEN {self._channel}".encode())
                    self._notify()  # for what was missed until now
                    pause = FIRST_PAUSE_S
                    async for heard in connection.notifies():
                        if heard.payload != self._own:
                            self._notify()
            except (psycopg.Error, OSError) as error:
                log.warning("other replicas are not heard, only polled", why=type(error).__name__, pause=pause)
            await asyncio.sleep(pause * random.uniform(0.5, 1))
            pause = min(2 * pause, LONGEST_PAUSE_S)
