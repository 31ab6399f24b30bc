"""The card that answers `join`: a record's chats."""

from __future__ import annotations

from bot.domain.answers import ChatOfRecord, ChatsOfRecord
from cards import pieces
from cards.elements import RichTextBlock, Strict, TextRun
from cards.literal import literal
from cards.pieces import BOLD, BOT, SMALL, SUBTLE, CardParts, Look, count, line, named

MAX_CHATS = 10
MAX_TOPIC = 120


def _chats_of_record(answer: ChatsOfRecord) -> CardParts:
    shown = answer.chats[:MAX_CHATS]
    more = answer.more + len(answer.chats) - len(shown)
    body: list[Strict] = [line("Chats of", SMALL), pieces.name(answer.view)]
    body += [_row(chat, first=index == 0) for index, chat in enumerate(shown)]
    if not shown:
        body.append(line("No group chat or meeting that I am in is connected to it.", spacing="small"))
        body.append(line(f"To connect one, write there: @{BOT} connect <link or key>", SUBTLE, spacing="small"))
    if more:
        body.append(line(f"And {more} more that were connected earlier.", SUBTLE, spacing="medium"))
    if answer.channels:
        body.append(line(_channels(answer.channels), SUBTLE, spacing="medium"))
    closed = [chat for chat in shown if not chat.url]
    if closed:
        whom = "the one who connected it" if any(chat.by for chat in closed) else "the record's owner"
        told = f"I can't add you to a chat; somebody who is in it can. Ask {whom}, or a colleague who is in it."
        body.append(line(told, spacing="medium", separator=True))
    return body, pieces.open_button(answer.view)


def _row(chat: ChatOfRecord, *, first: bool) -> Strict:
    kind = chat.kind.word.capitalize()
    since = f"{{{{DATE({pieces.stamp(chat.since)},SHORT)}}}}"
    how = [f"{kind}, connected " if chat.topic else "Connected ", since]
    if chat.by:
        how.append(f" by {literal(chat.by, pieces.MAX_LABEL)}")
    items: list[Strict] = [
        line(chat.topic or kind, BOLD, limit=MAX_TOPIC, spacing="none"),
        RichTextBlock(inlines=[TextRun(text=part, **SMALL) for part in how], spacing="none"),
    ]
    if chat.url:
        items.append(line("You are in it", SMALL, spacing="none"))
    return pieces.opening(items, chat.url, first=first, word="Open chat")


def _channels(number: int) -> str:
    """Being in a channel is being in its team."""
    return f"And {count(number, 'channel')}. Who is in a team is in its channels: ask one of the team's owners."


def _words(answer: ChatsOfRecord) -> str:
    return f"Chats of {named(answer.view)}: {len(answer.chats) + answer.more or 'none to join'}."


LOOKS: dict[type, Look] = {ChatsOfRecord: Look(_chats_of_record, _words)}
