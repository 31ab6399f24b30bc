"""Rows of the database as values of the domain. A newer program may have written them: reading them never fails."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bot.domain.chats import Chat, ChatKind, ChatState, Connection
from bot.domain.decisions import Action, Reason
from bot.domain.events import Event, EventChat, EventType, Fact
from bot.domain.history import Refused, SettingsChange, Subject, Via
from bot.domain.people import Actor, Audience, Member
from bot.domain.records import Privilege, Record, RecordId
from bot.domain.webhooks import Secret, Webhook, WebhookState


def record_of(row: Any, access: Mapping[str, Privilege]) -> Record:
    return Record(
        record=RecordId(row.type, row.id),
        title=row.title,
        url=row.url,
        fields=texts_of(row.fields),
        owner=_actor(row.owner_id, row.owner_name),
        app=row.app,
        access=access,
        version=row.version,
    )


def chat_of(row: Any) -> Chat:
    return Chat(
        id=row.id,
        kind=ChatKind.stored(row.kind),
        topic=row.topic,
        state=ChatState.stored(row.state),
        audience=Audience.stored(row.audience),
        team=row.team,
        service_url=row.service_url,
        bot=row.bot,
        rostered=bool(row.rostered),
        roster_at=row.roster_at,
    )


def member_of(row: Any) -> Member:
    return Member(account=row.account, id=row.person, name=row.name, tenant=row.home, guest=bool(row.guest))


def connection_of(row: Any) -> Connection:
    return Connection(
        chat=row.chat, record=RecordId(row.type, row.id), since=row.since, by=_actor(row.by_id, row.by_name)
    )


def event_of(row: Any) -> Event:
    chat = row.chat_id and EventChat(id=row.chat_id, kind=row.chat_kind, topic=row.chat_topic)
    fact = Fact(
        type=EventType.stored(row.kind),
        record=RecordId(row.type, row.id),
        actor=_actor(row.actor_id, row.actor_name),
        chat=chat,
        data=object_of(row.data),
    )
    return Event(id=row.event, seq=row.seq, at=row.at, fact=fact)


def webhook_of(row: Any) -> Webhook:
    return Webhook(
        id=row.id,
        url=row.url,
        secrets=tuple(Secret(text=text, until=until) for text, until, *_ in json.loads(row.secrets)),
        types=tuple(map(EventType.stored, _words(row.types))),
        record_types=_words(row.record_types),
        state=WebhookState.stored(row.state),
        created_at=row.created_at,
    )


def settings_change_of(row: Any) -> SettingsChange:
    return SettingsChange(
        subject=Subject.stored(row.subject),
        name=row.name,
        via=Via.stored(row.via),
        by=_actor(row.by_id, row.by_name),
        before=None if row.before is None else object_of(row.before),
        after=object_of(row.after),
        number=row.number,
        at=row.at,
    )


def refused_of(row: Any) -> Refused:
    return Refused(
        action=Action.stored(row.action),
        reason=Reason.stored(row.reason),
        by=Actor(id=row.by_id, name=row.by_name),
        chat=row.chat,
        record=None if row.type is None else RecordId(row.type, row.id),
        setting=row.setting,
        number=row.number,
        at=row.at,
    )


def _words(text: str) -> tuple[str, ...]:
    """A list of words; what a newer program put beside them is a word that nothing else is called by."""
    return tuple(item if isinstance(item, str) else json.dumps(item) for item in json.loads(text))


def privilege_of(level: int) -> Privilege:
    """A level that this program does not know gives no right."""
    return _PRIVILEGES.get(level, Privilege.NONE)


_PRIVILEGES = {int(privilege): privilege for privilege in Privilege}


def object_of(text: str) -> dict[str, Any]:
    """A document that is an object; an empty one when a newer program made something else of it."""
    document = json.loads(text)
    return document if isinstance(document, dict) else {}


def texts_of(text: str) -> dict[str, str]:
    """A document whose members are texts, without those that are none."""
    document = object_of(text)
    if all(isinstance(value, str) for value in document.values()):
        return document
    return {name: value for name, value in document.items() if isinstance(value, str)}


def _actor(actor_id: str | None, name: str | None) -> Actor | None:
    return None if name is None else Actor(id=actor_id, name=name)
