"""What delivery is measured with: the demo with a backlog in its database, receivers, and the bare loop beside it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from time import perf_counter

from ulid import ULID

from bot.config import DEMO_BEARER, DEMO_TENANT
from bot.domain.events import EventChat, EventType, Fact
from bot.domain.people import Actor
from bot.domain.records import EVERYBODY, Privilege, Record, RecordId
from bot.domain.webhooks import Secret, Webhook
from bot.outbox.webhooks import SLOTS
from bot.ports import Transaction
from bot.store.store import SqlStore, open_store
from bot.wiring import system_clock
from tests.bench.installed import INSTALLED
from tests.bench.load import ask
from tests.bench.receivers import Receivers, WrongDelivery, check, receiving
from tests.bench.seed import fields_of, title_of
from tests.bench.servers import ROOT, Cores, Server, serving
from tests.bench.stage import NotComparable
from tests.bench.traffic import Traffic, chat_id, record_id
from tests.fakes.connector import person

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
SUBJECTS = 300
"""So many records have events: there is always enough that may be told at the same time."""
RECEIVERS = {EventType.NOTE_ADDED: 1, EventType.RECORD_UPDATED: 3, EventType.CHAT_RENAMED: 0}
"""How many receivers are told of events of a type."""
IN_FLIGHT = SLOTS
"""Requests to each receiver that wait for their answers at the same time: as many as the product has."""
AGAIN = 3
"""How often the bare loop posts each body: it is so fast that once would be over in a moment."""
SETTLED_WITHIN = 20.0


@dataclass(slots=True, kw_only=True)
class PostOffice:
    """Everything that a delivery needs.

    Attributes:
        product: the demo; poster: the bare loop.
        store: the product's, opened a second time: what is written here it finds by itself.
        traffic: links to the records that events are about.
        bodies: what a receiver was told of each type last, for the bare loop.
    """

    product: Server
    poster: Server
    store: SqlStore
    receivers: Receivers
    traffic: Traffic
    bodies: dict[EventType, list[str]] = field(default_factory=dict)
    _owed: dict[str, list[int]] = field(default_factory=dict)
    _written: int = 0

    async def owe(self, kind: EventType, count: int) -> None:
        """Write events in one transaction: before all of them are there none can be told."""
        self.receivers.clear()
        self._owed = {}
        numbers = range(self._written, self._written + count)
        self._written += count
        for event in await self.store.write(lambda tx: [tx.add_event(_fact(kind, number)) for number in numbers]):
            self._owed.setdefault(str(event.fact.record), []).append(event.seq)

    async def told(self, kind: EventType, count: int) -> None:
        """Wait until each receiver was told of the events that `owe` wrote, and the outbox knows it.

        Raises:
            WrongDelivery: an event is missing, doubled, out of order or badly signed.
        """
        addressed = RECEIVERS[kind]
        await self.receivers.wait_for(addressed * count)
        await self._settled()
        for receiver, arrivals in enumerate(self.receivers.arrivals):
            check(arrivals, self._owed if receiver < addressed else {}, SECRET)
        self.bodies[kind] = [arrival.body.decode() for arrival in self.receivers.arrivals[0]]

    async def _settled(self) -> None:
        until = perf_counter() + SETTLED_WITHIN
        while (await self.store.read(lambda tx: tx.outbox_status()))["webhook"].waiting:
            if perf_counter() > until:
                raise WrongDelivery("Everything arrived, but the outbox still owes something.")
            await asyncio.sleep(0.01)

    async def post(self, kind: EventType) -> None:
        """Let the bare loop tell what the product told last."""
        self.receivers.clear()
        urls = self.receivers.urls[: RECEIVERS[kind]]
        bodies = self.bodies[kind] * AGAIN
        await ask(self.poster.port, request("POST", "/", {"urls": urls, "bodies": bodies, "in_flight": IN_FLIGHT}))
        await self.receivers.wait_for(len(urls) * len(bodies))

    def links(self) -> Iterator[bytes]:
        """Pasted links; without end."""
        return cycle([self.traffic.link(number, number) for number in range(SUBJECTS)])


def request(method: str, path: str, body: object = None) -> bytes:
    """With the demo's token for the REST API."""
    content = b"" if body is None else json.dumps(body).encode()
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: bot.example.com\r\nAuthorization: Bearer {DEMO_BEARER}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


@asynccontextmanager
async def post_office(folder: Path, cores: Cores) -> AsyncIterator[PostOffice]:
    """Write records and webhooks, start the demo and the bare loop, and see that links are answered with cards.

    Raises:
        NotComparable: they are not.
    """
    database = f"sqlite:///{folder}/delivery.db"
    environment = {"CONFIG": str(ROOT / "connect-chats.toml"), "DATABASE_URL": database, "PORT": "0"}
    async with AsyncExitStack() as stack:
        receivers = await stack.enter_async_context(receiving(max(RECEIVERS.values())))
        store = open_store(database, tenant=DEMO_TENANT, clock=system_clock)
        stack.push_async_callback(store.close)
        await store.start()
        await store.write(lambda tx: _furnish(tx, receivers.urls))

        def start(name: str, *command: str) -> AbstractAsyncContextManager[Server]:
            return serving(name, command, core=cores.serving, environment=environment, folder=folder)

        office = PostOffice(
            product=await stack.enter_async_context(start("demo", *INSTALLED, "--demo")),
            poster=await stack.enter_async_context(start("poster", "-m", "tests.bench.posting")),
            store=store,
            receivers=receivers,
            traffic=Traffic(token="none", service_url="http://localhost/"),
        )
        if title_of(0) not in (answer := await ask(office.product.port, next(office.links()))).decode():
            raise NotComparable(f"The demo answers a link to a record with {answer!r}.")
        yield office


def _furnish(tx: Transaction, urls: Sequence[str]) -> None:
    """Records that everybody may read, and webhooks."""
    for number in range(SUBJECTS):
        everybody = {EVERYBODY: Privilege.APPEND}
        tx.put_record(
            Record(
                record=_subject(number), title=title_of(number), fields=fields_of(number), access=everybody, version=1
            )
        )
    for kind, count in RECEIVERS.items():
        for url in urls[:count]:
            tx.put_webhook(Webhook(id=str(ULID()), url=url, secrets=(Secret(text=SECRET),), types=(kind,)))


def _fact(kind: EventType, number: int) -> Fact:
    """As a note in a chat has it."""
    author = person(number % 3)
    return Fact(
        type=kind,
        record=_subject(number % SUBJECTS),
        actor=Actor(id=author["aadObjectId"], name=author["name"]),
        chat=EventChat(id=chat_id(number % SUBJECTS), kind="group", topic=f"Account: {title_of(number % SUBJECTS)}"),
        data={"text": f"{number:08d} They asked for a discount"},
    )


def _subject(number: int) -> RecordId:
    return RecordId("account", record_id(number))
