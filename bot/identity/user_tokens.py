"""Verifying the token that a person shows: a v2.0 access token of Microsoft Entra ID for this app's own scope.

`az account get-access-token --scope api://APP_ID/access_as_user` and TeamsJS' `getAuthToken` obtain such tokens.
Sources: learn.microsoft.com "Access token claims reference"; "Access tokens in the Microsoft identity platform",
validate tokens; "Optional claims reference" (`acct`, `idtyp`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.people import Person
from bot.domain.text import is_guid, one_line
from bot.errors import Unauthenticated
from bot.identity.keys import SigningKey, SigningKeys
from bot.identity.tokens import Claims, TokenVerifier
from bot.ports import Clock

SCOPE = "access_as_user"
ADMIN_ROLE = "ConnectChats.Admin"
"""The app role that makes its holder an administrator where a token says who asks."""

MAX_NAME = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class UserClaims(Claims):
    """What a verified token says.

    Attributes:
        roles: the app roles assigned to the person, by their values.
    """

    person: Person
    roles: frozenset[str]


class UserTokenVerifier(TokenVerifier[UserClaims]):
    """Accepts the tokens that people of one tenant obtain for this app, and nothing else.

    Not those of apps without a person, nor ID tokens, which have the same issuer, keys and audience but no scope: they
    tell a client who signed in and are no permission to call anybody.
    """

    other_issuer = (
        "The token's issuer is not Entra ID's v2.0 endpoint for our tenant. If an administrator's token fails, check "
        "that api.requestedAccessTokenVersion of the app's registration is 2, and CLOUD."
    )
    other_audience = (
        "The token is for another app. If an administrator's token fails, obtain it for the scope "
        f"api://APP_ID/{SCOPE}."
    )

    def __init__(self, keys: SigningKeys, *, app_id: str, tenant: str, issuer: str, clock: Clock) -> None:
        super().__init__(keys, app_id=app_id, issuer=issuer, clock=clock)
        self._tenant = tenant

    def read(self, payload: Mapping[str, Any], key: SigningKey, *, not_before: int, expires: int) -> UserClaims:
        if payload.get("ver") != "2.0" or payload.get("tid") != self._tenant:
            raise Unauthenticated("The token is not a v2.0 token of our tenant, though its issuer says so. Refuse it.")
        if payload.get("idtyp", "user") != "user":
            raise Unauthenticated("The token is an app's own. Sign in as a person to obtain one.")
        scope = payload.get("scp")
        if not isinstance(scope, str) or SCOPE not in scope.split(" "):
            raise Unauthenticated(
                f"The token lacks the scope {SCOPE}: it is an ID token, an app's own, or for something else. Obtain an "
                f"access token for api://APP_ID/{SCOPE}."
            )
        oid, roles = payload.get("oid"), payload.get("roles", [])
        if not isinstance(oid, str) or not is_guid(oid):
            raise Unauthenticated("The token's oid claim is no object id, so it does not say who asks. Refuse it.")
        if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
            raise Unauthenticated("The token's roles claim is no list of names. It is not from Entra ID.")
        name = payload.get("name")
        person = Person(
            id=oid.lower(),
            name=one_line(name, MAX_NAME) if isinstance(name, str) else "",
            tenant=self._tenant,
            guest=self._is_guest(payload),
        )
        return UserClaims(person=person, roles=frozenset(roles), not_before=not_before, expires=expires)

    def _is_guest(self, payload: Mapping[str, Any]) -> bool:
        """Whether the account is at home elsewhere: by the optional claim, else by who authenticated the person."""
        if "acct" in payload:
            return payload["acct"] != 0
        return "idp" in payload and self._tenant not in str(payload["idp"]).split("/")
