"""What other systems say of a person's rights to their records: asked before a decision, and good for a moment only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace

from bot.domain.catalogue import Catalogue
from bot.domain.people import Person
from bot.domain.records import Privilege, RecordId

MAX_AGE = 10_000_000
"""Microseconds for which a decision may rest on a grant: so long at most a right outlives its withdrawal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A person's rights to a record, as the record's own system said.

    Attributes:
        person: Entra object id.
        privilege: None when there was no answer in time, which means no.
        at: when it was asked, microseconds since the epoch, UTC.
    """

    record: RecordId
    person: str
    privilege: Privilege | None
    at: int

    def holds(self, now: int) -> bool:
        """Whether a decision may still rest on it. No answer stays no."""
        return self.privilege is None or now - self.at <= MAX_AGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """What was said so far in one turn of the person who asks; forgotten with the turn.

    Attributes:
        sources: the names of the record types whose rights another system knows.
        said: the latest grant by record.
        rounds: how often other systems were asked.
    """

    person: Person
    sources: Set[str] = frozenset()
    said: Mapping[RecordId, Grant] = field(default_factory=dict)
    rounds: int = 0

    def missing(self, records: Iterable[RecordId], catalogue: Catalogue, now: int) -> list[RecordId]:
        """Those of the records that another system must be asked about, whether the store has them or not.

        Where it makes no difference nobody is asked: a person without an id has no rights, and what is switched off is
        refused to everybody.
        """
        return [
            record
            for record in records
            if record.type in self.sources
            and self.person.id is not None
            and record.type in catalogue.types
            and catalogue.types[record.type].enabled
            and not (record in self.said and self.said[record].holds(now))
        ]

    def of(self, record: RecordId, now: int) -> Grant | None:
        """What a decision must rest on; None where the store knows the rights to this record."""
        if record.type not in self.sources:
            return None
        said = self.said.get(record)
        if said is None:  # nobody had to be asked
            return Grant(record=record, person=self.person.id or "", privilege=Privilege.NONE, at=now)
        return said if said.holds(now) else replace(said, privilege=None)
