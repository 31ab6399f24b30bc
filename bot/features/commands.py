"""The table of commands. Parsing, dispatch, buttons, help and the manifest all read it; nothing else lists commands."""

from __future__ import annotations

from bot.domain.answers import Answer, Help, HelpLine, Notice
from bot.domain.catalogue import Catalogue
from bot.domain.chats import ChatKind
from bot.domain.text import clean, one_line
from bot.domain.turns import Press
from bot.features import connections, joining, notes, timeline, why
from bot.features.command import Asked, Command
from bot.features.references import example_of
from bot.features.scene import Scene
from bot.features.settings import chat as settings


def help_for(kind: ChatKind, catalogue: Catalogue, unknown: str | None = None) -> Help:
    """All commands, for this kind of chat. `unknown`: the word that was none."""
    return Help(
        commands=tuple(
            HelpLine(usage=it.usage, summary=it.summary, writes=it.writes, here=kind in it.chats) for it in COMMANDS
        ),
        kind=kind,
        example=example_of(catalogue),
        unknown=one_line(unknown, 40) if unknown else None,
    )


def _help(scene: Scene, asked: Asked) -> Help:
    return help_for(scene.chat.kind, scene.catalogue, asked.unknown)


HELP = Command(usage="help", summary="What you can ask me", run=_help)
COMMANDS: tuple[Command, ...] = (
    connections.CONNECT,
    connections.DISCONNECT,
    connections.RECORDS,
    timeline.COMMAND,
    notes.COMMAND,
    joining.COMMAND,
    why.COMMAND,
    settings.COMMAND,
    HELP,
)
"""In the order of help."""

_BY_NAME = {command.name: command for command in COMMANDS}
_BY_VERB = {command.name: command for command in (*COMMANDS, settings.SAVE) if command.button}
_GREETINGS = frozenset({"", "hi", "hello"})


def parse(text: str, links: tuple[str, ...] = (), titles: tuple[str, ...] = ()) -> Asked:
    """Read a command from a message without its mention. Anything unknown is a request for help."""
    word, *rest = clean(text).split(maxsplit=1) or [""]
    command = _BY_NAME.get(word.casefold().rstrip(":"))
    if command is None:
        return Asked(command=HELP, unknown=None if word.casefold().rstrip("!.,") in _GREETINGS else word)
    return Asked(command=command, argument=rest[0] if rest else "", links=links, titles=titles)


def pressed(press: Press) -> Asked | None:
    """What a button asks; None for what no button can."""
    command = _BY_VERB.get(press.verb)
    return Asked(command=command, data=press.data) if command else None


def run_command(scene: Scene, asked: Asked) -> Answer:
    """Do what is asked, for the person who asks, in the chat where they ask.

    Raises:
        ConnectChatsError: what the command raises; nothing was written then.
    """
    command = asked.command
    if scene.chat.kind in command.chats:
        return command.run(scene, asked)
    return command.elsewhere or Notice(
        title="Not here",
        text=f"{command.name} is about the records of a group chat, a channel or a meeting; this is a chat of two.",
        next=f"Send it in a chat that is connected to a record: @Connect Chats {command.name}",
    )
