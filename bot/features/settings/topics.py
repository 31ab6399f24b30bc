"""What can be set: each record type and each app, by the names people and buttons give them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.catalogue import Catalogue
from bot.domain.history import Subject, Via
from bot.domain.people import Actor
from bot.domain.setting_types import MAX_LABEL
from bot.domain.settings import App, RecordType
from bot.domain.settings_json import app_from_json, record_type_from_json, revision, to_json
from bot.domain.text import one_line
from bot.features.settings import put_app, put_record_type
from bot.ports import Transaction


@dataclass(frozen=True, slots=True)
class Topic:
    """A record type or an app, with its settings."""

    value: RecordType | App

    @property
    def subject(self) -> Subject:
        return Subject.APP if isinstance(self.value, App) else Subject.RECORD_TYPE

    @property
    def name(self) -> str:
        return self.value.id if isinstance(self.value, App) else self.value.name

    @property
    def key(self) -> str:
        """`record-type/account` or `app/sales-hub`: what cards and buttons call it."""
        return f"{self.subject.value}/{self.name}"

    @property
    def label(self) -> str:
        return one_line(self.value.label, MAX_LABEL)

    @property
    def document(self) -> dict[str, Any]:
        """Its settings as REST shows them."""
        return to_json(self.value)

    @property
    def revision(self) -> str:
        return revision(self.document)

    def having(self, document: Mapping[str, Any]) -> Topic:
        """The same with other settings.

        Raises:
            Unprocessable: these can't be its settings; names every problem.
        """
        if self.subject is Subject.APP:
            return Topic(app_from_json(document, app=self.name))
        return Topic(record_type_from_json(document, name=self.name))

    def put(self, tx: Transaction, *, by: Actor) -> None:
        """Put its settings in force.

        Raises:
            Conflict: one of its link patterns, or its key, is another type's already.
        """
        if isinstance(self.value, App):
            put_app(tx, self.value, by=by, via=Via.CHAT)
        else:
            put_record_type(tx, self.value, by=by, via=Via.CHAT)


def find(catalogue: Catalogue, text: str) -> Topic | None:
    """What a button names or a person typed: the key, else a name or an id, else a label, in either case of letters."""
    text = text.casefold()
    topics = [Topic(value) for value in (*catalogue.types.values(), *catalogue.apps.values())]
    for called in (lambda it: it.key, lambda it: it.name, lambda it: it.label):
        for topic in topics:
            if called(topic).casefold() == text:
                return topic
    return None
