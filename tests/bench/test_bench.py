"""The benchmark measures what it says: a wrong ruler is worse than none."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from itertools import cycle, islice, repeat

import pytest
from aiohttp import web

from tests.bench.answer import FIELDS, Answer
from tests.bench.load import LoadFailed, Run, drive
from tests.bench.measure import IN_FLIGHT, SLOW, Measured, Sample
from tests.bench.report import as_text, goals
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


@pytest.mark.parametrize(("unfurls", "verdict"), [(450, "reached"), (449, "MISSED")])
def test_a_goal_that_is_missed_is_said_so(unfurls: float, verdict: str) -> None:
    rates = {"floor": 1000.0, "unfurl": unfurls, "message": 200.0, "note": 100.0, "stock": 10.0}
    seen = Measured(starts=[1.0], messages=1000, memory=100.0)
    for what, rate in rates.items():
        for in_flight in IN_FLIGHT:
            seen.samples[what, in_flight] = [Sample(rate=rate, p50=1.0, cpu=None, busy=0.1)] * 3
    for delay in (0.0, SLOW):
        seen.unfurls[delay] = [Run(latencies=[0.001] * 10, elapsed=1.0)]
    assert [goal.reached for goal in goals(seen)] == [verdict == "reached", *[True] * 7]
    assert verdict in next(line for line in as_text(seen) if line.startswith("unfurl, 16"))
