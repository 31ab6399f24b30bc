"""Version 0002 of the schema under a program of version 0001: what it wrote is kept, and it serves on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

import bot.store
from bot.domain.records import RecordId
from bot.store.engine import open_engines
from bot.store.store import open_store
from tests.postgres import Postgres
from tests.store.conftest import Watch
from tests.store.examples import ACCOUNT, GROUP, noted, webhook

STATEMENTS = json.loads(Path(__file__).with_name("statements_v0001.json").read_text(encoding="utf-8"))
"""By database and name: what a program of version 0001 runs on the tables that later versions touch, as it runs it."""


class OldProgram:
    """Adds events and messages and delivers these, with the statements of version 0001."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._statements = STATEMENTS[connection.dialect.name]

    def run(self, name: str, **parameters: Any) -> Any:
        statement = self._statements[name]
        given = {**statement["constants"], "tenant": "contoso", **parameters}
        return self._connection.exec_driver_sql(statement["text"], given)

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


@pytest.fixture(params=["sqlite", "postgresql"])
def old_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database of version 0001 with a chat in it."""
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
        command.upgrade(config, "0001")
        connection.exec_driver_sql(
            "INSERT INTO chats (tenant, id, kind, topic, state, audience, service_url, bot, rostered, roster_at) "
            f"VALUES ('contoso', '{GROUP}', 'group', '', 'active', 'unknown', '', '', false, 0)"
        )
    engines.dispose()
    return url


async def test_a_program_of_the_version_before_serves_on_while_and_after_the_database_is_migrated(
    old_database: str,
) -> None:
    engines = open_engines(old_database)

    def serve(round_number: int) -> list[tuple[int, int]]:
        with engines.writer.begin() as connection:
            program = OldProgram(connection)
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
