"""Chats, their rosters and their connections."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import and_, bindparam, delete, select

from bot.domain.chats import Chat, Connection
from bot.domain.people import Member
from bot.domain.records import RecordId
from bot.store.records import key_of
from bot.store.rows import chat_of, connection_of, member_of
from bot.store.schema import chats, connections, guests, members
from bot.store.session import Session
from bot.store.statements import Statement, add, mine, put, remove, rows

_CHAT = rows(chats, "id")
_CHANNELS = rows(chats, "team", order=("id",))
_PUT_CHAT = put(chats)

_MEMBERS = rows(members, "chat", order=("account",))
_PUT_MEMBER = put(members)
_REMOVE_MEMBER = remove(members, "chat", "account")
_REMOVE_MEMBERS = remove(members, "chat")
_GUEST = rows(guests, "person")
_PUT_GUEST = put(guests)
_FORGET_GUESTS = Statement(lambda _: delete(guests).where(mine(guests), guests.c.seen_at < bindparam("before")))

_CONNECTION = rows(connections, "chat", "type", "id")
_OF_CHAT = rows(connections, "chat", order=("since", "type", "id"))
_OF_RECORD = rows(connections, "type", "id", order=("since", "chat"))
_CHATS_OF_RECORD = Statement(
    lambda _: (
        select(chats)
        .join(connections, and_(connections.c.tenant == chats.c.tenant, connections.c.chat == chats.c.id))
        .where(mine(connections, "type", "id"))
    )
)
_ADD_CONNECTION = add(connections)
_REMOVE_CONNECTION = remove(connections, "chat", "type", "id")


class ChatsPart(Session):
    """Members and connections belong to a chat that was put before; the database refuses others."""

    def chat(self, chat: str) -> Chat | None:
        row = self._one(_CHAT, id=chat)
        return None if row is None else chat_of(row)

    def channels_of(self, team: str) -> list[Chat]:
        return [chat_of(row) for row in self._all(_CHANNELS, team=team)]

    def lock_chat(self, chat: str) -> None:
        self._lock("chat", chat)

    def put_chat(self, chat: Chat) -> None:
        self.lock_chat(chat.id)
        self._run(
            _PUT_CHAT,
            id=chat.id,
            kind=chat.kind.value,
            topic=chat.topic,
            state=chat.state.value,
            audience=chat.audience.value,
            team=chat.team,
            service_url=chat.service_url,
            bot=chat.bot,
            rostered=chat.rostered,
            roster_at=chat.roster_at,
        )

    # members ---------------------------------------------------------------------------------------------------------

    def members(self, chat: str) -> list[Member]:
        return [member_of(row) for row in self._all(_MEMBERS, chat=chat)]

    def put_members(self, chat: str, members: Iterable[Member]) -> None:
        self.lock_chat(chat)
        members = list(members)
        self._run_for_each(
            _PUT_MEMBER,
            (
                {
                    "chat": chat,
                    "account": member.account,
                    "person": member.id,
                    "name": member.name,
                    "home": member.tenant,
                    "guest": member.guest,
                }
                for member in members
            ),
        )
        seen = sorted({member.id for member in members if member.guest and member.id is not None})
        self._run_for_each(_PUT_GUEST, ({"person": person, "seen_at": self.now} for person in seen))

    def replace_members(self, chat: str, members: Iterable[Member]) -> None:
        self.lock_chat(chat)
        self._run(_REMOVE_MEMBERS, chat=chat)
        self.put_members(chat, members)

    def remove_members(self, chat: str, accounts: Iterable[str]) -> None:
        self.lock_chat(chat)
        self._run_for_each(_REMOVE_MEMBER, ({"chat": chat, "account": account} for account in accounts))

    def is_guest(self, person: str) -> bool:
        return self._one(_GUEST, person=person) is not None

    def forget_guests(self, *, before: int) -> int:
        return self._run(_FORGET_GUESTS, before=before).rowcount

    # connections -----------------------------------------------------------------------------------------------------

    def connection(self, chat: str, record: RecordId) -> Connection | None:
        row = self._one(_CONNECTION, chat=chat, **key_of(record))
        return None if row is None else connection_of(row)

    def connections_of_chat(self, chat: str) -> list[Connection]:
        """Oldest first."""
        return [connection_of(row) for row in self._all(_OF_CHAT, chat=chat)]

    def connections_of_record(self, record: RecordId) -> list[tuple[Connection, Chat]]:
        """Oldest first."""
        found = self._all(_OF_RECORD, **key_of(record))
        known = {row.id: chat_of(row) for row in self._all(_CHATS_OF_RECORD, **key_of(record))} if found else {}
        return [(connection_of(row), known[row.chat]) for row in found]

    def add_connection(self, connection: Connection) -> bool:
        by = connection.by
        added = self._one(
            _ADD_CONNECTION,
            chat=connection.chat,
            **key_of(connection.record),
            since=connection.since,
            by_id=by and by.id,
            by_name=by and by.name,
        )
        return added is not None

    def remove_connection(self, chat: str, record: RecordId) -> bool:
        return self._run(_REMOVE_CONNECTION, chat=chat, **key_of(record)).rowcount == 1
