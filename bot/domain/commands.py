"""The table of commands. Parsing, help and the manifest all read it; nothing else lists commands."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.chats import ChatKind
from bot.domain.text import clean

_SHARED = frozenset({ChatKind.GROUP, ChatKind.CHANNEL, ChatKind.MEETING})
_EVERYWHERE = _SHARED | {ChatKind.PERSONAL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One thing a person can ask of the bot.

    Attributes:
        usage: how to write it, arguments in angle brackets (needed) or square ones (may be left out).
        summary: what it does, at most 128 characters (the manifest's limit).
        kinds: the chats it makes sense in; asked elsewhere it says where.
        writes: it changes something, or who is refused it stands in the audit trail; a repeated delivery must not
            repeat that.
    """

    name: str
    usage: str
    summary: str
    kinds: frozenset[ChatKind] = _EVERYWHERE
    writes: bool = False


CONNECT = Command(
    name="connect",
    usage="connect <link or key>",
    summary="Connect this chat to a record",
    kinds=_SHARED,
    writes=True,
)
DISCONNECT = Command(
    name="disconnect",
    usage="disconnect [link or key]",
    summary="Disconnect this chat from a record",
    kinds=_SHARED,
    writes=True,
)
RECORDS = Command(name="records", usage="records", summary="The records this chat is connected to", kinds=_SHARED)
TIMELINE = Command(
    name="timeline",
    usage="timeline [link or key] [n]",
    summary="The latest events of a record",
)
NOTE = Command(
    name="note",
    usage="note <text>",
    summary="Add a note to the timeline of this chat's record",
    kinds=_SHARED,
    writes=True,
)
JOIN = Command(
    name="join",
    usage="join <link or key>",
    summary="A record's chats, and how to get into them",
    kinds=frozenset({ChatKind.PERSONAL}),
    writes=True,
)
WHY = Command(name="why", usage="why <link>", summary="What I make of a link, step by step")
SETTINGS = Command(
    name="settings",
    usage="settings [type]",
    summary="Who may do what, and how much cards show; for administrators",
)
HELP = Command(name="help", usage="help", summary="What you can ask me")

COMMANDS: tuple[Command, ...] = (CONNECT, DISCONNECT, RECORDS, TIMELINE, NOTE, JOIN, WHY, SETTINGS, HELP)

_BY_NAME = {command.name: command for command in COMMANDS}
_GREETINGS = frozenset({"", "hi", "hello"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A command as it was typed.

    Attributes:
        argument: what follows the command's name, cleaned; line ends are kept.
        unknown: the word that is no command, when help is the answer to it.
    """

    command: Command
    argument: str = ""
    unknown: str | None = None


def parse(text: str) -> Request:
    """Read a command from a message without its mention. Anything unknown is a request for help."""
    text = clean(text)
    word, *rest = text.split(maxsplit=1) or [""]
    command = _BY_NAME.get(word.casefold().rstrip(":"))
    if command is not None:
        return Request(command=command, argument=rest[0] if rest else "")
    return Request(command=HELP, unknown=None if word.casefold().rstrip("!.,") in _GREETINGS else word)
