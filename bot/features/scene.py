"""Who asks, in which chat, about which record, with which rights: the ground all commands stand on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bot.domain.answers import RecordView
from bot.domain.catalogue import Catalogue
from bot.domain.chats import Chat, Connection
from bot.domain.decisions import Action, Facts
from bot.domain.disclosure import present
from bot.domain.grants import Grants
from bot.domain.people import Person
from bot.domain.policy import decide, disclosure_in, gather
from bot.domain.records import Disclosure, Record, RecordId
from bot.domain.settings import RecordType
from bot.domain.turns import Turn
from bot.features.audit import keep_refusal
from bot.features.refusals import refusal
from bot.features.rights import RightsNeeded
from bot.ports import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The record that a command is about, as much of it as the asking person may know.

    Attributes:
        record: blank if there is none, or the person may not see it.
        readable: it is neither.
        level: how much of it this chat may see; its type at most if it is not readable.
        view: that much.
        connection: to this chat, if there is one.
        granted: the person's rights are what another system said, not what the record here says.
    """

    record: Record
    readable: bool
    facts: Facts
    level: Disclosure
    view: RecordView
    connection: Connection | None
    granted: bool

    @property
    def type(self) -> RecordType:
        return self.facts.settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A turn inside a transaction.

    Attributes:
        chat: as the store knows it (audience, state).
        person: with what the rosters tell about them.
        grants: what other systems said of their rights.
    """

    tx: Transaction
    chat: Chat
    person: Person
    catalogue: Catalogue
    grants: Grants

    @classmethod
    def of(cls, tx: Transaction, turn: Turn, chat: Chat, grants: Grants) -> Scene:
        person = turn.person
        if person.id is not None and not person.guest and tx.is_guest(person.id):
            person = replace(person, guest=True)
        return cls(tx=tx, chat=chat, person=person, catalogue=tx.catalogue(), grants=grants)

    def need_rights(self, records: Iterable[RecordId]) -> None:
        """Make sure that the rights to all of these are known. Called before several targets, it has all asked at once.

        Raises:
            RightsNeeded: other systems must be asked first. Nothing may have been written before.
        """
        if missing := self.grants.missing(records, self.catalogue, self.tx.now):
            raise RightsNeeded(missing)

    def target(
        self, record_id: RecordId, connection: Connection | None = None, *, link_app: str | None = None
    ) -> Target:
        """The record, the person and this chat: all that the policy wants to know, and what may be shown.

        `connection`: of the record to this chat, where it was read already.

        Raises:
            RightsNeeded: as `need_rights`.
        """
        self.need_rights([record_id])
        grant = self.grants.of(record_id, self.tx.now)
        record = self.tx.record_for(record_id, self.person.id)
        connection = connection or self.tx.connection(self.chat.id, record_id)
        facts = gather(
            self.catalogue,
            record_id,
            record,
            person=self.person,
            tenant=self.tx.tenant,
            chat=self.chat,
            connected=connection is not None,
            connector=connection.by if connection else None,
            link_app=link_app,
            grant=grant,
        )
        readable = decide(Action.SEE, facts).allowed
        level = disclosure_in(facts.settings, facts.audience)
        if record is None or not readable:
            record, level = Record(record=record_id, title=""), min(level, Disclosure.TYPE)
        view = present(record, facts.settings, level, self.catalogue)
        return Target(
            record=record,
            readable=readable,
            facts=facts,
            level=level,
            view=view,
            connection=connection,
            granted=grant is not None,
        )

    def require(self, action: Action, target: Target) -> None:
        """Refuse what the person may not do. A change that is refused is noted in the audit trail.

        Raises:
            RecordNotFound: there is no such record, or the person may not read it: word for word the same.
            NotAllowed, NotFound, Conflict: why not, and who could help.
        """
        decision = decide(action, target.facts)
        if decision.allowed:
            return
        record = target.view.record
        keep_refusal(self.tx, action, decision, by=self.person.actor, chat=self.chat.id, record=record)
        connector = target.connection.by if target.connection else None
        raise refusal(action, decision, target.facts, owner=target.record.owner, connector=connector)

    def read(self, record_id: RecordId) -> Target:
        """The record, for a person who may read it.

        Raises:
            RecordNotFound, NotAllowed: as `require`.
        """
        target = self.target(record_id)
        self.require(Action.SEE, target)
        return target
