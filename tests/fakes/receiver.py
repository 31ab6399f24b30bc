"""A receiver of webhooks on loopback that believes nothing: it checks every request and keeps account of what came.

Signatures are checked by `standardwebhooks`, events are read by `cloudevents`. `python -m tests.fakes.receiver` runs it
in a process of its own; any GET answers its account.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import secrets
import ssl
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import trustme
from aiohttp import web
from cloudevents.core.formats.json import JSONFormat
from standardwebhooks import Webhook, WebhookVerificationError

from tests.waiting import LIMIT

TOLERANCE = timedelta(minutes=5)
FOREVER = 3600.0

Clock = Callable[[], int]
"""Microseconds since the epoch."""


def new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


class _Verifier(Webhook):
    """The standard verifier; with a clock, it compares the timestamp with that instead of the real time."""

    def __init__(self, secret: str, clock: Clock | None) -> None:
        super().__init__(secret)
        self._clock = clock
        if clock is not None:
            self._Webhook__verify_timestamp = self._compare

    def _compare(self, header: str) -> datetime:
        assert self._clock is not None
        at = datetime.fromtimestamp(int(header), UTC)
        if abs(datetime.fromtimestamp(self._clock() / 1_000_000, UTC) - at) > TOLERANCE:
            raise WebhookVerificationError("the timestamp is not of this time")
        return at


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens to a request instead of being taken.

    Attributes:
        status: answered, with `headers` and `body`; 2xx takes the event after all, with that status.
        delay: seconds to wait first.
        hang: no answer, ever; `cut`: the connection is reset; `cut_late`: reset, but the event was taken.
    """

    status: int = 200
    headers: Mapping[str, str] | None = None
    body: bytes = b""
    delay: float = 0.0
    hang: bool = False
    cut: bool = False
    cut_late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An event that was taken, in the order of being taken. `attempt`: as the request said."""

    id: str
    type: str
    subject: str
    seq: int
    attempt: int
    data: Mapping[str, Any]


class FakeReceiver:
    """`async with FakeReceiver() as receiver`: listens at `receiver.url` for what is signed with `receiver.secret`.

    Attributes:
        secret: the one it verifies with; may be changed while it runs.
        arrivals: what was taken, each event once.
        requests: how often each event was sent here, taken or not.
        doubles: how often each event was taken again; `unflagged`: those whose repeat said it were the first attempt.
        inversions: (subject, seq before, seq) of events taken after a later one of the same record.
        problems: what was wrong with requests; must be empty at the end of a test.
        faults: what happens to the next requests, one each; `always`: to every request, as long as it is set.
    """

    def __init__(
        self,
        *,
        secret: str = "",
        clock: Clock | None = None,
        port: int = 0,
        certificate: trustme.LeafCert | None = None,
    ) -> None:
        """`certificate`: speak TLS with it."""
        self.secret = secret or new_secret()
        self.arrivals: list[Arrival] = []
        self.requests: Counter[str] = Counter()
        self.doubles: Counter[str] = Counter()
        self.unflagged: list[str] = []
        self.inversions: list[tuple[str, int, int]] = []
        self.problems: list[str] = []
        self.faults: deque[Fault] = deque()
        self.always: Fault | None = None
        self._clock = clock
        self._port = port
        self._verifiers: dict[str, _Verifier] = {}
        self._format = JSONFormat()
        self._taken: set[str] = set()
        self._latest: dict[str, int] = {}
        self._changed = asyncio.Event()
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if certificate else None
        if certificate and self._tls:
            certificate.configure_cert(self._tls)
        self._runner: web.ServerRunner | None = None

    async def __aenter__(self) -> Self:
        await self.come_up()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.go_down()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}/hook"

    @property
    def webhook(self) -> dict[str, Any]:
        """The body that creates its webhook."""
        return {"url": self.url, "secret": self.secret}

    async def come_up(self) -> None:
        """Listen, at the same port as before."""
        self._runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=0.05)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True, ssl_context=self._tls).start()
        self._port = self._runner.addresses[0][1]

    async def go_down(self) -> None:
        """Stop listening and reset what is connected; what came so far is kept."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def take(self, count: int, *, within: float = LIMIT) -> list[Arrival]:
        """The arrivals, once there are that many of them.

        Raises:
            AssertionError: there are fewer after so many seconds; says what there is.
        """
        try:
            async with asyncio.timeout(within):
                while len(self.arrivals) < count:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"{len(self.arrivals)} of {count} events came; {self.account()}") from None
        return self.arrivals

    def order(self) -> dict[str, list[int]]:
        """The `seq` of what was taken, by subject, in order of being taken."""
        found: dict[str, list[int]] = {}
        for arrival in self.arrivals:
            found.setdefault(arrival.subject, []).append(arrival.seq)
        return found

    def account(self) -> dict[str, Any]:
        return {
            "taken": len(self.arrivals),
            "requests": self.requests.total(),
            "doubled": self.doubles.total(),
            "unflagged": len(self.unflagged),
            "inversions": len(self.inversions),
            "problems": self.problems[:20],
        }

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "GET":
            return web.json_response(self.account())
        body = await request.read()
        try:
            arrival = self._read(request, body)
        except (WebhookVerificationError, ValueError, LookupError, AssertionError) as error:
            self.problems.append(f"{type(error).__name__}: {error}")
            return web.Response(status=400)
        self.requests[arrival.id] += 1
        fault = self.faults.popleft() if self.faults else self.always
        if fault is not None:
            return await self._fail(fault, arrival, request)
        self._take(arrival)
        return web.Response(status=204)

    async def _fail(self, fault: Fault, arrival: Arrival, request: web.BaseRequest) -> web.Response:
        await asyncio.sleep(FOREVER if fault.hang else fault.delay)
        if fault.cut_late or (not fault.cut and 200 <= fault.status < 300):
            self._take(arrival)
        if (fault.cut or fault.cut_late) and request.transport is not None:
            request.transport.abort()
        return web.Response(status=fault.status, headers=fault.headers, body=fault.body)

    def _read(self, request: web.BaseRequest, body: bytes) -> Arrival:
        """What the request tells. Raises for everything that is not as it was agreed."""
        assert request.method == "POST", request.method
        assert request.headers["Content-Type"] == "application/cloudevents+json"
        for name in ("Authorization", "Cookie", "Accept-Encoding"):
            assert name not in request.headers, f"{name} was sent"
        verifier = self._verifiers.get(self.secret)
        if verifier is None:
            verifier = self._verifiers[self.secret] = _Verifier(self.secret, self._clock)
        verifier.verify(body, dict(request.headers), json_parse=False)
        event = self._format.read(None, body)
        data, extra = event.get_data(), event.get_attributes()
        assert isinstance(data, dict)
        assert event.get_id() == request.headers["webhook-id"] == data["id"]
        assert event.get_type() == f"connectchats.{data['type']}"
        assert event.get_subject() == "{type}/{id}".format(**data["record"])
        assert event.get_source().startswith("http")
        assert event.get_datacontenttype() == "application/json"
        assert event.get_time() == datetime.fromisoformat(data["at"])
        assert extra["sequence"] == str(data["seq"])
        attempt = int(request.headers["webhook-attempt"])
        assert attempt >= 1
        return Arrival(
            id=data["id"],
            type=data["type"],
            subject=event.get_subject() or "",
            seq=data["seq"],
            attempt=attempt,
            data=data,
        )

    def _take(self, arrival: Arrival) -> None:
        if arrival.id in self._taken:
            self.doubles[arrival.id] += 1
            if arrival.attempt == 1:
                self.unflagged.append(arrival.id)
            return
        before = self._latest.get(arrival.subject, 0)
        if arrival.seq < before:
            self.inversions.append((arrival.subject, before, arrival.seq))
        self._latest[arrival.subject] = max(before, arrival.seq)
        self._taken.add(arrival.id)
        self.arrivals.append(arrival)
        self._changed.set()


async def _serve(port: int, secret: str) -> None:
    async with FakeReceiver(secret=secret, port=port) as receiver:
        print(json.dumps(receiver.webhook), flush=True)
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="Receive webhooks on loopback; prints the body that creates one.")
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--secret", default="", help="whsec_...; one is made if there is none")
    options = parser.parse_args()
    try:
        asyncio.run(_serve(options.port, options.secret))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
