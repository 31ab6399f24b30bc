"""What a command is, and what somebody asks of it. Each stands in the file of its feature; `commands` lists them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.answers import Answer, Notice
from bot.domain.catalogue import Catalogue
from bot.domain.chats import ChatKind
from bot.domain.links import Link
from bot.errors import Invalid
from bot.features.references import example_of, find_reference
from bot.features.refusals import stale_button
from bot.features.scene import Scene

SHARED = frozenset({ChatKind.GROUP, ChatKind.CHANNEL, ChatKind.MEETING})
PERSONAL = frozenset({ChatKind.PERSONAL})
MAX_REFERENCE = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One thing a person can ask of the bot.

    Attributes:
        usage: its name, then its arguments in angle brackets (needed) or square ones (may be left out).
        summary: what it does, at most 128 characters (the manifest's limit).
        run: does it; raises a ConnectChatsError before anything was written.
        chats: those it makes sense in.
        elsewhere: what is answered in other chats, where the usual words don't do.
        writes: it changes something, or who is refused it stands in the audit trail; a repeated delivery must not
            repeat that.
        button: a card's button may ask it, too.
    """

    usage: str
    summary: str
    run: Callable[[Scene, Asked], Answer]
    chats: frozenset[ChatKind] = SHARED | PERSONAL
    elsewhere: Notice | None = None
    writes: bool = False
    button: bool = False

    @property
    def name(self) -> str:
        return self.usage.split()[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody asks: a command as it was typed, or as a button brought it.

    Attributes:
        argument: what was typed after the command's name, cleaned; line ends are kept.
        links: the addresses in the message's HTML: Teams may show a link as its title only.
        titles: what the text says in the place of each of `links`.
        unknown: the word that is no command, when help is the answer to it.
        data: of the button, from the client, so it proves nothing; None when the command was typed.
    """

    command: Command
    argument: str = ""
    links: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    unknown: str | None = None
    data: Mapping[str, Any] | None = None

    @property
    def bare(self) -> bool:
        """Nothing was typed but the command's name."""
        return self.data is None and not (self.argument or self.links)

    @property
    def spelled_out(self) -> str:
        """The argument with addresses where Teams shows a link's title."""
        argument = self.argument
        for title, link in zip(self.titles, self.links, strict=True):
            if title and link not in argument:
                argument = argument.replace(title, link, 1)
        return argument

    def find(self, catalogue: Catalogue) -> tuple[Link | None, str]:
        """The record that is named, if one is, and what else was typed.

        Raises:
            StaleButton: a button that names none.
        """
        if self.data is None:
            return find_reference(catalogue, self.spelled_out, self.links)
        found = catalogue.reference(self.of_button("record", MAX_REFERENCE))
        if found is None:
            raise stale_button()
        return found, ""

    def link(self, catalogue: Catalogue) -> Link:
        """The record that is named.

        Raises:
            Invalid: none that we could look for.
        """
        found, _ = self.find(catalogue)
        if found is None:
            raise self.not_understood(catalogue)
        return found

    def of_button(self, name: str, limit: int) -> str:
        """A text that the button brought, "" if it is none or too long."""
        value = (self.data or {}).get(name)
        return value if isinstance(value, str) and len(value) <= limit else ""

    def not_understood(self, catalogue: Catalogue) -> Invalid:
        """The refusal for a reference that names no record we could look for."""
        example = example_of(catalogue)
        if not self.argument:
            return Invalid(
                "You didn't say which record.", next_step=f"Write {self.command.usage}, for example with {example}."
            )
        return Invalid(
            "That is neither a link to a record nor a record's key.",
            next_step=f"Paste the address of the record's page, or write its key, for example {example}. "
            "Send me why and the link to see what I make of it.",
        )
