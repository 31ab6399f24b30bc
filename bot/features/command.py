"""What a command is, and what somebody asks of it. Each stands in the file of its feature; `commands` lists them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.answers import Answer, Choice, Notice, WhichRecord
from bot.domain.catalogue import Catalogue
from bot.domain.chats import ChatKind
from bot.domain.decisions import Action
from bot.domain.links import Link
from bot.domain.policy import decide
from bot.domain.records import Disclosure, RecordId
from bot.errors import Invalid, NotFound
from bot.features.references import example_of, find_reference
from bot.features.refusals import stale_button
from bot.features.scene import Scene, Target

SHARED = frozenset({ChatKind.GROUP, ChatKind.CHANNEL, ChatKind.MEETING})
PERSONAL = frozenset({ChatKind.PERSONAL})
MAX_REFERENCE = 256
MAX_CHOICES = 6
"""A card shows at most six buttons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One thing a person can ask of the bot.

    Attributes:
        usage: its name, then its arguments in angle brackets (needed) or square ones (may be left out).
        summary: what it does, at most 128 characters (the manifest's limit).
        run: does it; raises a ConnectChatsError before anything was written.
        chats: those it makes sense in.
        action: the right it takes; None where it takes none.
        elsewhere: what is answered in other chats, where the usual words don't do.
        writes: it changes something, or who is refused it stands in the audit trail; a repeated delivery must not
            repeat that.
        button: a card's button may ask it, too.
    """

    usage: str
    summary: str
    run: Callable[[Scene, Asked], Answer]
    chats: frozenset[ChatKind] = SHARED | PERSONAL
    action: Action | None = None
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


def only_record(
    scene: Scene, command: Command, question: str, make: Callable[[RecordId], dict[str, str]]
) -> RecordId | WhichRecord:
    """The chat's only record, or the question which one is meant: of those that the person may read or act on.

    Raises:
        NotFound: the chat has none, or none for this person.
    """
    action = command.action
    assert action is not None, "what is done with a record takes a right"
    connections = scene.tx.connections_of_chat(scene.chat.id)
    if not connections:
        raise NotFound(
            "This chat is not connected to a record.",
            next_step=f"Connect it first, for example: connect {example_of(scene.catalogue)}",
        )
    if len(connections) == 1:
        return connections[0].record
    scene.need_rights(connection.record for connection in connections)
    targets = [scene.target(connection.record, connection) for connection in connections]
    known = [target for target in targets if target.readable or decide(action, target.facts).allowed]
    if not known:
        raise NotFound(
            f"This chat is connected to {len(connections)} records that can't be shown to you here.",
            next_step="Name one by its link or key, or ask somebody who works on them.",
        )
    choices = tuple(
        Choice(label=_label(target, number), data=make(target.view.record))
        for number, target in enumerate(known[:MAX_CHOICES], 1)
    )
    return WhichRecord(question=question, verb=command.name, choices=choices, more=len(known) - len(choices))


def _label(target: Target, number: int) -> str:
    view = target.view
    if view.level >= Disclosure.NAME and view.title:
        return view.title
    return f"{view.type_label or 'Record'} {number}"
