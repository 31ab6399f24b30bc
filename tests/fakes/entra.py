"""Tokens that Entra ID gives to the people of the fake's tenant, and others it signs with the same keys.

What they say is from learn.microsoft.com "Access token claims reference", "ID token claims reference" and "OAuth 2.0
client credentials flow": v2.0 tokens have `azp`, and no `appid` nor `x5t`; only tokens of people have `scp`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.fakes.microsoft import ABSENT, APP_ID, TENANT, Key, Microsoft, signed

MEGAN = "5bde3e51-d13b-4db1-9948-fe4b109d11a7"
"""The object id of the person whose tokens these are."""

MEGAN_NAME = "Megan Bowen"
ROLE = "ConnectChats.Admin"
AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
SERVICE = "6e74172b-be56-4843-9ff4-e66a39bb12e3"
"""The object id of an app that signs in as itself."""


class Entra:
    """Issues the tokens that `az account get-access-token --scope api://APP_ID/access_as_user` obtains."""

    def __init__(self, microsoft: Microsoft) -> None:
        self._microsoft = microsoft

    @property
    def keys(self) -> list[Key]:
        return self._microsoft.user_keys

    def claims(self) -> dict[str, Any]:
        """What a person's access token says: good from now on for 75 minutes, the average."""
        now = self._microsoft.now()
        return {
            "aud": APP_ID,
            "iss": self._microsoft.user_issuer,
            "iat": now,
            "nbf": now,
            "exp": now + 4500,
            "aio": "AXQAi/8IAAAAtAaZLo3ChMif6KOnttRB7eBq4/DccQzjcJGxPYy",
            "azp": AZURE_CLI,
            "azpacr": "0",
            "name": MEGAN_NAME,
            "oid": MEGAN,
            "preferred_username": "MeganB@contoso.example",
            "rh": "0.AXoAUnocmw4_Kk2KZH1eTDsqGT4aSl8bbG5LnTgMHy49SlvBAOs.",
            "scp": "access_as_user",
            "sub": "HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ",
            "tid": TENANT,
            "uti": "fqiBqXLPj0eQa82S-IYFAA",
            "ver": "2.0",
        }

    def header(self, key: Key | None = None) -> dict[str, Any]:
        return {"typ": "JWT", "alg": "RS256", "kid": (key or self.keys[0]).kid}

    def mint(self, *, key: Key | None = None, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
        """A person's access token; keyword arguments replace claims, `header` replaces headers."""
        key = key or self.keys[0]
        return signed(self.header(key) | dict(header or {}), self.claims() | claims, key)

    def admin(self, **claims: Any) -> str:
        """The token of a person who has the app role."""
        return self.mint(**{"roles": [ROLE]} | claims)

    def of_an_app(self, **claims: Any) -> str:
        """An app's own token (client credentials), which has been given the role as an application permission."""
        own: dict[str, Any] = {"oid": SERVICE, "sub": SERVICE, "azpacr": "1", "roles": [ROLE]}
        own |= dict.fromkeys(("scp", "name", "preferred_username"), ABSENT)
        return self.mint(**own | claims)

    def id_token(self, **claims: Any) -> str:
        """What tells a client of ours who signed in: the same issuer, keys and audience, but no scope."""
        own: dict[str, Any] = {"nonce": "678910", "roles": [ROLE]}
        own |= dict.fromkeys(("scp", "azp", "azpacr"), ABSENT)
        return self.mint(**own | claims)
