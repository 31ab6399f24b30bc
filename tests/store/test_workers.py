"""Blocking work off the loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator

import pytest

from bot.errors import Unavailable
from bot.store.workers import WorkerThreads
from tests.waiting import Stop


@pytest.fixture
async def workers() -> AsyncIterator[WorkerThreads]:
    workers = WorkerThreads("test", batch=8)
    workers.start()
    yield workers
    await workers.close()


async def test_work_runs_in_order_in_a_thread_of_the_lane(workers: WorkerThreads) -> None:
    done: list[int] = []
    names = await asyncio.gather(
        *(workers.run(lambda number: (done.append(number), threading.current_thread().name)[1], n) for n in range(50))
    )
    assert done == list(range(50))
    assert set(names) == {"test-0"}


async def test_each_gets_its_own_result_or_error(workers: WorkerThreads) -> None:
    def halve(number: int) -> int:
        if number % 2:
            raise ValueError(number)
        return number // 2

    results = await asyncio.gather(*(workers.run(halve, number) for number in range(20)), return_exceptions=True)
    assert [str(result) for result in results] == [str(number if number % 2 else number // 2) for number in range(20)]


async def test_an_error_that_futures_refuse_harms_nobody_else(workers: WorkerThreads) -> None:
    results = await asyncio.gather(workers.run(next, iter(())), workers.run(int, "7"), return_exceptions=True)
    assert isinstance(results[0], RuntimeError)
    assert results[1] == 7


async def test_cancelled_work_is_left_out_when_it_is_not_begun(workers: WorkerThreads) -> None:
    done: list[int] = []
    stop = Stop()
    tasks = [asyncio.create_task(workers.run(lambda: (stop.here(), done.append(0))))]
    tasks += [asyncio.create_task(workers.run(done.append, number)) for number in (1, 2)]
    await stop.reached()
    tasks[0].cancel()
    tasks[1].cancel()
    stop.go_on()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert done == [0, 2]


async def test_closing_finishes_what_was_asked_for_and_refuses_the_rest() -> None:
    workers = WorkerThreads("test", threads=3)
    with pytest.raises(Unavailable, match="Try again"):
        await workers.run(int)
    workers.start()
    running = [asyncio.create_task(workers.run(lambda: time.sleep(0.01) or "done")) for _ in range(9)]
    await asyncio.sleep(0)
    await workers.close()
    assert await asyncio.gather(*running) == ["done"] * 9
    with pytest.raises(Unavailable, match="Try again"):
        await workers.run(int)
    await workers.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("test-")]
