"""Which chats of a record a person may join: `join <link or key>`.

The bot adds nobody to a chat: it says which chats there are, and who can.
"""

from __future__ import annotations

from bot.domain.answers import ChatOfRecord, ChatsOfRecord, Notice
from bot.domain.chats import Chat, ChatKind, ChatState, Connection, chat_url
from bot.domain.decisions import Action
from bot.domain.disclosure import MAX_TITLE, name_of
from bot.domain.records import Disclosure
from bot.domain.text import one_line
from bot.features.command import PERSONAL, Asked, Command
from bot.features.scene import Scene, Target

MAX_CHATS = 10
NOT_HERE = Notice(
    title="Not here",
    text="Which chats you may join is for you alone, and here others would read it.",
    next="Ask me in our personal chat: join <link or key>",
)


def join(scene: Scene, asked: Asked) -> ChatsOfRecord | Notice:
    """The record's chats, in the person's own chat with the bot. Of a chat that they are not in: what it is called
    and who connected it, where names may be shown; never who is in it or what is said there.

    Raises:
        Invalid: no record was named.
        RecordNotFound: there is none, or the person may not read it (we never say which).
        NotAllowed: the type asks for more than the person has; says what is missing and who can help.
    """
    link = asked.link(scene.catalogue)
    if not scene.chat.private:
        return NOT_HERE
    target = scene.target(link.record, link_app=link.app)
    scene.require(Action.JOIN, target)
    active = [
        (connection, chat)
        for connection, chat in reversed(scene.tx.connections_of_record(link.record))
        if chat.state is ChatState.ACTIVE
    ]
    found = [(connection, chat) for connection, chat in active if chat.kind in (ChatKind.GROUP, ChatKind.MEETING)]
    return ChatsOfRecord(
        view=target.view,
        chats=tuple(_shown(scene, target, connection, chat) for connection, chat in found[:MAX_CHATS]),
        more=max(0, len(found) - MAX_CHATS),
        channels=sum(chat.kind is ChatKind.CHANNEL for _, chat in active),
    )


def _shown(scene: Scene, target: Target, connection: Connection, chat: Chat) -> ChatOfRecord:
    """A chat is often called after its record, so who is not in it reads its topic only where names may be shown."""
    inside = any(member.id == scene.person.id for member in scene.tx.members(chat.id))
    topic = one_line(chat.topic, MAX_TITLE) if inside or target.level >= Disclosure.NAME else ""
    return ChatOfRecord(
        kind=chat.kind,
        topic=topic,
        since=connection.since,
        url=chat_url(chat.id) if inside else "",
        by="" if inside else name_of(connection.by, target.level),
    )


COMMAND = Command(
    usage="join <link or key>",
    summary="A record's chats, and how to get into them",
    chats=PERSONAL,
    elsewhere=NOT_HERE,
    writes=True,
    action=Action.JOIN,
    run=join,
)
