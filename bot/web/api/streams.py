"""Live streams (server-sent events, as the HTML standard has them): what happens, told as it happens.

A stream is never finished: it ends when its reader leaves, takes nothing for too long or may not read any more, or when
the program ends. Whoever comes back with the last `id` they had goes on from there.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Annotated

import structlog
from aiohttp import web
from aiohttp_sse import EventSourceResponse

from bot.domain.documents import compact
from bot.errors import ConnectChatsError, Invalid
from bot.features.following import Following, StreamItem
from bot.ports import Json
from bot.web.api.guard import Check
from bot.web.api.parameters import BEGINNING, CURSOR, MAX_POSITION, Form, cursor_at, position_of, whole_number
from bot.web.api.places import RecordAt
from bot.web.api.route import SYSTEM, Call, Header, Named, Query, Route, Stream
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
            items = await follower.next(within=LOOK)
            await self._check(request)
            for piece in _pieces(items, name):
                await response.write(piece)

    async def end(self, _: web.Application) -> None:
        """End all streams. Whoever does not take even that is hung up on: nobody may hold the program."""
        self._following.close()
        for connection in self._open:
            if connection.writing_paused and connection.transport:
                connection.transport.abort()


def _pieces(items: Iterable[StreamItem], name: Callable[[int], str]) -> Iterator[bytes]:
    """The events as they are sent, many together, but no more than a slow reader may have waiting for them."""
    piece = bytearray()
    for place, line in items:
        piece += b"id: %b\ndata: %b\n\n" % (name(place).encode(), line)
        if len(piece) >= PIECE:
            yield bytes(piece)
            piece.clear()
    if piece:
        yield bytes(piece)


def _gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


# Routes --------------------------------------------------------------------------------------------------------------


def _place(schema: Json, parse: Callable[[str], int | None]) -> Form:
    """A place in a stream, as its reader had it from there. `parse`: None for what was never an id of such a stream."""

    def read(text: str, named: str) -> int:
        place = parse(text)
        if place is None:
            raise Invalid(
                f"{named} is no id of this stream.",
                next_step="Send the id of the last event you had from it, or leave it out to hear from now on.",
            )
        return place

    return Form(schema, read)


def _position(text: str) -> int | None:
    return 0 if text == BEGINNING else position_of(text)


def _seq(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 16 and int(text) <= MAX_POSITION else None


def _stream_described(example_id: str) -> Named:
    """What a stream answers, for the description."""
    event = compact(EVENT_EXAMPLE)
    return Named("EventStream", f": connected\nretry: 2000\nid: {example_id}\n\nid: {example_id}\ndata: {event}\n\n")


_LAST = "The `id` of the last event you had: the stream goes on with the next. Counts before `after`."
_AFTER = "The same, for clients that can't set the header; {} Neither: from now on."
_IN_FEED = _place(CURSOR.schema, _position)
_IN_TIMELINE = _place(whole_number(0, MAX_POSITION).schema, _seq)
_MORE = """Every event is a `message`, whatever its `type`, so that one listener hears types to come, too. Without
`Last-Event-ID` and `after`: only what happens from now on. The first thing sent is an `id` to come back to; a comment
every 15 seconds keeps the connection open. The stream ends when the token is no longer valid, when nothing is taken for
20 seconds, and when the server ends: connect again with the last `id`, and nothing is missed or doubled."""
_ANSWERS = {200: "Goes on until one of the two hangs up."}
_route = partial(Route, tag="Timelines", callers=SYSTEM)


@_route("GET", "/records/{type}/{id}/timeline/stream", _ANSWERS, more=_MORE)
async def follow_timeline(
    call: Call,
    record: RecordAt,
    last: Annotated[int | None, Header("Last-Event-ID", _LAST, _IN_TIMELINE)] = None,
    after: Annotated[int | None, Query(_AFTER.format("0: from the first event on."), _IN_TIMELINE)] = None,
) -> Annotated[Stream, _stream_described("7")]:
    """A record's events, live.

    A record's events, as they happen, each once and in order, as `text/event-stream` (`EventSource` in browsers). `id`
    is the event's `seq`. The stream goes on when the record is deleted.
    """
    return Stream(follower=await call.following.one_record(record, after if last is None else last), name=str)


@_route("GET", "/events/stream", _ANSWERS, more=_MORE)
async def follow_events(
    call: Call,
    last: Annotated[int | None, Header("Last-Event-ID", _LAST, _IN_FEED)] = None,
    after: Annotated[
        int | None, Query(_AFTER.format("or the `next` of `/events`, or 0: from the first event on."), _IN_FEED)
    ] = None,
) -> Annotated[Stream, _stream_described(cursor_at(7))]:
    """All events of all records, live.

    All events, as they happen, each once and in order, as `text/event-stream` (`EventSource` in browsers). `id` is a
    cursor, as `next` of `/events` is.
    """
    return Stream(follower=await call.following.everything(after if last is None else last), name=cursor_at)
