"""What machines ask that look after the process."""

from __future__ import annotations

import re

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from bot.errors import Unavailable, Unprocessable
from bot.web import health
from bot.web.metrics import Metrics, Sources
from bot.web.problems import problems
from tests.waiting import until
from tests.world import ACCOUNT, GROUP, World

SECRET = "postgresql://bot:what-nobody-may-read@db.internal"


async def get(world: World, path: str) -> tuple[int, str, str]:
    """Status, content type and text, without a token."""
    async with world.http.get(f"{world.base}{path}") as response:
        return response.status, response.content_type, await response.text()


async def test_it_is_alive_and_ready(world: World) -> None:
    assert await get(world, "/livez") == (200, "application/json", '{"status": "alive"}')
    assert await get(world, "/readyz") == (200, "application/json", '{"status": "ready"}')


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (Unavailable("The database does not answer. Try again in a moment."), "does not answer"),
        (Unprocessable(f"{SECRET} can't be stored."), health.BROKEN),
        (RuntimeError(f"no such table at {SECRET}"), health.BROKEN),
        (TimeoutError(SECRET), health.BROKEN),
    ],
)
async def test_while_it_can_not_serve_it_is_alive_but_not_ready_and_the_log_says_why(
    error: Exception, why: str
) -> None:
    async def database_down() -> None:
        raise error

    async def nothing() -> dict:
        return {}

    app = web.Application(middlewares=[problems])
    health.add_routes(app, ready=database_down, metrics=Metrics(Sources(outbox=nothing, clock=lambda: 0)))
    async with TestClient(TestServer(app)) as client:
        with capture_logs() as logs:
            async with client.get("/readyz") as response:
                answer = await response.json()
                assert (response.status, answer["status"]) == (503, "not ready")
                assert why in answer["why"]
                assert SECRET not in await response.text()
        (entry,) = [entry for entry in logs if entry["event"] == "not ready"]
        assert str(error) in entry.get("why", "") or entry["exc_info"] is error
        async with client.get("/livez") as response:
            assert response.status == 200


async def test_the_metrics_count_answers_by_route_and_status_and_hold_no_ids(world: World) -> None:
    for _ in range(3):
        await world.paste(ACCOUNT)
    await world.api("GET", "/records/account/A-1001")
    await world.api("GET", "/records/account/A-nobody")
    await get(world, "/wp-admin/secret.php")
    status, content_type, text = await get(world, "/metrics")
    assert (status, content_type) == (200, "text/plain")

    def value(name: str, route: str, **labels: str) -> float:
        wanted = ",".join(f'{label}="{text}"' for label, text in {"route": route, **labels}.items())
        found = re.search(rf"^{name}{{{re.escape(wanted)}}} (\S+)$", text, re.MULTILINE)
        assert found, (name, wanted)
        return float(found[1])

    record = "/api/v1/records/{type}/{id}"
    assert value("connect_chats_responses_total", "/api/messages", status="200") == 3
    assert value("connect_chats_responses_total", record, status="200") == 1
    assert value("connect_chats_responses_total", record, status="404") == 1
    assert value("connect_chats_responses_total", "unknown", status="404") == 1
    assert value("connect_chats_request_seconds_count", "/api/messages") == 3
    for word in ("A-1001", "A-nobody", "wp-admin", GROUP):
        assert word not in text


async def test_a_live_stream_is_counted_but_its_length_is_no_time_to_answer(world: World) -> None:
    async with world.http.get(f"{world.base}/api/v1/events/stream", headers={"Authorization": "Bearer demo"}) as stream:
        await stream.content.readline()
        assert "connect_chats_stream_readers 1.0" in (await get(world, "/metrics"))[2]

    async def left() -> str:
        _, _, text = await get(world, "/metrics")
        return text if "connect_chats_stream_readers 0.0" in text else ""

    text = await until(left)
    assert 'connect_chats_responses_total{route="/api/v1/events/stream",status="200"} 1.0' in text
    assert 'connect_chats_request_seconds_count{route="/api/v1/events/stream"} 0.0' in text


async def test_the_page_at_the_root_can_not_be_framed_or_run_scripts(world: World) -> None:
    async with world.http.get(f"{world.base}/") as response:
        policy = response.headers["Content-Security-Policy"]
        page = await response.text()
    assert (response.status, response.content_type) == (200, "text/html")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "<script" not in page
    for anchor in ("privacy", "terms"):
        assert f'id="{anchor}"' in page, "the manifest links there"
