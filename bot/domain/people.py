"""People and who can be in a chat."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.domain.open_enum import OpenEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who asks, as the validated path named them (never as a card, a body or a header did).

    Attributes:
        id: Entra object id, lower case; None for an anonymous meeting participant, who has none.
        name: for display only; anybody can choose theirs.
        tenant: the tenant the person belongs to, where it is known.
        guest: an account invited into the tenant (`#EXT#` in the UPN): `*` in a record's access does not include it.
        account: the id Teams uses for the person in a chat (`29:...`); needed to mention them.
    """

    id: str | None
    name: str = ""
    tenant: str | None = None
    guest: bool = False
    account: str = ""

    @property
    def actor(self) -> Actor:
        return Actor(id=self.id, name=self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who did something, as an event keeps it. For REST it is whom the caller named."""

    id: str | None
    name: str = ""

    def to_wire(self) -> dict[str, str | None]:
        """As REST and webhooks show it."""
        return {"id": self.id, "name": self.name}


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person in a chat's roster, keyed by the id Teams uses there (`29:...`)."""

    account: str
    id: str | None
    name: str = ""
    tenant: str | None = None
    guest: bool = False


class Audience(OpenEnum):
    """Who can be in a chat. It decides how much of a record may be shown there."""

    INTERNAL = "internal"
    EXTERNAL = "external"
    UNKNOWN = "unknown"


def audience_of(members: Iterable[Member], *, tenant: str) -> Audience:
    """Guests, federated and anonymous people make a chat external; an empty roster tells nothing."""
    audience = Audience.UNKNOWN
    for member in members:
        if member.guest or member.id is None or (member.tenant or tenant) != tenant:
            return Audience.EXTERNAL
        audience = Audience.INTERNAL
    return audience
