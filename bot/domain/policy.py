"""The rules: who may do what with a record, and how much of it may be shown where."""

from __future__ import annotations

from bot.domain.chats import ChatKind
from bot.domain.people import Audience, Person
from bot.domain.records import EVERYBODY, Disclosure, Privilege, Record, RecordType


def privilege_of(record: Record, person: Person, *, tenant: str) -> Privilege:
    """A person's rights: the owner has `write`, else their own entry, else `*` (not for guests), else `none`."""
    if person.id is None:
        return Privilege.NONE
    if record.owner is not None and record.owner.id == person.id:
        return Privilege.WRITE
    own = record.access.get(person.id)
    if own is not None:
        return own
    if person.guest or (person.tenant or tenant) != tenant:
        return Privilege.NONE
    return record.access.get(EVERYBODY, Privilege.NONE)


def disclosure_in(record_type: RecordType, audience: Audience) -> Disclosure:
    """How much may be shown where everybody of this audience sees it."""
    match audience:
        case Audience.INTERNAL:
            return record_type.disclosure
        case Audience.EXTERNAL:
            return min(record_type.disclosure, record_type.disclosure_external)
        case Audience.UNKNOWN:
            return min(record_type.disclosure, record_type.disclosure_unknown)


def disclosure_anonymous(record_type: RecordType) -> Disclosure:
    """How much an unfurl may show whose reader is not known at all."""
    return min(record_type.disclosure_unknown, Disclosure.TYPE)


def may_connect(record_type: RecordType, privilege: Privilege, kind: ChatKind) -> bool:
    return kind.connectable and privilege >= Privilege.READ and record_type.connect.met_by(privilege)


def may_disconnect(
    record_type: RecordType | None, *, person: Person, is_admin: bool, is_owner: bool, connected_by: str | None
) -> bool:
    """An admin; or the record's owner, or whoever made the connection, where the type allows it."""
    if is_admin:
        return True
    if record_type is None or person.id is None:
        return False
    if is_owner and record_type.owner_may_disconnect:
        return True
    return record_type.connector_may_disconnect and person.id == connected_by
