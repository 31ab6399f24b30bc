"""Cards in which the bot speaks of itself: help, the welcome, `why`, and notices."""

from __future__ import annotations

from collections.abc import Iterable

from bot.domain.answers import Help, Notice, Welcome, Why
from bot.domain.chats import ChatKind
from cards.elements import Column, ColumnSet, Strict
from cards.literal import cut
from cards.pieces import BOLD, BOT, SMALL, SUBTLE, CardParts, Look, line, sentences, title

MAX_STEPS = 10


def _notice(answer: Notice) -> CardParts:
    body: list[Strict] = [title(answer.title), line(answer.text, spacing="small"), line(answer.next, spacing="medium")]
    return body, []


def _help(answer: Help) -> CardParts:
    shared = answer.kind is not ChatKind.PERSONAL
    body: list[Strict] = [title(_unknown(answer) or "What you can ask me")]
    if answer.unknown:
        body.append(line("Here is what you can ask me.", spacing="small"))
    elsewhere = "In our personal chat" if shared else "In a group chat, a channel or a meeting"
    here = [command for command in answer.commands if command.here]
    groups = [
        ("Do", [command for command in here if command.writes]),
        ("Look up", [command for command in here if not command.writes]),
        (elsewhere, [command for command in answer.commands if command not in here]),
    ]
    for heading, commands in groups:
        rows = [(command.usage, command.summary) for command in commands]
        if rows:
            body.append(line(heading, SMALL, spacing="large"))
            body += _stacked(rows)
    if answer.example:
        start = f"@{BOT} connect" if shared else "timeline"
        body.append(line(f"For example: {start} {answer.example}", SUBTLE, spacing="medium", separator=True))
    return body, []


def _unknown(answer: Help) -> str:
    """The word that was no command, "" if there is none."""
    return f"I don't know “{cut(answer.unknown, 40)}”." if answer.unknown else ""


def _stacked(rows: Iterable[tuple[str, str]]) -> Iterable[Strict]:
    """What to write, and below it what that does: two columns would be too narrow for both on a phone."""
    for what, does in rows:
        yield line(what, BOLD, spacing="small")
        yield line(does, SUBTLE, spacing="none")


def _welcome(answer: Welcome) -> CardParts:
    example = answer.example or "<link>"
    if answer.kind is ChatKind.PERSONAL:
        rows = [
            ("Paste a link", "In any chat, the link of a record becomes a card."),
            ("Add me to a group chat", "There you can connect the chat to a record."),
            ("why <link>", "I say what I make of a link, and what you may do with the record."),
            (f"timeline {example}", "What happened in a record's chats."),
            ("help", "All you can ask me."),
        ]
    else:
        rows = [
            (f"@{BOT} connect {example}", "Ties this chat to a record."),
            ("Paste a link", "The link of a record becomes a card."),
            (f"@{BOT} help", "All you can ask me."),
        ]
    return [
        title(f"Hello, I'm {BOT}"),
        line("I bring your records into the chat, and the chat to your records. Try this:", spacing="small"),
        *_stacked(rows),
    ], []


_MARKS = {True: ("✓", "good"), False: ("✗", "attention"), None: ("•", "default")}


def _why(answer: Why) -> CardParts:
    body: list[Strict] = [title("What I make of this link")]
    for step in answer.steps[:MAX_STEPS]:
        mark, color = _MARKS[step.ok]
        columns = [
            Column(width="20px", items=[line(mark, {"color": color, **BOLD})]),
            Column(width="stretch", items=[line(step.text)], spacing="small"),
        ]
        body.append(ColumnSet(columns=columns, spacing="small"))
    if answer.hint:
        body.append(line(answer.hint, SUBTLE, spacing="medium"))
    return body, []


LOOKS: dict[type, Look] = {
    Notice: Look(_notice, lambda answer: sentences(answer.title, answer.text, answer.next)),
    Help: Look(_help, lambda answer: sentences(_unknown(answer), "Here is what you can ask me")),
    Welcome: Look(_welcome, lambda answer: f"Hello, I'm {BOT}. Send help to see what you can ask me."),
    Why: Look(_why, lambda answer: sentences(*(step.text for step in answer.steps), answer.hint)),
}
