"""`help`, greetings, unknown words, and the welcome."""

from __future__ import annotations

from collections.abc import Iterable

from bot.domain.answers import Help, HelpLine, Welcome
from bot.domain.catalogue import Catalogue
from bot.domain.chats import ChatKind
from bot.domain.text import one_line
from bot.features.command import Command
from bot.features.references import example_of


def help_for(commands: Iterable[Command], kind: ChatKind, catalogue: Catalogue, unknown: str | None = None) -> Help:
    """All commands, for this kind of chat."""
    return Help(
        commands=tuple(
            HelpLine(usage=it.usage, summary=it.summary, writes=it.writes, here=kind in it.chats) for it in commands
        ),
        kind=kind,
        example=example_of(catalogue),
        unknown=one_line(unknown, 40) if unknown else None,
    )


def welcome_to(kind: ChatKind, catalogue: Catalogue) -> Welcome:
    return Welcome(kind=kind, example=example_of(catalogue))
