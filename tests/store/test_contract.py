"""What a store keeps and gives back, on every database."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError

from bot.domain.chats import ChatKind, ChatState, Connection
from bot.domain.events import EventChat, EventType, Fact
from bot.domain.people import Actor, Audience
from bot.domain.records import Privilege, Record, RecordId
from bot.errors import Unavailable, Unprocessable
from bot.store.session import Session
from bot.store.store import SqlStore
from tests.store.conftest import Watch
from tests.store.examples import ACCOUNT, ALEX, CASE, GROUP, MEGAN, OTHER, RECORD, chat, connection, member, noted


async def keep(store: SqlStore, *records: Record) -> None:
    await store.write(lambda tx: [tx.put_record(record) for record in records])


# records -------------------------------------------------------------------------------------------------------------


async def test_a_record_comes_back_as_it_was_put_with_its_fields_in_order(store: SqlStore) -> None:
    bare = Record(record=CASE, title="")
    await keep(store, RECORD, bare)
    found = await store.read(lambda tx: tx.record(ACCOUNT))
    assert found == RECORD
    assert list(found.fields) == ["Status", "Owner", "City"]
    assert await store.read(lambda tx: tx.record(CASE)) == bare
    assert await store.read(lambda tx: tx.record(RecordId("account", "a-1001"))) is None


async def test_record_for_holds_only_the_persons_and_everybodys_access(store: SqlStore) -> None:
    await keep(store, RECORD)
    by_alex = await store.read(lambda tx: tx.record_for(ACCOUNT, ALEX))
    by_nobody = await store.read(lambda tx: tx.record_for(ACCOUNT, None))
    assert by_alex == replace(RECORD, access={"*": Privilege.READ, ALEX: Privilege.APPEND})
    assert by_nobody == replace(RECORD, access={"*": Privilege.READ})


async def test_record_for_asks_for_a_missing_record_as_often_as_for_one(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that nobody tells an unknown record from a forbidden one by the time it takes."""
    await keep(store, RECORD)
    execute, asked = Session._execute, []
    monkeypatch.setattr(Session, "_execute", lambda self, text, given: asked.append(text) or execute(self, text, given))

    async def asked_for(record: RecordId) -> list[str]:
        asked.clear()
        await store.read(lambda tx: tx.record_for(record, ALEX))
        return list(asked)

    assert len(await asked_for(ACCOUNT)) == 2
    assert await asked_for(RecordId("account", "A-9999")) == await asked_for(ACCOUNT)


async def test_putting_a_record_again_replaces_all_of_it(store: SqlStore) -> None:
    await keep(store, RECORD)
    later = Record(record=ACCOUNT, title="Fabrikam", access={MEGAN: Privilege.WRITE}, version=2)
    await keep(store, later)
    assert await store.read(lambda tx: tx.record(ACCOUNT)) == later


async def test_a_deleted_record_leaves_its_timeline_version_and_connections(store: SqlStore) -> None:
    await keep(store, replace(RECORD, version=7))

    def delete(tx):
        tx.add_event(noted())
        tx.put_chat(chat())
        tx.add_connection(connection())
        tx.delete_record(ACCOUNT)

    await store.write(delete)
    assert await store.read(lambda tx: tx.record(ACCOUNT)) is None
    assert await store.read(lambda tx: tx.last_version(ACCOUNT)) == 7
    assert await store.read(lambda tx: tx.last_seq(ACCOUNT)) == 1
    assert len(await store.read(lambda tx: tx.connections_of_record(ACCOUNT))) == 1
    await keep(store, Record(record=ACCOUNT, title="anew", version=3))
    assert (await store.read(lambda tx: tx.record(ACCOUNT))).access == {}
    assert await store.read(lambda tx: tx.last_version(ACCOUNT)) == 7, "the highest it ever had"
    assert await store.read(lambda tx: tx.last_version(CASE)) == 0


# chats ---------------------------------------------------------------------------------------------------------------


async def test_a_chat_comes_back_as_it_was_put_last(store: SqlStore) -> None:
    first = chat()
    later = chat(
        kind=ChatKind.CHANNEL,
        topic="Renewal",
        state=ChatState.SUSPENDED,
        audience=Audience.EXTERNAL,
        team="19:team@thread.tacv2",
        service_url="https://smba.trafficmanager.net/emea/",
        bot="28:bot",
        rostered=True,
        roster_at=5,
    )
    await store.write(lambda tx: tx.put_chat(first))
    assert await store.read(lambda tx: tx.chat(GROUP)) == first
    await store.write(lambda tx: tx.put_chat(later))
    assert await store.read(lambda tx: tx.chat(GROUP)) == later
    assert await store.read(lambda tx: tx.channels_of("19:team@thread.tacv2")) == [later]
    assert await store.read(lambda tx: tx.channels_of(GROUP)) == []


async def test_a_roster_is_changed_by_member_or_as_a_whole(store: SqlStore) -> None:
    a, b, c = member("29:a", ALEX), member("29:b", None, tenant="fabrikam"), member("29:c", MEGAN, guest=True)

    def change(tx, act):
        act(tx)
        return tx.members(GROUP)

    await store.write(lambda tx: tx.put_chat(chat()))
    assert await store.write(lambda tx: change(tx, lambda tx: tx.put_members(GROUP, [a, b]))) == [a, b]
    renamed = replace(a, name="Alex W.")
    assert await store.write(lambda tx: change(tx, lambda tx: tx.put_members(GROUP, [renamed]))) == [renamed, b]
    assert await store.write(lambda tx: change(tx, lambda tx: tx.remove_members(GROUP, ["29:a", "29:x"]))) == [b]
    assert await store.write(lambda tx: change(tx, lambda tx: tx.replace_members(GROUP, iter([c])))) == [c]


async def test_a_guest_is_known_from_any_roster(store: SqlStore) -> None:
    def fill(tx):
        for chat_id, guest in ((GROUP, False), (OTHER, True)):
            tx.put_chat(chat(chat_id))
            tx.put_members(chat_id, [member("29:a", ALEX, guest=guest), member("29:b", MEGAN)])

    await store.write(fill)
    assert await store.read(lambda tx: (tx.is_guest(ALEX), tx.is_guest(MEGAN), tx.is_guest("x"))) == (
        True,
        False,
        False,
    )


async def test_a_chat_is_connected_to_a_record_once(store: SqlStore) -> None:
    def connect(tx):
        tx.put_chat(chat())
        return tx.add_connection(connection()), tx.add_connection(connection(since=9)), tx.connection(GROUP, ACCOUNT)

    assert await store.write(connect) == (True, False, connection())
    assert await store.write(lambda tx: tx.add_connection(connection(since=9))) is False
    assert await store.write(
        lambda tx: (tx.remove_connection(GROUP, ACCOUNT), tx.remove_connection(GROUP, ACCOUNT))
    ) == (
        True,
        False,
    )
    assert await store.read(lambda tx: tx.connection(GROUP, ACCOUNT)) is None


async def test_connections_are_listed_from_both_sides_oldest_first(store: SqlStore) -> None:
    suspended = chat(OTHER, state=ChatState.SUSPENDED)
    nameless = Connection(chat=OTHER, record=ACCOUNT, since=1, by=None)

    def connect(tx):
        tx.put_chat(chat())
        tx.put_chat(suspended)
        for item in (connection(since=2), nameless, connection(record=CASE, since=1)):
            tx.add_connection(item)

    await store.write(connect)
    of_record = await store.read(lambda tx: tx.connections_of_record(ACCOUNT))
    assert of_record == [(nameless, suspended), (connection(since=2), chat())]
    assert await store.read(lambda tx: tx.connections_of_chat(GROUP)) == [
        connection(record=CASE, since=1),
        connection(since=2),
    ]


# events --------------------------------------------------------------------------------------------------------------


async def test_events_come_back_whole_and_count_per_record(store: SqlStore, watch: Watch) -> None:
    fact = Fact(
        type=EventType.CHAT_CONNECTED,
        record=ACCOUNT,
        actor=Actor(id=None, name="Somebody"),
        chat=EventChat(id=GROUP, kind="group", topic="Renewal"),
        data={"text": "nul \x00, half \ud800, ü"},
    )
    first = await store.write(lambda tx: [tx.add_event(fact), tx.add_event(noted(CASE)), tx.add_event(noted())])
    assert [(event.fact.record, event.seq) for event in first] == [(ACCOUNT, 1), (CASE, 1), (ACCOUNT, 2)]
    assert await store.read(lambda tx: tx.events(ACCOUNT, limit=9)) == [first[0], first[2]]
    assert first[0].fact == fact
    assert first[0].at == watch.now
    assert len({event.id for event in first}) == 3
    assert {len(event.id) for event in first} == {26}


async def test_a_timeline_is_read_in_pages_from_both_ends(store: SqlStore) -> None:
    await store.write(lambda tx: [tx.add_event(noted()) for _ in range(5)])

    async def page(**options) -> list[int]:
        return [event.seq for event in await store.read(lambda tx: tx.events(ACCOUNT, **options))]

    assert await page(limit=2) == [1, 2]
    assert await page(after=2, limit=9) == [3, 4, 5]
    assert await page(after=5, limit=9) == []
    assert await page(limit=2, newest_first=True) == [5, 4]
    assert await page(after=4, limit=9, newest_first=True) == [3, 2, 1]
    assert await page(after=1, limit=9, newest_first=True) == []


async def test_the_feed_holds_all_events_in_the_order_they_were_added(store: SqlStore) -> None:
    await store.write(lambda tx: [tx.add_event(noted()), tx.add_event(noted(CASE))])
    await store.write(lambda tx: tx.add_event(noted()))
    feed = await store.read(lambda tx: tx.feed(after=0, limit=9))
    assert [(position, str(event.fact.record), event.seq) for position, event in feed] == [
        (1, "account/A-1001", 1),
        (2, "case/C-3001", 1),
        (3, "account/A-1001", 2),
    ]
    assert await store.read(lambda tx: tx.feed(after=1, limit=1)) == feed[1:2]


async def test_a_transaction_sees_the_events_it_added(store: SqlStore) -> None:
    def add(tx):
        first = tx.add_event(noted())
        seen = tx.events(ACCOUNT, limit=9)
        second = tx.add_event(noted())
        return [first], seen, [first, second], [event for _, event in tx.feed(after=0, limit=9)]

    first, seen, both, feed = await store.write(add)
    assert (seen, feed) == (first, both)
    assert await store.read(lambda tx: tx.events(ACCOUNT, limit=9)) == both


# the facts of an unfurl ----------------------------------------------------------------------------------------------


async def test_a_glimpse_shows_what_the_transaction_shows(store: SqlStore) -> None:
    here = chat(topic="Renewal", state=ChatState.SUSPENDED, team="team", audience=Audience.EXTERNAL)

    def fill(tx):
        tx.put_chat(here)
        tx.put_members(GROUP, [member("29:a", ALEX, guest=True)])
        tx.add_connection(connection())

    await keep(store, RECORD, Record(record=CASE, title="no access"))
    await store.write(fill)
    whole = await store.unfurl_facts(ACCOUNT, person=ALEX, chat=GROUP)
    assert whole.record == await store.read(lambda tx: tx.record_for(ACCOUNT, ALEX))
    assert (whole.chat, whole.connected, whole.guest) == (here, True, True)
    other = await store.unfurl_facts(CASE, person=MEGAN, chat=OTHER)
    assert other.record == Record(record=CASE, title="no access")
    assert (other.chat, other.connected, other.guest) == (None, False, False)
    nothing = await store.unfurl_facts(None, person=None, chat=GROUP)
    assert (nothing.record, nothing.chat, nothing.connected, nothing.guest) == (None, here, False, False)
    assert (await store.unfurl_facts(RecordId("account", "x"), person=ALEX, chat="")).record is None


# refusals ------------------------------------------------------------------------------------------------------------


async def test_a_reading_transaction_cannot_write(store: SqlStore) -> None:
    with pytest.raises(Exception, match=r"read"):
        await store.read(lambda tx: tx.put_chat(chat()))
    assert await store.read(lambda tx: tx.chat(GROUP)) is None


async def test_whatever_leaves_a_transaction_by_an_error_leaves_nothing_behind(store: SqlStore) -> None:
    def fail(tx, error):
        tx.put_chat(chat())
        tx.add_event(noted())
        tx.tell(GROUP, {})
        raise error

    for error in (LookupError("a bug"), SystemExit(2), StopIteration()):
        with pytest.raises((LookupError, SystemExit, RuntimeError)):
            await store.write(lambda tx, error=error: fail(tx, error))
    found = await store.read(lambda tx: (tx.chat(GROUP), tx.last_seq(ACCOUNT), tx.feed(after=0, limit=9)))
    assert found == (None, 0, [])
    assert (await store.write(lambda tx: tx.add_event(noted()))).seq == 1


async def test_an_error_of_the_database_does_not_tell_what_people_wrote(store: SqlStore) -> None:
    with pytest.raises(IntegrityError) as caught:
        await store.write(lambda tx: tx.put_members(GROUP, [member("29:a", name="Secret Name")]))
    assert "Secret" not in str(caught.value)


async def test_a_value_that_cannot_be_stored_is_refused_and_the_store_goes_on(store: SqlStore) -> None:
    for action in (
        lambda tx: tx.claim_turn("half \ud800", GROUP),
        lambda tx: tx.feed(after=2**70, limit=1),
    ):
        with pytest.raises(Unprocessable, match="try again"):
            await store.write(action)
    with pytest.raises(Unprocessable, match="try again"):
        await store.unfurl_facts(None, person="\ud800", chat=GROUP)
    assert await store.write(lambda tx: tx.claim_turn("whole", GROUP)) is None
    assert (await store.unfurl_facts(None, person=ALEX, chat=GROUP)).chat is None


async def test_a_closed_store_says_so(store: SqlStore) -> None:
    await store.ping()
    await store.close()
    with pytest.raises(Unavailable, match="closed"):
        await store.ping()
    with pytest.raises(Unavailable, match="closed"):
        await store.unfurl_facts(None, person=None, chat="")
