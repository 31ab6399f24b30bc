"""Who asks, in which chat, with which rights: the ground all commands stand on."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.domain.answers import RecordView
from bot.domain.catalogue import Catalogue
from bot.domain.chats import Chat
from bot.domain.disclosure import present, present_unknown
from bot.domain.people import Person
from bot.domain.policy import disclosure_in, privilege_of
from bot.domain.records import Disclosure, Privilege, Record, RecordId, RecordType
from bot.domain.turns import Turn
from bot.errors import NotAllowed, RecordNotFound
from bot.ports import Transaction

UNKNOWN_RECORD = "There is no such record, or you may not see it."
UNKNOWN_RECORD_NEXT = "Check the link or key. If it is right, ask the record's owner for access."


@dataclass(frozen=True, slots=True, kw_only=True)
class Readable:
    """A record that the asking person may read, and how much of it this chat may see."""

    record: Record
    type: RecordType
    privilege: Privilege
    level: Disclosure
    view: RecordView

    @property
    def id(self) -> RecordId:
        return self.record.record


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A turn inside a transaction.

    Attributes:
        chat: as the store knows it (audience, state).
        person: with what the rosters tell about them.
    """

    tx: Transaction
    chat: Chat
    person: Person
    catalogue: Catalogue

    @classmethod
    def of(cls, tx: Transaction, turn: Turn, chat: Chat) -> Scene:
        person = turn.person
        if person.id is not None and not person.guest and tx.is_guest(person.id):
            person = replace(person, guest=True)
        return cls(tx=tx, chat=chat, person=person, catalogue=tx.catalogue())

    @property
    def is_admin(self) -> bool:
        return self.person.id is not None and self.person.id in self.catalogue.admins

    def level(self, record_type: RecordType) -> Disclosure:
        return disclosure_in(record_type, self.chat.audience)

    def read(self, record_id: RecordId) -> Readable:
        """The record, for a person who may read it.

        Raises:
            RecordNotFound: there is none, or the person may not read it: word for word the same.
            NotAllowed: its type or app is switched off.
        """
        record_type = self.catalogue.types.get(record_id.type)
        if record_type is not None and not record_type.enabled:
            raise switched_off()
        record = self.tx.record_for(record_id, self.person.id)
        privilege = Privilege.NONE
        if record is not None:
            privilege = privilege_of(record, self.person, tenant=self.tx.tenant)
        if record is None or record_type is None or privilege < Privilege.READ:
            raise RecordNotFound(UNKNOWN_RECORD, next_step=UNKNOWN_RECORD_NEXT)
        if self.catalogue.sleeping(record):
            raise switched_off()
        level = self.level(record_type)
        return Readable(
            record=record,
            type=record_type,
            privilege=privilege,
            level=level,
            view=present(record, record_type, level, self.catalogue),
        )

    def try_read(self, record_id: RecordId) -> Readable | None:
        try:
            return self.read(record_id)
        except (RecordNotFound, NotAllowed):
            return None

    def outline(self, record_id: RecordId) -> RecordView:
        """The view for somebody who may act on a record but not read it: its type at most."""
        record_type = self.catalogue.types.get(record_id.type) or RecordType(name=record_id.type, label="Record")
        return present_unknown(record_id, record_type, self.level(record_type), self.catalogue)


def switched_off() -> NotAllowed:
    return NotAllowed(
        "An administrator has switched off this app or this kind of record.",
        next_step="Its connections sleep until it is switched on again. An administrator of Connect Chats can do that.",
    )
