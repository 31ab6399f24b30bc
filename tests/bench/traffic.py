"""The requests, as Teams sends them, built before they are needed."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.fakes.connector import BOT, person
from tests.fakes.microsoft import TENANT

CHATS = 512
"""So many that no chat's send budget (60 messages in 30 s) is what is measured."""
RECORDS = 100_000
PREPARED = 4_096

_NUMBER = b"########"
_URL = "https://crm.example.com/records/account/{}"


def record_id(number: int) -> str:
    return f"A-{100_000 + number}"


def chat_id(number: int) -> str:
    return f"19:{number:032x}@thread.v2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What Teams says to the bot. `token`: the channel's, good for `service_url`."""

    token: str
    service_url: str

    def links(self) -> Iterator[bytes]:
        """Pasted links, of records in no order, in all chats; without end."""
        choice = random.Random(2)
        return itertools.cycle([self.link(choice.randrange(RECORDS), choice.randrange(CHATS)) for _ in range(PREPARED)])

    def link(self, record: int, chat: int) -> bytes:
        value = {"url": _URL.format(record_id(record))}
        invoke = {"type": "invoke", "name": "composeExtension/queryLink", "value": value}
        return self._request(self._activity(chat, chat % 3, f"f:{record:08d}-{chat}") | invoke)

    def connects(self) -> Iterator[bytes]:
        """Each chat is connected to a record of its own: the bot's first word in each."""
        for chat in range(CHATS):
            yield self._request(self._message(chat, 0, f"connect {_URL.format(record_id(chat))}"))

    def questions(self) -> Iterator[bytes]:
        """Commands that read, in one chat after the other; without end."""
        return self._numbered(
            self._message(chat, 1, "help" if chat % 2 else "records", number=True) for chat in range(CHATS)
        )

    def notes(self) -> Iterator[bytes]:
        """Notes, each another one, in one chat after the other; without end."""
        return self._numbered(
            self._message(chat, 2, f"note {_NUMBER.decode()} They asked for a discount", number=True)
            for chat in range(CHATS)
        )

    def _numbered(self, activities: Iterator[dict[str, Any]]) -> Iterator[bytes]:
        """No two are the same: what was said and done before must be done again, not recognized."""
        templates = [self._request(activity) for activity in activities]
        for number, template in enumerate(itertools.cycle(templates), 1):
            yield template.replace(_NUMBER, b"%08d" % number)

    def _message(self, chat: int, who: int, text: str, *, number: bool = False) -> dict[str, Any]:
        mention = "<at>Connect Chats</at>"
        mentioned = {"type": "mention", "text": mention, "mentioned": {"id": BOT, "name": "Connect Chats"}}
        activity_id = f"{_NUMBER.decode() if number else chat}-{who}"
        said = {"type": "message", "textFormat": "plain", "text": f"{mention} {text}", "attachments": []}
        activity = self._activity(chat, who, activity_id)
        return activity | said | {"entities": [mentioned, *activity["entities"]]}

    def _activity(self, chat: int, who: int, activity_id: str) -> dict[str, Any]:
        sender = person(who)
        return {
            "id": activity_id,
            "timestamp": "2026-01-09T10:02:12.0310000Z",
            "localTimestamp": "2026-01-09T11:02:12.0310000+01:00",
            "localTimezone": "Europe/Berlin",
            "locale": "en-US",
            "channelId": "msteams",
            "serviceUrl": self.service_url,
            "from": {name: sender[name] for name in ("id", "name", "aadObjectId")},
            "recipient": {"id": BOT, "name": "Connect Chats"},
            "conversation": {
                "isGroup": True,
                "conversationType": "groupChat",
                "tenantId": TENANT,
                "id": chat_id(chat),
            },
            "entities": [{"locale": "en-US", "country": "US", "platform": "Windows", "type": "clientInfo"}],
            "channelData": {"tenant": {"id": TENANT}, "source": {"name": "compose"}},
        }

    def _request(self, activity: dict[str, Any]) -> bytes:
        body = json.dumps(activity).encode()
        head = (
            "POST /api/messages HTTP/1.1\r\nHost: bot.example.com\r\nUser-Agent: Microsoft-SkypeBotApi\r\n"
            f"Authorization: Bearer {self.token}\r\nContent-Type: application/json; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body
