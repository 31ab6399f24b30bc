"""Rows of the database as values of the domain."""

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
        fields=json.loads(row.fields),
        owner=_actor(row.owner_id, row.owner_name),
        app=row.app,
        access=access,
        version=row.version,
    )


def chat_of(row: Any) -> Chat:
    return Chat(
        id=row.id,
        kind=ChatKind(row.kind),
        topic=row.topic,
        state=ChatState(row.state),
        audience=Audience(row.audience),
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


_KINDS = {kind.value: kind for kind in EventType}  # calling the class costs ten times as much


def event_of(row: Any) -> Event:
    chat = row.chat_id and EventChat(id=row.chat_id, kind=row.chat_kind, topic=row.chat_topic)
    fact = Fact(
        type=_KINDS[row.kind],
        record=RecordId(row.type, row.id),
        actor=_actor(row.actor_id, row.actor_name),
        chat=chat,
        data=json.loads(row.data),
    )
    return Event(id=row.event, seq=row.seq, at=row.at, fact=fact)


def webhook_of(row: Any) -> Webhook:
    return Webhook(
        id=row.id,
        url=row.url,
        secrets=tuple(Secret(text=text, until=until) for text, until in json.loads(row.secrets)),
        types=tuple(map(EventType, json.loads(row.types))),
        record_types=tuple(json.loads(row.record_types)),
        state=WebhookState(row.state),
        created_at=row.created_at,
    )


def settings_change_of(row: Any) -> SettingsChange:
    return SettingsChange(
        subject=Subject(row.subject),
        name=row.name,
        via=Via(row.via),
        by=_actor(row.by_id, row.by_name),
        before=row.before and json.loads(row.before),
        after=json.loads(row.after),
        number=row.number,
        at=row.at,
    )


def refused_of(row: Any) -> Refused:
    return Refused(
        action=Action(row.action),
        reason=Reason(row.reason),
        by=Actor(id=row.by_id, name=row.by_name),
        chat=row.chat,
        record=None if row.type is None else RecordId(row.type, row.id),
        setting=row.setting,
        number=row.number,
        at=row.at,
    )


def _actor(actor_id: str | None, name: str | None) -> Actor | None:
    return None if name is None else Actor(id=actor_id, name=name)
