"""Two organisations on one database, full of canaries: every value that may leak is a word that occurs nowhere else.

Both have the same people (their object ids), chats, record types and record ids, so only the tenant tells them apart.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from tests.world import ADELE, ALEX, MEGAN, Somebody, World, running_world

CANARY = re.compile(r"q[0-9a-f]{14}z")
LADDER = ("nothing", "button", "type", "name", "fields")
KEYS = {"account": "A-", "opportunity": "O-", "case": "C-"}
RECORDS = [f"{kind}/{key}{number}" for kind, key in KEYS.items() for number in range(1, 6)]
ABSENT = "7777"
"""The number of a record that never was; of each type there is none."""
APPS = ("hub", "desk")
FIELDS = 6
HOME, ABROAD = "11111111-0000-0000-0000-000000000001", "22222222-0000-0000-0000-000000000002"

GUS = Somebody("29:gus", "99999999-0000-0000-0000-000000000001", "Gus")
GWEN = Somebody("29:gwen", "99999999-0000-0000-0000-000000000002", "Gwen")
FRED = Somebody("29:fred", "99999999-0000-0000-0000-000000000003", "Fred")
ANON = Somebody("29:anonymous", None, "Anonymous")
STRANGERS = (GUS, GWEN, FRED, ANON)
PEOPLE = (ALEX, MEGAN, ADELE, *STRANGERS)
ADMIN = ALEX


class Room(NamedTuple):
    """A chat: who is in it, and what that makes of its audience in CONTRACT.md's words."""

    id: str
    kind: str
    people: tuple[Somebody, ...]
    audience: str

    @property
    def private(self) -> bool:
        return self.id.startswith("a:")


OURS = (ALEX, MEGAN, ADELE)
SUSPENDED = Room("19:suspended@thread.v2", "groupChat", OURS, "unknown")
ROOMS = (
    Room("19:internal@thread.v2", "groupChat", OURS, "internal"),
    Room("19:channel@thread.tacv2", "channel", OURS, "internal"),
    Room("19:invited@thread.v2", "groupChat", (*OURS, GUS), "external"),
    Room("19:meeting_guest", "groupChat", (*OURS, GWEN), "external"),
    Room("19:federated@thread.v2", "groupChat", (*OURS, FRED), "external"),
    Room("19:meeting_anonymous", "groupChat", (*OURS, ANON), "external"),
    Room("a:alex", "personal", (ALEX,), "internal"),
    Room("a:megan", "personal", (MEGAN,), "internal"),
    Room("a:gus", "personal", (GUS,), "external"),
    Room("19:alex_megan@unq.gbl.spaces", "personal", (ALEX, MEGAN), "internal"),
    Room("19:never-there@thread.v2", "groupChat", PEOPLE, "unknown"),
    SUSPENDED,
)
CONNECTABLE = [room for room in ROOMS if room.kind != "personal" and room.audience != "unknown"]


class Secret(NamedTuple):
    """What a canary stands for.

    Attributes:
        kind: `title`, `value`, `label`, `owner`, `note`, `name`, `type`, `app`, `site`, `topic`; `before` is a
            value that the last change replaced; `never` may be shown to nobody.
        of: the record, for a label and a type's name its type, for an app its id, for a topic its chat.
        field: which field of the record.
    """

    tenant: str
    kind: str
    of: str = ""
    field: int = -1


Canaries = dict[str, Secret]


@dataclass(slots=True)
class Organisation:
    """A tenant: its program, and what is in it as the oracle must know it."""

    tenant: str
    world: World
    random: Random
    canaries: Canaries
    names: dict[str, str] = field(default_factory=dict)
    labels: dict[str, list[str]] = field(default_factory=dict)
    site: str = ""
    types: dict[str, dict[str, Any]] = field(default_factory=dict)
    apps: dict[str, bool] = field(default_factory=dict)
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    came_from: dict[str, str | None] = field(default_factory=dict)
    """Record -> the app it belonged to before its last change."""

    def canary(self, kind: str, of: str = "", number: int = -1) -> str:
        word = f"q{self.random.getrandbits(56):014x}z"
        self.canaries[word] = Secret(self.tenant, kind, of, number)
        return word

    async def rest(self, method: str, path: str, body: Any = None) -> Any:
        status, answer = await self.world.api(method, path, body, Authorization=f"Bearer {self.tenant}")
        assert status < 300, (method, path, body, status, answer)
        return answer

    def activity(self, kind: str, by: Somebody, room: Room, **more: Any) -> dict[str, Any]:
        """As Teams sends it; the sender's name and the chat's topic are canaries."""
        sender = {**by.sender, "name": self.names[by.account]}
        conversation = {"id": room.id, "conversationType": room.kind, "name": self.names[room.id]}
        return self.world.activity(kind, by=by, chat=room.id, **{"from": sender}, conversation=conversation, **more)

    async def open(self) -> None:
        """People, chats that the bot knows, types and records."""
        for somebody in PEOPLE:
            self.names[somebody.account] = self.canary("name")
        for room in ROOMS:
            self.names[room.id] = self.canary("topic", room.id)
            self.world.connector.chats[room.id] = [self._account(somebody) for somebody in room.people]
        del self.world.connector.chats["19:never-there@thread.v2"]
        self.labels = {kind: [self.canary("label", kind, number) for number in range(FIELDS)] for kind in KEYS}
        self.site = self.canary("site")
        for room in [*CONNECTABLE, *(room for room in ROOMS if room.kind == "personal"), SUSPENDED]:
            hello = self.activity("message", room.people[0], room, text="help", deliveryMode="expectReplies")
            assert (await self.world.post(hello))[0] == 200
        await self.change_settings()
        for record in RECORDS:
            await self.put_record(record)
        for record in RECORDS[::4]:  # without a word to the chat, whose audience is about to be another one
            hello = self.activity("message", MEGAN, SUSPENDED, text=f"connect {record}", deliveryMode="expectReplies")
            assert (await self.world.post(hello))[0] == 200
        for room in CONNECTABLE:
            await self._connect(room)
        await self.world.happens("installationUpdate", chat=SUSPENDED.id, action="remove")
        del self.world.connector.chats[SUSPENDED.id]

    def _account(self, somebody: Somebody) -> dict[str, Any]:
        """Each kind of stranger is told by another sign: the address, the role, the tenant, the missing id."""
        upn = "gus_fabrikam.example#EXT#@contoso.example" if somebody is GUS else f"{somebody.account[3:]}@contoso"
        tenant = ABROAD if somebody is FRED else HOME
        account = somebody.member(userPrincipalName=upn, tenantId=tenant, name=self.names[somebody.account])
        return account | ({"userRole": "guest"} if somebody is GWEN else {})

    async def change_settings(self) -> None:
        """Every type and app anew, by chance."""
        for app in APPS:
            self.apps[app] = self.random.random() < 0.85
            label = self.canary("app", app)
            await self.rest("PUT", f"/apps/{app}", {"id": app, "label": label, "enabled": self.apps[app]})
        for kind, key in KEYS.items():
            self.types[kind] = settings = {
                "label": self.canary("type", kind),
                "enabled": self.random.random() < 0.9,
                "links": [
                    f"https://crm.example.com/records/{kind}/{{id}}",
                    f"https://{self.site}.example/{kind}/{{id}}",
                ],
                "key": f"{key}#",
                "apps": self.random.choice((["*"], ["*"], ["hub"])),
                "card_fields": self._some(self.labels[kind], 4),
                "note_fields": self._some(self.labels[kind], 3),
                "note": self.random.random() < 0.7,
                "watch_fields": self._some(self.labels[kind], 3),
                "connect": self.random.choice(("read", "append", "write", "nobody")),
                "join": self.random.choice(("read", "read", "append", "write", "nobody")),
                "owner_may_disconnect": self.random.random() < 0.5,
                "connector_may_disconnect": self.random.random() < 0.5,
            }
            for name in ("disclosure", "disclosure_external", "disclosure_unknown"):
                settings[name] = self.random.choice((*LADDER, "name", "fields", "fields"))
            await self.rest("PUT", f"/record-types/{kind}", settings)

    def _some(self, labels: list[str], most: int) -> list[str]:
        return self.random.sample(labels, self.random.randrange(1, most + 1))

    async def put_record(self, record: str) -> None:
        """The record anew: what it held before may be told with the change, if at all, and never be seen again."""
        kind = record.partition("/")[0]
        known = self.records.get(record, {"fields": {}})
        self._retire(record, {"title": "never", "before": "never"})
        fields = {}
        for number, label in enumerate(self.labels[kind]):
            if label in known["fields"] and self.random.random() < 0.4:
                fields[label] = known["fields"][label]
                continue
            if label in known["fields"]:
                self._retire(record, {"value": "before"}, number)
            fields[label] = self.canary("value", record, number)
        self.records[record] = body = {
            "title": f"Title {self.canary('title', record)}",
            "url": f"https://crm.example.com/records/{record}?more={self.canary('never')}",
            "fields": fields,
            "access": known.get("access") or self._access(),
        }
        if owner := known.get("owner") or self._owner(record):
            body["owner"] = owner
        if app := self.random.choice((None, None, *APPS)):
            body["app"] = app
        self.came_from[record] = known.get("app")
        actor = {"id": MEGAN.id, "name": self.canary("name")}
        await self.rest("PUT", f"/records/{record}", body | {"actor": actor})

    def _retire(self, record: str, kinds: Mapping[str, str], number: int | None = None) -> None:
        """From now on the record's canaries of these kinds (of one field only) are of others."""
        for word, secret in self.canaries.items():
            if (secret.tenant, secret.of) == (self.tenant, record) and number in (None, secret.field):
                self.canaries[word] = secret._replace(kind=kinds.get(secret.kind, secret.kind))

    def _access(self) -> dict[str, str]:
        levels = ("none", "none", "read", "append", "write")
        access = {self.canary("never"): "write"}
        for somebody in (MEGAN, ADELE, GUS, GWEN, FRED, "*"):
            if self.random.random() < 0.4:
                who = somebody if isinstance(somebody, str) else somebody.id or ""
                access[who] = self.random.choice(levels)
        if self.random.random() < 0.2:
            access[ALEX.id or ""] = "read"
        return access

    def _owner(self, record: str) -> dict[str, str | None] | None:
        owner = self.random.choice((MEGAN, ADELE, GUS, None, Somebody("", self.canary("never"), "")))
        return {"id": owner.id, "name": self.canary("owner", record)} if owner else None

    async def _connect(self, room: Room) -> None:
        for record in self.random.sample(RECORDS, self.random.choice((1, 1, 3))):
            await self.rest("POST", f"/records/{record}/chats", {"chat": room.id})

    async def live_on(self) -> None:
        """Time passes: settings and records change, people come, chats are connected, the record system notes."""
        for record in RECORDS:
            self._retire(record, {"before": "never"})
        await self.change_settings()
        for record in self.random.sample(RECORDS, 6):
            await self.put_record(record)
            await self.rest("POST", f"/records/{record}/timeline", {"text": self.canary("note", record)})
        for room in self.random.sample(CONNECTABLE, 2):
            await self._connect(room)
            newcomer = {"id": f"29:{self.canary('never')}", "name": self.canary("name")}
            await self.world.happens(chat=room.id, membersAdded=[newcomer])


def told(database: Path, after: int) -> list[tuple[int, str, str, str]]:
    """The messages left for chats since, sent or not: number, tenant, chat, JSON."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(
            "SELECT number, tenant, chat, message FROM outbox WHERE number > ? ORDER BY number", (after,)
        )
        return list(rows)


def noted_on(database: Path, word: str) -> str:
    """The record on whose timeline a note is that named none; "" when it is on none."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT type, id FROM events WHERE data LIKE ?", (f"%{word}%",))
        return "/".join(next(rows, ()))


def shown(body: Any) -> str:
    """What of an answer people or their clients can see; an activity's addressing only repeats who asked."""
    if isinstance(body, Mapping) and "activities" in body:
        body = [{name: reply.get(name) for name in ("text", "summary", "attachments")} for reply in body["activities"]]
    return json.dumps(body, ensure_ascii=False).lower()


@asynccontextmanager
async def two_organisations(
    folder: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[list[Organisation], Canaries]]:
    """Both programs, whole, each serving one tenant with a token of its own."""
    canaries: Canaries = {}
    organisations: list[Organisation] = []
    async with AsyncExitStack() as stack:
        for number, tenant in enumerate(("contoso", "fabrikam")):
            monkeypatch.setattr("bot.config.DEMO_TENANT", tenant)
            monkeypatch.setattr("bot.config.DEMO_BEARER", tenant)
            world = await stack.enter_async_context(running_world(folder))
            organisations.append(Organisation(tenant, world, Random(seed + number), canaries))
        monkeypatch.undo()
        for organisation in organisations:
            await organisation.open()
        yield organisations, canaries
