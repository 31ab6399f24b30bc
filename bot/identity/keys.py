"""The public keys that an issuer signs its tokens with, fetched and kept.

An OpenID metadata document names the address of a key set (`jwks_uri`). The Bot Framework's keys also list the channels
that may use them. Sources: learn.microsoft.com "Authentication with the Bot Connector API", connector to bot, steps 2
and 3; "OpenID Connect on the Microsoft identity platform", the tenant's configuration document.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWTError
from jwt.algorithms import RSAAlgorithm

from bot.errors import Unauthenticated, Unavailable
from bot.ports import Clock

SECOND = 1_000_000
MAX_AGE = 24 * 3600 * SECOND
UNKNOWN_KEY_PAUSE = 60 * SECOND
FIRST_FETCH_PAUSE = 5 * SECOND
FETCH_TIMEOUT = 5.0
MAX_DOCUMENT = 1 << 20
MAX_KEYS = 200
MAX_KEY_ID = 256
MIN_KEY_BITS = 2048

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """An RSA key. `endorsements`: the channels whose activities it may sign (`msteams`)."""

    kid: str
    public_key: RSAPublicKey
    endorsements: frozenset[str]


class SigningKeys:
    """The keys of one metadata document.

    They are fetched when first needed and again in the background when they are a day old, so that a known key never
    waits for the network. An unknown key id is looked up at once, but at most once a minute: a rotation is noticed
    with its first message, and made-up key ids can't make us flood the key server. All who wait share one fetch.
    When a fetch fails the keys we have stay.

    Args:
        owner: whose keys they are, as messages say it.
        setting: decides the address, and is named where it may be wrong.

    Attributes:
        generation: counts the changes of the keys; what was concluded from older ones must be checked again.
    """

    def __init__(
        self, session: aiohttp.ClientSession, metadata_url: str, *, owner: str, setting: str, clock: Clock
    ) -> None:
        self._owner = owner
        self._setting = setting
        self._session = session
        self._metadata_url = metadata_url
        self._clock = clock
        self._keys: Mapping[str, SigningKey] = {}
        self._fetching: asyncio.Task[None] | None = None
        self._fetched_at: int | None = None
        self._tried_at: int | None = None
        self._missed_at: int | None = None
        self._problem = ""
        self.generation = 0

    def fresh(self) -> bool:
        """Whether the last successful fetch is less than a day ago."""
        return not self._elapsed(self._fetched_at, MAX_AGE)

    async def get(self, kid: str) -> SigningKey:
        """The key with this id.

        Raises:
            Unauthenticated: there is no such key.
            Unavailable: no key could ever be fetched.
        """
        if len(kid) > MAX_KEY_ID:
            raise Unauthenticated(f"The token names a key by an id that is too long. It is not from {self._owner}.")
        if kid in self._keys and not self.fresh() and self._elapsed(self._tried_at, UNKNOWN_KEY_PAUSE):
            self._fetch()
        looked = False
        while kid not in self._keys:
            if self._fetching is None:
                if looked or not self._may_look_up():
                    raise self._refusal()
                looked = True
                self._missed_at = self._clock() if self._keys else None
            await asyncio.shield(self._fetch())  # a caller that gives up must not end the fetch others wait for
        return self._keys[kid]

    async def close(self) -> None:
        """Stop a fetch that is still under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    def _may_look_up(self) -> bool:
        if not self._keys:
            return self._elapsed(self._tried_at, FIRST_FETCH_PAUSE)
        return self._elapsed(self._missed_at, UNKNOWN_KEY_PAUSE)

    def _refusal(self) -> Exception:
        if self._keys:
            return Unauthenticated(
                f"The token names a signing key that {self._owner} does not publish. If this happens to good tokens, "
                f"check {self._setting} and whether the log tells of failed key fetches."
            )
        return Unavailable(
            f"Tokens can't be checked: the signing keys of {self._owner} were never fetched ({self._problem}). "
            f"Check that this server reaches {self._setting}; it is tried again every few seconds."
        )

    def _fetch(self) -> asyncio.Task[None]:
        """The fetch that is under way, else a new one."""
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._replace_keys())
        return self._fetching

    async def _replace_keys(self) -> None:
        self._tried_at = self._clock()
        try:
            async with asyncio.timeout(FETCH_TIMEOUT):
                metadata = await self._document(self._metadata_url)
                keys = _usable_keys(await self._document(metadata.get("jwks_uri")))
        except (aiohttp.ClientError, OSError, ValueError, Unavailable) as error:  # TimeoutError is an OSError
            self._problem = str(error) or type(error).__name__
            _log.warning(
                "signing keys not refreshed; the known ones stay",
                of=self._owner,
                reason=self._problem,
                known=len(self._keys),
            )
        else:
            self._fetched_at = self._clock()
            if keys != self._keys:
                self._keys = keys
                self.generation += 1
        finally:
            self._fetching = None

    async def _document(self, url: object) -> dict[str, Any]:
        """Fetch a JSON object: https only, no redirects, at most `MAX_DOCUMENT` bytes."""
        if not isinstance(url, str) or not url.startswith("https://"):
            raise Unavailable("the key server named an address that is not https")
        host = urlsplit(url).hostname
        async with self._session.get(url, allow_redirects=False) as response:
            if response.status != 200:
                raise Unavailable(f"{host} answered {response.status}")
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > MAX_DOCUMENT:
                    raise Unavailable(f"{host} answered with more than {MAX_DOCUMENT} bytes")
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise Unavailable(f"{host} did not answer with a JSON object")
        return document

    def _elapsed(self, since: int | None, pause: int) -> bool:
        """Whether `pause` has passed; a clock that was set back must not silence us, so its past counts too."""
        return since is None or not 0 <= self._clock() - since < pause


def _usable_keys(document: Mapping[str, Any]) -> Mapping[str, SigningKey]:
    """The RSA keys of a key set; whatever else is in it is left out."""
    items = document.get("keys")
    candidates = [_signing_key(item) for item in items[:MAX_KEYS]] if isinstance(items, list) else []
    keys = {key.kid: key for key in candidates if key is not None}
    if not keys:
        raise Unavailable("the key server's key set holds no usable RSA key")
    return keys


def _signing_key(item: Any) -> SigningKey | None:
    if not isinstance(item, dict) or item.get("use", "sig") != "sig" or item.get("alg", "RS256") != "RS256":
        return None
    kid, endorsements = item.get("kid"), item.get("endorsements", [])
    if not isinstance(kid, str) or not 0 < len(kid) <= MAX_KEY_ID or not isinstance(endorsements, list):
        return None
    try:
        public_key = RSAAlgorithm.from_jwk({name: item.get(name) for name in ("kty", "n", "e")})
    except (PyJWTError, ValueError, TypeError):
        return None
    if not isinstance(public_key, RSAPublicKey) or public_key.key_size < MIN_KEY_BITS:
        return None
    return SigningKey(
        kid=kid,
        public_key=public_key,
        endorsements=frozenset(name for name in endorsements if isinstance(name, str)),
    )
