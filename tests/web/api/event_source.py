"""A client of streams that does what a browser's EventSource does: it keeps the last id and comes back with it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aiohttp import ClientResponse, ClientSession, ClientTimeout

from tests.web.api.conftest import TOKEN, Api

ENDLESS = ClientTimeout(total=None, sock_connect=10)


class Message(NamedTuple):
    """An event of a stream. `data`: its JSON, as it came."""

    id: str
    data: bytes

    @property
    def event(self) -> Any:
        return json.loads(self.data)


@dataclass(slots=True)
class Parser:
    """Takes bytes as they come and gives whole messages. What has no data, as comments and the first id, is none."""

    last_id: str = ""
    text: bytes = b""
    comments: list[bytes] = field(default_factory=list)

    def feed(self, chunk: bytes) -> list[Message]:
        *blocks, self.text = (self.text + chunk).split(b"\n\n")
        return [message for block in blocks if (message := self._read(block))]

    def _read(self, block: bytes) -> Message | None:
        data = None
        for line in block.split(b"\n"):
            name, _, value = line.partition(b": ")
            if name == b"data":
                assert data is None, "an event on several lines"
                data = value
            elif name == b"id":
                self.last_id = value.decode()
            elif not name:
                self.comments.append(value)
            else:
                assert name == b"retry", line
        return None if data is None else Message(self.last_id, data)


@dataclass(slots=True)
class Listener:
    """An open stream."""

    response: ClientResponse
    parser: Parser = field(default_factory=Parser)

    async def messages(self, count: int) -> list[Message]:
        """The next `count`, and no more than those may have come by then."""
        found: list[Message] = []
        while len(found) < count:
            chunk = await self.response.content.readany()
            assert chunk, f"the stream ended after {found}"
            found += self.parser.feed(chunk)
        assert len(found) == count, found
        return found

    async def begun(self) -> None:
        """Returns when the server said that it is connected."""
        while not self.parser.last_id:
            assert not self.parser.feed(await self.response.content.readany())

    async def rest(self) -> list[Message]:
        """What comes until the server ends the stream."""
        found: list[Message] = []
        while chunk := await self.response.content.readany():
            found += self.parser.feed(chunk)
        return found


@asynccontextmanager
async def listening(
    api: Api, path: str, *, http: ClientSession | None = None, **headers: str
) -> AsyncIterator[Listener]:
    """Open a stream with the token; header names have _ for -."""
    sent = {"Authorization": f"Bearer {TOKEN}"} | {name.replace("_", "-"): text for name, text in headers.items()}
    async with (http or api.http).get(f"{api.base}/api/v1{path}", headers=sent, timeout=ENDLESS) as response:
        assert response.status == 200, await response.text()
        assert response.content_type == "text/event-stream"
        yield Listener(response)
