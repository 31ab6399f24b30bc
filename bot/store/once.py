"""What keeps a repeated request from having its effect twice."""

from __future__ import annotations

import json

from sqlalchemy import bindparam, delete, select, update

from bot.ports import Json, SavedTurn
from bot.store.outbox import IS_DONE, IS_MESSAGE
from bot.store.schema import idempotency_keys, last_notes, outbox, turns
from bot.store.session import Session, to_text
from bot.store.statements import Statement, add, mine, put, remove, rows

_CLAIM = add(turns, response=None, delivery=None)
_ANSWERED = rows(turns, "activity", "chat")
_ANSWER = Statement(
    lambda _: update(turns).where(mine(turns, "activity", "chat")).values(response=bindparam("response"))
)
_NOTE = rows(last_notes, "chat", "person")
_NOTE_SINCE = Statement(
    lambda _: select(last_notes.c.at).where(mine(last_notes, "chat", "person"), last_notes.c.at >= bindparam("since"))
)
_PUT_NOTE = put(last_notes)
_REMOVE_NOTE = remove(last_notes, "chat", "person")
_KEY = rows(idempotency_keys, "key")
_PUT_KEY = put(idempotency_keys)

_BEFORE = bindparam("before")
_FORGET = (
    Statement(lambda _: delete(turns).where(mine(turns), turns.c.at < _BEFORE)),
    Statement(lambda _: delete(idempotency_keys).where(mine(idempotency_keys), idempotency_keys.c.at < _BEFORE)),
    Statement(lambda _: delete(last_notes).where(mine(last_notes), last_notes.c.at < _BEFORE)),
    Statement(lambda _: delete(outbox).where(mine(outbox), IS_DONE, IS_MESSAGE, outbox.c.created_at < _BEFORE)),
)


class OncePart(Session):
    """Turns, notes and idempotency keys."""

    def claim_turn(self, activity: str, chat: str) -> SavedTurn | None:
        if self._one(_CLAIM, activity=activity, chat=chat, at=self.now) is not None:
            return None
        row = self._one(_ANSWERED, activity=activity, chat=chat)
        if row is None:  # it was forgotten between the two statements
            return SavedTurn(response=None)
        response = None if row.response is None else json.loads(row.response)
        return SavedTurn(response=response if isinstance(response, dict) else None)

    def save_turn(self, activity: str, chat: str, response: Json) -> None:
        self._run(_ANSWER, activity=activity, chat=chat, response=to_text(response))

    def recent_note(self, chat: str, person: str) -> tuple[str, int, int] | None:
        self._lock("note", chat, person)
        row = self._one(_NOTE, chat=chat, person=person)
        return None if row is None else (row.digest, row.at, row.seq)

    def noted_since(self, chat: str, person: str, since: int) -> bool:
        return self._one(_NOTE_SINCE, chat=chat, person=person, since=since) is not None

    def remember_note(self, chat: str, person: str, digest: str, seq: int) -> None:
        self._run(_PUT_NOTE, chat=chat, person=person, digest=digest, at=self.now, seq=seq)

    def forget_note(self, chat: str, person: str) -> None:
        self._run(_REMOVE_NOTE, chat=chat, person=person)

    def idempotent_response(self, key: str) -> tuple[str, Json] | None:
        self._lock("key", key)
        row = self._one(_KEY, key=key)
        return None if row is None else (row.digest, json.loads(row.response))

    def save_idempotent_response(self, key: str, digest: str, response: Json) -> None:
        self._run(_PUT_KEY, key=key, digest=digest, response=to_text(response), at=self.now)

    def expire(self, *, before: int) -> int:
        """Also forgets which notes were taken: they only matter for a minute."""
        return sum(self._run(statement, before=before).rowcount for statement in _FORGET)
