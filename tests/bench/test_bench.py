"""The benchmark measures what it says: a wrong ruler is worse than none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import cycle, islice, repeat
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from standardwebhooks import Webhook

from bot.domain.events import EventType
from tests.bench import posting
from tests.bench.answer import FIELDS, Answer
from tests.bench.load import LoadFailed, Run, drive
from tests.bench.measure import IN_FLIGHT, SLOW, Measured, Sample
from tests.bench.post_office import AGAIN, SECRET, post_office, request
from tests.bench.readers import Reader, all_got, reading
from tests.bench.receivers import Arrival, WrongDelivery, check, receiving
from tests.bench.report import as_json, as_text, goals
from tests.bench.servers import Cores
from tests.bench.traffic import CHATS, Traffic, chat_id

REQUEST = b"GET / HTTP/1.1\r\nHost: bot.example.com\r\n\r\n"


class Server:
    """Answers `bodies` in turn, and remembers its connections."""

    def __init__(self) -> None:
        self.bodies = cycle([b"", b"x" * 300_000])
        self.status = 200
        self.port = 0
        self.connections: set[object] = set()

    async def answer(self, request: web.Request) -> web.Response:
        self.connections.add(request.transport)
        return web.Response(body=next(self.bodies), status=self.status)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server, app = Server(), web.Application()
    app.router.add_get("/", server.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.port = runner.addresses[0][1]
    yield server
    await runner.cleanup()


async def test_every_request_is_answered_and_timed_once(server: Server) -> None:
    """Also those whose answer comes in many pieces, or has no body."""
    run = await drive(server.port, islice(repeat(REQUEST), 50), in_flight=4)
    assert run.count == 50
    assert len(server.connections) == 4
    assert 0 < min(run.latencies) <= run.p50 <= run.p99 <= run.elapsed


async def test_a_load_ends_when_its_time_is_over(server: Server) -> None:
    run = await drive(server.port, repeat(REQUEST), in_flight=2, seconds=0.1)
    assert 0.1 <= run.elapsed < 2
    assert run.count > 2


async def test_an_answer_that_is_no_success_ends_the_load(server: Server) -> None:
    server.status = 503
    with pytest.raises(LoadFailed, match="503"):
        await drive(server.port, repeat(REQUEST), in_flight=2, seconds=1)


def test_the_references_answer_has_the_values_of_this_record_and_no_others() -> None:
    answer = Answer()
    for record in ("A-1", "A-2"):
        values = {"id": record, "title": f"Title of {record}", **{field: f"{field} of {record}" for field in FIELDS}}
        text = answer.encode(values).decode()
        assert json.loads(text)["composeExtension"]["attachments"]
        assert all(value in text for value in values.values())
        assert "%(" not in text
        assert text.count("A-1") * text.count("A-2") == 0


def test_no_two_notes_are_the_same() -> None:
    """Nor have they the same id: the product would recognize a repetition, and do nothing."""
    traffic = Traffic(token="token", service_url="https://localhost/teams/")
    bodies = [json.loads(note.partition(b"\r\n\r\n")[2]) for note in islice(traffic.notes(), 1_200)]
    assert len({body["id"] for body in bodies}) == len({body["text"] for body in bodies}) == 1_200
    assert all("#" not in body["text"] for body in bodies)
    assert {body["conversation"]["id"] for body in bodies} == {chat_id(chat) for chat in range(CHATS)}


def measured(**rates: float) -> Measured:
    """Every goal is reached, just so; what is named is as fast as given here."""
    seen = Measured(starts=[4.0], messages=1000, memory=120.0, told=[0.01], streamed=[400.0])
    of_unfurls = {"floor": 1000.0, "unfurl": 450.0, "message": 200.0, "note": 100.0, "stock": 10.0}
    of_events = {"posting": 8000.0, "delivery": 2400.0}
    for reference, numbers in ((of_unfurls, IN_FLIGHT), (of_events, (32, 96))):
        for what, rate in (reference | {name: rates[name] for name in rates.keys() & reference.keys()}).items():
            for in_flight in numbers:
                seen.samples[what, in_flight] = [Sample(rate=rate, p50=1.0, cpu=None, busy=0.1)] * 3
    for delay, milliseconds in ((0.0, 1.0), (SLOW, 1.5)):
        seen.unfurls[delay] = [Run(latencies=[milliseconds / 1000] * 10, elapsed=1.0)]
    for delivering, milliseconds in ((False, 1.0), (True, rates.get("beside", 1.5))):
        seen.beside[delivering] = [Run(latencies=[milliseconds / 1000] * 10, elapsed=1.0)]
    seen.delivered = [rates.get("delivered", 950.0)]
    return seen


def test_goals_that_are_reached_are_said_so() -> None:
    lines = list(as_text(measured()))
    assert [goal.reached for goal in goals(measured())] == [True] * 11
    assert sum(line.endswith("reached") for line in lines) == 11
    assert len(as_json(measured(), {})["rates"]) == 5 * len(IN_FLIGHT) + 2 * 2


@pytest.mark.parametrize(
    ("missed", "count", "by"),
    [
        ("unfurl, 16", 1, {"unfurl": 449.0}),
        ("events delivered", 2, {"delivery": 2399.0}),
        ("unfurl p50 while 1,000 events/s", 1, {"beside": 1.51}),
        ("unfurl p50 while 1,000 events/s", 1, {"delivered": 949.0}),
    ],
)
def test_a_goal_that_is_missed_is_said_so(missed: str, count: int, by: dict[str, float]) -> None:
    """Unfurls beside a delivery that was slower than it should be count for nothing."""
    lines = [line for line in as_text(measured(**by)) if line.endswith("MISSED")]
    assert len(lines) == count
    assert all(line.startswith(missed) for line in lines)


def arrived(seq: int, *, record: str = "account/A-1", secret: str = SECRET) -> Arrival:
    """An event as a webhook's receiver gets it."""
    now, body = datetime.now(UTC), json.dumps({"subject": record, "sequence": str(seq)})
    signature = Webhook(secret).sign("an-event", now, body)
    head = (
        f"POST /hook HTTP/1.1\r\nWebhook-Id: an-event\r\nwebhook-timestamp: {int(now.timestamp())}\r\n"
        f"webhook-signature: {signature}"
    )
    return Arrival(at=0.0, head=head.encode(), body=body.encode())


OWED = {"account/A-1": [4, 5, 6], "account/A-2": [1]}
OTHER = {"record": "account/A-2"}


def test_what_was_owed_and_arrived_in_order_is_right() -> None:
    """Order is one record's; what happens to another may come in between."""
    check([arrived(4), arrived(5), arrived(1, **OTHER), arrived(6)], OWED, SECRET)


@pytest.mark.parametrize(
    "arrivals",
    [
        [arrived(4), arrived(5), arrived(6)],
        [arrived(4), arrived(6), arrived(1, **OTHER)],
        [arrived(4), arrived(6), arrived(5), arrived(1, **OTHER)],
        [arrived(4), arrived(5), arrived(6), arrived(1, **OTHER), arrived(1, **OTHER)],
        [arrived(4), arrived(5), arrived(6), arrived(1, **OTHER), arrived(1, record="account/A-3")],
        [arrived(4, secret=SECRET[::-1]), arrived(5), arrived(6), arrived(1, **OTHER)],
    ],
    ids=["a record is missing", "an event is missing", "out of order", "doubled", "not owed", "badly signed"],
)
def test_a_wrong_delivery_is_no_measurement(arrivals: list[Arrival]) -> None:
    with pytest.raises(WrongDelivery):
        check(arrivals, OWED, SECRET)


async def test_a_receiver_keeps_each_request_however_it_comes() -> None:
    async with receiving(2) as receivers:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(receivers.urls[1].split(":")[2].split("/")[0]))
        for body in (b"", b"x" * 300_000):
            whole = b"POST /hook HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
            for piece in (whole[:30], whole[30:]):
                writer.write(piece)
                await asyncio.sleep(0.01)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
        writer.close()
        assert [len(arrivals) for arrivals in receivers.arrivals] == [0, 2]
        assert [arrival.body for arrival in receivers.arrivals[1]] == [b"", b"x" * 300_000]
        assert receivers.count == 2


BODIES = [json.dumps({"number": number}) for number in range(40)]


async def test_the_bare_loop_posts_each_body_to_each_address() -> None:
    """The receivers, who answer 200 a second, see the pace: they are waited for."""
    async with receiving(2) as receivers, TestClient(TestServer(posting.build())) as client:
        receivers.pace = 200
        order = {"urls": receivers.urls, "bodies": BODIES, "in_flight": 4}
        async with client.post("/", json=order) as response:
            assert response.status == 200
        await receivers.wait_for(80)
        for arrivals in receivers.arrivals:
            assert sorted(arrival.body.decode() for arrival in arrivals) == sorted(BODIES)
        assert receivers.elapsed > 0.3


async def test_the_bare_loop_posts_as_many_at_once_as_told() -> None:
    """The first is answered at once, the second twenty seconds later: one more comes than four for each address."""
    async with receiving(2) as receivers, TestClient(TestServer(posting.build())) as client:
        receivers.pace = 1 / 20
        order = {"urls": receivers.urls, "bodies": BODIES, "in_flight": 4}
        posting_all = asyncio.create_task(client.post("/", json=order))
        await receivers.wait_for(9)
        await asyncio.sleep(0.2)
        assert receivers.count == 9
        posting_all.cancel()
        await asyncio.wait([posting_all])


async def test_a_receiver_that_gets_nothing_ends_the_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.bench.receivers.LONGEST_WAIT", 0.05)
    async with receiving(1) as receivers:
        with pytest.raises(WrongDelivery, match="1 requests were owed"):
            await receivers.wait_for(1)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_reader_of_a_live_stream_counts_events_however_they_come(size: int) -> None:
    """Neither a heartbeat nor an event's own text is one; what comes twice is found."""
    beginning = b"HTTP/1.1 200 OK\r\n\r\n: connected\nid: a\n\n: ping\n\n"
    stream = beginning + b"".join(b'id: %b\ndata: {"data": "data: "}\n\n' % name for name in (b"b", b"c", b"b"))
    reader = Reader(b"")
    for start in range(0, len(stream), size):
        reader.data_received(stream[start : start + size])
    assert reader.count == 3
    with pytest.raises(WrongDelivery, match="Of 3 events a reader got 2, in 3 frames"):
        reader.check(3)


async def test_the_demo_and_the_bare_loop_tell_receivers_the_same(tmp_path: Path) -> None:
    """In small what the benchmark does in large, with the real program."""
    async with post_office(tmp_path, Cores(serving=None, loading=None)) as office:
        for kind, count in ((EventType.NOTE_ADDED, 1), (EventType.RECORD_UPDATED, 3)):
            await office.owe(kind, 40)
            await office.told(kind, 40)
            assert office.receivers.count == 40 * count
            await office.post(kind)
            assert office.receivers.count == AGAIN * 40 * count
            assert {arrival.body.decode() for arrival in office.receivers.arrivals[0]} == set(office.bodies[kind])
        async with reading(office.product.port, request("GET", "/api/v1/events/stream"), 2) as readers:
            await office.owe(EventType.CHAT_RENAMED, 40)
            assert await all_got(readers, 40) > 0
