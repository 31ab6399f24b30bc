"""Microsoft's login side, as strict as the real one, over real TLS on loopback.

What each part does is from these pages (learn.microsoft.com):

* metadata, key set, the channel's tokens: "Authentication with the Bot Connector API", sections "Bot to Connector" and
  "Connector to Bot" (azure/bot-service/rest-api/bot-framework-rest-connector-authentication);
* token endpoint and its error object: "OAuth 2.0 client credentials flow on the Microsoft identity platform"
  (entra/identity-platform/v2-oauth2-client-creds-grant-flow);
* the AADSTS numbers and which error they come with: "Microsoft Entra authentication and authorization error codes"
  (entra/identity-platform/reference-error-codes);
* v2.0 discovery document and the tenant's keys: "OpenID Connect on the Microsoft identity platform"
  (entra/identity-platform/v2-protocols-oidc), "Access tokens in the Microsoft identity platform", validate tokens.

Tokens of people are made by `tests.fakes.entra`.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import json
import ssl
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote_plus

import trustme
from aiohttp import web
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.waiting import Gate

APP_ID = "5f4a1a3e-6c1b-4b6e-9d38-0c1f2e3d4a5b"
APP_PASSWORD = "Aq3~not.a-real_secret~of.anybody"
TENANT = "9b1c7a52-3f0e-4d2a-8a64-7d5e4c3b2a19"
ISSUER = "https://api.botframework.com"
SCOPE = "https://api.botframework.com/.default"
GRAPH_SCOPE = "https://graph.microsoft.com/.default"
SERVICE_URL = "https://smba.trafficmanager.net/emea/"
ABSENT = object()
"""As a claim or a header of `mint`: leave it out."""


@functools.cache
def rsa_key(number: int, bits: int = 2048) -> rsa.RSAPrivateKey:
    """The same key for the same number: making one takes a tenth of a second, and many tests need some."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


@dataclass(frozen=True, slots=True)
class Key:
    """A key pair, and the channels it may sign for; None where that is not said: Entra ID's keys are for none."""

    kid: str
    private: rsa.RSAPrivateKey
    endorsements: tuple[str, ...] | None

    def sign(self, data: bytes) -> bytes:
        return self.private.sign(data, padding.PKCS1v15(), hashes.SHA256())

    def published(self) -> dict[str, Any]:
        """The key as the key set shows it."""
        numbers = self.private.public_key().public_numbers()
        result: dict[str, Any] = {
            "kty": "RSA",
            "use": "sig",
            "kid": self.kid,
            "x5t": self.kid,
            "n": base64url(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")),
            "e": base64url(numbers.e.to_bytes(3, "big")),
        }
        return result if self.endorsements is None else result | {"endorsements": list(self.endorsements)}


def compact(
    header: Mapping[str, Any] | bytes, payload: Mapping[str, Any] | bytes, sign: Callable[[bytes], bytes]
) -> str:
    """A JWT of these parts; bytes are taken as they are."""
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, payload)]
    signed = ".".join(base64url(part) for part in parts)
    return f"{signed}.{base64url(sign(signed.encode('ascii')))}"


def signed(header: Mapping[str, Any], claims: Mapping[str, Any], key: Key) -> str:
    """A JWT without what is `ABSENT`."""
    kept = [{name: value for name, value in part.items() if value is not ABSENT} for part in (header, claims)]
    return compact(kept[0], kept[1], key.sign)


class Microsoft:
    """The login server and the Bot Framework's key server on `https://localhost:PORT`; `async with` runs it.

    Attributes:
        url: its address; also what LOGIN_URL must be.
        ca, ca_file: the authority that signed its certificate. Other fakes may use `ca` for theirs.
        requests: how often `metadata`, `keys`, `discovery`, `user-keys` and `token` were asked.
        unexpected: requests the real ones would not get, as "METHOD path".
        down: names (as in `requests`) that answer 503.
        delay: seconds by name before the answer.
        gates: by name, what a request is held up by before the answer.
        instead: by name, what makes another answer than the good one.
        keys: what the Bot Framework's key set shows; `keys[0]` is Teams'.
        user_keys: what the tenant's key set shows: of them Entra ID signs the tokens of people with the first.
        password, password_expired: the secret of the app's registration, and whether it is too old.
        lifetime: seconds a token of the app lives.
        issued: the tokens of the app, oldest first.
        issued_for: the same by scope.
    """

    def __init__(self, *, clock: Callable[[], int] | None = None, ca: trustme.CA | None = None) -> None:
        self._clock = clock or (lambda: time.time_ns() // 1000)
        self._directory = tempfile.TemporaryDirectory(prefix="microsoft-")
        self._next_key = 3
        self.ca = ca or trustme.CA()
        self.ca_file = Path(self._directory.name) / "ca.pem"
        self.ca.cert_pem.write_to_path(str(self.ca_file))
        self.url = ""
        self.requests: Counter[str] = Counter()
        self.unexpected: list[str] = []
        self.down: set[str] = set()
        self.delay: dict[str, float] = {}
        self.gates: dict[str, Gate] = {}
        self.instead: dict[str, Callable[[], web.Response]] = {}
        self.keys = [
            Key("teams-key-0", rsa_key(0), ("msteams", "skypeforbusiness", "agents")),
            Key("webchat-key", rsa_key(1), ("webchat", "directline")),
            Key("unendorsed-key", rsa_key(2), None),
        ]
        self.user_keys = [Key("entra-key-0", rsa_key(60), None), Key("entra-key-next", rsa_key(61), None)]
        self.password = APP_PASSWORD
        self.password_expired = False
        self.lifetime = 3599
        self.issued: list[str] = []
        self.issued_for: dict[str, list[str]] = {}

    @property
    def openid_metadata_url(self) -> str:
        return f"{self.url}/v1/.well-known/openidconfiguration"

    @property
    def user_issuer(self) -> str:
        """Who issues the tokens of the tenant's people."""
        return f"{self.url}/{TENANT}/v2.0"

    def now(self) -> int:
        """Seconds since the epoch."""
        return self._clock() // 1_000_000

    def environment(self) -> dict[str, str]:
        """The settings that make the program use this Microsoft."""
        return {
            "APP_ID": APP_ID,
            "APP_PASSWORD": self.password,
            "APP_TYPE": "SingleTenant",
            "APP_TENANTID": TENANT,
            "OPENID_METADATA_URL": self.openid_metadata_url,
            "LOGIN_URL": self.url,
            "SSL_CERT_FILE": str(self.ca_file),
            "REQUESTS_CA_BUNDLE": str(self.ca_file),
        }

    def trust(self) -> ssl.SSLContext:
        """A client's TLS context that trusts this server and nobody else."""
        return ssl.create_default_context(cafile=str(self.ca_file))

    @contextmanager
    def holding(self, name: str) -> Iterator[Gate]:
        """What is asked for by this name meanwhile is answered afterwards, or when the gate is opened."""
        gate = self.gates[name] = Gate()
        try:
            yield gate
        finally:
            del self.gates[name]
            gate.open()

    def rotate(self) -> Key:
        """Teams signs with a new key from now on, and the old one is published no more."""
        number = self._next_key
        self._next_key += 1
        self.keys[0] = Key(f"teams-key-{number}", rsa_key(number), self.keys[0].endorsements)
        return self.keys[0]

    def claims(self) -> dict[str, Any]:
        """What the channel's token says: good for an hour from now on."""
        now = self.now()
        return {"serviceurl": SERVICE_URL, "nbf": now, "exp": now + 3600, "iss": ISSUER, "aud": APP_ID}

    def header(self, key: Key | None = None) -> dict[str, Any]:
        kid = (key or self.keys[0]).kid
        return {"alg": "RS256", "kid": kid, "x5t": kid, "typ": "JWT"}

    def mint(self, *, key: Key | None = None, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
        """A token as the channel sends it; keyword arguments replace claims, `header` replaces headers."""
        key = key or self.keys[0]
        return signed(self.header(key) | dict(header or {}), self.claims() | claims, key)

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._note])
        app.add_routes(
            [
                web.get("/v1/.well-known/openidconfiguration", self._metadata, name="metadata"),
                web.get("/v1/.well-known/keys", self._key_set, name="keys"),
                web.get("/{tenant}/v2.0/.well-known/openid-configuration", self._discovery, name="discovery"),
                web.get("/{tenant}/discovery/v2.0/keys", self._user_key_set, name="user-keys"),
                web.post("/{tenant}/oauth2/v2.0/token", self._token, name="token"),
            ]
        )
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.ca.issue_cert("localhost").configure_cert(context)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        self.url = f"https://localhost:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        self._directory.cleanup()

    @web.middleware
    async def _note(self, request: web.Request, handler: Any) -> web.StreamResponse:
        name = request.match_info.route.name
        if name is None:
            self.unexpected.append(f"{request.method} {request.path}")
            return await handler(request)
        self.requests[name] += 1
        await asyncio.sleep(self.delay.get(name, 0))
        if name in self.gates:
            await self.gates[name].passed()
        if name in self.down:
            return web.Response(status=503, text="The service is unavailable.")
        return self.instead[name]() if name in self.instead else await handler(request)

    async def _metadata(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": ISSUER,
                "authorization_endpoint": "https://invalid.botframework.com",
                "jwks_uri": f"{self.url}/v1/.well-known/keys",
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            }
        )

    async def _key_set(self, _: web.Request) -> web.Response:
        return web.json_response({"keys": [key.published() for key in self.keys]})

    async def _discovery(self, request: web.Request) -> web.Response:
        tenant = request.match_info["tenant"]
        if tenant != TENANT:
            return self._refuse(400, "invalid_tenant", 90002, f"Tenant '{tenant}' not found.")
        return web.json_response(
            {
                "issuer": self.user_issuer,
                "authorization_endpoint": f"{self.url}/{TENANT}/oauth2/v2.0/authorize",
                "token_endpoint": f"{self.url}/{TENANT}/oauth2/v2.0/token",
                "device_authorization_endpoint": f"{self.url}/{TENANT}/oauth2/v2.0/devicecode",
                "jwks_uri": f"{self.url}/{TENANT}/discovery/v2.0/keys",
                "token_endpoint_auth_methods_supported": [
                    "client_secret_post",
                    "private_key_jwt",
                    "client_secret_basic",
                ],
                "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def _user_key_set(self, request: web.Request) -> web.Response:
        if request.match_info["tenant"] != TENANT:
            return web.Response(status=404)
        issuer = {"issuer": self.user_issuer, "cloud_instance_name": "microsoftonline.com"}
        return web.json_response({"keys": [key.published() | issuer for key in self.user_keys]})

    async def _token(self, request: web.Request) -> web.Response:
        form = await _form(request)
        if refusal := self._refusal(request.match_info["tenant"], form):
            return self._refuse(*refusal)
        self.issued.append(f"token-{len(self.issued) + 1}-of-the-app")
        self.issued_for.setdefault(form["scope"], []).append(self.issued[-1])
        answer = {"token_type": "Bearer", "expires_in": self.lifetime, "ext_expires_in": self.lifetime}
        return web.json_response(answer | {"access_token": self.issued[-1]}, headers={"Cache-Control": "no-store"})

    def _refusal(self, tenant: str, form: Mapping[str, str]) -> tuple[int, str, int, str] | None:
        """Status, error, AADSTS number and text, unless all is right."""
        client = form.get("client_id", "")
        if tenant != TENANT:
            return 400, "invalid_request", 90002, f"Tenant '{tenant}' not found."
        if form.get("grant_type") != "client_credentials":
            return 400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type."
        if client != APP_ID:
            return 400, "unauthorized_client", 700016, f"Application with identifier '{client}' was not found."
        if form.get("client_secret") != self.password:
            return 401, "invalid_client", 7000215, "Invalid client secret provided."
        if self.password_expired:
            return 401, "invalid_client", 7000222, f"The provided client secret keys for app '{client}' are expired."
        if form.get("scope") not in (SCOPE, GRAPH_SCOPE):
            return 400, "invalid_scope", 70011, "The provided value for the input parameter 'scope' is not valid."
        return None

    def _refuse(self, status: int, error: str, number: int, text: str) -> web.Response:
        return web.json_response(
            {
                "error": error,
                "error_description": f"AADSTS{number}: {text} Trace ID: 255d1aef-8c98-452f-ac51-23d051240864",
                "error_codes": [number],
                "timestamp": "2026-01-09 02:02:12Z",
                "trace_id": "255d1aef-8c98-452f-ac51-23d051240864",
                "correlation_id": "fb3d2015-bc17-4bb9-bb85-30c5cf1aaaa7",
            },
            status=status,
        )


async def _form(request: web.Request) -> dict[str, str]:
    """The form, with a client's Basic credentials (RFC 6749, 2.3.1) put where its own fields would be."""
    form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme == "Basic":
        form["client_id"], _, form["client_secret"] = base64.b64decode(credentials).decode("ascii").partition(":")
        form["client_secret"] = unquote_plus(form["client_secret"])
    return form
