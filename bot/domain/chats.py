"""Chats and their connections to records."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from bot.domain.open_enum import OpenEnum
from bot.domain.people import Actor, Audience
from bot.domain.records import RecordId
from bot.errors import ChatGone, ChatUnreachable, SendFailed


class ChatKind(OpenEnum):
    """The kinds of Teams conversations. A `personal` chat (the bot's, or two people's) can't be connected."""

    GROUP = "group"
    CHANNEL = "channel"
    MEETING = "meeting"
    PERSONAL = "personal"

    @property
    def word(self) -> str:
        """What people call it."""
        return _WORDS.get(self, "chat")


_WORDS = {
    ChatKind.GROUP: "group chat",
    ChatKind.CHANNEL: "channel",
    ChatKind.MEETING: "meeting chat",
    ChatKind.PERSONAL: "chat",
}


class ChatState(OpenEnum):
    """`active`: the bot is in it; `suspended`: it was removed, connections sleep; `gone`: the chat was deleted."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    GONE = "gone"


def state_after(error: SendFailed) -> ChatState | None:
    """What a failed sending says of the chat; None when it says nothing."""
    if isinstance(error, ChatGone):
        return ChatState.GONE
    return ChatState.SUSPENDED if isinstance(error, ChatUnreachable) else None


_ONE_TO_ONE = ("a:", "8:")
_OF_TWO_PEOPLE = "@unq.gbl.spaces"


def kind_of(chat_id: str, conversation_type: str | None) -> ChatKind:
    """The kind of a conversation. Meetings arrive as `groupChat`; only their id tells them apart."""
    if chat_id.startswith("19:meeting_"):
        return ChatKind.MEETING
    if conversation_type == "channel" or chat_id.endswith("@thread.tacv2"):
        return ChatKind.CHANNEL
    if (
        conversation_type == "personal"
        or chat_id.endswith(_OF_TWO_PEOPLE)
        or (conversation_type is None and chat_id.startswith(_ONE_TO_ONE))
    ):
        return ChatKind.PERSONAL
    return ChatKind.GROUP


def chat_id_of(conversation_id: str) -> str:
    """A channel's chat id is the conversation's without `;messageid=`, which names a thread to reply in."""
    return conversation_id.partition(";messageid=")[0]


def chat_url(chat_id: str) -> str:
    """Where a click leads into the chat, for who is in it.

    Source: https://learn.microsoft.com/microsoftteams/platform/concepts/build-and-test/deep-link-teams
    """
    return f"https://teams.microsoft.com/l/chat/{quote(chat_id, safe='')}/conversations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """A Teams conversation as the store knows it.

    Attributes:
        team: the id of the team a channel belongs to; a team's membership updates bear the team's id.
        service_url: where the connector for this chat is; the latest one counts.
        bot: the bot's own account in the chat (`28:...`), for sending later.
        rostered: the roster was read, so `audience` is more than a guess.
        roster_at: when reading the roster was last tried, microseconds since the epoch, UTC; 0 for never.
    """

    id: str
    kind: ChatKind
    topic: str = ""
    state: ChatState = ChatState.ACTIVE
    audience: Audience = Audience.UNKNOWN
    team: str | None = None
    service_url: str = ""
    bot: str = ""
    rostered: bool = False
    roster_at: int = 0

    @property
    def private(self) -> bool:
        """Whether nobody reads along: a person's chat with the bot, not one of two people that the bot is in."""
        return self.kind is ChatKind.PERSONAL and not self.id.endswith(_OF_TWO_PEOPLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A chat tied to a record.

    Attributes:
        since: microseconds since the epoch, UTC.
        by: who connected it (for REST whom the caller named, else None).
    """

    chat: str
    record: RecordId
    since: int
    by: Actor | None
