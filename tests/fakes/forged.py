"""Tokens that must never be accepted, each made by a running fake that makes good ones: `Microsoft` or `Entra`.

Every one is wrong in a single respect: whatever can be right (key, signature, claims) is. `FORGED` deserve 401,
`MISPLACED` are good tokens that may not speak for Teams (403), `ODD_AUTHORIZATIONS` are whole header values (401).
Sources: RFC 8725 "JSON Web Token Best Current Practices", RFC 7515, the emulator's issuers in the Bot Framework SDK.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding

from tests.fakes.forging import (
    Forge,
    changed,
    flip_a_bit,
    of_another_issuer,
    other_face,
    public_key,
    repeat,
    replace_part,
    rewritten,
    set_part,
    with_claims,
    with_es256,
    with_header,
    with_json,
    with_mac,
    with_own_key,
    with_rsa,
    with_time,
    with_window,
)
from tests.fakes.microsoft import ABSENT, APP_ID, TENANT, Key, base64url, rsa_key

DAY = 24 * 3600


def in_header(token: str) -> bool:
    """Whether the token can travel in an HTTP header at all; some hold line ends or what is not ASCII."""
    return token.isascii() and token.isprintable()


FORGED: Mapping[str, Forge] = {
    # the algorithm
    "alg none without signature": changed(
        lambda parts: parts.__setitem__(slice(None), [base64url(b'{"alg":"none","typ":"JWT"}'), parts[1], ""])
    ),
    "alg none with kid and a good signature": with_header(alg="none"),
    "alg nOnE": with_header(alg="nOnE"),
    "alg rs256 in lower case": with_header(alg="rs256"),
    "alg missing": with_header(alg=ABSENT),
    "alg null": with_header(alg=None),
    "alg as a list": with_header(alg=["RS256"]),
    "HS256 with the public key's PEM as secret": with_mac(public_key(Encoding.PEM)),
    "HS256 with the public key's DER as secret": with_mac(public_key(Encoding.DER)),
    "HS256 with an empty secret": with_mac(lambda _: b""),
    "HS256 with the key id as secret": with_mac(lambda issuer: issuer.keys[0].kid.encode()),
    "HS256 header over an RS256 signature": with_header(alg="HS256"),
    "RS384 by the right key": with_rsa("RS384", padding.PKCS1v15(), hashes.SHA384()),
    "RS512 by the right key": with_rsa("RS512", padding.PKCS1v15(), hashes.SHA512()),
    "PS256 by the right key": with_rsa("PS256", padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256()),
    "PSS padding under RS256": with_rsa("RS256", padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256()),
    "SHA-1 under RS256": with_rsa("RS256", padding.PKCS1v15(), hashes.SHA1()),
    "ES256 by a key of its own": with_es256,
    # the signature
    "signed by another key under Teams' key id": lambda issuer: issuer.mint(
        key=Key(issuer.keys[0].kid, rsa_key(99), ("msteams",))
    ),
    "signed by Teams' key under another published key's id": lambda issuer: issuer.mint(
        key=Key(issuer.keys[1].kid, issuer.keys[0].private, ("msteams",))
    ),
    "signature missing": changed(lambda parts: parts.pop()),
    "signature empty": changed(set_part(2, "")),
    "signature truncated": changed(replace_part(2, lambda part: part[:-4])),
    "signature with a flipped bit": changed(replace_part(2, flip_a_bit)),
    "signature of zeros": changed(set_part(2, base64url(bytes(256)))),
    "signature of one byte": changed(set_part(2, "AA")),
    "signature of another token": lambda issuer: ".".join(
        [*issuer.mint().split(".")[:2], issuer.mint(serviceurl="https://other.example/").split(".")[2]]
    ),
    "payload with a flipped bit": changed(replace_part(1, flip_a_bit)),
    "claims changed after signing": changed(set_part(1, base64url(b'{"aud":"' + APP_ID.encode() + b'"}'))),
    # the key id
    "kid missing": with_header(kid=ABSENT),
    "kid empty": with_header(kid=""),
    "kid null": with_header(kid=None),
    "kid a number": with_header(kid=0),
    "kid a list": lambda issuer: issuer.mint(header={"kid": [issuer.keys[0].kid]}),
    "kid an object": with_header(kid={"$ne": ""}),
    "kid unknown": with_header(kid="no-such-key"),
    "kid in upper case": lambda issuer: issuer.mint(header={"kid": issuer.keys[0].kid.upper()}),
    "kid with a space after it": lambda issuer: issuer.mint(header={"kid": issuer.keys[0].kid + " "}),
    "kid with a NUL after it": lambda issuer: issuer.mint(header={"kid": issuer.keys[0].kid + "\0"}),
    "kid a path": with_header(kid="../../../../dev/null"),
    "kid an address": with_header(kid="https://attacker.example/keys.json"),
    "kid SQL": with_header(kid="x' UNION SELECT 'key"),
    "kid of 2 kB": with_header(kid="k" * 2000),
    "kid of 10 kB": with_header(kid="k" * 10_000),
    # other headers
    "jku": with_own_key(jku="https://attacker.example/keys.json"),
    "jku beside the right key": with_header(jku="https://attacker.example/keys.json"),
    "x5u": with_header(x5u="https://attacker.example/certificate.pem"),
    "jwk with the attacker's key": with_own_key(jwk=Key),
    "jwk beside the right key": with_header(jwk={"kty": "RSA"}),
    "x5c": with_header(x5c=["MIIB"]),
    "crit": with_header(crit=["exp"]),
    "crit empty": with_header(crit=[]),
    "unencoded payload (b64 false)": with_header(b64=False, crit=["b64"]),
    "b64 false without crit": with_header(b64=False),
    "compressed": with_header(zip="DEF"),
    "nested (cty JWT)": with_header(cty="JWT"),
    "typ of an access token": with_header(typ="at+jwt"),
    "typ of a logout token": with_header(typ="logout+jwt"),
    "typ a list": with_header(typ=["JWT"]),
    # who issued it
    "iss missing": with_claims(iss=ABSENT),
    "iss null": with_claims(iss=None),
    "iss a list": with_claims(iss=["https://api.botframework.com"]),
    "iss with a slash": with_claims(iss="https://api.botframework.com/"),
    "iss over http": with_claims(iss="http://api.botframework.com"),
    "iss in upper case": with_claims(iss="HTTPS://API.BOTFRAMEWORK.COM"),
    "iss of the government's cloud": with_claims(iss="https://api.botframework.us"),
    "emulator v1 (sts.windows.net/d6d49420)": of_another_issuer(
        "https://sts.windows.net/d6d49420-f39b-4df7-a1dc-d59a935871db/"
    ),
    "emulator v1 (sts.windows.net/f8cdef31)": of_another_issuer(
        "https://sts.windows.net/f8cdef31-a31e-4b4a-93e4-5f571e91255a/"
    ),
    "emulator v2 (d6d49420)": of_another_issuer(
        "https://login.microsoftonline.com/d6d49420-f39b-4df7-a1dc-d59a935871db/v2.0"
    ),
    "emulator v2 (f8cdef31)": of_another_issuer(
        "https://login.microsoftonline.com/f8cdef31-a31e-4b4a-93e4-5f571e91255a/v2.0"
    ),
    "Microsoft's own tenant v1 (72f988bf)": of_another_issuer(
        "https://sts.windows.net/72f988bf-86f1-41af-91ab-2d7cd011db47/"
    ),
    "Microsoft's own tenant v2 (72f988bf)": of_another_issuer(
        "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0"
    ),
    "emulator without audience": of_another_issuer(
        "https://sts.windows.net/d6d49420-f39b-4df7-a1dc-d59a935871db/", aud=ABSENT
    ),
    "a person's token for the tab": of_another_issuer(
        f"https://login.microsoftonline.com/{TENANT}/v2.0", scp="access_as_user", oid=TENANT
    ),
    # whom it is for
    "aud missing": with_claims(aud=ABSENT),
    "aud null": with_claims(aud=None),
    "aud empty": with_claims(aud=""),
    "aud of another bot": with_claims(aud="00000000-0000-0000-0000-000000000001"),
    "aud a list with us": with_claims(aud=[APP_ID]),
    "aud a list with us and others": with_claims(aud=["00000000-0000-0000-0000-000000000001", APP_ID]),
    "aud an object": with_claims(aud={APP_ID: True}),
    "aud in upper case": with_claims(aud=APP_ID.upper()),
    "aud with a space": with_claims(aud=APP_ID + " "),
    "aud the connector": with_claims(aud="https://api.botframework.com"),
    # when
    "exp missing": with_claims(exp=ABSENT),
    "exp null": with_claims(exp=None),
    "exp text": lambda issuer: issuer.mint(exp=str(issuer.claims()["exp"])),
    "exp a list": lambda issuer: issuer.mint(exp=[issuer.claims()["exp"]]),
    "exp true": with_claims(exp=True, nbf=0),
    "exp NaN": with_claims(exp=float("nan")),
    "exp Infinity": with_claims(exp=float("inf")),
    "exp 1e999": with_json(payload=lambda good: json.dumps(json.loads(good) | {"exp": 0}).encode()[:-2] + b"1e999}"),
    "exp zero": with_claims(exp=0, nbf=0),
    "exp negative": with_claims(exp=-1),
    "exp a number of 300 digits": with_claims(exp=10**300),
    "a number of 5,000 digits": with_json(payload=lambda good: good[:-1] + b',"x":' + b"9" * 5000 + b"}"),
    "exp of 400 digits beside a fractional nbf": lambda issuer: issuer.mint(
        nbf=issuer.claims()["nbf"] + 0.5, exp=10**400
    ),
    "exp in milliseconds": lambda issuer: issuer.mint(exp=issuer.claims()["exp"] * 1000),
    "expired six minutes ago": with_window(-3600, -360),
    "expired a year ago": with_window(-366 * DAY, -365 * DAY),
    "valid for ten years": with_time("exp", 3650 * DAY),
    "valid for two days": with_time("exp", 2 * DAY),
    "nbf missing": with_claims(nbf=ABSENT),
    "nbf null": with_claims(nbf=None),
    "nbf text": lambda issuer: issuer.mint(nbf=str(issuer.claims()["nbf"])),
    "nbf false": with_claims(nbf=False),
    "nbf NaN": with_claims(nbf=float("nan")),
    "nbf -Infinity": with_claims(nbf=float("-inf")),
    "nbf negative": with_claims(nbf=-1),
    "nbf a number of 300 digits": with_claims(nbf=10**300),
    "nbf zero": with_claims(nbf=0),
    "not valid for six minutes yet": with_window(360, 3960),
    "not valid for a year yet": with_window(365 * DAY, 365 * DAY + 3600),
    "over before it begins": with_window(60, 0),
    # the service URL
    "serviceurl a list": with_claims(serviceurl=["https://smba.trafficmanager.net/emea/"]),
    "serviceurl a number": with_claims(serviceurl=1),
    # how it is written
    "nothing": lambda _: "",
    "a word": lambda _: "token",
    "two dots": lambda _: "..",
    "dots only": lambda _: "....",
    "four parts": rewritten(lambda token: token + ".e30"),
    "five parts": rewritten(lambda token: token + ".e30.e30"),
    "a dot after it": rewritten(lambda token: token + "."),
    "a dot before it": rewritten(lambda token: "." + token),
    "empty header": changed(set_part(0, "")),
    "empty payload": changed(set_part(1, "")),
    "padding": changed(replace_part(2, lambda part: part + "==")),
    "padding in the header": changed(replace_part(0, lambda part: part + "=" * (-len(part) % 4) or "=")),
    "a line end after it": rewritten(lambda token: token + "\n"),
    "a line end in it": rewritten(lambda token: token[:50] + "\r\n" + token[50:]),
    "a space before it": rewritten(lambda token: " " + token),
    "a space in it": rewritten(lambda token: token.replace(".", " .", 1)),
    "a tab after it": rewritten(lambda token: token + "\t"),
    "a NUL after it": rewritten(lambda token: token + "\0"),
    "the other base64 alphabet": changed(replace_part(2, lambda part: "+/" + part[2:])),
    "another way of writing the same signature": changed(replace_part(2, other_face)),
    "a part of impossible length": changed(replace_part(2, lambda part: part + "AAA")),
    "full-width letters": rewritten(lambda token: token.replace("e", "ｅ", 1)),
    "a lone surrogate": rewritten(lambda token: token + "\ud800"),
    "quotes around it": rewritten(lambda token: f'"{token}"'),
    "twice": rewritten(lambda token: f"{token},{token}"),
    "300 kB of letters": lambda _: "A" * 300_000,
    "300 kB of dots": lambda _: "." * 300_000,
    "300 kB of claims": with_claims(padding="x" * 300_000),
    "10 kB of claims": with_claims(padding="x" * 10_000),
    # what is in it
    "header a list": with_json(header=lambda good: b"[" + good + b"]"),
    "header null": with_json(header=lambda _: b"null"),
    "header not JSON": with_json(header=lambda good: good[:-1]),
    "header with alg twice": with_json(header=repeat(b'"alg"', b'"none"')),
    "header with kid twice": with_json(header=repeat(b'"kid"', b'"other"')),
    "payload a list": with_json(payload=lambda good: b"[" + good + b"]"),
    "payload text": with_json(payload=lambda _: b'"claims"'),
    "payload null": with_json(payload=lambda _: b"null"),
    "payload not JSON": with_json(payload=lambda good: good + b"}"),
    "payload with aud twice": with_json(payload=repeat(b'"aud"', b'"another"')),
    "payload with exp twice": with_json(payload=repeat(b'"exp"', b"1")),
    "payload with a name twice deep inside": with_json(payload=repeat(b'"x"', b'{"a":1,"a":2}')),
    "payload with NaN in another claim": with_json(payload=repeat(b'"x"', b"NaN")),
    "deep header": with_json(header=repeat(b'"x"', b"[" * 2000 + b"]" * 2000)),
    "deep payload": with_json(payload=repeat(b'"x"', b'{"a":' * 900 + b"1" + b"}" * 900)),
    "header not UTF-8": with_json(header=repeat(b'"x"', b'"\xff\xfe"')),
    "payload not UTF-8": with_json(payload=repeat(b'"x"', b'"\xc0\x80"')),
    "payload in UTF-16": with_json(payload=lambda good: good.decode().encode("utf-16")),
    "payload with a byte order mark": with_json(payload=lambda good: b"\xef\xbb\xbf" + good),
    "names with escapes instead of claims": with_json(payload=lambda good: good.replace(b'"aud"', b'"aud\\u0000"')),
}

MISPLACED: Mapping[str, Forge] = {
    "signed by a key for other channels": lambda issuer: issuer.mint(key=issuer.keys[1]),
    "signed by a key for no channel": lambda issuer: issuer.mint(key=issuer.keys[2]),
    "no service URL": with_claims(serviceurl=ABSENT),
    "another service URL": with_claims(serviceurl="https://smba.trafficmanager.net/amer/"),
    "an attacker's service URL": with_claims(serviceurl="https://attacker.example/"),
}

ODD_AUTHORIZATIONS: Mapping[str, Forge] = {
    "empty": lambda _: "",
    "Bearer alone": lambda _: "Bearer",
    "another scheme": rewritten(lambda token: f"Token {token}"),
    "no scheme": rewritten(lambda token: token),
    "Basic": lambda _: "Basic " + base64.b64encode(f"{APP_ID}:secret".encode()).decode(),
    "a word after the token": rewritten(lambda token: f"Bearer {token} more"),
    "two tokens": rewritten(lambda token: f"Bearer {token}, Bearer {token}"),
    "Bearer twice": rewritten(lambda token: f"Bearer Bearer {token}"),
    "a colon": rewritten(lambda token: f"Bearer: {token}"),
}
