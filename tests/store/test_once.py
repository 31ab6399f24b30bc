"""What keeps a repeated request from having its effect twice, on every database."""

from __future__ import annotations

from bot.store.store import SqlStore
from tests.store.conftest import Watch
from tests.store.examples import ALEX, GROUP, OTHER, chat


async def test_a_turn_is_claimed_once_and_its_answer_is_kept(store: SqlStore) -> None:
    assert await store.write(lambda tx: tx.claim_turn("activity", GROUP)) is None
    assert await store.write(lambda tx: tx.claim_turn("activity", OTHER)) is None, "ids are a chat's own"
    assert (await store.write(lambda tx: tx.claim_turn("activity", GROUP))).response is None
    await store.write(lambda tx: tx.save_turn("activity", GROUP, {"status": 200}))
    assert (await store.write(lambda tx: tx.claim_turn("activity", GROUP))).response == {"status": 200}


async def test_a_note_is_remembered_until_it_is_forgotten(store: SqlStore, watch: Watch) -> None:
    assert await store.write(lambda tx: tx.recent_note(GROUP, ALEX)) is None
    await store.write(lambda tx: tx.remember_note(GROUP, ALEX, "digest", 3))
    await store.write(lambda tx: tx.remember_note(GROUP, ALEX, "another", 4))
    assert await store.write(lambda tx: tx.recent_note(GROUP, ALEX)) == ("another", watch.now, 4)
    await store.write(lambda tx: tx.forget_note(GROUP, ALEX))
    assert await store.write(lambda tx: tx.recent_note(GROUP, ALEX)) is None


async def test_an_idempotency_key_keeps_its_response(store: SqlStore) -> None:
    assert await store.write(lambda tx: tx.idempotent_response("key")) is None
    await store.write(lambda tx: tx.save_idempotent_response("key", "digest", {"seq": 1}))
    assert await store.write(lambda tx: tx.idempotent_response("key")) == ("digest", {"seq": 1})


async def test_what_is_older_than_asked_is_forgotten_unless_it_still_must_be_told(
    store: SqlStore, watch: Watch
) -> None:
    def fill(tx):
        tx.put_chat(chat())
        tx.claim_turn(str(watch.now), GROUP)
        tx.save_idempotent_response(str(watch.now), "digest", {})
        done, _ = tx.tell(GROUP, {}), tx.tell(GROUP, {})
        tx.finish_delivery(done)

    await store.write(fill)
    first, watch.now = watch.now, watch.now + 1000
    await store.write(fill)
    assert await store.write(lambda tx: tx.expire(before=watch.now)) == 3
    assert await store.write(lambda tx: tx.claim_turn(str(first), GROUP)) is None
    assert await store.write(lambda tx: tx.claim_turn(str(watch.now), GROUP)) is not None
    assert await store.read(lambda tx: tx.outbox_backlog()) == (2, first)
