"""Who may use the API: every route has a policy, and it holds before anything else is looked at."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import ClientSession

from bot.config import load_settings
from bot.web import server
from bot.wiring import create_app
from tests import trust
from tests.sqlite import new_sqlite
from tests.web.api.conftest import TOKEN, Api
from tests.world import ROOT

OPEN = {
    "/": "what this server is and where its parts are, the same everywhere",
    "/livez": "says nothing but that the process runs",
    "/readyz": "says nothing but whether it can serve",
    "/metrics": "counts by route, holds no ids; for the network of the operators",
    "/api/v1/openapi.json": "the form of the API, the same everywhere",
}
OWN = {"/api/messages": "the Bot Framework's token, see tests/teams; the demo takes unsigned activities"}


async def test_every_route_of_the_program_has_a_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A route that is not in one of the two tables must ask for the token, with every method."""
    monkeypatch.setenv("DATABASE_URL", new_sqlite(tmp_path / "routes.db"))
    monkeypatch.setenv("CONFIG", str(ROOT / "connect-chats.toml"))
    app = await create_app(load_settings(demo=True, env_file=None), trust=trust.SYSTEM)
    listening = await server.start(app, host="127.0.0.1", port=0)
    places = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource}
    try:
        async with ClientSession() as http:
            for method, place in sorted(places):
                if place in OPEN or place in OWN:
                    continue
                for token in ({}, {"Authorization": "Bearer wrong"}):
                    path = place.replace("{", "").replace("}", "")
                    async with http.request(
                        method, f"http://127.0.0.1:{listening.port}{path}", headers=token
                    ) as answer:
                        assert answer.status == 401, f"{method} {place} lets everybody in; give it a policy"
    finally:
        await listening.stop()
    assert set(OPEN) | set(OWN) <= {place for _, place in places}
    assert len(places) > 15


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN.upper()}",
        f"Basic {TOKEN}",
        TOKEN,
        "Bearer café",
        "Bearer " + "x" * 4000,
    ],
)
async def test_anything_but_the_token_is_refused_and_told_what_to_send(api: Api, header: str) -> None:
    answer = await api.ask("GET", "/record-types", Authorization=header)
    assert answer.status == 401
    assert "API_TOKEN" in answer.detail
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_the_scheme_is_case_insensitive(api: Api) -> None:
    assert (await api.ask("GET", "/record-types", Authorization=f"bEARER {TOKEN}")).status == 200


async def test_two_tokens_are_no_token(api: Api) -> None:
    headers = [("Authorization", f"Bearer {TOKEN}"), ("Authorization", "Bearer other")]
    async with api.http.get(f"{api.base}/api/v1/record-types", headers=headers) as answer:
        assert answer.status == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nothing"),
        ("GET", ""),
        ("GET", "/"),
        ("PATCH", "/apps"),
        ("POST", "/openapi.json"),
        ("GET", "/records/a"),
    ],
)
async def test_the_token_is_asked_for_before_it_is_said_what_exists(api: Api, method: str, path: str) -> None:
    assert (await api.ask(method, path, Authorization="")).status == 401
    assert (await api.ask(method, path)).status in (404, 405)


async def test_the_token_is_asked_for_before_the_body_is_read(api: Api) -> None:
    answer = await api.ask("PUT", "/records/account/A-1", raw=b"x" * 300_000, Authorization="Bearer wrong")
    assert answer.status == 401


async def test_without_a_configured_token_nobody_gets_in_and_the_remedy_is_named(closed_api: Api) -> None:
    for header in ("", "Bearer ", "Bearer x", f"Bearer {TOKEN}"):
        answer = await closed_api.ask("GET", "/record-types", Authorization=header)
        assert answer.status == 401
        assert "Set API_TOKEN" in answer.detail
    assert (await closed_api.ask("GET", "/openapi.json", Authorization="")).status == 200
