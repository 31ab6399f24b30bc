"""What it means that a receiver did not take an event, for the people who read the webhook's `last_error`.

The texts hold nothing of what was answered, no address that a name resolved to and no place a redirect leads to: who
creates a webhook could read there what this server sees of its own network.
"""

from __future__ import annotations

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientError,
    ClientResponseError,
    ConnectionTimeoutError,
    InvalidURL,
)

from bot.domain.retry_after import seconds_until
from bot.errors import ReceiverGone, SendFailed
from bot.webhooks.session import TOTAL, AddressRefused

_REPLACE = "and delete this one; what it owes is in GET /api/v1/events too."
_NOTHING_THERE = f"Nothing takes events at the webhook's URL: create a webhook with the right one, {_REPLACE}"
_NEXT = {
    400: "Look there what it can't read.",
    401: "Look there whether it verifies with this webhook's secret, and whether its clock is right.",
    403: "Look there whether it verifies with this webhook's secret, and whether something in front of it refuses.",
    404: _NOTHING_THERE,
    405: _NOTHING_THERE,
    408: "It took too long to read the event.",
    413: "Have it take bodies of 256 KiB.",
    415: "Have it take application/cloudevents+json.",
    429: "It is sent again when it asked for, or later.",
}


def refusal(status: int, *, host: str, retry_after: str | None, now: int) -> SendFailed:
    """The error for an answer that is not 2xx.

    Args:
        retry_after: the header.
        now: microseconds since the epoch.
    """
    if status == 410:
        return ReceiverGone(
            f"{host} answered 410: it wants no more events. What happens is kept; POST …/replay sends it.",
            status=status,
        )
    return SendFailed(
        f"{host} answered {status}. {_next_step(status)}",
        status=status,
        retryable=True,
        retry_after=seconds_until(retry_after, now=now),
    )


def _next_step(status: int) -> str:
    if 300 <= status < 400:
        return f"Redirects are not followed: create a webhook with the URL it leads to, {_REPLACE}"
    if status >= 500:
        return "Its log says why."
    return _NEXT.get(status, "It must answer 2xx to what it took.")


def failure(error: Exception, *, host: str) -> SendFailed:
    """The error for a request that was not answered. `error`: what aiohttp raised."""
    unsent = _unsent(error, host)
    if unsent:
        return SendFailed(unsent, retryable=True)
    if isinstance(error, TimeoutError):
        what = f"{host} did not answer within {TOTAL:.0f} seconds. Have it answer first and do its work afterwards."
    elif isinstance(error, ClientResponseError):
        what = f"What {host} answered is not HTTP. Look what listens at the webhook's URL."
    else:
        what = f"{host} broke the connection off without an answer. Its log may say why."
    return SendFailed(what, retryable=True, ambiguous=True)


def _unsent(error: Exception, host: str) -> str:
    """Why nothing was sent; "" when something may have been."""
    match error:
        # One text for both: whether a name exists in the network of this server is nobody's business.
        case ClientConnectorDNSError() | ClientConnectorError(os_error=AddressRefused()) | InvalidURL():
            return (
                f"{host} has no address on the public internet, so nothing was sent. "
                f"Correct it in DNS, or create a webhook with another URL {_REPLACE}"
            )
        case ClientConnectorCertificateError():
            return (
                f"The certificate of {host} is not one this server trusts, or not for that name, so nothing was sent. "
                "Replace it; if it is of your own authority, name that in SSL_CERT_FILE."
            )
        case ClientConnectorSSLError():
            return (
                f"{host} does not speak TLS as it should, so nothing was sent. Look what listens at the webhook's URL."
            )
        case ClientConnectorError() | ConnectionTimeoutError():
            return f"{host} can't be reached, so nothing was sent. Check that it runs and lets this server in."
        case _:
            return ""


FAILURES = (ClientError, OSError)
"""What aiohttp raises; a TimeoutError is an OSError."""
