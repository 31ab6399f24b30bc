"""Telling a webhook of an event: one attempt, one request, one verdict."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from aiohttp import ClientResponse, ClientSession
from yarl import URL

from bot.domain.deliveries import EventDelivery
from bot.errors import SendFailed
from bot.ports import Clock
from bot.webhooks.envelope import Envelopes
from bot.webhooks.refusals import FAILURES, failure, refusal
from bot.webhooks.session import MAX_ANSWER


class WebhookSender:
    """An `EventSender`.

    Args:
        sessions: by scheme, from `bot.webhooks.session.open_sessions`; a scheme that is not there is refused.
        source: this server's public address.
        clock: signatures bear its time.
    """

    def __init__(self, sessions: Mapping[str, ClientSession], *, source: str, clock: Clock) -> None:
        self._sessions = sessions
        self._envelopes = Envelopes(source=source)
        self._clock = clock

    async def send(self, delivery: EventDelivery) -> None:
        """Tell it, once; returns when the receiver answered 2xx.

        Raises:
            ReceiverGone: it answered 410.
            SendFailed: everything else, redirects included; `ambiguous` when it may have taken the event.
        """
        url = URL(delivery.webhook.url, encoded=True)  # its form was checked when it was created
        host = url.host or ""
        session = self._sessions.get(url.scheme)
        if session is None:
            raise SendFailed(
                f"Webhooks are told by https only, so nothing was sent to {host}. "
                "Create a webhook with an https URL, and delete this one; what it owes is in GET /api/v1/events too.",
                retryable=True,
            )
        now = self._clock()
        body, headers = self._envelopes.seal(delivery, now=now)
        try:
            async with session.post(
                url, data=body, headers=headers, skip_auto_headers=("Accept-Encoding",), allow_redirects=False
            ) as response:
                status, retry_after = response.status, response.headers.get("Retry-After")
                await _throw_away(response)
        except FAILURES as error:
            raise failure(error, host=host) from None
        if not 200 <= status < 300:
            raise refusal(status, host=host, retry_after=retry_after, now=now)

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()


async def _throw_away(response: ClientResponse) -> None:
    """Read a short body, so that the connection can serve again; a longer or broken one ends it. The status counts."""
    most = MAX_ANSWER
    with suppress(*FAILURES):
        while most > 0 and (chunk := await response.content.read(most)):
            most -= len(chunk)
