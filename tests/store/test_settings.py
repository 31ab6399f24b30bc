"""The settings in the store, on every database."""

from __future__ import annotations

import pytest

from bot.domain.catalogue import Catalogue
from bot.domain.records import App, Disclosure, RecordType
from bot.store.store import SqlStore
from tests.store.conftest import Open
from tests.store.examples import ALEX, GROUP, MEGAN


async def test_the_first_start_writes_the_settings_and_later_ones_do_not(open_another: Open) -> None:
    types = [RecordType(name=name, label=name, links=(f"https://x.example/{name}/{{id}}",)) for name in ("b", "a")]
    first = Catalogue(types=types, apps=[App(id="z", label="Z"), App(id="y", label="Y")], admins=[MEGAN, ALEX])
    store = await open_another()
    assert store.catalogue().version == 0
    await store.seed(first)
    await store.seed(Catalogue(admins=["somebody else"]))
    for replica in (store, await open_another()):
        found = replica.catalogue()
        assert list(found.types.values()) == types, "in the order of their creation"
        assert list(found.apps) == ["z", "y"]
        assert found.admins == {ALEX, MEGAN}
        assert found.version == 1


async def test_a_setting_changed_by_another_replica_counts_from_the_next_read_on(open_another: Open) -> None:
    here, there = await open_another(), await open_another()
    await here.seed(Catalogue(types=[RecordType(name=name, label=name) for name in ("account", "case")]))
    assert list((await there.glimpse(None, person=None, chat=GROUP)).catalogue.types) == ["account", "case"]
    changed = RecordType(name="account", label="Account", disclosure=Disclosure.BUTTON)
    await here.write(lambda tx: (tx.put_record_type(changed), tx.put_app(App(id="x", label="X"))))
    assert here.catalogue().types["account"] == changed
    seen = (await there.glimpse(None, person=None, chat=GROUP)).catalogue
    assert list(seen.types.values()) == [changed, RecordType(name="case", label="case")]
    assert there.catalogue() is seen
    await here.write(lambda tx: tx.put_admins([ALEX]))
    assert (await there.read(lambda tx: tx.catalogue())).admins == {ALEX}
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
    assert list((await store.glimpse(None, person=None, chat="")).catalogue.apps) == ["y"]
