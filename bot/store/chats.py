"""Chats, their rosters and their connections."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import and_, delete, exists, select

from bot.domain.chats import Chat, Connection
from bot.domain.people import Member
from bot.domain.records import RecordId
from bot.store import schema
from bot.store.rows import chat_of, connection_of, member_of
from bot.store.session import Session


class ChatsPart(Session):
    """Members and connections belong to a chat that was put before; the database refuses others."""

    def chat(self, chat: str) -> Chat | None:
        row = self._one(select(schema.chats).where(self._mine(schema.chats, id=chat)))
        return None if row is None else chat_of(row)

    def channels_of(self, team: str) -> list[Chat]:
        rows = self._all(select(schema.chats).where(self._mine(schema.chats, team=team)).order_by(schema.chats.c.id))
        return [chat_of(row) for row in rows]

    def lock_chat(self, chat: str) -> None:
        self._lock("chat", chat)

    def put_chat(self, chat: Chat) -> None:
        self.lock_chat(chat.id)
        self._put(
            schema.chats,
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
        members = schema.members
        rows = self._all(select(members).where(self._mine(members, chat=chat)).order_by(members.c.account))
        return [member_of(row) for row in rows]

    def put_members(self, chat: str, members: Iterable[Member]) -> None:
        self.lock_chat(chat)
        for member in members:
            self._put(
                schema.members,
                chat=chat,
                account=member.account,
                person=member.id,
                name=member.name,
                home=member.tenant,
                guest=member.guest,
            )

    def replace_members(self, chat: str, members: Iterable[Member]) -> None:
        self.lock_chat(chat)
        self._execute(delete(schema.members).where(self._mine(schema.members, chat=chat)))
        self.put_members(chat, members)

    def remove_members(self, chat: str, accounts: Iterable[str]) -> None:
        self.lock_chat(chat)
        these = schema.members.c.account.in_(list(accounts))
        self._execute(delete(schema.members).where(self._mine(schema.members, chat=chat), these))

    def is_guest(self, person: str) -> bool:
        row = self._one(select(exists().where(self._mine(schema.members, person=person, guest=True)).label("guest")))
        return bool(row and row.guest)

    # connections -----------------------------------------------------------------------------------------------------

    def connection(self, chat: str, record: RecordId) -> Connection | None:
        key = {"chat": chat, "type": record.type, "id": record.id}
        row = self._one(select(schema.connections).where(self._mine(schema.connections, **key)))
        return None if row is None else connection_of(row)

    def connections_of_chat(self, chat: str) -> list[Connection]:
        """Oldest first."""
        connections = schema.connections
        order = connections.c.since, connections.c.type, connections.c.id
        rows = self._all(select(connections).where(self._mine(connections, chat=chat)).order_by(*order))
        return [connection_of(row) for row in rows]

    def connections_of_record(self, record: RecordId) -> list[tuple[Connection, Chat]]:
        """Oldest first."""
        connections, chats = schema.connections, schema.chats
        of_record = self._mine(connections, type=record.type, id=record.id)
        rows = self._all(select(connections).where(of_record).order_by(connections.c.since, connections.c.chat))
        same = and_(connections.c.tenant == chats.c.tenant, connections.c.chat == chats.c.id)
        known = {row.id: chat_of(row) for row in self._all(select(chats).join(connections, same).where(of_record))}
        return [(connection_of(row), known[row.chat]) for row in rows]

    def add_connection(self, connection: Connection) -> bool:
        by = connection.by
        return self._add(
            schema.connections,
            chat=connection.chat,
            type=connection.record.type,
            id=connection.record.id,
            since=connection.since,
            by_id=by and by.id,
            by_name=by and by.name,
        )

    def remove_connection(self, chat: str, record: RecordId) -> bool:
        key = {"chat": chat, "type": record.type, "id": record.id}
        return self._execute(delete(schema.connections).where(self._mine(schema.connections, **key))).rowcount == 1
