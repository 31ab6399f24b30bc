"""Who asks, in which chat, about which record, with which rights: the ground all commands stand on."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.domain.answers import RecordView
from bot.domain.catalogue import Catalogue
from bot.domain.chats import Chat, Connection
from bot.domain.decisions import Action, Facts
from bot.domain.disclosure import present
from bot.domain.people import Person
from bot.domain.policy import decide, disclosure_in, gather
from bot.domain.records import Disclosure, Record, RecordId, RecordType
from bot.domain.turns import Turn
from bot.features.refusals import refusal
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
    """

    record: Record
    readable: bool
    facts: Facts
    level: Disclosure
    view: RecordView
    connection: Connection | None

    @property
    def type(self) -> RecordType:
        return self.facts.settings

    def require(self, action: Action) -> None:
        """Nothing, if the person may do this.

        Raises:
            RecordNotFound: there is no such record, or the person may not read it: word for word the same.
            NotAllowed, NotFound, Conflict: why not, and who could help.
        """
        decision = decide(action, self.facts)
        if not decision.allowed:
            connector = self.connection.by if self.connection else None
            raise refusal(action, decision, self.facts, owner=self.record.owner, connector=connector)


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

    def target(
        self, record_id: RecordId, connection: Connection | None = None, *, link_app: str | None = None
    ) -> Target:
        """The record, the person and this chat: all that the policy wants to know, and what may be shown.

        `connection`: of the record to this chat, where it was read already.
        """
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
        )
        readable = decide(Action.SEE, facts).allowed
        level = disclosure_in(facts.settings, facts.audience)
        if record is None or not readable:
            record, level = Record(record=record_id, title=""), min(level, Disclosure.TYPE)
        view = present(record, facts.settings, level, self.catalogue)
        return Target(record=record, readable=readable, facts=facts, level=level, view=view, connection=connection)

    def read(self, record_id: RecordId) -> Target:
        """The record, for a person who may read it.

        Raises:
            RecordNotFound, NotAllowed: as `Target.require`.
        """
        target = self.target(record_id)
        target.require(Action.SEE)
        return target
