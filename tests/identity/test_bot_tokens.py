"""The Bot Framework's tokens: the good one is taken, no other is."""

from __future__ import annotations

import asyncio

import aiohttp
import jwt
import pytest
from botframework.connector.auth import ChannelValidation
from botframework.connector.auth.jwt_token_extractor import JwtTokenExtractor

from bot.errors import Unauthenticated
from bot.identity import tokens as tokens_module
from bot.identity.bot_tokens import BotTokenVerifier
from bot.identity.keys import SigningKeys
from tests.fakes.forged import FORGED, MISPLACED
from tests.fakes.microsoft import ABSENT, APP_ID, ISSUER, SERVICE_URL, Microsoft
from tests.identity.conftest import ManualClock, bot_keys

MINUTE = 60


async def test_a_good_token_is_taken_and_its_claims_come_back(verifier: BotTokenVerifier, microsoft: Microsoft):
    claims = await verifier.verify(microsoft.mint())
    assert claims.service_url == SERVICE_URL
    assert "msteams" in claims.endorsements
    assert "webchat" not in claims.endorsements
    assert (claims.not_before, claims.expires) == tuple(microsoft.claims()[name] * 1_000_000 for name in ("nbf", "exp"))


async def test_the_good_token_is_good_for_others_too(monkeypatch: pytest.MonkeyPatch):
    """PyJWT's whole decoder and the SDK's own validation take what the fake signs."""
    async with Microsoft() as real_time:
        token = real_time.mint()
        public_key = real_time.keys[0].private.public_key()
        assert jwt.decode(token, public_key, ["RS256"], audience=APP_ID, issuer=ISSUER)["serviceurl"] == SERVICE_URL

        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(real_time.ca_file))
        sdk = JwtTokenExtractor(
            ChannelValidation.TO_BOT_FROM_CHANNEL_TOKEN_VALIDATION_PARAMETERS,
            real_time.openid_metadata_url,
            ["RS256"],
        )
        identity = await asyncio.to_thread(  # it blocks, and the fake answers in this thread
            lambda: asyncio.run(sdk.get_identity("Bearer", token, "msteams", []))
        )
        assert identity.claims["aud"] == APP_ID


@pytest.mark.parametrize("name", FORGED)
async def test_a_forged_token_is_refused(name: str, verifier: BotTokenVerifier, microsoft: Microsoft):
    token = FORGED[name](microsoft)
    await verifier.verify(microsoft.mint())
    for _ in range(2):
        with pytest.raises(Unauthenticated) as refusal:
            await verifier.verify(token)
        assert verifier.cached(token) is None
    text = str(refusal.value)
    assert text.isprintable()
    assert len(text) < 300
    assert not any(part and len(part) > 8 and part in text for part in token.split("."))


async def test_the_forged_set_is_large_and_each_is_another(microsoft: Microsoft):
    tokens = {forge(microsoft) for forge in FORGED.values()}
    assert len(tokens) == len(FORGED) >= 45


@pytest.mark.parametrize("name", MISPLACED)
async def test_a_misplaced_token_is_good_but_shows_what_the_edge_must_refuse(
    name: str, verifier: BotTokenVerifier, microsoft: Microsoft
):
    claims = await verifier.verify(MISPLACED[name](microsoft))
    assert not ("msteams" in claims.endorsements and claims.service_url == SERVICE_URL)


async def test_headers_and_claims_that_say_nothing_are_no_reason_to_refuse(
    verifier: BotTokenVerifier, microsoft: Microsoft
):
    now = microsoft.claims()["nbf"]
    for token in (
        microsoft.mint(header={"typ": ABSENT}),
        microsoft.mint(header={"x5t": ABSENT, "nonce": "n"}),
        microsoft.mint(iat=now, jti="1", extra={"deep": [1, None]}),
        microsoft.mint(exp=now + 3600.5, nbf=now + 0.25),
        microsoft.mint(exp=now + 24 * 3600),
        microsoft.mint(serviceurl=ABSENT),
    ):
        assert await verifier.verify(token)


async def test_clocks_may_differ_by_five_minutes_and_not_more(
    verifier: BotTokenVerifier, microsoft: Microsoft, clock: ManualClock
):
    clock.advance(-10 * MINUTE)
    await verifier.verify(microsoft.mint())  # the keys are older than all that follows
    clock.advance(10 * MINUTE)
    token = microsoft.mint()
    clock.advance(-5 * MINUTE)
    assert await verifier.verify(token)
    clock.advance(-0.001)
    assert verifier.cached(token) is None
    with pytest.raises(Unauthenticated, match="not valid yet"):
        await verifier.verify(token)
    clock.advance(70 * MINUTE)
    assert await verifier.verify(token)
    clock.advance(0.001)
    assert verifier.cached(token) is None
    with pytest.raises(Unauthenticated, match="expired"):
        await verifier.verify(token)


async def test_true_and_false_are_no_times_even_when_they_would_fit(
    verifier: BotTokenVerifier, microsoft: Microsoft, clock: ManualClock
):
    clock.now = 0
    assert await verifier.verify(microsoft.mint(nbf=0, exp=1))
    for claims in ({"nbf": False, "exp": 1}, {"nbf": 0, "exp": True}):
        with pytest.raises(Unauthenticated, match="no time"):
            await verifier.verify(microsoft.mint(**claims))


async def test_a_token_of_another_issuer_or_for_another_bot_fetches_no_keys(
    verifier: BotTokenVerifier, microsoft: Microsoft
):
    for token in (microsoft.mint(iss="https://sts.windows.net/x/"), microsoft.mint(aud="another"), "not.a.token"):
        with pytest.raises(Unauthenticated):
            await verifier.verify(token)
    assert microsoft.requests == {}


async def test_a_verified_token_is_remembered_until_the_keys_change(
    verifier: BotTokenVerifier, keys: SigningKeys, microsoft: Microsoft, clock: ManualClock
):
    token = microsoft.mint()
    assert verifier.cached(token) is None
    claims = await verifier.verify(token)
    assert verifier.cached(token) is claims
    assert await verifier.verify(token) is claims

    clock.advance(2 * MINUTE)
    await keys.get(microsoft.rotate().kid)
    assert verifier.cached(token) is None
    await verifier.verify(microsoft.mint())
    assert verifier.cached(token) is None
    with pytest.raises(Unauthenticated, match="does not publish"):
        await verifier.verify(token)


async def test_memory_is_not_trusted_once_the_keys_are_a_day_old(
    verifier: BotTokenVerifier, microsoft: Microsoft, clock: ManualClock
):
    """Otherwise a token captured with a key that was withdrawn would stay good as long as it is remembered."""
    await verifier.verify(microsoft.mint())
    clock.advance(23.5 * 3600)
    token = microsoft.mint()
    claims = await verifier.verify(token)
    assert verifier.cached(token) is claims
    clock.advance(0.6 * 3600)
    assert verifier.cached(token) is None


async def test_a_bounded_number_of_tokens_is_remembered(
    verifier: BotTokenVerifier, microsoft: Microsoft, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tokens_module, "MAX_REMEMBERED", 3)
    tokens = [microsoft.mint(jti=number) for number in range(5)]
    for token in tokens:
        await verifier.verify(token)
    assert [verifier.cached(token) is not None for token in tokens] == [False, False, True, True, True]


async def test_endorsements_follow_the_key_set(verifier: BotTokenVerifier, microsoft: Microsoft, clock: ManualClock):
    """A key that may no longer speak for Teams loses that right with the next fetch, remembered tokens included."""
    token = microsoft.mint()
    assert "msteams" in (await verifier.verify(token)).endorsements
    old = microsoft.keys[0]
    microsoft.keys.append(microsoft.rotate())
    microsoft.keys[0] = type(old)(old.kid, old.private, ("webchat",))
    clock.advance(2 * MINUTE)
    await verifier.verify(microsoft.mint(key=microsoft.keys[-1]))
    assert "msteams" not in (await verifier.verify(token)).endorsements


async def test_a_server_without_its_certificate_is_not_believed(microsoft: Microsoft, clock: ManualClock):
    async with aiohttp.ClientSession() as session:  # trusts the machine's authorities, not the fake's
        keys = bot_keys(session, microsoft, clock)
        verifier = BotTokenVerifier(keys, app_id=APP_ID, issuer=ISSUER, clock=clock)
        with pytest.raises(Exception, match="never fetched"):
            await verifier.verify(microsoft.mint())
    assert microsoft.requests == {}
