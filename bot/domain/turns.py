"""What somebody in Teams just did, as plain values; `bot/teams` translates activities into these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from bot.domain.chats import Chat
from bot.domain.people import Member, Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Who did something, and where.

    Attributes:
        id: the activity's id; Teams redelivers with the same one. "" when it has none.
        chat: as far as the activity tells (its audience is not known from it).
    """

    id: str
    person: Person
    chat: Chat


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message to the bot.

    Attributes:
        text: without the bot's mention.
        links: the addresses in the message's HTML: Teams may show a link as its title only.
        titles: what the text says in the place of each of `links`.
    """

    turn: Turn
    text: str
    links: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """A button on one of our cards. `data` comes from the client and proves nothing."""

    turn: Turn
    verb: str
    data: Mapping[str, Any] = field(default_factory=dict)


class ChangeKind(Enum):
    """What can happen to a chat the bot is in."""

    BOT_ADDED = "bot added"
    BOT_REMOVED = "bot removed"
    MEMBERS_ADDED = "members added"
    MEMBERS_REMOVED = "members removed"
    RENAMED = "renamed"
    DELETED = "deleted"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatChange:
    """Something happened to a chat, or to a team and so to all its channels.

    Attributes:
        chat: None when it happened to a whole team.
        team: the team, when the change is a team's or a channel's.
        members: who came or went, without the bot.
        topic: the new name, for `RENAMED`.
    """

    kind: ChangeKind
    turn: Turn
    chat: Chat | None
    team: str | None = None
    members: tuple[Member, ...] = ()
    topic: str = ""
