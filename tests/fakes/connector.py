"""The Bot Framework connector as Teams has it, over real TLS or, for the demo, plain http; on loopback.

What each part does is from these pages (learn.microsoft.com):

* routes, bodies, `ResourceResponse`, `PagedMembersResult`, `ErrorResponse`: "API reference for the Bot Framework
  Connector service" (azure/bot-service/rest-api/bot-framework-rest-connector-api-reference);
* statuses with their codes and texts, 413 included: "Build conversational capability", "Status codes from bot
  conversational APIs" (microsoftteams/platform/bots/build-conversational-capability);
* the size of a message: "Format your bot messages" (microsoftteams/platform/bots/how-to/format-your-bot-messages);
* `Retry-After`: "Optimize your bot with rate limiting" (microsoftteams/platform/bots/how-to/rate-limit);
* members: "Get Teams specific context for your bot" (microsoftteams/platform/bots/how-to/get-teams-context).

`python -m tests.fakes.connector` serves one in a process of its own; see `main`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote

import trustme
from aiohttp import web

from tests.waiting import Gate

MAX_MESSAGE = 100 * 1024
MAX_PAGE = 500
BOT = "28:5f4a1a3e-6c1b-4b6e-9d38-0c1f2e3d4a5b"


def person(number: int, **replaced: Any) -> dict[str, Any]:
    """An account of a roster; keyword arguments replace its members, None takes one out."""
    account = {
        "id": f"29:person-{number}",
        "aadObjectId": f"00000000-0000-4000-8000-{number:012d}",
        "name": f"Person {number}",
        "email": f"person{number}@contoso.example",
        "userPrincipalName": f"person{number}@contoso.example",
        "tenantId": "9b1c7a52-3f0e-4d2a-8a64-7d5e4c3b2a19",
        "userRole": "user",
    } | replaced
    return {name: value for name, value in account.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A request as it arrived.

    Attributes:
        chat: the conversation's id from the path, decoded.
        path: as it was sent, still encoded.
        body: the JSON; None when there was none.
        connection: counts from 1; requests on one TCP (and TLS) connection share it.
        status: what was answered; 0 when the connection was cut instead.
    """

    method: str
    path: str
    chat: str
    body: Any
    headers: Mapping[str, str]
    connection: int
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens to a request instead of being answered as it should.

    Attributes:
        status: answered with `code` and the headers; the message is not taken.
        cut: reset the connection: "before" or "after" the message was taken.
        delay: seconds to wait first.
        gate: what it waits for after that.
        body: instead of an error object.
    """

    status: int = 0
    code: str = "ServiceError"
    headers: Mapping[str, str] | None = None
    cut: str = ""
    delay: float = 0.0
    gate: Gate | None = None
    body: bytes | None = None


class Refused(Exception):
    def __init__(self, status: int, code: str, text: str) -> None:
        self.response = _error(status, code, text)


def _error(status: int, code: str, text: str, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.json_response({"error": {"code": code, "message": text}}, status=status, headers=headers)


class FakeConnector:
    """A connector on `https://localhost:PORT/teams/`; `async with` runs it.

    Attributes:
        url: its serviceUrl.
        ca, ca_file: who signed its certificate.
        chats: conversation id (without `;messageid=`) -> roster. Whatever is not in it does not exist.
        accept_any_chat: unknown chats exist too, with an empty roster: for measuring.
        expects: the bearer token that is good now; None wants no Authorization at all (the demo sends none).
        refused_chats: conversation id -> code of the 403 it is answered with (`BotNotInConversationRoster`).
        mute: messages are answered 401, which is tried again later; rosters can be read.
        faults: what happens to the next requests, in order; empty: nothing.
        paged: whether `pagedmembers` exists; page_size: the most accounts on one of its pages.
        received: every request; messages: what was taken, by conversation id, as (activity id, activity).
        handshakes: TCP connections that sent a request.
    """

    def __init__(self, *, ca: trustme.CA | None = None, tls: bool = True, port: int = 0) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="connector-")
        self._port = port
        self._tls = tls
        self._connections: dict[tuple[str, int], int] = {}
        self._ids = 0
        self.ca = ca or trustme.CA()
        self.ca_file = Path(self._directory.name) / "ca.pem"
        self.ca.cert_pem.write_to_path(str(self.ca_file))
        self.url = ""
        self.chats: dict[str, Sequence[Any]] = {}
        self.accept_any_chat = False
        self.expects: str | Callable[[], str] | None = None
        self.refused_chats: dict[str, str] = {}
        self.mute = False
        self.faults: deque[Fault] = deque()
        self.paged = True
        self.page_size = MAX_PAGE
        self.received: list[Received] = []
        self.messages: dict[str, list[tuple[str, dict[str, Any]]]] = {}

    @property
    def handshakes(self) -> int:
        return len(self._connections)

    def environment(self) -> dict[str, str]:
        """The settings that make the program trust this connector."""
        return {
            "CONNECTOR_HOSTS": "localhost",
            "SSL_CERT_FILE": str(self.ca_file),
            "REQUESTS_CA_BUNDLE": str(self.ca_file),
        }

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=10 * MAX_MESSAGE)
        app.router.add_route("*", "/{path:.*}", self._serve)
        context = None
        if self._tls:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self.ca.issue_cert("localhost").configure_cert(context)
        self._runner = web.AppRunner(app, access_log=None, keepalive_timeout=75)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port, ssl_context=context).start()
        scheme = "https" if self._tls else "http"
        self.url = f"{scheme}://localhost:{self._runner.addresses[0][1]}/teams/"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        self._directory.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/_fake/received":
            return web.json_response([[item.method, item.chat, item.body, item.status] for item in self.received])
        fault = self.faults.popleft() if self.faults else Fault()
        connection = self._connection(request)
        await asyncio.sleep(fault.delay)
        if fault.gate:
            await fault.gate.passed()
        body, response = None, None
        if fault.cut != "before":
            body, response = await self._answer(request, fault)
        if fault.cut and request.transport is not None:
            response = None
            request.transport.abort()
        self._note(request, body, connection, 0 if response is None else response.status)
        return response or web.Response(status=500)

    async def _answer(self, request: web.Request, fault: Fault) -> tuple[Any, web.Response]:
        raw = await request.read()
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = raw
        if fault.status:
            if fault.body is not None:
                return body, web.Response(status=fault.status, body=fault.body, headers=fault.headers)
            return body, _error(fault.status, fault.code, "Something happened.", fault.headers)
        try:
            self._check_credentials(request)
            return body, self._route(request, raw, body)
        except Refused as refused:
            return body, refused.response

    def _connection(self, request: web.Request) -> int:
        """The client's port tells its connections apart."""
        peer = request.transport.get_extra_info("peername") if request.transport is not None else ("", 0)
        return self._connections.setdefault(peer[:2], len(self._connections) + 1)

    def _note(self, request: web.Request, body: Any, connection: int, status: int) -> None:
        self.received.append(
            Received(
                method=request.method,
                path=request.raw_path,
                chat=_segments(request)[0],
                body=body,
                headers=dict(request.headers),
                connection=connection,
                status=status,
            )
        )

    def _check_credentials(self, request: web.Request) -> None:
        expected = self.expects() if callable(self.expects) else self.expects
        given = request.headers.get("Authorization")
        if given != (None if expected is None else f"Bearer {expected}"):
            raise Refused(401, "BotNotRegistered", "No registration found for this bot.")

    def _route(self, request: web.Request, raw: bytes, body: Any) -> web.Response:
        chat, collection, item = _segments(request)
        thread = chat.partition(";messageid=")[0]
        routes: dict[tuple[str, str], Callable[[], web.Response]] = {
            ("POST", "activities"): lambda: self._send(thread, self._activity(request, raw, body)),
            ("PUT", "activities"): lambda: self._update(thread, item, self._activity(request, raw, body)),
            ("DELETE", "activities"): lambda: self._delete(thread, item),
            ("GET", "members"): lambda: web.json_response([_older(account) for account in self._roster(thread)]),
        }
        if self.paged:
            routes["GET", "pagedmembers"] = lambda: self._page(thread, request.query)
        if not chat or (route := routes.get((request.method, collection))) is None:
            return web.Response(status=404, text="No HTTP resource was found that matches the request.")
        self._check_chat(thread)
        return route()

    def _check_chat(self, thread: str) -> None:
        if code := self.refused_chats.get(thread):
            raise Refused(403, code, "The bot is not part of the conversation roster.")
        if thread not in self.chats and not self.accept_any_chat:
            raise Refused(404, "ConversationNotFound", "Conversation not found.")

    def _activity(self, request: web.Request, raw: bytes, body: Any) -> dict[str, Any]:
        if request.content_type != "application/json":
            raise Refused(415, "UnsupportedMediaType", "The request entity's media type is not supported.")
        if len(raw) > MAX_MESSAGE:
            raise Refused(413, "MessageSizeTooBig", "Message size too large.")
        if not isinstance(body, dict) or not isinstance(body.get("type"), str):
            raise Refused(400, "Bad Argument", "Activity type must be specified.")
        attachments = body.get("attachments", [])
        if not isinstance(attachments, list) or not all(
            isinstance(item, dict) and isinstance(item.get("contentType"), str) for item in attachments
        ):
            raise Refused(400, "Bad Argument", "Attachments must have a contentType.")
        if body["type"] == "message" and not (body.get("text") or attachments):
            raise Refused(400, "Bad Argument", "Activity must have text or attachments.")
        return body

    def _send(self, thread: str, activity: dict[str, Any]) -> web.Response:
        if self.mute:
            raise Refused(401, "BotNotRegistered", "No registration found for this bot.")
        self._ids += 1
        activity_id = f"1700000{self._ids:06d}"
        self.messages.setdefault(thread, []).append((activity_id, activity))
        return web.json_response({"id": activity_id}, status=201)

    def _place(self, thread: str, activity_id: str) -> int:
        for place, (known, _) in enumerate(self.messages.get(thread, [])):
            if known == activity_id:
                return place
        raise Refused(404, "ActivityNotFoundInConversation", "Conversation not found.")

    def _update(self, thread: str, activity_id: str, activity: dict[str, Any]) -> web.Response:
        place = self._place(thread, activity_id)
        self.messages[thread][place] = (activity_id, activity)
        return web.json_response({"id": activity_id})

    def _delete(self, thread: str, activity_id: str) -> web.Response:
        place = self._place(thread, activity_id)
        del self.messages[thread][place]
        return web.Response()

    def _roster(self, thread: str) -> Sequence[Any]:
        return self.chats.get(thread, ())

    def _page(self, thread: str, query: Mapping[str, str]) -> web.Response:
        start = int(query.get("continuationToken", "page 0/+").removeprefix("page ").removesuffix("/+"))
        end = start + min(self.page_size, int(query.get("pageSize", MAX_PAGE)))
        page: dict[str, Any] = {"members": list(self._roster(thread)[start:end])}
        if end < len(self._roster(thread)):
            page["continuationToken"] = f"page {end}/+"  # opaque, and in need of encoding
        return web.json_response(page)


def _segments(request: web.Request) -> tuple[str, str, str]:
    """Conversation, collection and item of `.../v3/conversations/{id}/{collection}/{item}`, decoded one by one."""
    _, _, rest = request.raw_path.partition("?")[0].partition("/v3/conversations/")
    chat, collection, item, *_ = [*(unquote(part) for part in rest.split("/")), "", ""]
    return chat, collection, item


def _older(account: Any) -> Any:
    """The listing that is not paged calls the object id `objectId`."""
    if not isinstance(account, dict):
        return account
    return {("objectId" if name == "aadObjectId" else name): value for name, value in account.items()}


async def _serve_until_eof(connector: FakeConnector) -> None:
    async with connector:
        about = {"url": connector.url, "ca_file": str(connector.ca_file)}
        print(json.dumps(about), flush=True)
        await asyncio.to_thread(sys.stdin.read)


def main() -> None:
    """Serve any chat in a process of its own, until its standard input ends.

    Prints one line of JSON: `url` and `ca_file`. `GET /_fake/received` lists `[method, chat, body, status]`.
    """
    options = argparse.ArgumentParser(description=main.__doc__)
    options.add_argument("--http", action="store_true", help="without TLS, as in the demo")
    options.add_argument("--token", help="the bearer token that is good; left out: no Authorization is wanted")
    chosen = options.parse_args()
    connector = FakeConnector(tls=not chosen.http)
    connector.accept_any_chat = True
    connector.expects = chosen.token
    asyncio.run(_serve_until_eof(connector))


if __name__ == "__main__":
    main()
