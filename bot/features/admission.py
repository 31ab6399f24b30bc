"""Being an administrator where a token says who asks: on the list, or appointed by an app role."""

from __future__ import annotations

from bot.domain.decisions import Action, Facts
from bot.domain.people import Person
from bot.domain.policy import decide
from bot.errors import NotAllowed
from bot.features.audit import keep_refusal
from bot.ports import Store


async def admit(store: Store, person: Person, *, appointed: bool, role: str) -> None:
    """Refuse who is no administrator at this moment, and note in the audit trail that they tried.

    The role is given to each by name, so a guest who has it counts, too.

    Args:
        appointed: they have the role, whether or not they are on the list.

    Raises:
        NotAllowed: they are not; names the role.
    """
    listed = await store.read(lambda tx: person.id in tx.catalogue().admins)
    decision = decide(Action.SETTINGS, Facts(is_admin=listed or appointed))
    if decision.allowed:
        return
    await store.write(lambda tx: keep_refusal(tx, Action.SETTINGS, decision, by=person.actor))
    raise NotAllowed(
        "Only administrators of Connect Chats may use its settings, and you are none.",
        next_step=f"Have the app role {role} assigned to you in Entra ID and obtain a new token, or ask an "
        "administrator to add you to the list (PUT /api/v1/admins).",
    )
