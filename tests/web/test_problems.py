"""Every error has one shape, and none of them tells what only the log may know."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from bot import errors
from bot.errors import ConnectChatsError
from bot.web.problems import problems, status_of

SECRET = "what-nobody-may-read"
EXPECTED = {
    errors.Invalid: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotAllowed: 403,
    errors.Unanswered: 403,
    errors.NotFound: 404,
    errors.RecordNotFound: 404,
    errors.Conflict: 409,
    errors.PreconditionFailed: 412,
    errors.TooLarge: 413,
    errors.UnsupportedMediaType: 415,
    errors.Unprocessable: 422,
    errors.Unavailable: 503,
}
NOT_FOR_CALLERS = {
    errors.SettingsInvalid,
    errors.SendFailed,
    errors.ChatUnreachable,
    errors.ChatGone,
    errors.ReceiverGone,
    errors.StaleButton,
}


def every_kind(of: type[ConnectChatsError] = ConnectChatsError) -> Iterator[type[ConnectChatsError]]:
    for kind in of.__subclasses__():
        yield kind
        yield from every_kind(kind)


@pytest.fixture
async def client() -> AsyncIterator[TestClient]:
    async def refuse(request: web.Request) -> web.Response:
        kind = next(kind for kind in EXPECTED if kind.code == request.match_info["code"])
        raise kind("It did not work.", next_step="Try something else.")

    async def broken(request: web.Request) -> web.Response:
        raise RuntimeError(SECRET)

    async def http(request: web.Request) -> web.Response:
        raise web.HTTPGone(text=SECRET)

    app = web.Application(middlewares=[problems], client_max_size=10)
    app.add_routes([web.get("/refuse/{code}", refuse), web.get("/broken", broken), web.get("/gone", http)])
    app.router.add_post("/read", lambda request: request.read())
    async with TestClient(TestServer(app)) as running:
        yield running


def test_every_error_of_the_tree_has_a_status_a_code_of_its_own_or_never_reaches_a_caller() -> None:
    kinds = set(every_kind())
    assert kinds == EXPECTED.keys() | NOT_FOR_CALLERS
    assert len({kind.code for kind in kinds}) == len(kinds)
    for kind, status in EXPECTED.items():
        assert status_of(kind("x")) == status


@pytest.mark.parametrize("kind", EXPECTED, ids=lambda kind: kind.code)
async def test_an_error_is_a_problem_document(client: TestClient, kind: type[ConnectChatsError]) -> None:
    async with client.get(f"/refuse/{kind.code}") as response:
        body = await response.json(content_type="application/problem+json")
    assert response.status == body["status"] == EXPECTED[kind]
    assert body["type"] == f"urn:connect-chats:problem:{kind.code}"
    assert body["detail"] == "It did not work. Try something else."
    assert body["title"] not in ("", "Error")
    assert body["instance"] == f"urn:connect-chats:request:{response.headers['X-Request-Id']}"
    assert ("WWW-Authenticate" in response.headers) == (response.status == 401)
    assert ("Retry-After" in response.headers) == (response.status == 503)


async def test_a_defect_is_a_500_whose_id_finds_the_trace_in_the_log(client: TestClient) -> None:
    with capture_logs() as logs:
        async with client.get("/broken") as response:
            body = await response.json(content_type="application/problem+json")
    assert (response.status, body["type"]) == (500, "urn:connect-chats:problem:internal")
    assert response.headers["X-Request-Id"] in body["detail"]
    assert SECRET not in json.dumps(body)
    (entry,) = logs
    assert entry["exc_info"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing/here", 404, "not-found"),
        ("DELETE", "/broken", 405, "method-not-allowed"),
        ("POST", "/read", 413, "too-large"),
        ("GET", "/gone", 410, "http"),
    ],
)
async def test_what_aiohttp_refuses_has_the_same_shape(
    client: TestClient, method: str, path: str, status: int, code: str
) -> None:
    async with client.request(method, path, data=b"x" * 100 if method == "POST" else None) as response:
        body = await response.json(content_type="application/problem+json")
    assert (response.status, body["status"], body["type"]) == (status, status, f"urn:connect-chats:problem:{code}")
    assert response.headers.get("Allow", "GET, HEAD") == "GET, HEAD"
    assert ("Allow" in response.headers) == (status == 405)
    assert SECRET not in json.dumps(body)


async def test_each_request_has_an_id_of_its_own(client: TestClient) -> None:
    ids = set()
    for _ in range(5):
        async with client.get("/nothing") as response:
            ids.add(response.headers["X-Request-Id"])
    assert len(ids) == 5
