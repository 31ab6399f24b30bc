"""The schema of this program under programs of earlier versions: what they wrote is kept, and they serve on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

import bot.store
from bot.domain.history import Via
from bot.domain.records import RecordId
from bot.domain.settings import RecordType
from bot.domain.settings_json import revision, to_json
from bot.errors import PreconditionFailed
from bot.features.settings import put_record_type
from bot.store.engine import open_engines
from bot.store.migrate import stored_version
from bot.store.peek import peek_settings
from bot.store.store import open_store
from tests.postgres import Postgres
from tests.store.conftest import Watch
from tests.store.examples import ACCOUNT, ALEX, GROUP, MEGAN, noted, webhook

MakeOld = Callable[[str], str]


class OldProgram:
    """A program of an earlier version, by the statements that it runs on the tables that later versions touch.

    Attributes:
        version: of the schema it knows; its statements, by database and name, are in a file of its name.
    """

    version: ClassVar[str]

    def __init__(self, connection: Connection, *, tenant: str = "contoso") -> None:
        recorded = Path(__file__).with_name(f"statements_v{self.version}.json").read_text(encoding="utf-8")
        self._connection = connection
        self._tenant = tenant
        self._statements = json.loads(recorded)[connection.dialect.name]

    def run(self, which: str, /, **parameters: Any) -> Any:
        statement = self._statements[which]
        given = {**statement["constants"], "tenant": self._tenant, **parameters}
        return self._connection.exec_driver_sql(statement["text"], given)


class Program0001(OldProgram):
    """Adds events and messages and delivers these."""

    version = "0001"

    def add_event(self, record: RecordId) -> tuple[int, int]:
        """Its `seq` and its position."""
        key = {"type": record.type, "id": record.id}
        seq = self.run("take_seq", **key).scalar_one()
        position = self.run("take_positions", count=1).scalar_one()
        nothing = dict.fromkeys(("actor_id", "actor_name", "chat_id", "chat_kind", "chat_topic"))
        event = {"seq": seq, "event": f"01EVENT{position}", "position": position, "at": 5, "kind": "note.added"}
        self.run("append", **key, **event, **nothing, data="{}")
        assert self.run("oldest", **key, after=0, limit=99).all()[-1].seq == seq
        assert self.run("feed", after=0, limit=99).all()[-1].position == position
        return seq, position

    def deliver(self) -> list[str]:
        """Tell two messages and deliver what is due, one of them at the second try; then give up one more."""
        told = [
            self.run(
                "tell", chat=GROUP, message=json.dumps({"text": text}), now=5, lease_until=0, attempts=0
            ).scalar_one()
            for text in ("a", "b", "c")
        ]
        taken: list[str] = []
        while self.run("hold", now=5, limit=9).all():
            row = self.run("claim", chat=GROUP, now=5, until=9).one()
            if row.number == told[0] and row.attempts == 1:
                changed = self.run("postpone", number=row.number, fence=row.fence, until=5, why="503")
            elif row.number == told[2]:
                changed = self.run("park", number=row.number, fence=row.fence, why="refused")
            else:
                changed = self.run("finish", number=row.number, fence=row.fence)
                taken.append(json.loads(row.message)["text"])
            assert changed.rowcount == 1
        assert self.run("backlog").one().waiting == 0
        return taken

    def answer(self, activity: str) -> None:
        assert self.run("claim_turn", activity=activity, chat=GROUP, at=5).first() is not None
        number = self.run("tell", chat=GROUP, message="{}", now=5, lease_until=9, attempts=1).scalar_one()
        self.run("save_turn", activity=activity, chat=GROUP, response=None, delivery=number)
        assert self.run("saved_turn", activity=activity, chat=GROUP).one().number == number
        assert self.run("finish", number=number, fence=1).rowcount == 1
        assert self.run("saved_turn", activity=activity, chat=GROUP).one().number is None


class Program0002(OldProgram):
    """Reads and changes the settings."""

    version = "0002"

    def seed(self, admins: list[str], *types: RecordType) -> None:
        assert self.run("first", admins=json.dumps(admins)).first() is not None, "it is the first start"
        for record_type in types:
            self._keep(record_type)

    def record_types(self) -> dict[str, Mapping[str, Any]]:
        return {row.name: json.loads(row.document) for row in self.run("types")}

    def admins(self) -> list[str]:
        return json.loads(self.run("settings").one().admins)

    def put_record_type(self, record_type: RecordType) -> None:
        self.run("count_change")
        self._keep(record_type)

    def put_admins(self, admins: list[str]) -> None:
        self.run("count_change")
        assert self.run("admins", given=json.dumps(admins)).rowcount == 1

    def _keep(self, record_type: RecordType) -> None:
        document = json.dumps(to_json(record_type))
        assert self.run("keep_type", name=record_type.name, document=document).rowcount == 1


@pytest.fixture(params=["sqlite", "postgresql"])
def make_old(request: pytest.FixtureRequest, tmp_path: Path) -> MakeOld:
    """Makes a database of an earlier version with a chat in it; its URL."""

    def make(version: str) -> str:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path}/store.db"
        else:
            postgres: Postgres = request.getfixturevalue("postgres")
            url = postgres.create()
        engines = open_engines(url)
        config = Config()
        config.set_main_option("script_location", str(Path(bot.store.__path__[0]) / "migrations"))
        with engines.writer.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, version)
            connection.exec_driver_sql(
                "INSERT INTO chats (tenant, id, kind, topic, state, audience, service_url, bot, rostered, roster_at) "
                f"VALUES ('contoso', '{GROUP}', 'group', '', 'active', 'unknown', '', '', false, 0)"
            )
        engines.dispose()
        return url

    return make


async def test_a_program_of_version_0001_serves_on_while_and_after_the_database_is_migrated(make_old: MakeOld) -> None:
    old_database = make_old(Program0001.version)
    engines = open_engines(old_database)

    def serve(round_number: int) -> list[tuple[int, int]]:
        with engines.writer.begin() as connection:
            program = Program0001(connection)
            added = [program.add_event(ACCOUNT) for _ in range(2)]
            assert program.deliver() == ["a", "b"]
            program.answer(f"activity-{round_number}")
            assert program.run("forget", before=5).rowcount == 0
            return added

    assert serve(1) == [(1, 1), (2, 2)]
    new = open_store(old_database, tenant="contoso", clock=Watch())
    await new.start()
    assert [position for position, _ in await new.read(lambda tx: tx.feed(after=0, limit=9))] == [1, 2]
    await new.write(lambda tx: tx.put_webhook(webhook()))
    await new.write(lambda tx: tx.add_event(noted()))
    assert serve(2) == [(4, 4), (5, 5)]
    await new.write(lambda tx: tx.add_event(noted()))
    feed = await new.read(lambda tx: tx.feed(after=0, limit=9))
    assert [(position, event.seq) for position, event in feed] == [(number, number) for number in range(1, 7)]
    (third,) = await new.write(lambda tx: tx.claim_events("01WEBHOOK", limit=9, lease=1))
    assert third.event.seq == 3
    assert (await new.read(lambda tx: tx.webhook_status("01WEBHOOK"))).waiting == 2, "it owes nobody what it adds"
    assert (await new.read(lambda tx: tx.outbox_status()))["chat"].parked == 2
    await new.close()
    engines.dispose()


async def test_settings_are_shared_with_a_program_of_version_0002(make_old: MakeOld) -> None:
    url = make_old(Program0002.version)
    engines = open_engines(url)
    new = open_store(url, tenant="contoso", clock=Watch())
    with engines.writer.connect() as connection:  # the same one throughout: drivers keep statements prepared
        program = Program0002(connection)
        with connection.begin():
            program.seed([MEGAN], RecordType(name="account", label="First"))
            for _ in range(9):
                assert (list(program.record_types()), program.admins()) == (["account"], [MEGAN])
        await new.start()
        assert new.catalogue().types["account"].label == "First"
        assert new.catalogue().admins == {MEGAN: ""}

        with connection.begin():
            program.put_record_type(RecordType(name="account", label="Theirs"))
        assert (await new.read(lambda tx: tx.catalogue())).types["account"].label == "Theirs"

        ours = RecordType(name="account", label="Ours")
        await new.write(lambda tx: put_record_type(tx, ours, by=None, via=Via.API))
        await new.write(lambda tx: tx.put_admins({ALEX: "Alex Wilber"}))
        with connection.begin():
            assert program.record_types() == {"account": to_json(ours)}
            assert program.admins() == [ALEX]
            program.put_admins([ALEX, MEGAN])
            Program0002(connection, tenant="fabrikam").seed([])
        assert (await new.read(lambda tx: tx.catalogue())).admins == {ALEX: "Alex Wilber", MEGAN: ""}
    (change,) = await new.read(lambda tx: tx.settings_changes(limit=9))
    assert change.before == to_json(RecordType(name="account", label="Theirs"))
    await new.close()
    engines.dispose()


async def test_what_a_program_of_version_0002_is_changing_is_not_changed_under_it(make_old: MakeOld) -> None:
    url = make_old(Program0002.version)
    engines = open_engines(url)
    new = open_store(url, tenant="contoso", clock=Watch())
    await new.start()
    first = RecordType(name="account", label="First")
    with engines.writer.begin() as connection:
        Program0002(connection).seed([], first)

    seen, ours = revision(to_json(first)), RecordType(name="account", label="Ours")
    with engines.writer.begin() as connection:
        program = Program0002(connection)
        program.put_record_type(RecordType(name="account", label="Theirs"))
        change = asyncio.create_task(
            new.write(lambda tx: put_record_type(tx, ours, by=None, via=Via.API, expected=seen))
        )
        await asyncio.sleep(0.1)
        assert not change.done()
    with pytest.raises(PreconditionFailed):
        await change
    assert (await new.read(lambda tx: tx.catalogue())).types["account"].label == "Theirs"
    await new.close()
    engines.dispose()


async def test_a_database_of_version_0002_is_looked_into_as_it_is(make_old: MakeOld) -> None:
    url = make_old(Program0002.version)
    assert peek_settings(url, tenant="contoso") is None
    engines = open_engines(url)
    with engines.writer.begin() as connection:
        Program0002(connection).seed([MEGAN], RecordType(name="account", label="First"))
    found = peek_settings(url, tenant="contoso")
    assert found is not None
    assert list(found.types) == ["account"]
    with engines.reader.connect() as connection:
        assert stored_version(connection) == "0002"
    engines.dispose()
