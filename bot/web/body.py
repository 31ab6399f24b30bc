"""Reading request bodies: bounded in size and time, before anything is parsed."""

from __future__ import annotations

import asyncio

from aiohttp import web

from bot.errors import Invalid, TooLarge, UnsupportedMediaType

READ_TIMEOUT = 10.0
"""Seconds; aiohttp itself waits for a slow body without end."""


def check_headers(request: web.Request, limit: int) -> None:
    """What can be refused before the body is read.

    Raises:
        TooLarge: it says it is over the limit.
        UnsupportedMediaType: it is not JSON.
    """
    if request.content_length is not None and request.content_length > limit:
        raise TooLarge(f"The body is larger than {limit // 1024} KiB.", next_step="Send less.")
    if request.content_type != "application/json":
        raise UnsupportedMediaType("The body must be JSON.", next_step="Send it with Content-Type: application/json.")
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMediaType("Compressed bodies are not taken.", next_step="Send it without Content-Encoding.")


async def read_body(request: web.Request, limit: int) -> bytes:
    """The whole body.

    Raises:
        TooLarge: it is over the limit.
        Invalid: it did not arrive in time, or the client went away.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(READ_TIMEOUT):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > limit:
                    raise TooLarge(f"The body is larger than {limit // 1024} KiB.", next_step="Send less.")
    except TimeoutError:
        raise Invalid(
            f"The body did not arrive within {READ_TIMEOUT:.0f} seconds.", next_step="Send it again."
        ) from None
    return bytes(body)
