"""A fake Microsoft, a clock that stands still until told, and the parts that verify and obtain tokens with them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.config import Settings, load_settings
from bot.identity.app_tokens import AppTokens
from bot.identity.bot_tokens import BotTokenVerifier
from bot.identity.keys import SigningKeys
from bot.identity.user_tokens import UserTokenVerifier
from bot.ports import Clock
from tests.fakes.entra import Entra
from tests.fakes.microsoft import APP_ID, ISSUER, TENANT, Microsoft


class ManualClock:
    """Microseconds since the epoch, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_795_000_000_000_000

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += int(seconds * 1_000_000)


def bot_keys(session: aiohttp.ClientSession, microsoft: Microsoft, clock: Clock) -> SigningKeys:
    address = microsoft.openid_metadata_url
    return SigningKeys(session, address, owner="the Bot Framework", setting="OPENID_METADATA_URL", clock=clock)


def user_keys(session: aiohttp.ClientSession, microsoft: Microsoft, clock: Clock) -> SigningKeys:
    address = f"{microsoft.user_issuer}/.well-known/openid-configuration"
    return SigningKeys(session, address, owner="Entra ID", setting="LOGIN_URL", clock=clock)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def microsoft(clock: ManualClock) -> AsyncIterator[Microsoft]:
    async with Microsoft(clock=clock) as fake:
        yield fake
        assert fake.unexpected == [], "something asked Microsoft for what is not there"


@pytest.fixture
async def keys(microsoft: Microsoft, clock: ManualClock) -> AsyncIterator[SigningKeys]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=microsoft.trust())) as session:
        keys = bot_keys(session, microsoft, clock)
        yield keys
        await keys.close()


@pytest.fixture
def verifier(keys: SigningKeys, clock: ManualClock) -> BotTokenVerifier:
    return BotTokenVerifier(keys, app_id=APP_ID, issuer=ISSUER, clock=clock)


@pytest.fixture
def entra(microsoft: Microsoft) -> Entra:
    return Entra(microsoft)


@pytest.fixture
async def users(microsoft: Microsoft, clock: ManualClock) -> AsyncIterator[UserTokenVerifier]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=microsoft.trust())) as session:
        keys = user_keys(session, microsoft, clock)
        yield UserTokenVerifier(keys, app_id=APP_ID, tenant=TENANT, issuer=microsoft.user_issuer, clock=clock)
        await keys.close()


@pytest.fixture
def settings(microsoft: Microsoft, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in microsoft.environment().items():
        monkeypatch.setenv(name, value)
    return load_settings(env_file=None)


@pytest.fixture
async def app_tokens(settings: Settings, clock: ManualClock) -> AsyncIterator[AppTokens]:
    tokens = AppTokens(settings, clock=clock)
    yield tokens
    await tokens.close()
