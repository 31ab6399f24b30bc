"""The presenter: the one place that decides what of a record an answer may hold."""

from __future__ import annotations

from bot.domain.answers import FieldChange, RecordChanged, RecordView
from bot.domain.catalogue import Catalogue
from bot.domain.people import Actor
from bot.domain.records import Disclosure, Record, RecordId
from bot.domain.settings import RecordType
from bot.domain.text import clean, one_line

MAX_TITLE = 200
MAX_LABEL = 60
MAX_VALUE = 300
MAX_FIELDS = 10


def present(
    record: Record,
    record_type: RecordType,
    level: Disclosure,
    catalogue: Catalogue,
    *,
    allowed: tuple[str, ...] | None = None,
) -> RecordView:
    """The record cut to `level`, every value cleaned and capped; its fields those in `allowed`, else `card_fields`."""
    allowed = record_type.card_fields if allowed is None else allowed
    fields: tuple[tuple[str, str], ...] = ()
    if level >= Disclosure.FIELDS:
        fields = tuple(
            (one_line(label, MAX_LABEL), one_line(record.fields[label], MAX_VALUE))
            for label in allowed[:MAX_FIELDS]
            if record.fields.get(label)
        )
    return RecordView(
        record=record.record,
        level=level,
        type_label=one_line(record_type.label, MAX_LABEL) if level >= Disclosure.TYPE else None,
        title=(one_line(record.title, MAX_TITLE) or str(record.record)) if level >= Disclosure.NAME else None,
        fields=fields,
        open_url=catalogue.open_url(record.record) if level >= Disclosure.BUTTON else None,
    )


def present_unknown(record: RecordId, record_type: RecordType, level: Disclosure, catalogue: Catalogue) -> RecordView:
    """A record of which nothing was read (anonymous unfurl, a deleted record): its type and address at most."""
    return present(Record(record=record, title=""), record_type, min(level, Disclosure.TYPE), catalogue)


def watched_changes(before: Record, after: Record, record_type: RecordType) -> tuple[FieldChange, ...]:
    """The fields of `watch_fields` whose values changed, cleaned and capped; in the order of that list."""
    return tuple(
        FieldChange(
            label=one_line(label, MAX_LABEL),
            before=one_line(before.fields.get(label, ""), MAX_VALUE),
            after=one_line(after.fields.get(label, ""), MAX_VALUE),
        )
        for label in record_type.watch_fields
        if clean(before.fields.get(label, "")) != clean(after.fields.get(label, ""))
    )


def present_changed(
    record: Record,
    changes: tuple[FieldChange, ...],
    record_type: RecordType,
    level: Disclosure,
    catalogue: Catalogue,
    *,
    by: Actor | None,
) -> RecordChanged:
    """The record as it is now, and what changed of it, cut to `level`."""
    return RecordChanged(
        view=present(record, record_type, level, catalogue, allowed=()),
        changes=changes if level >= Disclosure.FIELDS else (),
        by=name_of(by, level),
    )


def name_of(actor: Actor | None, level: Disclosure) -> str:
    """A person's name where names may be shown (`name` and up), else ""."""
    return one_line(actor.name, MAX_LABEL) if actor is not None and level >= Disclosure.NAME else ""
