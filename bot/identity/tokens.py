"""What every token that arrives must be, whoever issued it: strictly written, of its issuer, for us, signed, in force.

Sources: RFC 7515 (signatures), RFC 7519 (claims), RFC 8725 "JSON Web Token Best Current Practices".
"""

from __future__ import annotations

import base64
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from jwt.algorithms import RSAAlgorithm

from bot.domain.documents import NotAnObject, read_object
from bot.errors import Unauthenticated
from bot.identity.keys import SECOND, SigningKey, SigningKeys
from bot.ports import Clock

SKEW = 5 * 60 * SECOND
MAX_LIFETIME = 25 * 3600
MAX_TOKEN = 8192
MAX_NESTED = 32
MAX_REMEMBERED = 2000
LATEST_TIME = 1 << 40
"""Seconds; beyond it a time is nonsense, and arithmetic with it would have to be guarded."""

_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)", re.ASCII)
_RS256 = RSAAlgorithm(RSAAlgorithm.SHA256)
_REFUSED_HEADERS = frozenset({"b64", "crit", "cty", "enc", "jku", "jwk", "x5c", "x5u", "zip"})
"""They would choose the key, change what is signed or what it means; Microsoft uses none of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What every verified token says. `not_before`, `expires`: microseconds since the epoch, UTC."""

    not_before: int
    expires: int

    def current(self, now: int) -> bool:
        """Whether the token is in force, give or take five minutes."""
        return self.not_before - SKEW <= now < self.expires + SKEW


C = TypeVar("C", bound=Claims)


class TokenVerifier(ABC, Generic[C]):
    """Accepts the tokens of one issuer for this app, and nothing else.

    The same token comes again for an hour and checking its signature costs as much as answering, so verified tokens
    are remembered: in bounded number, until they expire, and only while the keys are fresh and the same.

    Attributes:
        other_issuer, other_audience: what the log says of a token of somebody else, or for somebody else.
    """

    other_issuer: ClassVar[str]
    other_audience: ClassVar[str]

    def __init__(self, keys: SigningKeys, *, app_id: str, issuer: str, clock: Clock) -> None:
        self._keys = keys
        self._app_id = app_id
        self._issuer = issuer
        self._clock = clock
        self._remembered: dict[str, C] = {}
        self._generation = keys.generation

    @abstractmethod
    def read(self, payload: Mapping[str, Any], key: SigningKey, *, not_before: int, expires: int) -> C:
        """What a token says whose issuer, audience, times and signature are right.

        Raises:
            Unauthenticated: what it says is not what such a token must say.
        """

    def cached(self, token: str) -> C | None:
        """The claims of a token that was verified before and is still good; None says only: `verify` it."""
        claims = self._remembered.get(token)
        if claims is None or self._generation != self._keys.generation or not self._keys.fresh():
            return None
        return claims if claims.current(self._clock()) else None

    async def verify(self, token: str) -> C:
        """Check everything about a token, given without `Bearer`.

        Raises:
            Unauthenticated: it is not a good one. The message is for the log and holds nothing of the token.
            Unavailable: no signing key could ever be fetched.
        """
        if claims := self.cached(token):
            return claims
        header, payload, signed, signature = _parse(token)
        kid = _key_id(header)
        # The claims come first: a token of another issuer or for another app must not make us fetch keys.
        not_before, expires = self._check(payload)
        key = await self._keys.get(kid)
        if not _RS256.verify(signed, key.public_key, signature):
            raise Unauthenticated("The token's signature is wrong: it was changed or forged. Refuse it; nothing to do.")
        claims = self.read(payload, key, not_before=not_before, expires=expires)
        self._remember(token, claims)
        return claims

    def _check(self, payload: Mapping[str, Any]) -> tuple[int, int]:
        """`nbf` and `exp` in microseconds, if the token is of our issuer, for us, and in force."""
        if payload.get("iss") != self._issuer:
            raise Unauthenticated(self.other_issuer)
        if payload.get("aud") != self._app_id:
            raise Unauthenticated(self.other_audience)
        not_before, expires = _time(payload, "nbf"), _time(payload, "exp")
        if not 0 < expires - not_before <= MAX_LIFETIME:
            raise Unauthenticated("The token's lifetime is odd: Microsoft issues tokens for hours, not for longer.")
        not_before, expires = int(not_before * SECOND), int(expires * SECOND)
        now = self._clock()
        if now >= expires + SKEW:
            raise Unauthenticated("The token has expired. If new tokens fail, check this server's clock.")
        if now < not_before - SKEW:
            raise Unauthenticated("The token is not valid yet. If new tokens fail, check this server's clock.")
        return not_before, expires

    def _remember(self, token: str, claims: C) -> None:
        if self._generation != self._keys.generation:
            self._remembered.clear()
            self._generation = self._keys.generation
        while len(self._remembered) >= MAX_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]  # the oldest
        self._remembered[token] = claims


def _parse(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    """Header, payload, the signed bytes and the signature of a compact token (RFC 7515)."""
    if len(token) > MAX_TOKEN:
        raise Unauthenticated(f"The token is longer than {MAX_TOKEN} characters. It is not from Microsoft.")
    parts = _COMPACT.fullmatch(token)
    if parts is None:
        raise Unauthenticated("What was sent as a token is none: not three base64url parts with dots between.")
    header, payload, signature = (_decode(part) for part in parts.groups())
    signed = token.rpartition(".")[0].encode("ascii")
    return _json_object(header), _json_object(payload), signed, signature


def _decode(part: str) -> bytes:
    """Decode base64url, accepting only the one way of writing it: a token must not have two faces."""
    try:
        data = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        data = b""
    if base64.urlsafe_b64encode(data).rstrip(b"=") != part.encode("ascii"):
        raise Unauthenticated("A part of the token is not canonical base64url. It is not from Microsoft.")
    return data


def _json_object(data: bytes) -> dict[str, Any]:
    """Read a JSON object that every parser reads alike: UTF-8, no name twice, no NaN, hardly nested."""
    if data.count(b"{") + data.count(b"[") > MAX_NESTED:
        raise Unauthenticated("A part of the token is nested too deeply. It is not from Microsoft.")
    try:
        return read_object(data)
    except NotAnObject:
        raise Unauthenticated(
            "A part of the token is not an unambiguous JSON object. It is not from Microsoft."
        ) from None


def _key_id(header: Mapping[str, Any]) -> str:
    """The key's id, if the header asks for nothing but RS256 with a key of the issuer."""
    if header.get("alg") != "RS256":
        raise Unauthenticated("The token is not signed with RS256, the only algorithm Microsoft uses.")
    if header.get("typ", "JWT") != "JWT":
        raise Unauthenticated("The token's header says it is something else than a JWT.")
    if not _REFUSED_HEADERS.isdisjoint(header):
        raise Unauthenticated("The token's header tries to choose how it is checked. It is not from Microsoft.")
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise Unauthenticated("The token does not say which key signed it. It is not from Microsoft.")
    return kid


def _time(payload: Mapping[str, Any], name: str) -> int | float:
    """A time claim in seconds."""
    value = payload.get(name)
    # In Python true is an int, but it is not a time.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LATEST_TIME:
        raise Unauthenticated(f"The token's {name} claim is missing or no time. It is not from Microsoft.")
    return value
