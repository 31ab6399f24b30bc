"""The history of the settings and the audit trail of refusals, on every database."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from bot.domain.catalogue import Catalogue
from bot.domain.decisions import Action, Reason
from bot.domain.history import Refused, SettingsChange, Subject, Via
from bot.domain.people import Actor
from bot.domain.settings import App, RecordType
from bot.domain.settings_json import admins_to_json, to_json
from bot.errors import Unprocessable
from bot.ports import Transaction
from bot.store.store import SqlStore
from tests.store.conftest import Open, Watch
from tests.store.examples import ACCOUNT, ALEX, GROUP, MEGAN, refused, settings_change

STRANGE = "O'Brien „🚀“ \\ % _ \n\t\u202e{}"


async def history(store: SqlStore, **asked: Any) -> list[SettingsChange]:
    return await store.read(lambda tx: tx.settings_changes(**{"limit": 999, **asked}))


async def trail(store: SqlStore, **asked: Any) -> list[Refused]:
    return await store.read(lambda tx: tx.refusals(**{"limit": 999, **asked}))


# settings ------------------------------------------------------------------------------------------------------------


async def test_the_history_begins_with_what_the_first_start_wrote(open_another: Open, watch: Watch) -> None:
    types = [RecordType(name=name, label=name.title()) for name in ("case", "account")]
    app = App(id="sales-hub", label="Sales Hub")
    first = Catalogue(types=types, apps=[app], admins={MEGAN: "Megan Bowen", ALEX: ""})
    stores = [await open_another(), await open_another()]
    await asyncio.gather(*(store.seed(first) for store in stores for _ in range(3)))
    await stores[0].seed(Catalogue(apps=[App(id="later", label="Later")]))
    by_config = {"via": Via.CONFIG, "at": watch.now}
    assert [replace(change, number=0) for change in await history(stores[1])] == [
        *(settings_change(it.name, subject=Subject.RECORD_TYPE, after=to_json(it), **by_config) for it in types),
        settings_change("sales-hub", after=to_json(app), **by_config),
        settings_change("", subject=Subject.ADMINS, after=admins_to_json(first.admins), **by_config),
    ]


async def test_a_change_comes_back_as_it_was_made(store: SqlStore, watch: Watch) -> None:
    made = [
        settings_change(
            STRANGE, subject=subject, via=via, by=by, before=before, after={"text": f"{STRANGE}\x00\ud800", "n": [1]}
        )
        for subject in Subject
        for via, by, before in (
            (Via.CONFIG, None, None),
            (Via.API, Actor(id=None, name=STRANGE), {}),
            (Via.CHAT, Actor(id=ALEX, name=""), {"text": STRANGE}),
        )
    ]
    assert {change.via for change in made} == set(Via)
    await store.write(lambda tx: [tx.add_settings_change(change) for change in made])
    assert [replace(change, number=0, at=0) for change in await history(store)] == made
    assert {change.at for change in await history(store)} == {watch.now}


# refusals ------------------------------------------------------------------------------------------------------------


async def test_a_refusal_of_every_action_for_every_reason_comes_back_as_it_was(store: SqlStore, watch: Watch) -> None:
    made = [refused(action=action, reason=reason) for action in Action for reason in Reason]
    made += [
        refused(chat=GROUP, record=ACCOUNT, setting="app.enabled"),
        refused(chat=STRANGE, record=replace(ACCOUNT, id=STRANGE), by=Actor(id=None, name=STRANGE)),
        refused(by=Actor(id=ALEX, name="")),
    ]
    await store.write(lambda tx: [tx.add_refusal(one) for one in made])
    assert [replace(one, number=0, at=0) for one in await trail(store)] == made
    assert {one.at for one in await trail(store)} == {watch.now}


async def test_old_refusals_are_forgotten_and_their_numbers_never_given_again(store: SqlStore, watch: Watch) -> None:
    for chat in ("a", "b", "c"):
        await store.write(lambda tx, chat=chat: tx.add_refusal(refused(chat=chat)))
        watch.now += 10
    before = await trail(store)
    assert await store.write(lambda tx: tx.forget_refusals(before=tx.now - 10)) == 2
    assert await trail(store) == before[2:]
    assert await store.write(lambda tx: tx.forget_refusals(before=tx.now)) == 1
    await store.write(lambda tx: tx.add_refusal(refused(chat="d")))
    (after,) = await trail(store)
    assert after.number > before[-1].number


# both ----------------------------------------------------------------------------------------------------------------


def add_change(tx: Transaction, name: str) -> None:
    tx.lock_settings()
    tx.add_settings_change(settings_change(name))


def read_changes(tx: Transaction, **asked: Any) -> list[tuple[int, str]]:
    return [(change.number, change.name) for change in tx.settings_changes(**asked)]


def add_refusal(tx: Transaction, name: str) -> None:
    tx.add_refusal(refused(chat=name))


def read_refusals(tx: Transaction, **asked: Any) -> list[tuple[int, str]]:
    return [(one.number, one.chat) for one in tx.refusals(**asked)]


BOTH = pytest.mark.parametrize(
    ("add", "read"), [(add_change, read_changes), (add_refusal, read_refusals)], ids=["settings", "refusals"]
)


@BOTH
async def test_it_is_read_in_pages_from_both_ends(store: SqlStore, add: Any, read: Any) -> None:
    await store.write(lambda tx: [add(tx, name) for name in "abcde"])
    everything = await store.read(lambda tx: read(tx, limit=9))
    assert "".join(name for _, name in everything) == "abcde"
    numbers = [number for number, _ in everything]
    assert numbers == sorted(set(numbers))
    assert numbers[0] > 0
    for newest_first, expected in ((False, everything), (True, everything[::-1])):
        seen, last = [], 0
        pages = partial(read, limit=2, newest_first=newest_first)
        while page := await store.read(lambda tx, pages=pages, after=last: pages(tx, after=after)):
            assert len(page) <= 2
            seen, last = seen + page, page[-1][0]
        assert seen == expected


@BOTH
async def test_what_was_rolled_back_never_was(store: SqlStore, add: Any, read: Any) -> None:
    def fail(tx: Transaction) -> None:
        add(tx, "never")
        assert read(tx, limit=9)
        raise LookupError

    with pytest.raises(LookupError):
        await store.write(fail)
    await store.write(lambda tx: add(tx, "first"))
    assert [name for _, name in await store.read(lambda tx: read(tx, limit=9))] == ["first"]


@BOTH
async def test_who_reads_on_from_the_last_one_seen_misses_none_while_ten_write(
    open_another: Open, add: Any, read: Any
) -> None:
    stores = [await open_another(), await open_another()]
    ended = asyncio.Event()

    def work(tx: Transaction, name: str, dice: random.Random) -> None:
        add(tx, name)
        time.sleep(dice.random() * 0.003)  # its number is taken and not yet visible
        if dice.random() < 0.1:
            raise LookupError

    async def write(writer: int) -> list[str]:
        dice, added = random.Random(writer), []
        for name in (f"{writer}-{number}" for number in range(10)):
            try:
                await stores[writer % 2].write(lambda tx, name=name: work(tx, name, dice))
                added.append(name)
            except LookupError:
                continue
        return added

    async def read_on() -> list[str]:
        seen, last = [], 0
        while True:
            final = ended.is_set()
            page = await stores[0].read(lambda tx, after=last: read(tx, after=after, limit=3))
            seen += [name for _, name in page]
            if page:
                last = page[-1][0]
            elif final:
                return seen

    async with asyncio.timeout(60):
        reader = asyncio.create_task(read_on())
        added = [name for names in await asyncio.gather(*map(write, range(10))) for name in names]
        ended.set()
        assert sorted(await reader) == sorted(added)


@BOTH
async def test_a_text_that_cannot_be_stored_is_refused(store: SqlStore, add: Any, read: Any) -> None:
    with pytest.raises(Unprocessable, match="try again"):
        await store.write(lambda tx: add(tx, "half \ud800"))
    assert await store.read(lambda tx: read(tx, limit=9)) == []
