"""The whole program on a port, with a strict fake connector: tests speak to it as Teams does."""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from aiohttp import ClientSession

from bot.config import load_settings
from bot.ports import RecordSource
from bot.web import server
from bot.wiring import create_app, system_clock
from tests import trust
from tests.fakes.connector import FakeConnector
from tests.sqlite import new_sqlite

ROOT = Path(__file__).parent.parent
ACCOUNT = "https://crm.example.com/records/account/A-1001"
OPPORTUNITY = "https://crm.example.com/records/opportunity/O-2001"
CASE = "https://crm.example.com/records/case/C-3001"
BOT = {"id": "28:connect-chats", "name": "Connect Chats"}


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person in the tests: account in chats, object id, name."""

    account: str
    id: str | None
    name: str

    @property
    def sender(self) -> dict[str, Any]:
        known = {"aadObjectId": self.id} if self.id else {}
        return {"id": self.account, "name": self.name, **known}

    def member(self, **more: Any) -> dict[str, Any]:
        upn = f"{self.name.split()[0].lower()}@contoso.example"
        return {**self.sender, "userPrincipalName": upn, "userRole": "user", **more}


ALEX = Somebody("29:alex", "00000000-0000-0000-0000-0000000000020", "Alex Wilber")
MEGAN = Somebody("29:megan", "00000000-0000-0000-0000-0000000000021", "Megan Bowen")
ADELE = Somebody("29:adele", "00000000-0000-0000-0000-0000000000022", "Adele Vance")
GUEST = Somebody("29:guest", "99999999-0000-0000-0000-000000000001", "Gus Guest")
GROUP = "19:group1@thread.v2"
OTHER_GROUP = "19:group2@thread.v2"
MEETING = "19:meeting_abc@thread.v2"
CHANNEL = "19:channel1@thread.tacv2"
TEAM = "19:team1@thread.tacv2"
PERSONAL = "a:alex"

KINDS = {CHANNEL: "channel", TEAM: "channel", PERSONAL: "personal"}
_numbers = itertools.count(1)


@dataclass(slots=True)
class World:
    """The running program.

    Attributes:
        base: its address.
        connector: what it speaks to.
        clock: microseconds to add to the real time.
    """

    base: str
    http: ClientSession
    connector: FakeConnector
    clock: list[int]
    headers: dict[str, str] = field(default_factory=dict)

    def activity(self, kind: str, *, by: Somebody = ALEX, chat: str = GROUP, **more: Any) -> dict[str, Any]:
        """An activity as Teams sends it; keyword arguments replace its members."""
        activity = {
            "type": kind,
            "id": f"activity-{next(_numbers)}",
            "channelId": "msteams",
            "serviceUrl": self.connector.url,
            "from": by.sender,
            "recipient": BOT,
            "conversation": {"id": chat, "conversationType": KINDS.get(chat.partition(";")[0], "groupChat")},
            "channelData": {"tenant": {"id": "demo"}},
        }
        return activity | more

    async def post(self, activity: Mapping[str, Any]) -> tuple[int, Any]:
        """Deliver an activity; the status and the JSON body, if there is one."""
        async with self.http.post(f"{self.base}/api/messages", json=activity, headers=self.headers) as response:
            body = await response.read()
            return response.status, await response.json(content_type=None) if body else None

    async def say(self, text: str, *, by: Somebody = ALEX, chat: str = GROUP, **more: Any) -> dict[str, Any]:
        """Send the bot a message; the card it answers (in the body, by `expectReplies`)."""
        activity = self.activity("message", by=by, chat=chat, text=text, deliveryMode="expectReplies", **more)
        status, body = await self.post(activity)
        assert status == 200, (status, body)
        (reply,) = body["activities"]
        return reply["attachments"][0]["content"]

    async def paste(self, url: Any, *, by: Somebody = ALEX, chat: str = GROUP) -> dict[str, Any]:
        """Paste a link; the card above the compose box."""
        invoke = self.activity("invoke", by=by, chat=chat, name="composeExtension/queryLink", value={"url": url})
        status, body = await self.post(invoke)
        assert status == 200, (status, body)
        (attachment,) = body["composeExtension"]["attachments"]
        assert attachment["preview"]["content"]["title"]
        return attachment["content"]

    async def press(self, verb: str, data: Any, *, by: Somebody = ALEX, chat: str = GROUP, **more: Any) -> Any:
        """Press a button; the body of the answer."""
        action = {"action": {"type": "Action.Execute", "verb": verb, "data": data}, "trigger": "manual"}
        invoke = self.activity("invoke", by=by, chat=chat, name="adaptiveCard/action", value=action, **more)
        status, body = await self.post(invoke)
        assert status == 200, (status, body)
        return body

    async def happens(self, kind: str = "conversationUpdate", **more: Any) -> None:
        """Something happens to a chat."""
        status, _ = await self.post(self.activity(kind, **more))
        assert status == 200

    async def api(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Ask the REST API as the record system."""
        headers = {"Authorization": "Bearer demo"} | headers
        async with self.http.request(method, f"{self.base}/api/v1{path}", json=body, headers=headers) as response:
            raw = await response.read()
            return response.status, await response.json(content_type=None) if raw else None

    async def events(self, record: str = "account/A-1001") -> list[str]:
        """The types of the record's events, oldest first."""
        _, timeline = await self.api("GET", f"/records/{record}/timeline?limit=1000")
        return [event["type"] for event in timeline["events"]]

    def said_in(self, chat: str) -> list[dict[str, Any]]:
        """What the bot posted into a chat, oldest first."""
        return [activity for _, activity in self.connector.messages.get(chat, [])]


def texts(card: Any) -> str:
    """Every text of a card, one a line."""
    found: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            found.extend(str(value[name]) for name in ("text", "title", "label") if isinstance(value.get(name), str))
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk({name: value for name, value in card.items() if name != "fallbackText"})
    return "\n".join(found)


def buttons(card: Mapping[str, Any]) -> list[str]:
    return [action["title"] for action in card.get("actions", [])]


@asynccontextmanager
async def running_world(
    folder: Path,
    *,
    database_url: str = "",
    beside: World | None = None,
    sources: Mapping[str, RecordSource] = MappingProxyType({}),
) -> AsyncIterator[World]:
    """The demo on a free port, its data in `folder` or in the database given; `beside`: a replica of that one."""
    connector = beside.connector if beside else FakeConnector(tls=False)
    everybody = [person.member() for person in (ALEX, MEGAN, ADELE)]
    connector.chats = dict.fromkeys((GROUP, OTHER_GROUP, MEETING, CHANNEL, TEAM), everybody)
    connector.chats[PERSONAL] = [ALEX.member()]
    before = dict(os.environ)
    os.environ["DATABASE_URL"] = database_url or new_sqlite(folder / "world.db")
    os.environ["CONFIG"] = str(ROOT / "connect-chats.toml")
    try:
        settings = load_settings(demo=True, env_file=None)
    finally:
        os.environ.clear()
        os.environ.update(before)
    shift = [0]
    async with nullcontext() if beside else connector, ClientSession() as http:
        app = await create_app(settings, clock=lambda: system_clock() + shift[0], sources=sources, trust=trust.SYSTEM)
        listening = await server.start(app, host="127.0.0.1", port=0)
        try:
            yield World(base=f"http://127.0.0.1:{listening.port}", http=http, connector=connector, clock=shift)
        finally:
            await listening.stop()
