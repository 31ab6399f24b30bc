"""What waits for a chat is taken back when it may not be shown there any more.

An answer that is owed, the note of a connection, a change post: each shows what might be shown when it was written.
Before it is delivered others may come to read it, or an administrator may choose to show less.
"""

from __future__ import annotations

from bot.domain.chats import Chat, ChatState
from bot.domain.people import Audience
from bot.ports import Json, Transaction

INSTEAD: Json = {
    "type": "message",
    "text": "I held something back. It waited to be sent to this chat, and meanwhile the people here changed, or what "
    "may be shown here. Whatever was done is still done: ask me again, or open the record itself.",
}
OTHER_READERS = "withdrawn: others can read this chat now"
SHOWN_LESS = "withdrawn: the settings show less now"


def withdraw_from(tx: Transaction, before: Chat | None, after: Chat) -> None:
    """Take back what waits for the chat if it has other readers than before, unless they are all of the organisation:
    then nothing of it is above what they may see. Who read along while the bot was away nobody knows.

    Call it last: it locks what other transactions lock after records.
    """
    if before is None or after.state is not ChatState.ACTIVE:
        return
    known = before.audience if before.state is ChatState.ACTIVE else None
    if after.audience not in (known, Audience.INTERNAL):
        tx.withdraw_messages(after.id, instead=INSTEAD, error=OTHER_READERS)


def withdraw_everywhere(tx: Transaction) -> None:
    """Take back what waits for any chat: of none of it is known which settings it rests on."""
    tx.withdraw_messages(None, instead=INSTEAD, error=SHOWN_LESS)
