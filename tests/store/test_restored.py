"""A restored database is made ready so that nobody takes what is new for what they have seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.domain.webhooks import Webhook
from bot.errors import SettingsInvalid
from bot.ports import Transaction
from bot.store.restored import main, prepare
from bot.store.store import SqlStore
from tests.store.conftest import Watch
from tests.store.examples import GROUP, chat, noted, refused, settings_change

WEBHOOK = Webhook(id="01KAXV7Q5J6Z8M3T9R2W4Y1N0B", url="https://hooks.example.com/", secrets=())


async def test_new_events_come_after_every_cursor_there_ever_was_and_seq_goes_on(
    store: SqlStore, database: str
) -> None:
    before = await store.write(lambda tx: [tx.add_event(noted()) for _ in range(3)])
    prepare(database)
    (new,) = await store.write(lambda tx: [tx.add_event(noted())])
    ahead = 3 + 1_000_000
    assert [event for _, event in await store.read(lambda tx: tx.feed(after=ahead, limit=9))] == [new]
    assert [event for _, event in await store.read(lambda tx: tx.feed(after=0, limit=9))] == [*before, new]
    assert new.seq == 4
    assert await store.read(lambda tx: tx.last_position()) > ahead


async def test_numbers_of_the_history_and_the_audit_trail_come_after_every_number_there_ever_was(
    store: SqlStore, database: str
) -> None:
    def add(tx: Transaction) -> None:
        tx.add_refusal(refused())
        tx.add_settings_change(settings_change())

    def numbers(tx: Transaction) -> list[list[int]]:
        return [[it.number for it in found] for found in (tx.refusals(limit=9), tx.settings_changes(limit=9))]

    await store.write(add)
    prepare(database)
    await store.write(add)
    for before, after in await store.read(numbers):
        assert after > before + 1_000_000


async def test_messages_that_waited_for_chats_are_parked_and_later_ones_are_sent(
    store: SqlStore, database: str, watch: Watch
) -> None:
    await store.write(
        lambda tx: (tx.put_chat(chat()), tx.tell(GROUP, {"text": "old"}), tx.tell(GROUP, {"text": "old"}))
    )
    assert prepare(database) == 2
    await store.write(lambda tx: tx.tell(GROUP, {"text": "new"}))
    (claimed,) = await store.write(lambda tx: tx.claim_deliveries(limit=9, most=9, lease=1))
    assert [message.message for message in claimed.messages] == [{"text": "new"}]
    assert (await store.read(lambda tx: tx.outbox_status()))["chat"].parked == 2


async def test_what_was_owed_to_webhooks_is_still_owed(store: SqlStore, database: str) -> None:
    await store.write(lambda tx: tx.put_webhook(WEBHOOK))
    await store.write(lambda tx: tx.add_event(noted()))
    prepare(database)
    assert (await store.read(lambda tx: tx.outbox_status()))["webhook"].waiting == 1


def test_a_database_where_nothing_was_restored_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path}/mistyped.db"
    with pytest.raises(SettingsInvalid, match="Restore the backup first"):
        prepare(url)
    monkeypatch.setenv("DATABASE_URL", url)
    assert main() == 2
    assert "Restore the backup first" in capsys.readouterr().err
