"""Who is at home in the demo, which has no organisation of its own. Nothing outside of the demo uses it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from bot.config import DEMO_TENANT
from bot.domain.people import Member
from bot.features.samples import ALEX, MEGAN
from bot.teams.roster import SOMEBODY

# The ids of the Playground are no GUIDs. Recorded: tests/data/playground/group-roster.json.
_TENANTS = frozenset({DEMO_TENANT, "00000000-0000-0000-0000-0000000000001"})
_PEOPLE = (ALEX.id or "", MEGAN.id or "", "00000000-0000-0000-0000-000000000002")


def of_one_tenant(members: Sequence[Member]) -> list[Member]:
    """The roster with everybody who counts as the demo's own without a tenant: then they are of whichever serves them.

    Where nothing tells which tenant is the demo's, somebody nobody can name is added: a stranger.
    """
    homes = _homes(members)
    at_home = [replace(member, tenant=None) if member.tenant in homes else member for member in members]
    if len(homes) > 1 and not homes & _TENANTS and SOMEBODY not in at_home:
        at_home.append(SOMEBODY)  # some of them are strangers, but who: a guest here would be one in every chat
    return at_home


def _homes(members: Sequence[Member]) -> frozenset[str]:
    """The tenants that count as the demo's own; several others than `_TENANTS` when nothing tells which it is.

    However many strangers there are, they don't outvote who is known: who names the demo's tenant or none, else
    its sample people. Only among nothing but unknown people the most common tenant is taken.
    """
    people = [member for member in members if member.id and not member.guest]
    if any(member.tenant in _TENANTS for member in members) or any(member.tenant is None for member in people):
        return _TENANTS
    for known in (*_PEOPLE, ""):
        named = Counter(member.tenant for member in people if member.tenant and (member.id or "").startswith(known))
        if named:
            return frozenset(tenant for tenant, times in named.items() if times == max(named.values()))
    return frozenset()
