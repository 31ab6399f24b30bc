"""A pasted link becomes a card. The hot path: it reads once and writes nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from bot.domain.answers import Notice, RecordCard
from bot.domain.decisions import Action, Facts, Reason
from bot.domain.disclosure import present, present_unknown
from bot.domain.grants import Grant
from bot.domain.links import Link
from bot.domain.policy import decide, disclosure_anonymous, disclosure_in, gather
from bot.domain.turns import Turn
from bot.features import refusals
from bot.features.rights import Rights
from bot.ports import Store, UnfurlFacts

# One and the same value for "no such record" and "you may not see it": the answers are equal byte for byte.
UNKNOWN = Notice(
    title="No preview for this link",
    text="There is no such record, or you may not see it here.",
    next="If you expected a card, send why and the link to Connect Chats in your personal chat with it.",
)
# The same holds for records of whose rights another system knows, while it is silent.
UNANSWERED = Notice(
    title="No card right now",
    text=refusals.UNANSWERED,
    next="The link itself works. Paste it again in a minute.",
)
SWITCHED_OFF = Notice(
    title="Cards are switched off for this link",
    text="An administrator has switched off this app or this kind of record.",
    next="The link itself works as before. An administrator of Connect Chats can switch cards on again.",
)
NOT_A_RECORD = Notice(
    title="Not a link to a record",
    text="This address doesn't have the form of any record that Connect Chats knows.",
    next="Copy the address of the record's own page. Send why and the link to Connect Chats to learn more.",
)


async def unfurl(url: object, turn: Turn, *, store: Store, rights: Rights, tenant: str) -> RecordCard | Notice:
    """The card for a link that `turn.person` pasted into `turn.chat`.

    The person must be allowed to read the record; how much the card shows follows from who can be in the chat.
    """
    catalogue, grants = store.catalogue(), None
    while True:
        link = catalogue.links.find(url) if isinstance(url, str) else None
        looking = store.unfurl_facts(link.record if link else None, person=turn.person.id, chat=turn.chat.id)
        if link and link.record.type in rights.sources:
            grants = grants or rights.of(turn.person)
            missing = grants.missing([link.record], catalogue, rights.now())
            seen, grants = await asyncio.gather(looking, rights.ask(grants, missing))
        else:
            seen = await looking
        if seen.catalogue.version == catalogue.version:
            break
        catalogue = seen.catalogue  # the settings changed since this process last looked: read the link by the new ones
    if link is None:
        return NOT_A_RECORD
    grant = grants.of(link.record, rights.now()) if grants else None
    return _answer(link, turn, seen, grant, tenant)


def _answer(link: Link, turn: Turn, seen: UnfurlFacts, grant: Grant | None, tenant: str) -> RecordCard | Notice:
    facts = gather(
        seen.catalogue,
        link.record,
        seen.record,
        person=replace(turn.person, guest=True) if seen.guest else turn.person,
        tenant=tenant,
        chat=seen.chat,
        connected=seen.connected,
        link_app=link.app,
        grant=grant,
    )
    if refused := _refused(Action.UNFURL, facts):
        return refused
    assert seen.record is not None, "what is permitted exists"
    level = disclosure_in(facts.settings, facts.audience)
    return RecordCard(
        view=present(seen.record, facts.settings, level, seen.catalogue),
        connect=not seen.connected and decide(Action.CONNECT, facts).allowed,
        connected=seen.connected and facts.chat is not None,
    )


def _refused(action: Action, facts: Facts) -> Notice | None:
    """Why there is no card, in words that hold no value of a record; None when there is one."""
    decision = decide(action, facts)
    if decision.allowed:
        return None
    if decision.reason is Reason.UNANSWERED:
        return UNANSWERED
    return SWITCHED_OFF if decision.reason in (Reason.TYPE_OFF, Reason.APP_OFF) else UNKNOWN


async def unfurl_anonymous(url: object, *, store: Store) -> RecordCard | Notice:
    """The card for a reader of whom nothing is known: the type's name and Open at most. No record is looked up."""
    catalogue = (await store.unfurl_facts(None, person=None, chat="")).catalogue
    link = catalogue.links.find(url) if isinstance(url, str) else None
    if link is None:
        return NOT_A_RECORD
    facts = gather(catalogue, link.record, None, tenant="", chat=None, link_app=link.app)
    if refused := _refused(Action.UNFURL_ANONYMOUSLY, facts):
        return refused
    level = disclosure_anonymous(facts.settings)
    return RecordCard(view=present_unknown(link.record, facts.settings, level, catalogue))
