"""The connector's accounts as members of a chat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

from bot.domain.links import canonical_id
from bot.domain.people import Member
from bot.domain.text import one_line

MAX_NAME = 200
_GUEST_ROLES = frozenset({"guest", "anonymous"})


def roster_of(accounts: Iterable[Any], *, bot: str, one_tenant: bool) -> list[Member]:
    """The people among `accounts`, each once; what is no account is left out.

    Args:
        accounts: `TeamsChannelAccount` objects. Their object id is `aadObjectId` or, in the older listing, `objectId`.
        bot: the bot's own account in this chat.
        one_tenant: the demo: whatever tenant most accounts name counts as the bot's own.

    Source: learn.microsoft.com "Get Teams specific context for your bot", roster objects.
    """
    members: dict[str, Member] = {}
    for account in accounts:
        if isinstance(account, dict) and (name := _text(account, "id")) and not _is_bot(account, name, bot):
            members[name] = _member(account, name)
    return _as_one_tenant(members.values()) if one_tenant else list(members.values())


def _as_one_tenant(members: Collection[Member]) -> list[Member]:
    """The demo has no tenant of its own: the one that most members name is, so that strangers can be tried too."""
    tenants = Counter(member.tenant for member in members if member.tenant)
    ours = tenants.most_common(1)[0][0] if tenants else None
    return [replace(member, tenant=None) if member.tenant == ours else member for member in members]


def _is_bot(account: dict[str, Any], name: str, bot: str) -> bool:
    """Bots have accounts `28:...` and people never do."""
    return name == bot or name.startswith("28:") or "bot" in (_role(account), _text(account, "role").lower())


def _member(account: dict[str, Any], name: str) -> Member:
    object_id = _text(account, "aadObjectId") or _text(account, "objectId")
    return Member(
        account=name,
        id=canonical_id(object_id.lower()) if object_id else None,
        name=one_line(_text(account, "name"), MAX_NAME),
        tenant=_text(account, "tenantId").lower() or None,
        # The role said `user` for a guest once, so the address of an invited account counts as well.
        guest="#ext#" in _text(account, "userPrincipalName").lower() or _role(account) in _GUEST_ROLES,
    )


def _role(account: dict[str, Any]) -> str:
    return _text(account, "userRole").lower()


def _text(account: dict[str, Any], name: str) -> str:
    value = account.get(name)
    return value if isinstance(value, str) else ""
