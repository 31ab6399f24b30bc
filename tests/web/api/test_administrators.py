"""Administrators' Entra tokens: what they open, and that nothing else opens it, over the wire with real signatures."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from bot.config import load_settings
from bot.web import server
from bot.web.api import PREFIX, ROUTES
from bot.web.api.description import describe
from bot.web.api.route import ADMINS
from bot.wiring import create_app
from tests.fakes.entra import MEGAN, MEGAN_NAME, ROLE, Entra
from tests.fakes.forged_users import FORGED_USERS
from tests.fakes.microsoft import TENANT, Microsoft
from tests.sqlite import new_sqlite
from tests.web.api.conftest import TOKEN
from tests.world import ROOT

ALEX = "8c2a1f0e-90d4-4f6b-8a57-3d1e5b7c9f20"
"""On the list of administrators; his tokens have no role."""

PASS, SIGN_IN, FORBIDDEN = "goes on", 401, 403

CALLERS: Mapping[str, tuple[Callable[[Microsoft], str | None], Any, Any]] = {
    # what is shown; what comes of it on operations for administrators, and on all others
    "nobody": (lambda _: None, SIGN_IN, SIGN_IN),
    "a wrong token": (lambda _: "wrong", SIGN_IN, SIGN_IN),
    "the record system": (lambda _: TOKEN, PASS, PASS),
    "an administrator by role": (lambda it: Entra(it).admin(), PASS, FORBIDDEN),
    "an administrator by the list": (lambda it: Entra(it).mint(oid=ALEX), PASS, FORBIDDEN),
    "a guest with the role": (lambda it: Entra(it).admin(acct=1), PASS, FORBIDDEN),
    "a person": (lambda it: Entra(it).mint(), FORBIDDEN, FORBIDDEN),
    "a person with other roles": (lambda it: Entra(it).mint(roles=["Reader", ROLE.lower()]), FORBIDDEN, FORBIDDEN),
    "the Bot Framework": (lambda it: it.mint(), SIGN_IN, SIGN_IN),
    "an app with the role": (lambda it: Entra(it).of_an_app(), SIGN_IN, SIGN_IN),
    "an app with a listed person's id": (lambda it: Entra(it).of_an_app(oid=ALEX), SIGN_IN, SIGN_IN),
    "an administrator's ID token": (lambda it: Entra(it).id_token(), SIGN_IN, SIGN_IN),
    "another tenant's": (lambda it: FORGED_USERS["issuer of another tenant"](Entra(it)), SIGN_IN, SIGN_IN),
    "an administrator of 1970": (lambda it: Entra(it).admin(nbf=1, exp=3600), SIGN_IN, SIGN_IN),
    "a forger": (lambda it: Entra(it).admin() + "AAAA", SIGN_IN, SIGN_IN),
}


@dataclass(frozen=True, slots=True)
class Program:
    """The whole program with real authentication, beside a fake Microsoft."""

    microsoft: Microsoft
    http: ClientSession
    base: str

    @property
    def entra(self) -> Entra:
        return Entra(self.microsoft)

    async def ask(self, method: str, path: str, token: str | None, body: Any = None) -> tuple[int, Any]:
        """Status and what was answered; of a stream only that it began."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        async with self.http.request(method, self.base + path, headers=headers, json=body) as answer:
            streaming = answer.content_type == "text/event-stream"
            return answer.status, None if streaming else await answer.json(content_type=None)

    async def appoint(self, *admins: str) -> None:
        """These people are the administrators, and no others."""
        status, _ = await self.ask("PUT", f"{PREFIX}/admins", TOKEN, {"admins": list(admins)})
        assert status == 200

    async def refusals(self) -> list[Any]:
        status, answer = await self.ask("GET", f"{PREFIX}/audit/refusals?limit=1000", TOKEN)
        assert status == 200
        return answer["items"]


@asynccontextmanager
async def running(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, api_token: str = TOKEN, demo: bool = False
) -> AsyncIterator[Program]:
    async with Microsoft() as microsoft, ClientSession() as http:
        for name, value in microsoft.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("DATABASE_URL", new_sqlite(folder / "program.db"))
        monkeypatch.setenv("CONFIG", str(ROOT / "connect-chats.toml"))
        monkeypatch.setenv("API_TOKEN", api_token)
        app = await create_app(load_settings(demo=demo, env_file=None))
        listening = await server.start(app, host="127.0.0.1", port=0)
        try:
            yield Program(microsoft, http, f"http://127.0.0.1:{listening.port}")
        finally:
            await listening.stop()
        assert microsoft.unexpected == []


@pytest.fixture
async def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Program]:
    async with running(tmp_path, monkeypatch) as program:
        yield program


async def test_each_operation_answers_each_kind_of_caller_as_the_table_says(program: Program) -> None:
    await program.appoint(ALEX)
    wrong: list[str] = []
    for who, (show, for_administrators, for_others) in CALLERS.items():
        token = show(program.microsoft)
        for route in ROUTES:
            expected = for_administrators if route.callers == ADMINS else for_others
            path = PREFIX + route.path.replace("{", "").replace("}", "")
            status, answer = await program.ask(route.method, path, token)
            if (status if status in (SIGN_IN, FORBIDDEN) else PASS) != expected or status >= 500:
                wrong.append(f"{who}: {route.name} answers {status}, not {expected}: {answer}")
    assert wrong == []
    assert {route.tag for route in ROUTES if route.callers == ADMINS} == {"Settings", "Audit"}


async def test_who_is_no_administrator_is_told_what_is_missing_and_stands_in_the_audit_trail(program: Program) -> None:
    status, problem = await program.ask("GET", f"{PREFIX}/record-types", program.entra.mint())
    assert status == 403
    assert "ConnectChats.Admin" in problem["detail"]
    assert "/api/v1/admins" in problem["detail"]
    (refusal,) = await program.refusals()
    assert (refusal["action"], refusal["reason"]) == ("settings", "not-admin")
    assert refusal["by"] == {"id": MEGAN, "name": MEGAN_NAME}


async def test_what_is_for_the_record_system_alone_says_so_to_everybody(program: Program) -> None:
    for token in (program.entra.mint(), program.entra.admin()):
        status, problem = await program.ask("GET", f"{PREFIX}/events", token)
        assert status == 403
        assert "record system" in problem["detail"]
        assert "API_TOKEN" in problem["detail"]
        assert (await program.ask("GET", f"{PREFIX}/nothing", token))[0] == 403
    assert await program.refusals() == []


async def test_whatever_is_wrong_with_a_token_the_answer_is_the_same(program: Program) -> None:
    """Who forges one learns nothing from it, not even that it was nearly right."""
    answers = set()
    for name in (
        "a wrong token",
        "the Bot Framework",
        "an administrator's ID token",
        "an app with the role",
        "a forger",
    ):
        _, problem = await program.ask("GET", f"{PREFIX}/admins", CALLERS[name][0](program.microsoft))
        answers.add((problem["type"], problem["detail"]))
    ((_, detail),) = answers
    assert "API_TOKEN" in detail
    assert "administrator" in detail


async def test_a_change_is_in_the_history_under_the_name_of_who_made_it(program: Program) -> None:
    admin = program.entra.admin()
    app = {"id": "field-app", "label": "Field App"}
    assert (await program.ask("PUT", f"{PREFIX}/apps/field-app", admin, app))[0] == 201
    assert (await program.ask("PUT", f"{PREFIX}/apps/field-app", TOKEN, {**app, "label": "Field"}))[0] == 200
    _, history = await program.ask("GET", f"{PREFIX}/audit/settings?order=desc", admin)
    assert [change["by"] for change in history["items"][:2]] == [None, {"id": MEGAN, "name": MEGAN_NAME}]


async def test_the_role_lets_one_add_oneself_to_the_list(program: Program) -> None:
    """In chat only the list counts: activities carry no roles."""
    body = {"admins": [{"id": MEGAN, "name": MEGAN_NAME}]}
    assert (await program.ask("PUT", f"{PREFIX}/admins", program.entra.mint(), body))[0] == 403
    assert (await program.ask("PUT", f"{PREFIX}/admins", program.entra.admin(), body))[0] == 200
    assert (await program.ask("PUT", f"{PREFIX}/admins", program.entra.mint(), body))[0] == 200


async def test_who_is_taken_off_the_list_is_out_at_once(program: Program) -> None:
    token = program.entra.mint(oid=ALEX)
    await program.appoint(ALEX)
    assert (await program.ask("GET", f"{PREFIX}/admins", token))[0] == 200
    await program.appoint(MEGAN)
    assert (await program.ask("GET", f"{PREFIX}/admins", token))[0] == 403


async def test_a_persons_token_does_not_speak_for_the_bot_framework(program: Program) -> None:
    """Nor the reverse: the table has the Bot Framework's at every operation."""
    activity = {
        "type": "message",
        "id": "1",
        "channelId": "msteams",
        "serviceUrl": "https://smba.trafficmanager.net/emea/",
        "from": {"id": "29:alex", "aadObjectId": ALEX},
        "conversation": {"id": "19:a@thread.v2", "conversationType": "groupChat", "tenantId": TENANT},
        "text": "help",
    }
    entra, bot_key = program.entra, program.microsoft.keys[0]
    signed = entra.mint(serviceurl=activity["serviceUrl"]), entra.mint(key=bot_key, serviceurl=activity["serviceUrl"])
    for token in (*signed, entra.admin(), entra.id_token(), entra.of_an_app(), TOKEN):
        status, _ = await program.ask("POST", "/api/messages", token, activity)
        assert status == 401


async def test_while_entra_id_is_down_the_record_system_goes_on(program: Program) -> None:
    program.microsoft.down.add("user-keys")
    status, problem = await program.ask("GET", f"{PREFIX}/admins", program.entra.admin())
    assert status == 503
    assert "LOGIN_URL" in problem["detail"]
    assert (await program.ask("GET", f"{PREFIX}/admins", TOKEN))[0] == 200


async def test_nothing_is_asked_of_entra_id_before_somebody_shows_such_a_token(program: Program) -> None:
    for token in (TOKEN, "wrong", "a.b.c", program.microsoft.mint()):
        await program.ask("GET", f"{PREFIX}/admins", token)
    assert program.microsoft.requests == {}
    await program.ask("GET", f"{PREFIX}/admins", program.entra.admin())
    assert program.microsoft.requests == {"discovery": 1, "user-keys": 1}


async def test_without_an_api_token_administrators_still_get_at_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, monkeypatch, api_token="") as program:
        assert (await program.ask("GET", f"{PREFIX}/admins", program.entra.admin()))[0] == 200
        for token in (None, "", "wrong", TOKEN, program.entra.id_token()):
            status, problem = await program.ask("GET", f"{PREFIX}/admins", token)
            assert status == 401
            assert "Set API_TOKEN" in problem["detail"]


async def test_the_demo_knows_no_entra_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even tokens made for its own name: its one token is `demo`."""
    async with running(tmp_path, monkeypatch, demo=True) as program:
        issuer = program.microsoft.user_issuer.replace(TENANT, "demo")
        token = program.entra.admin(aud="connect-chats-demo", tid="demo", iss=issuer)
        status, problem = await program.ask("GET", f"{PREFIX}/admins", token)
        assert (status, "Entra" in problem["detail"]) == (401, False)
        assert (await program.ask("GET", f"{PREFIX}/admins", "demo"))[0] == 200
        assert program.microsoft.requests == {}


def test_the_description_says_which_tokens_an_operation_takes() -> None:
    document = describe(ROUTES)
    for route in ROUTES:
        described = document["paths"][route.path][route.method.lower()]
        schemes = [list(choice) for choice in described.get("security", document["security"])]
        assert schemes == ([["bearer"], ["administrator"]] if route.callers == ADMINS else [["bearer"]])
        assert {"401", "403"} <= set(described["responses"])
    assert set(document["components"]["securitySchemes"]) == {"bearer", "administrator"}
