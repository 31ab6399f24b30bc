"""The connector's accounts as members of a chat."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from bot.domain.links import canonical_id
from bot.domain.people import Member
from bot.domain.text import one_line

MAX_NAME = 200
_GUEST_ROLES = frozenset({"guest", "anonymous"})
SOMEBODY = Member(account="", id=None)
"""All entries that can't be read, as one person nobody can name; no account that can be read has the key ""."""


def roster_of(accounts: Iterable[Any], *, bot: str) -> list[Member]:
    """The people among `accounts`, each once. An entry that can't be read is somebody without an id, so a stranger.

    Args:
        accounts: `TeamsChannelAccount` objects. Their object id is `aadObjectId` or, in the older listing, `objectId`.
        bot: the bot's own account in this chat.

    Source: learn.microsoft.com "Get Teams specific context for your bot", roster objects.
    """
    members: dict[str, Member] = {}
    for account in accounts:
        name = _text(account, "id") if isinstance(account, dict) else ""
        if not name:
            members[""] = SOMEBODY
        elif name != bot and not name.startswith("28:"):  # bots' accounts are `28:...`, people's never; roles may lie
            member = _member(account, name)
            known = members.setdefault(name, member)
            members[name] = _both(known, member)
            if known.id != member.id:
                members[""] = SOMEBODY
    return list(members.values())


def _both(known: Member, other: Member) -> Member:
    """Two entries for one account: the one that makes more of a stranger of it counts."""
    moved = known.tenant and other.tenant and known.tenant != other.tenant
    return replace(
        known,
        id=known.id or other.id,
        name=other.name or known.name,
        tenant=known.tenant or other.tenant,
        guest=bool(known.guest or other.guest or moved),
    )


def _member(account: dict[str, Any], name: str) -> Member:
    object_id = _text(account, "aadObjectId") or _text(account, "objectId")
    addresses = (_text(account, "userPrincipalName"), _text(account, "email"))
    return Member(
        account=name,
        id=canonical_id(object_id.lower()) if object_id else None,
        name=one_line(_text(account, "name"), MAX_NAME),
        tenant=_text(account, "tenantId").lower() or None,
        # The role said `user` for a guest once, so the address of an invited account counts as well.
        guest=any("#ext#" in address.lower() for address in addresses) or _role(account) in _GUEST_ROLES,
    )


def _role(account: dict[str, Any]) -> str:
    return _text(account, "userRole").lower()


def _text(account: dict[str, Any], name: str) -> str:
    value = account.get(name)
    return value if isinstance(value, str) else ""
