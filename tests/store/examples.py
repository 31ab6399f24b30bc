"""Things to store."""

from __future__ import annotations

from typing import Any

from bot.domain.chats import Chat, ChatKind, Connection
from bot.domain.decisions import Action, Reason
from bot.domain.events import EventType, Fact
from bot.domain.history import Refused, SettingsChange, Subject, Via
from bot.domain.people import Actor, Member
from bot.domain.records import Privilege, Record, RecordId
from bot.domain.webhooks import Secret, Webhook

ALEX = "00000000-0000-0000-0000-000000000020"
MEGAN = "00000000-0000-0000-0000-000000000021"
ACCOUNT = RecordId("account", "A-1001")
CASE = RecordId("case", "C-3001")
GROUP = "19:group@thread.v2"
OTHER = "19:other@thread.v2"

RECORD = Record(
    record=ACCOUNT,
    title="Contoso „renewal“ 🚀 \\ % _",
    url="https://crm.example.com/records/account/A-1001",
    fields={"Status": "Open", "Owner": "Megan", "City": ""},
    owner=Actor(id=MEGAN, name="Megan Bowen"),
    app="sales-hub",
    access={"*": Privilege.READ, ALEX: Privilege.APPEND, MEGAN: Privilege.NONE},
    version=1,
)


def chat(chat_id: str = GROUP, **changes: Any) -> Chat:
    return Chat(**{"id": chat_id, "kind": ChatKind.GROUP, **changes})


def connection(chat_id: str = GROUP, record: RecordId = ACCOUNT, *, since: int = 1) -> Connection:
    return Connection(chat=chat_id, record=record, since=since, by=Actor(id=ALEX, name="Alex Wilber"))


def member(account: str, person: str | None = None, **changes: Any) -> Member:
    return Member(**{"account": account, "id": person, "name": account.upper(), **changes})


def noted(record: RecordId = ACCOUNT, **data: Any) -> Fact:
    return Fact(type=EventType.NOTE_ADDED, record=record, data=data)


def settings_change(name: str = "sales-hub", **changes: Any) -> SettingsChange:
    given = {"subject": Subject.APP, "via": Via.API, "by": None, "before": None, "after": {"id": name}}
    return SettingsChange(name=name, **{**given, **changes})


def refused(**changes: Any) -> Refused:
    given = {"action": Action.CONNECT, "reason": Reason.TOO_LITTLE, "by": Actor(id=ALEX, name="Alex Wilber")}
    return Refused(**{**given, **changes})


def webhook(webhook_id: str = "01WEBHOOK", **changes: Any) -> Webhook:
    given = {"url": f"https://{webhook_id.lower()}.example/events", "secrets": (Secret(text="whsec_c2VjcmV0"),)}
    return Webhook(**{"id": webhook_id, **given, **changes})
