"""Verifying the token that the Bot Framework sends with every activity.

Stricter than the SDK, which takes tokens without an expiry or with one in ten years, and answers 500 to many others.
Source: learn.microsoft.com "Authentication with the Bot Connector API", connector to bot, step 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.errors import Unauthenticated
from bot.identity.keys import SigningKey
from bot.identity.tokens import Claims, TokenVerifier


@dataclass(frozen=True, slots=True, kw_only=True)
class BotClaims(Claims):
    """What a verified token says.

    Attributes:
        endorsements: the channels (`msteams`) that the key which signed it may speak for; it may be for none.
        service_url: the connector the activity must name; None when the token has no such claim.
    """

    endorsements: frozenset[str]
    service_url: str | None


class BotTokenVerifier(TokenVerifier[BotClaims]):
    """Accepts the Bot Framework's tokens for one bot, and nothing else."""

    other_issuer = "The token's issuer is not the Bot Framework of this cloud. If real messages fail, check CLOUD."
    other_audience = (
        "The token is for another bot. If real messages fail, check that APP_ID is the id of the bot's registration."
    )

    def read(self, payload: Mapping[str, Any], key: SigningKey, *, not_before: int, expires: int) -> BotClaims:
        service_url = payload.get("serviceurl")
        if service_url is not None and not isinstance(service_url, str):
            raise Unauthenticated("The token's serviceurl claim is not text. It is not from the Bot Framework.")
        return BotClaims(
            endorsements=key.endorsements,
            service_url=service_url,
            not_before=not_before,
            expires=expires,
        )
