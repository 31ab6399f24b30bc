"""The settings in the store, on every database."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.domain.catalogue import Catalogue
from bot.domain.history import Via
from bot.domain.people import Actor
from bot.domain.records import Disclosure
from bot.domain.settings import App, RecordType
from bot.domain.settings_json import revision, to_json
from bot.errors import PreconditionFailed
from bot.features.settings import put_record_type
from bot.store.store import SqlStore
from tests.store.conftest import Open
from tests.store.examples import ALEX, GROUP, MEGAN


async def test_the_first_start_writes_the_settings_and_later_ones_do_not(open_another: Open) -> None:
    types = [RecordType(name=name, label=name, links=(f"https://x.example/{name}/{{id}}",)) for name in ("b", "a")]
    first = Catalogue(
        types=types, apps=[App(id="z", label="Z"), App(id="y", label="Y")], admins={MEGAN: "Megan Bowen", ALEX: ""}
    )
    store = await open_another()
    assert store.catalogue().version == 0
    await store.seed(first)
    await store.seed(Catalogue(admins={"somebody else": ""}))
    for replica in (store, await open_another()):
        found = replica.catalogue()
        assert list(found.types.values()) == types, "in the order of their creation"
        assert list(found.apps) == ["z", "y"]
        assert found.admins == {ALEX: "", MEGAN: "Megan Bowen"}
        assert found.version == 1


async def test_a_setting_changed_by_another_replica_counts_from_the_next_read_on(open_another: Open) -> None:
    here, there = await open_another(), await open_another()
    await here.seed(Catalogue(types=[RecordType(name=name, label=name) for name in ("account", "case")]))
    assert list((await there.unfurl_facts(None, person=None, chat=GROUP)).catalogue.types) == ["account", "case"]
    changed = RecordType(name="account", label="Account", disclosure=Disclosure.BUTTON)
    await here.write(lambda tx: (tx.put_record_type(changed), tx.put_app(App(id="x", label="X"))))
    assert here.catalogue().types["account"] == changed
    seen = (await there.unfurl_facts(None, person=None, chat=GROUP)).catalogue
    assert list(seen.types.values()) == [changed, RecordType(name="case", label="case")]
    assert there.catalogue() is seen
    await here.write(lambda tx: tx.put_admins({ALEX: "Alex"}))
    assert (await there.read(lambda tx: tx.catalogue())).admins == {ALEX: "Alex"}
    assert there.catalogue().apps == {"x": App(id="x", label="X")}


async def test_a_change_of_settings_that_was_rolled_back_never_was(store: SqlStore) -> None:
    def fail(tx):
        tx.put_app(App(id="x", label="X"))
        assert list(tx.catalogue().apps) == ["x"]
        raise LookupError

    with pytest.raises(LookupError):
        await store.write(fail)
    assert store.catalogue().apps == {}
    await store.write(lambda tx: tx.put_app(App(id="y", label="Y")))
    assert list(store.catalogue().apps) == ["y"]
    assert list((await store.unfurl_facts(None, person=None, chat="")).catalogue.apps) == ["y"]


async def test_administrators_have_names_where_these_are_known(open_another: Open) -> None:
    here, there = await open_another(), await open_another()
    await here.write(lambda tx: tx.put_admins({MEGAN: "Megan Bowen", ALEX: "O'Brien „🚀“ \x00"}))
    assert (await there.read(lambda tx: tx.catalogue())).admins == {MEGAN: "Megan Bowen", ALEX: "O'Brien „🚀“ \x00"}
    await there.write(lambda tx: tx.put_admins({ALEX: ""}))
    assert (await here.read(lambda tx: tx.catalogue())).admins == {ALEX: ""}, "these and no others"
    await here.write(lambda tx: tx.put_admins({}))
    assert (await there.read(lambda tx: tx.catalogue())).admins == {}


# two at once ---------------------------------------------------------------------------------------------------------

ACCOUNT_TYPE = RecordType(name="account", label="Account")


async def test_of_two_changes_to_what_both_have_read_one_is_made(open_another: Open) -> None:
    stores = [await open_another(), await open_another()]
    await stores[0].seed(Catalogue(types=[ACCOUNT_TYPE]))
    current = ACCOUNT_TYPE

    async def change(store: SqlStore, label: str, seen: str) -> RecordType:
        ours = RecordType(name="account", label=label)
        await store.write(lambda tx: put_record_type(tx, ours, by=None, via=Via.API, expected=seen))
        return ours

    for number in range(50):
        seen = revision(to_json(current))
        changes = (change(store, f"{number} {place}", seen) for place, store in enumerate(stores))
        ended = await asyncio.gather(*changes, return_exceptions=True)
        (current,) = (one for one in ended if isinstance(one, RecordType))
        (failed,) = (one for one in ended if not isinstance(one, RecordType))
        assert isinstance(failed, PreconditionFailed)
        for store in stores:
            assert (await store.read(lambda tx: tx.catalogue())).types == {"account": current}
    history = await stores[0].read(lambda tx: tx.settings_changes(limit=99))
    assert len(history) == 2 + 50, "the type and the admins of the first start, then a change in each round"
    assert [change.after["label"].split()[0] for change in history[2:]] == [str(number) for number in range(50)]


async def test_who_reads_again_and_tries_again_loses_nobodys_change(open_another: Open) -> None:
    stores = [await open_another(), await open_another()]
    await stores[0].seed(Catalogue(types=[ACCOUNT_TYPE]))

    async def add_fields(store: SqlStore, who: str) -> None:
        for number in range(2):
            while not await add_field(store, f"{who}{number}", Actor(id=None, name=who)):
                pass

    async def add_field(store: SqlStore, field: str, by: Actor) -> bool:
        found = (await store.read(lambda tx: tx.catalogue())).types["account"]
        more = replace(found, card_fields=(*found.card_fields, field))
        expected = revision(to_json(found))
        try:
            await store.write(lambda tx: put_record_type(tx, more, by=by, via=Via.CHAT, expected=expected))
        except PreconditionFailed:
            return False
        return True

    async with asyncio.timeout(60):
        await asyncio.gather(*(add_fields(stores[number % 2], f"{number}-") for number in range(5)))
    final = (await stores[1].read(lambda tx: tx.catalogue())).types["account"]
    assert sorted(final.card_fields) == [f"{who}-{number}" for who in range(5) for number in range(2)]
    history = [it for it in await stores[0].read(lambda tx: tx.settings_changes(limit=99)) if it.name == "account"]
    assert [it.before for it in history[1:]] == [it.after for it in history[:-1]], "each began where the last one ended"
    assert history[-1].after == to_json(final)
