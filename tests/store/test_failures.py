"""A database that is full, locked, gone or someone else's: readable refusals, and on it goes when it is back."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from bot.errors import SettingsInvalid, Unavailable
from bot.store import engine, store
from bot.store.store import SqlStore, open_store
from tests.store.conftest import Watch
from tests.store.examples import ACCOUNT, GROUP, OTHER, chat, noted
from tests.waiting import LIMIT, Stop, soon
from tests.world import ROOT


async def sqlite_store(path: Path) -> SqlStore:
    opened = open_store(f"sqlite:///{path}", tenant="contoso", clock=Watch())
    await opened.start()
    return opened


def end_connections(url: str) -> None:
    """End every connection to the database but this one, as a restart of the server does."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


async def test_sqlite_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    opened = await sqlite_store(tmp_path / "store.db")

    def pragma(tx, name: str):
        return tx._connection.exec_driver_sql(f"PRAGMA {name}").scalar()

    names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "query_only")
    writing = await opened.write(lambda tx: [pragma(tx, name) for name in names])
    assert writing == ["wal", 2, 1, 5000, 0]
    hurried = await opened.write(lambda tx: [pragma(tx, name) for name in names], durable=False)
    assert hurried == ["wal", 1, 1, 5000, 0], "only the wait for the disk is left out"
    assert (await opened.read(lambda tx: [pragma(tx, name) for name in names]))[-2:] == [5000, 1]
    await opened.close()


async def test_a_locked_database_is_unavailable_for_writing_and_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", 50)
    opened = await sqlite_store(tmp_path / "store.db")
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match=r"held by another program\. Try again"):
        await opened.write(lambda tx: tx.put_chat(chat()))
    assert (await opened.unfurl_facts(None, person=None, chat=GROUP)).chat is None
    other.execute("ROLLBACK")
    other.close()
    await opened.write(lambda tx: tx.put_chat(chat()))
    assert (await opened.unfurl_facts(None, person=None, chat=GROUP)).chat == chat()
    await opened.close()


async def test_a_full_disk_is_unavailable_and_leaves_nothing_half_done(tmp_path: Path) -> None:
    opened = await sqlite_store(tmp_path / "store.db")

    def fill(tx):
        tx.put_chat(chat())
        connection = tx._connection
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")
        tx.put_chat(chat(OTHER, topic="x" * 100_000))

    with pytest.raises(Unavailable, match="no room left"):
        await opened.write(fill)
    assert await opened.read(lambda tx: tx.chat(GROUP)) is None
    await opened.write(lambda tx: tx.put_chat(chat()))
    await opened.close()


async def test_connections_that_the_server_ended_are_replaced_unseen(postgres_url: str) -> None:
    opened = open_store(postgres_url, tenant="contoso", clock=Watch())
    await opened.start()

    async def many(ask) -> list:
        return await asyncio.gather(*(ask() for _ in range(20)))

    async def write() -> None:
        await many(lambda: opened.write(lambda tx: tx.put_chat(chat())))

    async def read() -> None:
        assert await many(lambda: opened.read(lambda tx: tx.chat(GROUP))) == [chat()] * 20

    async def unfurl() -> None:
        glimpses = await many(lambda: opened.unfurl_facts(None, person=None, chat=GROUP))
        assert [unfurl_facts.chat for unfurl_facts in glimpses] == [chat()] * 20

    for first_again in (write, read, unfurl, opened.ping):
        for use in (write, read, unfurl, opened.ping):
            await use()
        end_connections(postgres_url)
        await first_again()
    await opened.close()


async def test_a_transaction_that_lost_its_connection_before_the_commit_is_repeated(postgres_url: str) -> None:
    opened = open_store(postgres_url, tenant="contoso", clock=Watch())
    await opened.start()
    attempts: list[int] = []

    def work(tx):
        tx.add_event(noted())
        attempts.append(len(attempts))
        if len(attempts) == 1:
            end_connections(postgres_url)
        return tx.add_event(noted()).seq

    assert await opened.write(work) == 2
    assert attempts == [0, 1]
    assert await opened.read(lambda tx: tx.last_seq(ACCOUNT)) == 2
    await opened.close()


async def test_a_connection_lost_during_the_commit_is_reported_not_repeated(postgres_url: str) -> None:
    opened = open_store(postgres_url, tenant="contoso", clock=Watch())
    await opened.start()
    attempts: list[int] = []

    def work(tx):
        attempts.append(len(attempts))
        tx.put_chat(chat())
        tx.end = lambda: end_connections(postgres_url)

    with pytest.raises(Unavailable, match="does not answer"):
        await opened.write(work)
    assert attempts == [0]
    await opened.close()


STOPPED_REPLICA = """
import asyncio, os, signal, sys, time
from bot.store import engine, store
from tests.store.examples import noted

engine.IDLE_TIMEOUT_MS = 1500
moment, attempts = sys.argv[2], []

def stop(where):
    if where == moment and len(attempts) == 1:
        os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(0.1)  # the signal reaches this thread a moment later

class Transaction(store.SqlTransaction):
    def end(self):
        super().end()
        stop("before the commit")

def work(tx):
    attempts.append(1)
    tx.add_event(noted())
    seqs = [event.seq for event in tx.events(noted().record, limit=9)]  # from here on it holds the feed
    stop("in the middle")
    return seqs + [event.seq for event in tx.events(noted().record, limit=9)]

async def main():
    store.SqlTransaction = Transaction
    opened = store.open_store(sys.argv[1], tenant="contoso", clock=lambda: time.time_ns() // 1000)
    await opened.start()
    print(len(attempts), await opened.write(work), len(attempts))
    await opened.close()

asyncio.run(main())
"""


@pytest.mark.parametrize("moment", ["in the middle", "before the commit"])
async def test_a_replica_that_is_stopped_in_a_transaction_soon_blocks_nobody_and_goes_on_when_it_wakes(
    postgres_url: str, moment: str
) -> None:
    opened = open_store(postgres_url, tenant="contoso", clock=Watch())
    await opened.start()
    command = [sys.executable, "-c", STOPPED_REPLICA, postgres_url, moment]
    stopped = await asyncio.to_thread(subprocess.Popen, command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        async with soon():
            await asyncio.to_thread(os.waitpid, stopped.pid, os.WUNTRACED)
        async with soon():
            await opened.write(lambda tx: tx.add_event(noted()))
        stopped.send_signal(signal.SIGCONT)
        printed, _ = await asyncio.to_thread(stopped.communicate, timeout=LIMIT)
    finally:
        stopped.kill()
        stopped.wait()
    assert printed == "0 [1, 2, 1, 2] 2\n", "what it had done was undone, and done again after the other's"
    assert await opened.read(lambda tx: tx.last_seq(ACCOUNT)) == 2
    await opened.close()


async def test_a_transaction_may_be_idle_for_five_seconds_which_is_less_than_others_wait(postgres_url: str) -> None:
    opened = open_store(postgres_url, tenant="contoso", clock=Watch())
    await opened.start()

    def limits(tx):
        names = ("idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout")
        return [tx._connection.exec_driver_sql(f"SHOW {name}").scalar() for name in names]

    assert await opened.write(limits) == await opened.read(limits) == ["5s", "10s", "15s"]
    await opened.close()


async def test_an_unreachable_server_says_why_and_what_to_check(tmp_path: Path) -> None:
    opened = open_store(f"postgresql://secret-user:secret@/x?host={tmp_path}", tenant="contoso", clock=Watch())
    with pytest.raises(Unavailable, match=r"can't be opened: .*Check that it runs, and DATABASE_URL") as caught:
        await opened.start()
    assert "secret@" not in str(caught.value)
    await opened.close()


async def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"no database " * 1000)
    opened = open_store(f"sqlite:///{tmp_path}/store.db", tenant="contoso", clock=Watch())
    with pytest.raises(Unavailable, match=r"not a database.*DATABASE_URL"):
        await opened.start()
    await opened.close()


async def test_ping_does_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "PING_TIMEOUT_S", 0.05)
    opened = await sqlite_store(tmp_path / "store.db")
    stop = Stop()
    stuck = asyncio.create_task(opened.read(lambda tx: stop.here()))
    await stop.reached()
    with pytest.raises(Unavailable, match="does not answer"):
        await opened.ping()
    stop.go_on()
    await stuck
    await opened.close()


@pytest.mark.parametrize(
    "url", ["", "sqlite://", "sqlite:///:memory:", "mysql://x/y", "postgresql://h:port/x", "nonsense"]
)
def test_addresses_that_cannot_be_used_are_refused_with_an_example(url: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"DATABASE_URL .*sqlite:///"):
        open_store(url, tenant="contoso", clock=Watch())


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsInvalid, match=r"file.*can't be made"):
        open_store(f"sqlite:///{tmp_path}/file/folder/store.db", tenant="contoso", clock=Watch())
