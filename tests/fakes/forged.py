"""Tokens that must never be accepted, each made from a running fake `Microsoft`.

Every one is wrong in a single respect: whatever can be right (key, signature, claims) is. `FORGED` deserve 401,
`MISPLACED` are good tokens that may not speak for Teams (403), `ODD_AUTHORIZATIONS` are whole header values (401).
Sources: RFC 8725 "JSON Web Token Best Current Practices", RFC 7515, the emulator's issuers in the Bot Framework SDK.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.fakes.microsoft import ABSENT, APP_ID, TENANT, Key, Microsoft, base64url, compact, rsa_key

Forge = Callable[[Microsoft], str]

DAY = 24 * 3600
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def in_header(token: str) -> bool:
    """Whether the token can travel in an HTTP header at all; some hold line ends or what is not ASCII."""
    return token.isascii() and token.isprintable()


def _claim(**claims: Any) -> Forge:
    return lambda microsoft: microsoft.mint(**claims)


def _header(**header: Any) -> Forge:
    return lambda microsoft: microsoft.mint(header=header)


def _time(name: str, seconds: int) -> Forge:
    """The claim this many seconds from the token's own beginning."""
    return lambda microsoft: microsoft.mint(**{name: microsoft.claims()["nbf"] + seconds})


def _window(nbf: int, exp: int) -> Forge:
    return lambda microsoft: microsoft.mint(nbf=microsoft.claims()["nbf"] + nbf, exp=microsoft.claims()["nbf"] + exp)


def _changed(change: Callable[[list[str]], None]) -> Forge:
    """A good token whose three parts were changed after signing."""

    def forge(microsoft: Microsoft) -> str:
        parts = microsoft.mint().split(".")
        change(parts)
        return ".".join(parts)

    return forge


def _text(change: Callable[[str], str]) -> Forge:
    return lambda microsoft: change(microsoft.mint())


def _raw(
    *,
    header: Callable[[bytes], bytes] = lambda good: good,
    payload: Callable[[bytes], bytes] = lambda good: good,
) -> Forge:
    """A signed token whose JSON is not what a JSON library would write."""

    def forge(microsoft: Microsoft) -> str:
        parts = (json.dumps(microsoft.header()).encode(), json.dumps(microsoft.claims()).encode())
        return compact(header(parts[0]), payload(parts[1]), microsoft.keys[0].sign)

    return forge


def _mac(secret: Callable[[Microsoft], bytes]) -> Forge:
    def forge(microsoft: Microsoft) -> str:
        header = microsoft.header() | {"alg": "HS256"}
        return compact(header, microsoft.claims(), lambda data: hmac.digest(secret(microsoft), data, hashlib.sha256))

    return forge


def _public(encoding: Encoding) -> Callable[[Microsoft], bytes]:
    return lambda microsoft: (
        microsoft.keys[0].private.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
    )


def _rsa(algorithm: str, pad: padding.AsymmetricPadding, digest: hashes.HashAlgorithm) -> Forge:
    return lambda microsoft: compact(
        microsoft.header() | {"alg": algorithm},
        microsoft.claims(),
        lambda data: microsoft.keys[0].private.sign(data, pad, digest),
    )


def _es256(microsoft: Microsoft) -> str:
    def sign(data: bytes) -> bytes:
        r, s = decode_dss_signature(ec.generate_private_key(ec.SECP256R1()).sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    return compact(microsoft.header() | {"alg": "ES256"}, microsoft.claims(), sign)


def _with_own_key(**header: Any) -> Forge:
    """Signed by the attacker, with a header that says where to find the attacker's key."""

    def forge(microsoft: Microsoft) -> str:
        key = Key("attackers-key", rsa_key(99), ("msteams",))
        shown: Mapping[str, Any] = {name: key.published() if value is Key else value for name, value in header.items()}
        return microsoft.mint(key=key, header=shown)

    return forge


def _of_another_issuer(issuer: str, **claims: Any) -> Forge:
    return _claim(iss=issuer, ver="2.0", tid=TENANT, azp=APP_ID, appid=APP_ID, **claims)


def _set(index: int, value: str) -> Callable[[list[str]], None]:
    return lambda parts: parts.__setitem__(index, value)


def _replace(index: int, change: Callable[[str], str]) -> Callable[[list[str]], None]:
    return lambda parts: parts.__setitem__(index, change(parts[index]))


def _flip(part: str) -> str:
    data = bytearray(base64.urlsafe_b64decode(part + "=="))
    data[7] ^= 1
    return base64url(bytes(data))


def _other_face(part: str) -> str:
    """The same bytes written with another last character: base64 of 256 bytes leaves four bits unused."""
    return part[:-1] + _ALPHABET[_ALPHABET.index(part[-1]) + 1]


def _repeat(name: bytes, value: bytes) -> Callable[[bytes], bytes]:
    return lambda good: b"{" + name + b":" + value + b"," + good[1:]


FORGED: Mapping[str, Forge] = {
    # the algorithm
    "alg none without signature": _changed(
        lambda parts: parts.__setitem__(slice(None), [base64url(b'{"alg":"none","typ":"JWT"}'), parts[1], ""])
    ),
    "alg none with kid and a good signature": _header(alg="none"),
    "alg nOnE": _header(alg="nOnE"),
    "alg rs256 in lower case": _header(alg="rs256"),
    "alg missing": _header(alg=ABSENT),
    "alg null": _header(alg=None),
    "alg as a list": _header(alg=["RS256"]),
    "HS256 with the public key's PEM as secret": _mac(_public(Encoding.PEM)),
    "HS256 with the public key's DER as secret": _mac(_public(Encoding.DER)),
    "HS256 with an empty secret": _mac(lambda _: b""),
    "HS256 with the key id as secret": _mac(lambda microsoft: microsoft.keys[0].kid.encode()),
    "HS256 header over an RS256 signature": _header(alg="HS256"),
    "RS384 by the right key": _rsa("RS384", padding.PKCS1v15(), hashes.SHA384()),
    "RS512 by the right key": _rsa("RS512", padding.PKCS1v15(), hashes.SHA512()),
    "PS256 by the right key": _rsa("PS256", padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256()),
    "PSS padding under RS256": _rsa("RS256", padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256()),
    "SHA-1 under RS256": _rsa("RS256", padding.PKCS1v15(), hashes.SHA1()),
    "ES256 by a key of its own": _es256,
    # the signature
    "signed by another key under Teams' key id": lambda microsoft: microsoft.mint(
        key=Key(microsoft.keys[0].kid, rsa_key(99), ("msteams",))
    ),
    "signed by Teams' key under another published key's id": lambda microsoft: microsoft.mint(
        key=Key(microsoft.keys[1].kid, microsoft.keys[0].private, ("msteams",))
    ),
    "signature missing": _changed(lambda parts: parts.pop()),
    "signature empty": _changed(_set(2, "")),
    "signature truncated": _changed(_replace(2, lambda part: part[:-4])),
    "signature with a flipped bit": _changed(_replace(2, _flip)),
    "signature of zeros": _changed(_set(2, base64url(bytes(256)))),
    "signature of one byte": _changed(_set(2, "AA")),
    "signature of another token": lambda microsoft: ".".join(
        [*microsoft.mint().split(".")[:2], microsoft.mint(serviceurl="https://other.example/").split(".")[2]]
    ),
    "payload with a flipped bit": _changed(_replace(1, _flip)),
    "claims changed after signing": _changed(_set(1, base64url(b'{"aud":"' + APP_ID.encode() + b'"}'))),
    # the key id
    "kid missing": _header(kid=ABSENT),
    "kid empty": _header(kid=""),
    "kid null": _header(kid=None),
    "kid a number": _header(kid=0),
    "kid a list": lambda microsoft: microsoft.mint(header={"kid": [microsoft.keys[0].kid]}),
    "kid an object": _header(kid={"$ne": ""}),
    "kid unknown": _header(kid="no-such-key"),
    "kid in upper case": lambda microsoft: microsoft.mint(header={"kid": microsoft.keys[0].kid.upper()}),
    "kid with a space after it": lambda microsoft: microsoft.mint(header={"kid": microsoft.keys[0].kid + " "}),
    "kid with a NUL after it": lambda microsoft: microsoft.mint(header={"kid": microsoft.keys[0].kid + "\0"}),
    "kid a path": _header(kid="../../../../dev/null"),
    "kid an address": _header(kid="https://attacker.example/keys.json"),
    "kid SQL": _header(kid="x' UNION SELECT 'key"),
    "kid of 2 kB": _header(kid="k" * 2000),
    "kid of 10 kB": _header(kid="k" * 10_000),
    # other headers
    "jku": _with_own_key(jku="https://attacker.example/keys.json"),
    "jku beside the right key": _header(jku="https://attacker.example/keys.json"),
    "x5u": _header(x5u="https://attacker.example/certificate.pem"),
    "jwk with the attacker's key": _with_own_key(jwk=Key),
    "jwk beside the right key": _header(jwk={"kty": "RSA"}),
    "x5c": _header(x5c=["MIIB"]),
    "crit": _header(crit=["exp"]),
    "crit empty": _header(crit=[]),
    "unencoded payload (b64 false)": _header(b64=False, crit=["b64"]),
    "b64 false without crit": _header(b64=False),
    "compressed": _header(zip="DEF"),
    "nested (cty JWT)": _header(cty="JWT"),
    "typ of an access token": _header(typ="at+jwt"),
    "typ of a logout token": _header(typ="logout+jwt"),
    "typ a list": _header(typ=["JWT"]),
    # who issued it
    "iss missing": _claim(iss=ABSENT),
    "iss null": _claim(iss=None),
    "iss a list": _claim(iss=["https://api.botframework.com"]),
    "iss with a slash": _claim(iss="https://api.botframework.com/"),
    "iss over http": _claim(iss="http://api.botframework.com"),
    "iss in upper case": _claim(iss="HTTPS://API.BOTFRAMEWORK.COM"),
    "iss of the government's cloud": _claim(iss="https://api.botframework.us"),
    "emulator v1 (sts.windows.net/d6d49420)": _of_another_issuer(
        "https://sts.windows.net/d6d49420-f39b-4df7-a1dc-d59a935871db/"
    ),
    "emulator v1 (sts.windows.net/f8cdef31)": _of_another_issuer(
        "https://sts.windows.net/f8cdef31-a31e-4b4a-93e4-5f571e91255a/"
    ),
    "emulator v2 (d6d49420)": _of_another_issuer(
        "https://login.microsoftonline.com/d6d49420-f39b-4df7-a1dc-d59a935871db/v2.0"
    ),
    "emulator v2 (f8cdef31)": _of_another_issuer(
        "https://login.microsoftonline.com/f8cdef31-a31e-4b4a-93e4-5f571e91255a/v2.0"
    ),
    "Microsoft's own tenant v1 (72f988bf)": _of_another_issuer(
        "https://sts.windows.net/72f988bf-86f1-41af-91ab-2d7cd011db47/"
    ),
    "Microsoft's own tenant v2 (72f988bf)": _of_another_issuer(
        "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0"
    ),
    "emulator without audience": _of_another_issuer(
        "https://sts.windows.net/d6d49420-f39b-4df7-a1dc-d59a935871db/", aud=ABSENT
    ),
    "a person's token for the tab": _of_another_issuer(
        f"https://login.microsoftonline.com/{TENANT}/v2.0", scp="access_as_user", oid=TENANT
    ),
    # whom it is for
    "aud missing": _claim(aud=ABSENT),
    "aud null": _claim(aud=None),
    "aud empty": _claim(aud=""),
    "aud of another bot": _claim(aud="00000000-0000-0000-0000-000000000001"),
    "aud a list with us": _claim(aud=[APP_ID]),
    "aud a list with us and others": _claim(aud=["00000000-0000-0000-0000-000000000001", APP_ID]),
    "aud an object": _claim(aud={APP_ID: True}),
    "aud in upper case": _claim(aud=APP_ID.upper()),
    "aud with a space": _claim(aud=APP_ID + " "),
    "aud the connector": _claim(aud="https://api.botframework.com"),
    # when
    "exp missing": _claim(exp=ABSENT),
    "exp null": _claim(exp=None),
    "exp text": lambda microsoft: microsoft.mint(exp=str(microsoft.claims()["exp"])),
    "exp a list": lambda microsoft: microsoft.mint(exp=[microsoft.claims()["exp"]]),
    "exp true": _claim(exp=True, nbf=0),
    "exp NaN": _claim(exp=float("nan")),
    "exp Infinity": _claim(exp=float("inf")),
    "exp 1e999": _raw(payload=lambda good: json.dumps(json.loads(good) | {"exp": 0}).encode()[:-2] + b"1e999}"),
    "exp zero": _claim(exp=0, nbf=0),
    "exp negative": _claim(exp=-1),
    "exp a number of 300 digits": _claim(exp=10**300),
    "a number of 5,000 digits": _raw(payload=lambda good: good[:-1] + b',"x":' + b"9" * 5000 + b"}"),
    "exp of 400 digits beside a fractional nbf": lambda microsoft: microsoft.mint(
        nbf=microsoft.claims()["nbf"] + 0.5, exp=10**400
    ),
    "exp in milliseconds": lambda microsoft: microsoft.mint(exp=microsoft.claims()["exp"] * 1000),
    "expired six minutes ago": _window(-3600, -360),
    "expired a year ago": _window(-366 * DAY, -365 * DAY),
    "valid for ten years": _time("exp", 3650 * DAY),
    "valid for two days": _time("exp", 2 * DAY),
    "nbf missing": _claim(nbf=ABSENT),
    "nbf null": _claim(nbf=None),
    "nbf text": lambda microsoft: microsoft.mint(nbf=str(microsoft.claims()["nbf"])),
    "nbf false": _claim(nbf=False),
    "nbf NaN": _claim(nbf=float("nan")),
    "nbf -Infinity": _claim(nbf=float("-inf")),
    "nbf negative": _claim(nbf=-1),
    "nbf a number of 300 digits": _claim(nbf=10**300),
    "nbf zero": _claim(nbf=0),
    "not valid for six minutes yet": _window(360, 3960),
    "not valid for a year yet": _window(365 * DAY, 365 * DAY + 3600),
    "over before it begins": _window(60, 0),
    # the service URL
    "serviceurl a list": _claim(serviceurl=["https://smba.trafficmanager.net/emea/"]),
    "serviceurl a number": _claim(serviceurl=1),
    # how it is written
    "nothing": lambda _: "",
    "a word": lambda _: "token",
    "two dots": lambda _: "..",
    "dots only": lambda _: "....",
    "four parts": _text(lambda token: token + ".e30"),
    "five parts": _text(lambda token: token + ".e30.e30"),
    "a dot after it": _text(lambda token: token + "."),
    "a dot before it": _text(lambda token: "." + token),
    "empty header": _changed(_set(0, "")),
    "empty payload": _changed(_set(1, "")),
    "padding": _changed(_replace(2, lambda part: part + "==")),
    "padding in the header": _changed(_replace(0, lambda part: part + "=" * (-len(part) % 4) or "=")),
    "a line end after it": _text(lambda token: token + "\n"),
    "a line end in it": _text(lambda token: token[:50] + "\r\n" + token[50:]),
    "a space before it": _text(lambda token: " " + token),
    "a space in it": _text(lambda token: token.replace(".", " .", 1)),
    "a tab after it": _text(lambda token: token + "\t"),
    "a NUL after it": _text(lambda token: token + "\0"),
    "the other base64 alphabet": _changed(_replace(2, lambda part: "+/" + part[2:])),
    "another way of writing the same signature": _changed(_replace(2, _other_face)),
    "a part of impossible length": _changed(_replace(2, lambda part: part + "AAA")),
    "full-width letters": _text(lambda token: token.replace("e", "ｅ", 1)),
    "a lone surrogate": _text(lambda token: token + "\ud800"),
    "quotes around it": _text(lambda token: f'"{token}"'),
    "twice": _text(lambda token: f"{token},{token}"),
    "300 kB of letters": lambda _: "A" * 300_000,
    "300 kB of dots": lambda _: "." * 300_000,
    "300 kB of claims": _claim(padding="x" * 300_000),
    "10 kB of claims": _claim(padding="x" * 10_000),
    # what is in it
    "header a list": _raw(header=lambda good: b"[" + good + b"]"),
    "header null": _raw(header=lambda _: b"null"),
    "header not JSON": _raw(header=lambda good: good[:-1]),
    "header with alg twice": _raw(header=_repeat(b'"alg"', b'"none"')),
    "header with kid twice": _raw(header=_repeat(b'"kid"', b'"other"')),
    "payload a list": _raw(payload=lambda good: b"[" + good + b"]"),
    "payload text": _raw(payload=lambda _: b'"claims"'),
    "payload null": _raw(payload=lambda _: b"null"),
    "payload not JSON": _raw(payload=lambda good: good + b"}"),
    "payload with aud twice": _raw(payload=_repeat(b'"aud"', b'"another"')),
    "payload with exp twice": _raw(payload=_repeat(b'"exp"', b"1")),
    "payload with a name twice deep inside": _raw(payload=_repeat(b'"x"', b'{"a":1,"a":2}')),
    "payload with NaN in another claim": _raw(payload=_repeat(b'"x"', b"NaN")),
    "deep header": _raw(header=_repeat(b'"x"', b"[" * 2000 + b"]" * 2000)),
    "deep payload": _raw(payload=_repeat(b'"x"', b'{"a":' * 900 + b"1" + b"}" * 900)),
    "header not UTF-8": _raw(header=_repeat(b'"x"', b'"\xff\xfe"')),
    "payload not UTF-8": _raw(payload=_repeat(b'"x"', b'"\xc0\x80"')),
    "payload in UTF-16": _raw(payload=lambda good: good.decode().encode("utf-16")),
    "payload with a byte order mark": _raw(payload=lambda good: b"\xef\xbb\xbf" + good),
    "names with escapes instead of claims": _raw(payload=lambda good: good.replace(b'"aud"', b'"aud\\u0000"')),
}

MISPLACED: Mapping[str, Forge] = {
    "signed by a key for other channels": lambda microsoft: microsoft.mint(key=microsoft.keys[1]),
    "signed by a key for no channel": lambda microsoft: microsoft.mint(key=microsoft.keys[2]),
    "no service URL": _claim(serviceurl=ABSENT),
    "another service URL": _claim(serviceurl="https://smba.trafficmanager.net/amer/"),
    "an attacker's service URL": _claim(serviceurl="https://attacker.example/"),
}

ODD_AUTHORIZATIONS: Mapping[str, Forge] = {
    "empty": lambda _: "",
    "Bearer alone": lambda _: "Bearer",
    "another scheme": _text(lambda token: f"Token {token}"),
    "no scheme": _text(lambda token: token),
    "Basic": lambda _: "Basic " + base64.b64encode(f"{APP_ID}:secret".encode()).decode(),
    "a word after the token": _text(lambda token: f"Bearer {token} more"),
    "two tokens": _text(lambda token: f"Bearer {token}, Bearer {token}"),
    "Bearer twice": _text(lambda token: f"Bearer Bearer {token}"),
    "a colon": _text(lambda token: f"Bearer: {token}"),
}
