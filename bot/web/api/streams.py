"""Live streams (server-sent events, as the HTML standard has them): what happens, told as it happens.

A stream is never finished: it ends when its reader leaves, takes nothing for too long or may not read any more, or when
the program ends. Whoever comes back with the last `id` they had goes on from there.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import structlog
from aiohttp import web
from aiohttp_sse import EventSourceResponse

from bot.domain.documents import compact
from bot.errors import ConnectChatsError, Invalid
from bot.features.following import Following, Told
from bot.ports import Json
from bot.web.api.guard import Check
from bot.web.api.operation import Call, Operation, Result, Stream
from bot.web.api.parameters import MAX_POSITION, cursor_at, position_of
from bot.web.api.places import record_named
from bot.web.api.timelines import EVENT_EXAMPLE

log = structlog.get_logger(__name__)

HEARTBEAT = 15.0
"""Seconds. Proxies hang up on who says nothing, mostly after 60."""

LOOK = 2.0
"""Seconds between two looks at least: whether the reader is still there, and may still read."""

PATIENCE = 20.0
"""Seconds a reader has for taking what they were sent, before they are hung up on."""

PIECE = 64 * 1024
"""Bytes; aiohttp, too, lets as many wait before it waits for the reader."""

RETRY = (1000, 4000)
"""Milliseconds after which a reader comes back, one sooner, one later: all at once would be a blow."""


class _Response(EventSourceResponse):
    """The answer of a stream. `slow`: its reader was hung up on."""

    def __init__(self) -> None:
        # The system itself hangs up on a peer that has vanished, or stays full, for twice as long.
        super().__init__(sep="\n", ping_interval=HEARTBEAT, send_timeout=2 * PATIENCE)
        self.headers["Cache-Control"] = "no-store"
        del self.headers["Connection"]  # aiohttp knows better: HTTP/1.0 ends with the connection
        self.slow = False

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Returns when there is room for more.

        Raises:
            TimeoutError: for too long there was none; the connection is closed.
            ConnectionError: the reader left.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                await super().write(data)
        except TimeoutError:
            self.slow = True
            self._abort_transport()
            raise


class Streams:
    """Writes the streams of this process. `check` raises when a request may not be answered (any more)."""

    def __init__(self, following: Following, check: Check) -> None:
        self._following = following
        self._check = check
        self._open: set[web.RequestHandler] = set()

    async def tell(self, request: web.Request, stream: Stream) -> web.StreamResponse:
        """Answer with a stream; returns when it has ended.

        Raises:
            Unavailable: there are too many, or the program is ending.
        """
        if _gone(request):
            return web.Response()  # nobody gets it
        with stream.follower:
            response = _Response()
            await response.prepare(request)
            self._open.add(request.protocol)
            async with response:
                try:
                    await self._tell(request, response, stream)
                except (ConnectionError, TimeoutError):
                    self._following.dropped += response.slow
                except ConnectChatsError as error:
                    log.info("stream ended", why=str(error))
                except Exception:
                    log.exception("stream failed")
                finally:
                    self._open.discard(request.protocol)
        return response

    async def _tell(self, request: web.Request, response: _Response, stream: Stream) -> None:
        follower, name = stream.follower, stream.name
        # The id at once: who loses the connection before the first event comes back to this place, not to a later one.
        beginning = f": connected\nretry: {random.randint(*RETRY)}\nid: {name(follower.place)}\n\n"
        await response.write(beginning.encode())
        while not follower.ended and not _gone(request):
            told = await follower.next(within=LOOK)
            await self._check(request)
            for piece in _pieces(told, name):
                await response.write(piece)

    async def end(self, _: web.Application) -> None:
        """End all streams. Whoever does not take even that is hung up on: nobody may hold the program."""
        self._following.close()
        for connection in self._open:
            if connection.writing_paused and connection.transport:
                connection.transport.abort()


def _pieces(told: Iterable[Told], name: Callable[[int], str]) -> Iterator[bytes]:
    """The events as they are sent, many together, but no more than a slow reader may have waiting for them."""
    piece = bytearray()
    for place, line in told:
        piece += b"id: %b\ndata: %b\n\n" % (name(place).encode(), line)
        if len(piece) >= PIECE:
            yield bytes(piece)
            piece.clear()
    if piece:
        yield bytes(piece)


def _gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


# Operations ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place in a stream, as its reader had it from there. None when it is not sent.

    Attributes:
        parse: what it stands for; None for what was never an id of such a stream.
    """

    name: str
    where: Literal["query", "header"]
    description: str
    schema: Json
    parse: Callable[[str], int | None]

    def read(self, text: str | None) -> int | None:
        if text is None:
            return None
        place = self.parse(text)
        if place is None:
            raise Invalid(
                f"The {'header' if self.where == 'header' else 'parameter'} {self.name} is no id of this stream.",
                next_step="Send the id of the last event you had from it, or leave it out to hear from now on.",
            )
        return place


def _places(schema: Json, start: str, parse: Callable[[str], int | None]) -> tuple[Place, Place]:
    """The two ways to say where a stream goes on."""
    return (
        Place(
            name="Last-Event-ID",
            where="header",
            description="The `id` of the last event you had: the stream goes on with the next. Counts before `after`.",
            schema=schema,
            parse=parse,
        ),
        Place(
            name="after",
            where="query",
            description=f"The same, for clients that can't set the header; {start} Neither: from now on.",
            schema=schema,
            parse=parse,
        ),
    )


def _position(text: str) -> int | None:
    return 0 if text == "0" else position_of(text)


def _seq(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 16 and int(text) <= MAX_POSITION else None


_FEED = _places(
    {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,40}$"},
    "or the `next` of `/events`, or 0: from the first event on.",
    _position,
)
_TIMELINE = _places({"type": "integer", "minimum": 0, "maximum": MAX_POSITION}, "0: from the first event on.", _seq)


def _after(call: Call) -> int | None:
    header, query = call.values["Last-Event-ID"], call.values["after"]
    return query if header is None else header


async def all_events(call: Call) -> Stream:
    return Stream(follower=await call.following.everything(_after(call)), name=cursor_at)


async def events_of_record(call: Call) -> Stream:
    return Stream(follower=await call.following.one_record(record_named(call), _after(call)), name=str)


_DESCRIPTION = """{what}, as they happen, each once and in order, as `text/event-stream` (`EventSource` in browsers).
Every event is a `message`, whatever its `type`, so that one listener hears types to come, too. Without `Last-Event-ID`
and `after`: only what happens from now on. The first thing sent is an `id` to come back to; a comment every 15 seconds
keeps the connection open. The stream ends when the token is no longer valid, when nothing is taken for 20 seconds, and
when the server ends: connect again with the last `id`, and nothing is missed or doubled."""


def _told(example_id: str) -> tuple[Result]:
    """What a stream answers, for the description."""
    event = compact(EVENT_EXAMPLE)
    return (
        Result(
            status=200,
            description="Goes on until one of the two hangs up.",
            schema="EventStream",
            media="text/event-stream",
            example=f": connected\nretry: 2000\nid: {example_id}\n\nid: {example_id}\ndata: {event}\n\n",
        ),
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/records/{type}/{id}/timeline/stream",
        name="followTimeline",
        tag="Timelines",
        summary="A record's events, live",
        description=_DESCRIPTION.format(what="A record's events") + " `id` is the event's `seq`. The stream goes on "
        "when the record is deleted.",
        handler=events_of_record,
        parameters=_TIMELINE,
        results=_told("7"),
        errors=(404,),
    ),
    Operation(
        method="GET",
        path="/events/stream",
        name="followEvents",
        tag="Timelines",
        summary="All events of all records, live",
        description=_DESCRIPTION.format(what="All events") + " `id` is a cursor, as `next` of `/events` is.",
        handler=all_events,
        parameters=_FEED,
        results=_told(cursor_at(7)),
    ),
)
