"""The Bot Framework's signing keys: fetched when needed, kept when they can't be."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.errors import Unauthenticated, Unavailable
from bot.identity import keys as keys_module
from bot.identity.bot_tokens import BotTokenVerifier
from bot.identity.keys import SigningKeys
from tests.fakes.microsoft import Key, Microsoft, rsa_key
from tests.identity.conftest import ManualClock
from tests.waiting import until

DAY = 24 * 3600


async def test_a_rotation_is_noticed_with_its_first_message(
    verifier: BotTokenVerifier, microsoft: Microsoft, clock: ManualClock
):
    await verifier.verify(microsoft.mint())
    clock.advance(61)
    microsoft.rotate()
    assert await verifier.verify(microsoft.mint())
    assert microsoft.requests == {"metadata": 2, "keys": 2}


async def test_a_rotation_is_noticed_right_after_the_first_fetch_and_then_once_a_minute(
    verifier: BotTokenVerifier, microsoft: Microsoft, clock: ManualClock
):
    await verifier.verify(microsoft.mint())
    microsoft.rotate()
    await verifier.verify(microsoft.mint())
    microsoft.rotate()
    with pytest.raises(Unauthenticated):
        await verifier.verify(microsoft.mint())
    clock.advance(60)
    assert await verifier.verify(microsoft.mint())


async def test_a_hundred_waiting_messages_share_one_fetch(verifier: BotTokenVerifier, microsoft: Microsoft):
    microsoft.delay["keys"] = 0.05
    tokens = [microsoft.mint(jti=number) for number in range(100)]
    await asyncio.gather(*map(verifier.verify, tokens))
    assert microsoft.requests == {"metadata": 1, "keys": 1}


async def test_a_hundred_messages_with_a_new_key_share_one_fetch(
    verifier: BotTokenVerifier, microsoft: Microsoft, clock: ManualClock
):
    await verifier.verify(microsoft.mint())
    clock.advance(61)
    microsoft.rotate()
    tokens = [microsoft.mint(jti=number) for number in range(100)]
    await asyncio.gather(*map(verifier.verify, tokens))
    assert microsoft.requests["keys"] == 2


async def test_made_up_key_ids_cause_at_most_one_fetch_a_minute(
    keys: SigningKeys, microsoft: Microsoft, clock: ManualClock
):
    for second in range(180):
        for number in range(5):
            with pytest.raises(Unauthenticated):
                await keys.get(f"made-up-{second}-{number}")
        clock.advance(1)
    assert microsoft.requests["keys"] == 1 + 3  # the first fetch of all, then at 0 s, 60 s and 120 s


async def test_a_first_message_with_a_made_up_key_id_causes_one_fetch(keys: SigningKeys, microsoft: Microsoft):
    with pytest.raises(Unauthenticated):
        await keys.get("made-up")
    assert microsoft.requests == {"metadata": 1, "keys": 1}


async def test_a_key_id_that_is_too_long_is_refused_without_a_fetch(keys: SigningKeys, microsoft: Microsoft):
    with pytest.raises(Unauthenticated, match="too long"):
        await keys.get("k" * 257)
    assert microsoft.requests == {}


async def test_known_keys_keep_working_while_the_key_server_is_down(
    keys: SigningKeys, verifier: BotTokenVerifier, microsoft: Microsoft, clock: ManualClock
):
    await verifier.verify(microsoft.mint())
    microsoft.down.add("keys")
    for _ in range(3):
        clock.advance(DAY)
        asked = microsoft.requests["keys"]
        assert await verifier.verify(microsoft.mint())
        await until(lambda asked=asked: microsoft.requests["keys"] > asked)
        for number in range(20):
            assert await verifier.verify(microsoft.mint(jti=number))
            await asyncio.sleep(0.005)
        assert microsoft.requests["keys"] == asked + 1
        with pytest.raises(Unauthenticated):
            await keys.get("unknown")
    microsoft.down.clear()
    clock.advance(60)
    await verifier.verify(microsoft.mint())
    await until(keys.fresh)


async def test_keys_a_day_old_are_refreshed_without_delaying_anybody(
    keys: SigningKeys, verifier: BotTokenVerifier, microsoft: Microsoft, clock: ManualClock
):
    await verifier.verify(microsoft.mint())
    clock.advance(DAY - 1)
    await verifier.verify(microsoft.mint())
    assert keys.fresh()
    clock.advance(1)
    assert not keys.fresh()
    with microsoft.holding("metadata") as gate:
        for number in range(10):
            await verifier.verify(microsoft.mint(jti=number))
        await until(lambda: gate.waiting)
        assert not keys.fresh(), "the answer is still to come"
    await until(keys.fresh)
    assert microsoft.requests == {"metadata": 2, "keys": 2}


async def test_a_key_that_is_published_no_more_is_forgotten(
    keys: SigningKeys, microsoft: Microsoft, clock: ManualClock
):
    old = microsoft.keys[0].kid
    await keys.get(old)
    clock.advance(61)
    await keys.get(microsoft.rotate().kid)
    with pytest.raises(Unauthenticated):
        await keys.get(old)


async def test_without_any_key_it_says_unavailable_and_tries_again_soon(
    keys: SigningKeys, microsoft: Microsoft, clock: ManualClock
):
    microsoft.down.add("metadata")
    for _ in range(20):
        with pytest.raises(Unavailable, match=r"localhost answered 503.*OPENID_METADATA_URL"):
            await keys.get(microsoft.keys[0].kid)
    assert microsoft.requests["metadata"] == 1
    microsoft.down.clear()
    clock.advance(5)
    assert await keys.get(microsoft.keys[0].kid)


async def test_a_clock_set_back_does_not_stop_key_fetches(keys: SigningKeys, microsoft: Microsoft, clock: ManualClock):
    with pytest.raises(Unauthenticated):
        await keys.get("made-up")
    with pytest.raises(Unauthenticated):
        await keys.get("made-up, too")
    clock.advance(-365 * DAY)
    assert await keys.get(microsoft.rotate().kid)


async def test_a_slow_key_server_costs_a_bounded_time(
    keys: SigningKeys, microsoft: Microsoft, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(keys_module, "FETCH_TIMEOUT", 0.05)
    with microsoft.holding("keys"), pytest.raises(Unavailable, match="TimeoutError"):
        await keys.get(microsoft.keys[0].kid)


async def test_a_caller_that_gives_up_leaves_the_fetch_to_the_others(keys: SigningKeys, microsoft: Microsoft):
    kid = microsoft.keys[0].kid
    with microsoft.holding("keys") as gate:
        impatient, patient = asyncio.create_task(keys.get(kid)), asyncio.create_task(keys.get(kid))
        await until(lambda: gate.waiting)
        impatient.cancel()
        await asyncio.wait([impatient])
    assert (await patient).kid == kid
    assert microsoft.requests["keys"] == 1


def _document(value: object) -> Callable[[], web.Response]:
    return lambda: web.Response(text=value if isinstance(value, str) else json.dumps(value))


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("metadata", _document("<html>")),
        ("metadata", _document([])),
        ("metadata", _document({})),
        ("metadata", _document({"jwks_uri": 1})),
        ("metadata", _document({"jwks_uri": "file:///etc/passwd"})),
        ("metadata", _document({"jwks_uri": "https://"})),
        ("metadata", _document({"jwks_uri": "https://["})),
        ("metadata", _document({"jwks_uri": "https://\ud800/"})),
        ("metadata", _document("[" * 100_000)),
        ("metadata", lambda: web.Response(status=302, headers={"Location": "/v1/.well-known/openidconfiguration"})),
        ("keys", lambda: web.Response(status=302, headers={"Location": "/v1/.well-known/keys"})),
        ("keys", lambda: web.Response(status=404)),
        ("keys", _document({"keys": []})),
        ("keys", _document({"keys": {"kid": "x"}})),
        ("keys", _document({"keys": [None, 1, "key", [], {}]})),
        ("keys", _document({"keys": [Key("unknown", rsa_key(1), ()).published()], "padding": "x" * (2 << 20)})),
        ("keys", lambda: web.Response(body=b"\xff\xfe\x00")),
    ],
)
async def test_a_key_server_that_talks_nonsense_replaces_no_key(
    name: str, answer: Callable[[], web.Response], keys: SigningKeys, microsoft: Microsoft, clock: ManualClock
):
    known = microsoft.keys[0].kid
    await keys.get(known)
    microsoft.instead[name] = answer
    clock.advance(61)
    with pytest.raises(Unauthenticated):
        await keys.get("unknown")
    assert microsoft.requests[name] == 2
    assert (await keys.get(known)).kid == known


async def test_keys_over_http_are_not_taken(keys: SigningKeys, microsoft: Microsoft):
    """Whoever can read the way could put a key of their own into them."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response({"keys": [microsoft.keys[0].published()]})

    app = web.Application()
    app.router.add_get("/keys", answer)
    async with TestServer(app) as server:
        microsoft.instead["metadata"] = _document({"jwks_uri": str(server.make_url("/keys"))})
        with pytest.raises(Unavailable, match="not https"):
            await keys.get(microsoft.keys[0].kid)
    assert asked == []


def _shown(**members: object) -> dict[str, object]:
    return Key("odd-key", rsa_key(1), ("msteams",)).published() | members


ODD = {
    "another type": _shown(kty="EC"),
    "a secret": _shown(kty="oct", k="c2VjcmV0"),
    "for encryption": _shown(use="enc"),
    "another algorithm": _shown(alg="RS512"),
    "no modulus": _shown(n=None),
    "a modulus that is no base64": _shown(n="!!"),
    "a tiny modulus": _shown(n="AQAB"),
    "an exponent that is no text": _shown(e=[]),
    "an exponent of nought": _shown(e="AA"),
    "a number as its name": _shown(kid=7),
    "an empty name": _shown(kid=""),
    "endorsements that are no list": _shown(endorsements="msteams"),
    "too short": Key("odd-key", rsa_key(50, 1024), ("msteams",)).published(),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
async def test_a_key_that_is_no_good_rsa_key_is_left_out_and_the_others_work(
    odd: dict[str, object], keys: SigningKeys, microsoft: Microsoft
):
    good = microsoft.keys[0]
    microsoft.instead["keys"] = _document({"keys": [odd, good.published()]})
    assert (await keys.get(good.kid)).public_key == good.private.public_key()
    with pytest.raises(Unauthenticated):
        await keys.get("odd-key")


async def test_a_private_key_in_the_key_set_is_read_as_a_public_one(keys: SigningKeys, microsoft: Microsoft):
    microsoft.instead["keys"] = _document({"keys": [_shown(d="AQAB")]})
    assert isinstance((await keys.get("odd-key")).public_key, rsa.RSAPublicKey)
