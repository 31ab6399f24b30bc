"""The bot's own token: asked for rarely, never waited for while there is a valid one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from aiohttp import web

from bot.config import Settings, load_settings
from bot.errors import SendFailed
from bot.identity import app_tokens as app_tokens_module
from bot.identity.app_tokens import AppTokens
from tests.fakes.microsoft import APP_PASSWORD, GRAPH_SCOPE, SCOPE, Microsoft
from tests.identity.conftest import ManualClock
from tests.waiting import until

MINUTE = 60


async def test_many_sends_need_one_token_call(app_tokens: AppTokens, microsoft: Microsoft, clock: ManualClock):
    microsoft.delay["token"] = 0.05
    tokens = await asyncio.gather(*(app_tokens.bot.get() for _ in range(100)))
    for _ in range(49):
        clock.advance(MINUTE)
        tokens.append(await app_tokens.bot.get())
    assert set(tokens) == set(microsoft.issued)
    assert microsoft.requests == {"discovery": 1, "token": 1}


async def test_a_slow_login_server_delays_nobody_who_has_a_valid_token(
    app_tokens: AppTokens, microsoft: Microsoft, clock: ManualClock
):
    first = await app_tokens.bot.get()
    clock.advance(51 * MINUTE)
    with microsoft.holding("token") as gate:
        assert {await app_tokens.bot.get() for _ in range(50)} == {first}
        await until(lambda: gate.waiting)
        assert {await app_tokens.bot.get() for _ in range(50)} == {first}

    async def renewed() -> bool:
        return await app_tokens.bot.get() != first

    await until(renewed)
    assert await app_tokens.bot.get() == microsoft.issued[1]
    assert microsoft.requests == {"discovery": 1, "token": 2}


async def test_the_loop_runs_on_while_the_login_server_is_slow(app_tokens: AppTokens, microsoft: Microsoft):
    """The fake answers on the same loop: were it blocked, nobody would ever come to its gate."""
    with microsoft.holding("token") as token:
        with microsoft.holding("discovery") as discovery:
            asking = asyncio.create_task(app_tokens.bot.get())
            await until(lambda: discovery.waiting)
        await until(lambda: token.waiting)
        assert not asking.done()
    assert await asking


async def test_a_login_server_that_is_down_is_not_noticed_while_the_token_is_valid(
    app_tokens: AppTokens, microsoft: Microsoft, clock: ManualClock
):
    first = await app_tokens.bot.get()
    microsoft.down.add("token")
    clock.advance(49 * MINUTE)
    for _ in range(9):
        clock.advance(MINUTE)
        assert await app_tokens.bot.get() == first
        await asyncio.sleep(0.02)
    clock.advance(2 * MINUTE)
    with pytest.raises(SendFailed) as failure:
        await app_tokens.bot.get()
    assert failure.value.retryable
    assert not failure.value.ambiguous
    microsoft.down.clear()


async def test_after_a_failure_the_login_server_is_left_alone_for_seconds_and_asked_again(
    app_tokens: AppTokens, microsoft: Microsoft, clock: ManualClock
):
    microsoft.down.add("discovery")
    for _ in range(20):
        with pytest.raises(SendFailed):
            await app_tokens.bot.get()
    assert microsoft.requests["discovery"] == 1
    microsoft.down.clear()
    clock.advance(5)
    assert await app_tokens.bot.get() in microsoft.issued


async def test_after_a_401_another_token_is_obtained(app_tokens: AppTokens, microsoft: Microsoft, clock: ManualClock):
    first = await app_tokens.bot.get()
    clock.advance(MINUTE)
    app_tokens.bot.invalidate()
    second = await app_tokens.bot.get()
    assert second != first
    assert microsoft.issued == [first, second]


async def test_after_a_401_the_tokens_for_other_audiences_stay(
    app_tokens: AppTokens, microsoft: Microsoft, clock: ManualClock
):
    graph = app_tokens.of(GRAPH_SCOPE)
    first, kept = await asyncio.gather(app_tokens.bot.get(), graph.get())
    assert microsoft.issued_for == {SCOPE: [first], GRAPH_SCOPE: [kept]}
    clock.advance(MINUTE)
    app_tokens.bot.invalidate()
    second = await app_tokens.bot.get()
    assert await app_tokens.of(GRAPH_SCOPE).get() == kept
    graph.invalidate()
    assert await app_tokens.bot.get() == second
    renewed = await graph.get()
    assert microsoft.issued_for == {SCOPE: [first, second], GRAPH_SCOPE: [kept, renewed]}
    assert microsoft.requests["discovery"] == 1


async def test_an_audience_without_a_token_takes_none_from_the_others(
    app_tokens: AppTokens, microsoft: Microsoft, clock: ManualClock
):
    first = await app_tokens.bot.get()
    microsoft.down.add("token")
    with pytest.raises(SendFailed):
        await app_tokens.of(GRAPH_SCOPE).get()
    microsoft.down.clear()
    clock.advance(MINUTE)
    app_tokens.bot.invalidate()
    assert await app_tokens.bot.get() not in ("", first)


async def test_a_connector_that_always_answers_401_does_not_flood_the_login_server(
    app_tokens: AppTokens, microsoft: Microsoft, clock: ManualClock
):
    for _ in range(120):
        await app_tokens.bot.get()
        app_tokens.bot.invalidate()
        clock.advance(1)
    assert microsoft.requests["token"] == 2


async def test_a_token_that_lives_shortly_is_used_for_half_its_life_before_another_is_asked_for(
    app_tokens: AppTokens, microsoft: Microsoft, clock: ManualClock
):
    microsoft.lifetime = 300
    first = await app_tokens.bot.get()
    clock.advance(149)
    assert await app_tokens.bot.get() == first
    await asyncio.sleep(0.05)
    assert microsoft.requests["token"] == 1
    clock.advance(1)
    assert await app_tokens.bot.get() == first
    await until(lambda: microsoft.requests["token"] == 2)


def _json(value: object, status: int = 200) -> Callable[[], web.Response]:
    return lambda: web.json_response(value, status=status)


def _expired(microsoft: Microsoft) -> None:
    microsoft.password_expired = True


def _other_password(microsoft: Microsoft) -> None:
    microsoft.password = "rotated elsewhere"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_expired, r"AADSTS7000222: APP_PASSWORD has expired.*new client secret"),
        (_other_password, r"AADSTS7000215: APP_PASSWORD is wrong.*not its id"),
        (lambda fake: fake.down.add("token"), "refused"),
        (
            lambda fake: fake.instead.update(token=_json({"error": "odd", "error_description": "AADSTS1"})),
            "AADSTS1: check",
        ),
        (lambda fake: fake.instead.update(token=_json({"access_token": "t"})), "APP_ID, APP_PASSWORD"),
        (lambda fake: fake.instead.update(token=_json({"access_token": "", "expires_in": 9})), "no token"),
        (lambda fake: fake.instead.update(token=_json({"access_token": 1, "expires_in": 9})), "refused"),
        (lambda fake: fake.instead.update(token=_json([])), "refused"),
        (lambda fake: fake.instead.update(token=lambda: web.Response(text="<html>")), "refused"),
        (lambda fake: fake.instead.update(discovery=lambda: web.Response(text="<html>")), "refused"),
        (lambda fake: fake.instead.update(discovery=_json({})), "refused"),
    ],
)
async def test_a_refusal_says_what_to_check_and_no_secret(
    change: Callable[[Microsoft], None],
    says: str,
    app_tokens: AppTokens,
    microsoft: Microsoft,
    capsys: pytest.CaptureFixture[str],
):
    change(microsoft)
    with pytest.raises(SendFailed, match=says) as failure:
        await app_tokens.bot.get()
    assert failure.value.retryable
    printed = capsys.readouterr()
    for text in (str(failure.value), printed.out, printed.err):
        assert APP_PASSWORD not in text
        assert "Trace ID" not in text


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("APP_ID", "00000000-0000-0000-0000-00000000000a", "AADSTS700016: APP_ID is not known"),
        ("APP_TENANTID", "00000000-0000-0000-0000-00000000000b", "APP_TENANTID"),
        ("LOGIN_URL", "https://localhost:1", "can't be reached.*LOGIN_URL"),
    ],
)
async def test_a_wrong_setting_is_named(
    name: str, value: str, says: str, settings: Settings, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(name, value)
    with pytest.raises(SendFailed, match=says):
        await AppTokens(load_settings(env_file=None), clock=clock).bot.get()


async def test_a_login_server_with_a_foreign_certificate_gets_no_secret(
    settings: Settings, microsoft: Microsoft, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
):
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name)
    with pytest.raises(SendFailed, match=r"SSLError.*REQUESTS_CA_BUNDLE"):
        await AppTokens(load_settings(env_file=None), clock=clock).bot.get()
    assert microsoft.requests == {}


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
async def test_each_setting_of_own_certificates_is_enough(
    name: str, settings: Settings, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv(name)
    assert await AppTokens(load_settings(env_file=None), clock=clock).bot.get()


@pytest.mark.parametrize("status", [302, 307, 308])
async def test_a_redirect_does_not_carry_the_secret_away(
    status: int, app_tokens: AppTokens, microsoft: Microsoft, settings: Settings, clock: ManualClock
):
    async with Microsoft(clock=clock, ca=microsoft.ca) as elsewhere:
        target = f"{elsewhere.url}/{settings.tenant}/oauth2/v2.0/token"
        microsoft.instead["token"] = lambda: web.Response(status=status, headers={"Location": target})
        with pytest.raises(SendFailed):
            await app_tokens.bot.get()
        assert elsewhere.requests == {}


async def test_a_token_endpoint_on_another_host_is_not_asked(
    app_tokens: AppTokens, microsoft: Microsoft, settings: Settings, clock: ManualClock
):
    async with Microsoft(clock=clock, ca=microsoft.ca) as elsewhere:
        tenant = f"{elsewhere.url}/{settings.tenant}"
        endpoints = {"token_endpoint": f"{tenant}/oauth2/v2.0/token", "authorization_endpoint": f"{tenant}/authorize"}
        microsoft.instead["discovery"] = _json(endpoints)
        with pytest.raises(SendFailed, match="another host"):
            await app_tokens.bot.get()
        assert elsewhere.requests == {}


async def test_a_login_server_that_hangs_is_given_up(
    app_tokens: AppTokens, microsoft: Microsoft, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(app_tokens_module, "LOGIN_TIMEOUT", 0.1)
    with microsoft.holding("discovery"), pytest.raises(SendFailed, match="can't be reached"):
        await app_tokens.bot.get()


async def test_a_caller_that_gives_up_leaves_the_token_to_the_others(app_tokens: AppTokens, microsoft: Microsoft):
    with microsoft.holding("token") as gate:
        impatient, patient = asyncio.create_task(app_tokens.bot.get()), asyncio.create_task(app_tokens.bot.get())
        await until(lambda: gate.waiting)
        impatient.cancel()
        await asyncio.wait([impatient])
    assert await patient in microsoft.issued
    assert microsoft.requests["token"] == 1
