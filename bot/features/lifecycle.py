"""A chat's life: the bot comes and goes, people come and go, chats are renamed, deleted and restored.

A fact about a chat is an event on each record connected to it. What the activities say is kept as state, so a repeated
delivery changes nothing and tells nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.domain.answers import Welcome
from bot.domain.chats import Chat, ChatState
from bot.domain.events import EventChat, EventType, Fact
from bot.domain.people import Actor, Audience, Member, audience_of
from bot.domain.turns import ChangeKind, ChatChange
from bot.errors import ChatGone, ChatUnreachable, SendFailed
from bot.features.connections import by_record
from bot.features.references import example_of
from bot.features.waiting import withdraw_from
from bot.ports import Clock, Directory, Transaction

ROSTER_DEADLINE = 3.0
"""Seconds: a command is answered without the roster rather than late."""
ROSTER_AGE = 6 * 3600 * 1_000_000
ROSTER_RETRY = 60 * 1_000_000
MAX_CHANNELS_AT_ONCE = 25


@dataclass(frozen=True, slots=True)
class Roster:
    """Who is in a chat: None when that could not be known in time.

    Attributes:
        read_at: when reading began. Of two rosters the one that was begun later is true; they may arrive in any order.
        absent: Teams says that the bot is not in this chat.
    """

    members: Sequence[Member] | None
    read_at: int
    absent: bool = False


async def read_roster(directory: Directory, chat: Chat, clock: Clock) -> Roster:
    """Ask who is in the chat, with a deadline."""
    began = clock()
    try:
        async with asyncio.timeout(ROSTER_DEADLINE):
            return Roster(await directory.members(chat), began)
    except (ChatUnreachable, ChatGone):
        return Roster(None, began, absent=True)
    except (SendFailed, TimeoutError):
        return Roster(None, began)


def is_current(stored: Chat, heard: Chat) -> bool:
    """Whether the store knows all that a message from the chat tells."""
    return (stored.state is ChatState.ACTIVE or not stored.state.known) and _merged(stored, heard) == stored


def has_roster(stored: Chat, now: int) -> bool:
    """Whether the chat's roster was read lately, or at least tried."""
    return now - stored.roster_at <= (ROSTER_AGE if stored.rostered else ROSTER_RETRY)


def _merged(stored: Chat, heard: Chat) -> Chat:
    """What was heard counts; but a kind or a state that only a newer program knows is left to that one."""
    return replace(
        stored,
        kind=heard.kind if stored.kind.known else stored.kind,
        topic=heard.topic or stored.topic,
        team=heard.team or stored.team,
        service_url=heard.service_url or stored.service_url,
        bot=heard.bot or stored.bot,
        state=ChatState.ACTIVE if stored.state.known else stored.state,
    )


def remember(tx: Transaction, heard: Chat, roster: Roster | None) -> None:
    """Keep what was heard of a chat the bot is in, and its roster (None: not asked for) unless a later one is known."""
    tx.lock_chat(heard.id)
    stored = tx.chat(heard.id)
    withdraw_from(tx, stored, _keep(tx, stored, heard, roster))


def _keep(tx: Transaction, stored: Chat | None, heard: Chat, roster: Roster | None) -> Chat:
    chat = _merged(stored, heard) if stored else heard
    members = None
    if roster is not None and chat.roster_at <= roster.read_at:
        chat = replace(chat, roster_at=roster.read_at)
        if roster.members is not None:
            members = [_placed(tx, member) for member in roster.members]
            chat = replace(chat, audience=audience_of(members, tenant=tx.tenant), rostered=True)
    tx.put_chat(chat)
    if members is not None:
        tx.replace_members(chat.id, members)
    if stored and stored.state != chat.state:
        tell_records(tx, chat, EventType.CHAT_RESUMED)
    if stored and stored.topic and stored.topic != chat.topic:
        tell_records(tx, chat, EventType.CHAT_RENAMED, data={"from": stored.topic, "to": chat.topic})
    return chat


def _placed(tx: Transaction, member: Member) -> Member:
    """People of other organisations count as guests: `*` in a record's access does not include them."""
    outsider = member.tenant is not None and member.tenant != tx.tenant
    return replace(member, guest=True) if outsider else member


def tell_records(
    tx: Transaction,
    chat: Chat,
    event: EventType,
    *,
    actor: Actor | None = None,
    data: Mapping[str, Any] | None = None,
) -> None:
    """One event on each record the chat is connected to."""
    records = by_record(tx.connections_of_chat(chat.id))
    for record in records:
        tx.lock_record(record)
        tx.add_event(Fact(type=event, record=record, actor=actor, chat=EventChat.of(chat), data=data or {}))


def suspend(tx: Transaction, chat_id: str, state: ChatState, *, actor: Actor | None = None) -> None:
    """The bot can't speak in the chat any more; its connections sleep."""
    tx.lock_chat(chat_id)
    stored = tx.chat(chat_id)
    if stored is None or stored.state in (state, ChatState.GONE) or not stored.state.known:
        return
    tx.put_chat(replace(stored, state=state, rostered=False, audience=Audience.UNKNOWN))
    if stored.state is ChatState.ACTIVE:
        tell_records(tx, stored, EventType.CHAT_SUSPENDED, actor=actor)


async def gather(change: ChatChange, chats: Sequence[Chat], directory: Directory, clock: Clock) -> dict[str, Roster]:
    """The rosters that a change makes necessary, by chat id; it runs before the transaction."""
    if change.kind in (ChangeKind.BOT_REMOVED, ChangeKind.DELETED, ChangeKind.RENAMED):
        return {}
    rosters = await asyncio.gather(*(read_roster(directory, chat, clock) for chat in chats[:MAX_CHANNELS_AT_ONCE]))
    return dict(zip((chat.id for chat in chats), rosters, strict=False))


def affected(tx: Transaction, change: ChatChange) -> list[Chat]:
    """The chats a change is about: the one it names, or all channels known of the team."""
    if change.chat is not None:
        return [change.chat]
    return tx.channels_of(change.team) if change.team else []


def apply(tx: Transaction, change: ChatChange, rosters: Mapping[str, Roster]) -> Welcome | None:
    """Write what happened; the answer is a welcome when the bot came to a chat."""
    welcome = None
    actor = change.turn.person.actor if change.turn.person.id else None
    before: list[Chat] = []
    for chat in affected(tx, change):
        tx.lock_chat(chat.id)
        stored = tx.chat(chat.id)
        if stored is not None:
            before.append(stored)
        roster = rosters.get(chat.id, Roster(None, tx.now))
        match change.kind:
            case ChangeKind.BOT_REMOVED:
                suspend(tx, chat.id, ChatState.SUSPENDED, actor=actor)
            case ChangeKind.DELETED:
                suspend(tx, chat.id, ChatState.GONE, actor=actor)
            case ChangeKind.BOT_ADDED | ChangeKind.RESTORED:
                known = _keep(tx, stored, chat, roster)
                if change.kind is ChangeKind.BOT_ADDED and (stored is None or stored.state is not ChatState.ACTIVE):
                    welcome = Welcome(kind=known.kind, example=example_of(tx.catalogue()))
            case ChangeKind.RENAMED:
                _rename(tx, stored, change)
            case ChangeKind.MEMBERS_ADDED:
                _people_came(tx, stored, chat, change.members, roster)
            case ChangeKind.MEMBERS_REMOVED:
                _people_left(tx, stored, chat, change.members, roster)
    for stored in before:
        withdraw_from(tx, stored, tx.chat(stored.id) or stored)
    return welcome


def _rename(tx: Transaction, stored: Chat | None, change: ChatChange) -> None:
    if stored is None or not change.topic:
        return
    if change.chat is None:  # a team was renamed: its channels keep their names
        tell_records(tx, stored, EventType.CHAT_RENAMED, data={"team": change.topic})
    elif stored.topic != change.topic:
        chat = replace(stored, topic=change.topic)
        tx.put_chat(chat)
        tell_records(tx, chat, EventType.CHAT_RENAMED, data={"from": stored.topic, "to": change.topic})


def _people_came(tx: Transaction, stored: Chat | None, chat: Chat, came: Iterable[Member], roster: Roster) -> None:
    before = {member.account for member in tx.members(chat.id)}
    known = _after_change(tx, stored, chat, roster)
    named = {member.account: member for member in roster.members or ()}
    newcomers = [named.get(member.account, member) for member in came if member.account not in before]
    if roster.members is None:
        tx.put_members(chat.id, newcomers)
    for member in newcomers:
        tell_records(tx, known, EventType.MEMBER_JOINED, data=_about(member))


def _people_left(tx: Transaction, stored: Chat | None, chat: Chat, left: Iterable[Member], roster: Roster) -> None:
    before = {member.account: member for member in tx.members(chat.id)}
    known = _after_change(tx, stored, chat, roster)
    left = list(left)
    gone = [before[member.account] for member in left if member.account in before]
    tx.remove_members(chat.id, [member.account for member in left])  # a roster may still list them
    for member in gone:
        tell_records(tx, known, EventType.MEMBER_LEFT, data=_about(member))


def _after_change(tx: Transaction, stored: Chat | None, chat: Chat, roster: Roster) -> Chat:
    """The chat with its new roster; without one nobody can say any more who is in it."""
    known = _keep(tx, stored, chat, roster)
    if roster.members is None:
        known = replace(known, audience=Audience.UNKNOWN, rostered=False)
        tx.put_chat(known)
    return known


def _about(member: Member) -> dict[str, Any]:
    return {"member": {"id": member.id, "name": member.name}}
