"""Blocking work off the event loop.

`WorkerThreads` is a queue with threads of its own. Nothing of asyncio's shared executor is used: its threads may all
wait for something else, and it hands back each result with a wake-up of the loop of its own, which costs more than a
point lookup. This hands back a batch with one.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from bot.errors import Unavailable

T = TypeVar("T")

_Job = tuple["asyncio.Future[Any]", Callable[..., Any], tuple[Any, ...]]
_Outcome = tuple["asyncio.Future[Any]", Any, BaseException | None]


class WorkerThreads:
    """Runs blocking functions one after the other in each of its threads.

    Args:
        threads: how many functions run at the same time.
        batch: how many results at most are handed back together. More than one only where every function is short:
            the first result waits for the others.
    """

    def __init__(self, name: str, *, threads: int = 1, batch: int = 1) -> None:
        self._name = name
        self._batch = batch
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._count = threads
        self._threads: list[threading.Thread] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Start the threads; results go to the running loop."""
        self._loop = asyncio.get_running_loop()
        for number in range(self._count):
            name = f"{self._name}-{number}"
            thread = threading.Thread(target=self._work, args=(self._loop,), name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run `work(*arguments)` in a thread and return its result or raise its error.

        When the awaiting task is cancelled, work that is not begun is left out; work that is begun comes to its end.

        Raises:
            Unavailable: they are not running.
        """
        if self._loop is None:
            raise Unavailable("The store is closed: the program is starting or ending. Try again in a moment.")
        future: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put((future, work, arguments))
        return await future

    async def close(self) -> None:
        """Finish what was asked for, then end the threads."""
        if self._loop is None:
            return
        self._loop = None
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._serve(loop):
            pass

    def _serve(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Wait for work, do it and hand it back. False at the end. Nothing of it is kept while waiting for more."""
        job = self._jobs.get()
        if job is None:
            return False
        outcomes: list[_Outcome] = []
        while job is not None:
            if not job[0].cancelled():
                outcomes.append(_outcome(job))
            job = self._next() if len(outcomes) < self._batch else None
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
            loop.call_soon_threadsafe(_hand_back, outcomes)
        return True

    def _next(self) -> _Job | None:
        try:
            job = self._jobs.get_nowait()
        except Empty:
            return None
        if job is None:  # the end was asked for: hand back first
            self._jobs.put(None)
        return job


def _outcome(job: _Job) -> _Outcome:
    future, work, arguments = job
    try:
        return future, work(*arguments), None
    except StopIteration as error:  # a future refuses it, since it would end the coroutine that awaits
        failure = RuntimeError("StopIteration left a function that runs in a worker thread.")
        failure.__cause__ = error
        return future, None, failure
    except BaseException as error:
        return future, None, error


def _hand_back(outcomes: list[_Outcome]) -> None:
    for future, result, error in outcomes:
        if future.done():  # cancelled while it ran
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
