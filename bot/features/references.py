"""Which record a command means: a link, a key, `type/id`, or the only one this chat has."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bot.domain.answers import Choice, WhichRecord
from bot.domain.catalogue import Catalogue
from bot.domain.decisions import Action
from bot.domain.links import Link
from bot.domain.policy import decide
from bot.domain.records import Disclosure, RecordId
from bot.errors import NotFound
from bot.features.scene import Scene, Target

MAX_CHOICES = 6
"""A card shows at most six buttons."""


def find_reference(catalogue: Catalogue, argument: str, links: Iterable[str]) -> tuple[Link | None, str]:
    """What `argument` or one of the message's own links names, and what is left of the argument.

    Teams may show a pasted link as its title: then only the HTML holds the address.
    """
    words = argument.split()
    for index, word in enumerate(words):
        if found := catalogue.reference(word) or catalogue.reference(word.strip("<>()\"'").rstrip(".,;:!?")):
            return found, " ".join(words[:index] + words[index + 1 :])
    for link in links:
        if found := catalogue.reference(link):
            return found, ""
    return None, argument


def example_of(catalogue: Catalogue) -> str:
    """An example of what to type, from the first type that is switched on."""
    for record_type in catalogue.types.values():
        if record_type.enabled and record_type.key:
            return record_type.key.replace("#", "1001")
        if record_type.enabled and record_type.links:
            return record_type.links[0].replace("{id}", "1001")
    return "account/1001"


def only_record(
    scene: Scene, action: Action, question: str, make: Callable[[RecordId], dict[str, str]]
) -> RecordId | WhichRecord:
    """The chat's only record, or the question which one is meant: of those that the person may read or act on.

    Raises:
        NotFound: the chat has none, or none for this person.
    """
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
    return WhichRecord(question=question, verb=action.value, choices=choices, more=len(known) - len(choices))


def _label(target: Target, number: int) -> str:
    view = target.view
    if view.level >= Disclosure.NAME and view.title:
        return view.title
    return f"{view.type_label or 'Record'} {number}"
