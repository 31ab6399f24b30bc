"""Sessions that connect to permitted addresses only, whatever a name resolves to.

A check before the request would be worth nothing: a name may resolve to another address a moment later (DNS rebinding).
So the address is looked at where the socket for it is made, and that socket is connected to nothing else.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from aiohttp import AddrInfoType, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.domain.addresses import is_loopback, is_public

TOTAL = 15.0
CONNECT = 5.0
KEEP_ALIVE = 4.0
"""Seconds. Shorter than most servers': who sends on a connection that is just being closed must send again."""
MAX_ANSWER = 4096
NAMES_AT_ONCE = 16

Permits = Callable[[str], bool]
"""Whether an address, written out, may be connected to."""


class AddressRefused(OSError):
    """The address is not one that may be connected to. Says no more: the text must be the same for each address."""

    def __init__(self) -> None:
        super().__init__("refused address")


def open_sessions(trust: ssl.SSLContext, *, loopback: bool = False) -> dict[str, ClientSession]:
    """A session for each scheme that webhooks may have. Needs a running event loop.

    Args:
        trust: for https.
        loopback: also http, to this machine alone: the demo.
    """
    sessions = {"https": open_session(is_public, trust)}
    if loopback:
        sessions["http"] = open_session(is_loopback, trust)
    return sessions


def open_session(permits: Permits, trust: ssl.SSLContext, *, names: AbstractResolver | None = None) -> ClientSession:
    """Pooled connections to permitted addresses: no proxy, no cookies, nothing inflated.

    How many at once is decided by who sends: a limit here would have one receiver wait for another.
    """
    connector = TCPConnector(
        ssl=trust,
        limit=0,
        keepalive_timeout=KEEP_ALIVE,
        resolver=names or Names(),
        socket_factory=_guarded(permits),
    )
    return ClientSession(
        connector=connector,
        cookie_jar=DummyCookieJar(),
        timeout=ClientTimeout(total=TOTAL, connect=CONNECT),
        auto_decompress=False,
        read_bufsize=MAX_ANSWER,
        trust_env=False,
    )


def _guarded(permits: Permits) -> Callable[[AddrInfoType], socket.socket]:
    """Makes sockets for permitted addresses. Literal ones come here too, though no resolver ever sees them."""

    def make(info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        if not permits(address[0]):
            raise AddressRefused
        return socket.socket(family, kind, protocol)

    return make


class Names(AbstractResolver):
    """Asks the system for the addresses of a name, in threads of its own.

    A name server that hangs would else hold all of the program's threads. They end when nobody holds this any more.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(NAMES_AT_ONCE, thread_name_prefix="webhook-names")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        try:
            found = await asyncio.get_running_loop().run_in_executor(
                self._threads, lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
            )
        except UnicodeError as error:  # no name at all: a part of it is too long
            raise OSError(str(error)) from None
        return [
            ResolveResult(hostname=host, host=str(address[0]), port=port, family=family, proto=protocol, flags=0)
            for family, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
