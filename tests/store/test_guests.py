"""Who is a guest is remembered longer than the rosters that showed it."""

from __future__ import annotations

from bot.store.store import SqlStore
from tests.store.conftest import Watch
from tests.store.examples import ALEX, GROUP, chat, member


async def test_a_guest_stays_one_until_no_roster_has_shown_it_for_long(store: SqlStore, watch: Watch) -> None:
    await store.write(lambda tx: tx.put_chat(chat()))
    await store.write(lambda tx: tx.put_members(GROUP, [member("29:a", ALEX, guest=True), member("29:b", None)]))
    await store.write(lambda tx: tx.replace_members(GROUP, []))
    assert await store.read(lambda tx: tx.is_guest(ALEX))
    assert (await store.unfurl_facts(None, person=ALEX, chat=GROUP)).guest
    watch.now += 5
    await store.write(lambda tx: tx.put_members(GROUP, [member("29:a", ALEX, guest=True)]))
    assert await store.write(lambda tx: tx.forget_guests(before=watch.now)) == 0, "a roster has just shown it"
    assert await store.write(lambda tx: tx.forget_guests(before=watch.now + 1)) == 1
    assert not await store.read(lambda tx: tx.is_guest(ALEX))
    assert not (await store.unfurl_facts(None, person=ALEX, chat=GROUP)).guest
