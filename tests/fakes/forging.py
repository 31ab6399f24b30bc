"""How a token is forged: ways to make one that is wrong in a single respect. `tests.fakes.forged` lists the tokens.

First what makes a whole token (a `Forge`), then what that takes: a secret, a change of a part, of the JSON.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.fakes.microsoft import APP_ID, TENANT, Key, base64url, compact, rsa_key


class Issuer(Protocol):
    """Who makes good tokens: the Bot Framework (`Microsoft`), or Entra ID for people (`Entra`)."""

    @property
    def keys(self) -> list[Key]: ...
    def claims(self) -> dict[str, Any]: ...
    def header(self, key: Key | None = None) -> dict[str, Any]: ...
    def mint(self, *, key: Key | None = None, header: Mapping[str, Any] | None = None, **claims: Any) -> str: ...


Forge = Callable[[Issuer], str]
"""Makes a token from the running fake: its keys and its clock."""

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def with_claims(**claims: Any) -> Forge:
    return lambda issuer: issuer.mint(**claims)


def with_header(**header: Any) -> Forge:
    return lambda issuer: issuer.mint(header=header)


def with_time(name: str, seconds: int) -> Forge:
    """The claim this many seconds from the token's own beginning."""
    return lambda issuer: issuer.mint(**{name: issuer.claims()["nbf"] + seconds})


def with_window(nbf: int, exp: int) -> Forge:
    return lambda issuer: issuer.mint(nbf=issuer.claims()["nbf"] + nbf, exp=issuer.claims()["nbf"] + exp)


def changed(change: Callable[[list[str]], None]) -> Forge:
    """A good token whose three parts were changed after signing."""

    def forge(issuer: Issuer) -> str:
        parts = issuer.mint().split(".")
        change(parts)
        return ".".join(parts)

    return forge


def rewritten(change: Callable[[str], str]) -> Forge:
    """A good token whose text was changed."""
    return lambda issuer: change(issuer.mint())


def with_json(
    *,
    header: Callable[[bytes], bytes] = lambda good: good,
    payload: Callable[[bytes], bytes] = lambda good: good,
) -> Forge:
    """A signed token whose JSON is not what a JSON library would write."""

    def forge(issuer: Issuer) -> str:
        parts = (json.dumps(issuer.header()).encode(), json.dumps(issuer.claims()).encode())
        return compact(header(parts[0]), payload(parts[1]), issuer.keys[0].sign)

    return forge


def with_mac(secret: Callable[[Issuer], bytes]) -> Forge:
    """HS256 with a secret that everybody knows."""

    def forge(issuer: Issuer) -> str:
        header = issuer.header() | {"alg": "HS256"}
        return compact(header, issuer.claims(), lambda data: hmac.digest(secret(issuer), data, hashlib.sha256))

    return forge


def with_rsa(algorithm: str, pad: padding.AsymmetricPadding, digest: hashes.HashAlgorithm) -> Forge:
    """Signed by the right key, in another way."""
    return lambda issuer: compact(
        issuer.header() | {"alg": algorithm},
        issuer.claims(),
        lambda data: issuer.keys[0].private.sign(data, pad, digest),
    )


def with_es256(issuer: Issuer) -> str:
    def sign(data: bytes) -> bytes:
        r, s = decode_dss_signature(ec.generate_private_key(ec.SECP256R1()).sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    return compact(issuer.header() | {"alg": "ES256"}, issuer.claims(), sign)


def with_own_key(**header: Any) -> Forge:
    """Signed by the attacker, with a header that says where to find the attacker's key."""

    def forge(issuer: Issuer) -> str:
        key = Key("attackers-key", rsa_key(99), ("msteams",))
        shown: Mapping[str, Any] = {name: key.published() if value is Key else value for name, value in header.items()}
        return issuer.mint(key=key, header=shown)

    return forge


def of_another_issuer(url: str, **claims: Any) -> Forge:
    return with_claims(iss=url, ver="2.0", tid=TENANT, azp=APP_ID, appid=APP_ID, **claims)


def public_key(encoding: Encoding) -> Callable[[Issuer], bytes]:
    return lambda issuer: issuer.keys[0].private.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)


def set_part(index: int, value: str) -> Callable[[list[str]], None]:
    return lambda parts: parts.__setitem__(index, value)


def replace_part(index: int, change: Callable[[str], str]) -> Callable[[list[str]], None]:
    return lambda parts: parts.__setitem__(index, change(parts[index]))


def flip_a_bit(part: str) -> str:
    data = bytearray(base64.urlsafe_b64decode(part + "=="))
    data[7] ^= 1
    return base64url(bytes(data))


def other_face(part: str) -> str:
    """The same bytes written with another last character: base64 of 256 bytes leaves four bits unused."""
    return part[:-1] + _ALPHABET[_ALPHABET.index(part[-1]) + 1]


def repeat(name: bytes, value: bytes) -> Callable[[bytes], bytes]:
    """One more member in front, for a JSON object that may have one of this name already."""
    return lambda good: b"{" + name + b":" + value + b"," + good[1:]
