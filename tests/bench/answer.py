"""The answer that the references give: the product's own, with the record's values put in afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from bot.domain.answers import RecordCard, RecordView
from bot.domain.records import Disclosure, RecordId
from cards import unfurl

FIELDS = ("Owner", "Status", "City", "Revenue")


class Answer:
    """The JSON of an unfurl whose values are replaced in place: no answer of this shape could be built for less."""

    def __init__(self) -> None:
        view = RecordView(
            record=RecordId("account", "%(id)s"),
            level=Disclosure.FIELDS,
            type_label="Account",
            title="%(title)s",
            fields=tuple((label, f"%({label})s") for label in FIELDS),
            open_url="https://crm.example.com/records/account/%(id)s",
        )
        self.body = unfurl(RecordCard(view=view, connect=True))
        self._slots = list(_slots(self.body))

    def fill(self, values: Mapping[str, str]) -> None:
        """Put in `id`, `title` and the fields."""
        for container, key, text in self._slots:
            container[key] = text % values

    def encode(self, values: Mapping[str, str]) -> bytes:
        self.fill(values)
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()


def _slots(value: Any) -> Iterator[tuple[Any, Any, str]]:
    """The places in JSON that hold a text with a gap."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(inner, dict | list):
            yield from _slots(inner)
        elif isinstance(inner, str) and "%(" in inner:
            yield value, key, inner
