"""The tokens of people: those of our tenant for our scope are taken, no other is."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import jwt
import pytest

from bot.errors import Unauthenticated, Unavailable
from bot.identity.bot_tokens import BotTokenVerifier
from bot.identity.user_tokens import ADMIN_ROLE, MAX_NAME, UserTokenVerifier
from bot.wiring import system_clock
from tests.fakes.entra import MEGAN, MEGAN_NAME, ROLE, Entra
from tests.fakes.forged import FORGED
from tests.fakes.forged_users import FORGED_USERS, OTHER_TENANT
from tests.fakes.microsoft import ABSENT, APP_ID, TENANT, Microsoft
from tests.identity.conftest import ManualClock, user_keys

MINUTE = 60
OF_ANYBODY = [name for name in FORGED if not name.startswith("serviceurl")]
"""What is wrong with any token; a service URL means nothing in a person's."""


async def test_a_good_token_says_who_asks_and_with_which_roles(users: UserTokenVerifier, entra: Entra):
    claims = await users.verify(entra.admin())
    assert (claims.person.id, claims.person.name, claims.person.tenant) == (MEGAN, MEGAN_NAME, TENANT)
    assert not claims.person.guest
    assert claims.roles == {ADMIN_ROLE} == {ROLE}
    assert (await users.verify(entra.mint())).roles == frozenset()


async def test_what_is_accepted_is_good_for_an_independent_library_with_the_published_keys():
    """PyJWT's own client reads the discovery document and the keys, and its decoder takes the token, by its clock."""
    async with Microsoft() as fake, aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=fake.trust())) as session:
        entra = Entra(fake)
        keys = user_keys(session, fake, system_clock)
        users = UserTokenVerifier(keys, app_id=APP_ID, tenant=TENANT, issuer=fake.user_issuer, clock=system_clock)
        async with session.get(f"{fake.user_issuer}/.well-known/openid-configuration") as answer:
            document = await answer.json()
        client = jwt.PyJWKClient(document["jwks_uri"], ssl_context=fake.trust())
        for token in (entra.mint(), entra.admin(), entra.admin(scp="User.Read access_as_user", name=ABSENT)):
            accepted = await users.verify(token)
            key = await asyncio.to_thread(client.get_signing_key_from_jwt, token)  # it blocks, the fake answers here
            claims = jwt.decode(token, key.key, ["RS256"], audience=APP_ID, issuer=document["issuer"])
            assert claims["oid"] == accepted.person.id


@pytest.mark.parametrize("name", OF_ANYBODY)
async def test_a_token_that_is_forged_for_anybody_is_refused(name: str, users: UserTokenVerifier, entra: Entra):
    await _is_refused(FORGED[name](entra), users, entra)


@pytest.mark.parametrize("name", FORGED_USERS)
async def test_a_token_that_proves_no_person_of_ours_is_refused(name: str, users: UserTokenVerifier, entra: Entra):
    await _is_refused(FORGED_USERS[name](entra), users, entra)


async def _is_refused(token: str, users: UserTokenVerifier, entra: Entra) -> None:
    """Twice, for what is remembered; the words are for a log and hold nothing of the token."""
    await users.verify(entra.mint())
    with pytest.raises(Unauthenticated):
        await users.verify(token)
    with pytest.raises(Unauthenticated) as refusal:
        await users.verify(token)
    assert users.cached(token) is None
    text = str(refusal.value)
    assert text.isprintable()
    assert len(text) < 300
    assert not any(part and len(part) > 8 and part in text for part in (*token.split("."), MEGAN, TENANT, OTHER_TENANT))


async def test_the_forged_tokens_are_many_and_each_is_another(entra: Entra):
    tokens = {FORGED[name](entra) for name in OF_ANYBODY} | {forge(entra) for forge in FORGED_USERS.values()}
    assert len(tokens) == len(OF_ANYBODY) + len(FORGED_USERS) > 150


async def test_neither_kind_of_token_is_taken_for_the_other(
    verifier: BotTokenVerifier, users: UserTokenVerifier, microsoft: Microsoft, entra: Entra
):
    """Both are for the same audience; not even one that the other's issuer signed would do."""
    for token in (microsoft.mint(), microsoft.mint(key=entra.keys[0]), entra.mint(iss=microsoft.claims()["iss"])):
        with pytest.raises(Unauthenticated):
            await users.verify(token)
    for token in (entra.mint(), entra.mint(key=microsoft.keys[0]), microsoft.mint(iss=entra.claims()["iss"])):
        with pytest.raises(Unauthenticated):
            await verifier.verify(token)


async def test_claims_that_mean_nothing_here_are_no_reason_to_refuse(users: UserTokenVerifier, entra: Entra):
    harmless: tuple[dict[str, Any], ...] = (
        {"scp": "User.Read access_as_user profile"},
        {"idtyp": "user"},
        {"roles": ["Reader", ROLE]},
        {"groups": [MEGAN], "wids": [MEGAN], "xms_cc": ["cp1"], "_claim_names": {"groups": "src1"}},
        {"name": ABSENT},
        {"name": 7},
    )
    for claims in harmless:
        assert (await users.verify(entra.mint(**claims))).person.id == MEGAN


async def test_an_object_id_is_kept_in_lower_case_as_everywhere(users: UserTokenVerifier, entra: Entra):
    assert (await users.verify(entra.mint(oid=MEGAN.upper()))).person.id == MEGAN


async def test_a_name_is_text_that_somebody_chose(users: UserTokenVerifier, entra: Entra):
    odd = (await users.verify(entra.mint(name="A\u202elex\r\n<b>W\x00"))).person.name
    assert odd == "Alex <b>W"
    assert len((await users.verify(entra.mint(name="x" * 2000))).person.name) == MAX_NAME


@pytest.mark.parametrize(
    ("claims", "guest"),
    [
        ({}, False),
        ({"acct": 0}, False),
        ({"acct": 1}, True),
        ({"acct": "guest"}, True),
        ({"idp": f"https://sts.windows.net/{TENANT}/"}, False),
        ({"idp": f"https://sts.windows.net/{OTHER_TENANT}/"}, True),
        ({"idp": "live.com"}, True),
        ({"idp": None}, True),
    ],
)
async def test_a_guest_is_told_by_acct_or_by_who_signed_them_in(
    claims: dict[str, Any], guest: bool, users: UserTokenVerifier, entra: Entra
):
    assert (await users.verify(entra.mint(**claims))).person.guest is guest


async def test_keys_are_fetched_when_the_first_good_looking_token_comes_and_not_before(
    users: UserTokenVerifier, microsoft: Microsoft, entra: Entra
):
    for token in (microsoft.mint(), entra.mint(aud="another"), "not.a.token", "not a token", entra.mint(exp=1)):
        with pytest.raises(Unauthenticated):
            await users.verify(token)
    assert microsoft.requests == {}
    await users.verify(entra.mint())
    await users.verify(entra.mint(key=entra.keys[1]))
    assert microsoft.requests == {"discovery": 1, "user-keys": 1}


async def test_made_up_key_ids_cause_one_fetch_a_minute(
    users: UserTokenVerifier, microsoft: Microsoft, entra: Entra, clock: ManualClock
):
    for second in range(120):
        with pytest.raises(Unauthenticated, match="Entra ID does not publish"):
            await users.verify(entra.mint(header={"kid": f"made-up-{second}"}))
        clock.advance(1)
    assert microsoft.requests["user-keys"] == 1 + 2  # the first fetch of all, then at 0 s and 60 s


async def test_without_keys_it_says_whose_are_missing_and_what_to_check(
    users: UserTokenVerifier, microsoft: Microsoft, entra: Entra
):
    microsoft.down.add("user-keys")
    with pytest.raises(Unavailable, match=r"signing keys of Entra ID.*LOGIN_URL"):
        await users.verify(entra.mint())


async def test_a_token_is_remembered_while_it_is_in_force(users: UserTokenVerifier, entra: Entra, clock: ManualClock):
    token = entra.admin()
    assert users.cached(token) is None
    claims = await users.verify(token)
    assert users.cached(token) is claims
    assert await users.verify(token) is claims
    clock.advance(80 * MINUTE)
    assert users.cached(token) is None
    with pytest.raises(Unauthenticated, match="expired"):
        await users.verify(token)


async def test_a_token_of_version_1_tells_the_operator_what_to_set(users: UserTokenVerifier, entra: Entra):
    with pytest.raises(Unauthenticated, match="requestedAccessTokenVersion"):
        await users.verify(FORGED_USERS["version 1.0"](entra))
