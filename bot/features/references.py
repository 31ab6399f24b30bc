"""Which record a command means: a link, a key, `type/id`."""

from __future__ import annotations

from collections.abc import Iterable

from bot.domain.catalogue import Catalogue
from bot.domain.links import Link


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
