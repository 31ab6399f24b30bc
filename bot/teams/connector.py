"""Speaking into chats: our own client of the connector's REST API.

The SDK's client opens a connection and asks for a token per turn, never repeats a POST and sends the token wherever a
serviceUrl points. Source of routes and shapes: learn.microsoft.com "API reference for the Bot Framework Connector
service"; of what may be repeated: `bot.teams.refusals`.
"""

from __future__ import annotations

import asyncio
import json
import random
import ssl
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import quote

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    TCPConnector,
)
from yarl import URL

from bot.domain.chats import Chat, chat_id_of
from bot.domain.documents import compact
from bot.domain.people import Member
from bot.errors import ChatGone, SendFailed
from bot.ports import Json
from bot.teams.budget import Budget
from bot.teams.refusals import REPEATABLE, refusal
from bot.teams.roster import roster_of
from bot.teams.service_urls import ServiceUrls

CHANNEL = "msteams"

# Seconds. Teams waits 15 s for the turn that sends, so everything, waiting included, ends before that.
DEADLINE = 12.0
TRY = 8.0
CONNECT = 3.0
SHORTEST_TRY = 1.0
BUDGET_PATIENCE = 5.0
LONGEST_PAUSE = 10.0
BACKOFF = 0.25
TRIES = 3

CONNECTIONS = 32
"""Teams takes 50 messages a second from the bot, so this is enough as long as each takes less than 0.6 s. asyncio
reserves 256 KiB for each while it is open, so all together are 8 MB."""
KEEP_ALIVE = 60.0
MAX_ANSWER = 64 * 1024
MAX_ROSTER = 5 * 1024 * 1024
PAGE = 500
MAX_PAGES = 60  # a team holds 25,000 people

_LISTING_MISSING = frozenset({404, 405, 501})


def open_session(trust: ssl.SSLContext) -> ClientSession:
    """The one session of the program: pooled connections, no cookies. Needs a running event loop."""
    return ClientSession(
        connector=TCPConnector(ssl=trust, limit=CONNECTIONS, keepalive_timeout=KEEP_ALIVE),
        cookie_jar=DummyCookieJar(),
        timeout=ClientTimeout(total=TRY, connect=CONNECT),
    )


class Connector:
    """Sends, changes and deletes the bot's messages and reads rosters. A `Sender` and a `Directory`.

    Attributes:
        counts: `sent`, `repeated`, `throttled` (429), `delayed` and `overspent` (by the chat's budget), `failed`.
    """

    def __init__(
        self,
        session: ClientSession,
        *,
        service_urls: ServiceUrls,
        token: Callable[[], Awaitable[str]] | None = None,
        invalidate: Callable[[], None] | None = None,
        adjust_roster: Callable[[Sequence[Member]], list[Member]] = list,
        now: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`token` None: no credentials are sent. `adjust_roster`: what becomes of each roster that was read."""
        self._session = session
        self._service_urls = service_urls
        self._token = token
        self._invalidate = invalidate
        self._adjust_roster = adjust_roster
        self._now = now
        self._pause = pause
        self._budget = Budget()
        self.counts: Counter[str] = Counter()

    async def send(self, chat: Chat, message: Json) -> str:
        """Post a message of the bot's own accord; returns its activity id. See `post`."""
        activity = {**message, "channelId": CHANNEL, "conversation": {"id": chat.id}}
        if chat.bot:
            activity["from"] = {"id": chat.bot}
        return await self.post(chat.service_url, chat.id, activity)

    async def post(self, service_url: str, conversation_id: str, activity: Json, reply_to: str | None = None) -> str:
        """Post an activity, as a reply to `reply_to` if that is given.

        Returns:
            The new activity's id; "" when the connector took it but its answer can't be read.

        Raises:
            ChatUnreachable, ChatGone: final.
            SendFailed: `ambiguous` when it was sent and no answer came: the same message could appear twice.
        """
        path = _path(conversation_id, "activities", reply_to)
        answer = await self._call("POST", service_url, path, chat=chat_id_of(conversation_id), body=_encode(activity))
        message_id = answer.get("id") if isinstance(answer, dict) else None
        return message_id if isinstance(message_id, str) else ""

    async def update(self, service_url: str, conversation_id: str, activity_id: str, activity: Json) -> None:
        """Replace a message of the bot for everybody who sees it.

        Raises:
            SendFailed: as `post`; never ambiguous, since doing it twice changes nothing.
        """
        path = _path(conversation_id, "activities", activity_id)
        await self._call("PUT", service_url, path, chat=chat_id_of(conversation_id), body=_encode(activity))

    async def delete(self, service_url: str, conversation_id: str, activity_id: str) -> None:
        """Delete a message of the bot.

        Raises:
            SendFailed: as `update`.
        """
        path = _path(conversation_id, "activities", activity_id)
        await self._call("DELETE", service_url, path, chat=chat_id_of(conversation_id))

    async def members(self, chat: Chat) -> list[Member]:
        """The whole roster without the bot, never a part of it: a stranger could be in the rest.

        Raises:
            SendFailed: as `post`; also when the roster does not end or can't be read.
        """
        try:
            accounts = await self._paged_accounts(chat)
        except SendFailed as error:
            if error.status not in _LISTING_MISSING or isinstance(error, ChatGone):
                raise
            accounts = await self._call("GET", chat.service_url, _path(chat.id, "members"), most=MAX_ROSTER)
        if not isinstance(accounts, list):
            raise SendFailed("The connector's roster can't be read. Try again later.", retryable=True)
        return self._adjust_roster(roster_of(accounts, bot=chat.bot))

    async def _paged_accounts(self, chat: Chat) -> Any:
        accounts: list[Any] = []
        query = f"?pageSize={PAGE}"
        for _ in range(MAX_PAGES):
            path = _path(chat.id, "pagedmembers") + query
            page = await self._call("GET", chat.service_url, path, most=MAX_ROSTER)
            found = page.get("members") if isinstance(page, dict) else None
            if not isinstance(found, list):
                return None
            accounts += found
            token = page.get("continuationToken")
            if not token:
                return accounts
            query = f"?pageSize={PAGE}&continuationToken={quote(str(token), safe='')}"
        raise SendFailed(f"The connector's roster has more than {MAX_PAGES} pages, which no chat has.")

    async def _call(
        self,
        method: str,
        service_url: str,
        path: str,
        *,
        chat: str = "",
        body: bytes | None = None,
        most: int = MAX_ANSWER,
    ) -> Any:
        """One operation: several tries where that is safe, all within `DEADLINE`.

        Args:
            chat: whose budget it is taken from; "" for none.
            most: bytes of an answer that are read.

        Returns:
            The answer as JSON, None when it is none.
        """
        url = self._url(service_url, path)
        deadline = self._now() + DEADLINE
        tries, renewed = 1, False
        while True:
            if chat:
                await self._take_turn(chat, deadline)
            headers = await self._headers()
            try:
                answer = await self._try(method, url, headers, body, deadline, most)
            except SendFailed as error:
                self.counts["throttled"] += error.status == 429
                if error.status == 401 and self._invalidate is not None and not renewed:
                    self._invalidate()
                    renewed = True
                    continue
                wait = self._wait(error, tries, deadline)
                if wait is None:
                    self.counts["failed"] += 1
                    raise
                self.counts["repeated"] += 1
                await self._pause(wait)
                tries += 1
            else:
                self.counts["sent"] += method == "POST"
                return answer

    def _url(self, service_url: str, path: str) -> URL:
        """Checked at every sending: a chat's serviceUrl was admitted once, but the list may have changed since."""
        if not self._service_urls.allows(service_url):
            raise SendFailed(
                f"The chat's serviceUrl {service_url[:200]!r} is not a connector this bot may speak to. "
                "If it is Microsoft's, add its host to CONNECTOR_HOSTS; else wait for the chat's next message."
            )
        return URL(service_url.rstrip("/") + path, encoded=True)

    async def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {await self._token()}"
        return headers

    async def _take_turn(self, chat: str, deadline: float) -> None:
        now = self._now()
        patience = min(BUDGET_PATIENCE, deadline - now - SHORTEST_TRY)
        taken, wait = self._budget.reserve(chat, now=now, patience=patience)
        if not taken:
            self.counts["overspent"] += 1
            raise SendFailed(
                "Too many messages for this chat; Teams would refuse more. It is sent again later.",
                retryable=True,
                retry_after=wait,
            )
        if wait:
            self.counts["delayed"] += 1
            await self._pause(wait)

    def _wait(self, error: SendFailed, tries: int, deadline: float) -> float | None:
        """Seconds before the next try; None to give up."""
        unsent = error.status == 0 and error.retryable and not error.ambiguous
        if tries >= TRIES or not (unsent or error.status in REPEATABLE):
            return None
        wait = error.retry_after
        if wait is None:
            wait = random.uniform(0, BACKOFF * 2**tries)  # full jitter: those who failed together don't return together
        if wait > LONGEST_PAUSE or self._now() + wait + SHORTEST_TRY > deadline:
            return None
        return wait

    async def _try(
        self, method: str, url: URL, headers: dict[str, str], body: bytes | None, deadline: float, most: int
    ) -> Any:
        timeout = ClientTimeout(total=max(SHORTEST_TRY, min(TRY, deadline - self._now())), connect=CONNECT)
        try:
            async with self._session.request(
                method, url, data=body, headers=headers, allow_redirects=False, timeout=timeout
            ) as response:
                answer = await _read(response, most)
                status, retry_after = response.status, response.headers.get("Retry-After")
        except (ClientConnectorError, ConnectionTimeoutError) as error:
            raise SendFailed(
                f"{url.host} can't be reached ({type(error).__name__}), so nothing was sent. Check the network, and "
                "SSL_CERT_FILE or REQUESTS_CA_BUNDLE where the certificate is your own.",
                retryable=True,
            ) from None
        except (ClientError, OSError) as error:  # TimeoutError is an OSError
            raise SendFailed(
                f"{url.host} took the request and did not answer ({type(error).__name__}). "
                "Look in the chat whether the message is there.",
                retryable=True,
                ambiguous=method == "POST",
            ) from None
        if 200 <= status < 300:
            return answer
        raise refusal(status, answer, method=method, retry_after=retry_after)


async def _read(response: ClientResponse, most: int) -> Any:
    """The body as JSON; None when it is too long, breaks off or is something else."""
    body = bytearray()
    try:
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > most:
                return None
        return json.loads(body)
    except (ClientError, OSError, ValueError, RecursionError):
        return None


def _encode(activity: Json) -> bytes:
    return compact(activity).encode("utf-8", "replace")


def _path(conversation_id: str, *more: str | None) -> str:
    """`;messageid=` of a channel's thread is part of the conversation's id and stays."""
    parts = [conversation_id, *(part for part in more if part)]
    if not all(part.strip(".") for part in parts):
        raise SendFailed("The id of the chat or the message is no id. The chat's next message brings the right one.")
    return "/v3/conversations/" + "/".join(quote(part, safe="", errors="replace") for part in parts)
