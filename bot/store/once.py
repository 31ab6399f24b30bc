"""What keeps a repeated request from having its effect twice."""

from __future__ import annotations

import json

from sqlalchemy import and_, delete, select, update

from bot.ports import Json, SavedTurn
from bot.store import schema
from bot.store.outbox import DONE
from bot.store.session import Session, to_text


class OncePart(Session):
    """Turns, notes and idempotency keys."""

    def claim_turn(self, activity: str, chat: str) -> SavedTurn | None:
        turns, outbox = schema.turns, schema.outbox
        if self._add(turns, activity=activity, chat=chat, at=self.now):
            return None
        unsent = and_(outbox.c.tenant == turns.c.tenant, outbox.c.number == turns.c.delivery, outbox.c.state != DONE)
        row = self._one(
            select(turns.c.response, outbox.c.number)
            .outerjoin_from(turns, outbox, unsent)
            .where(self._mine(turns, activity=activity, chat=chat))
        )
        if row is None:  # it was forgotten between the two statements
            return SavedTurn(response=None)
        return SavedTurn(response=row.response and json.loads(row.response), delivery=row.number)

    def save_turn(self, activity: str, chat: str, response: Json | None, delivery: int | None) -> None:
        saved = None if response is None else to_text(response)
        turns = schema.turns
        where = self._mine(turns, activity=activity, chat=chat)
        self._execute(update(turns).where(where).values(response=saved, delivery=delivery))

    def recent_note(self, chat: str, person: str) -> tuple[str, int, int] | None:
        self._lock("note", chat, person)
        notes = schema.last_notes
        row = self._one(select(notes).where(self._mine(notes, chat=chat, person=person)))
        return None if row is None else (row.digest, row.at, row.seq)

    def noted_since(self, chat: str, person: str, since: int) -> bool:
        notes = schema.last_notes
        row = self._one(select(notes.c.at).where(self._mine(notes, chat=chat, person=person), notes.c.at >= since))
        return row is not None

    def remember_note(self, chat: str, person: str, digest: str, seq: int) -> None:
        self._put(schema.last_notes, chat=chat, person=person, digest=digest, at=self.now, seq=seq)

    def forget_note(self, chat: str, person: str) -> None:
        self._execute(delete(schema.last_notes).where(self._mine(schema.last_notes, chat=chat, person=person)))

    def idempotent_response(self, key: str) -> tuple[str, Json] | None:
        self._lock("key", key)
        keys = schema.idempotency_keys
        row = self._one(select(keys).where(self._mine(keys, key=key)))
        return None if row is None else (row.digest, json.loads(row.response))

    def save_idempotent_response(self, key: str, digest: str, response: Json) -> None:
        self._put(schema.idempotency_keys, key=key, digest=digest, response=to_text(response), at=self.now)

    def expire(self, *, before: int) -> int:
        """Also forgets which notes were taken: they only matter for a minute."""
        outbox = schema.outbox
        forgotten = [
            delete(table).where(self._mine(table), table.c.at < before)
            for table in (schema.turns, schema.idempotency_keys, schema.last_notes)
        ]
        forgotten.append(delete(outbox).where(self._mine(outbox, state=DONE), outbox.c.created_at < before))
        return sum(self._execute(statement).rowcount for statement in forgotten)
