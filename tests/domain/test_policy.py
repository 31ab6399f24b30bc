"""Who may do what, and how much is shown where."""

from __future__ import annotations

import itertools

import pytest

from bot.domain.chats import ChatKind
from bot.domain.people import Actor, Audience, Member, Person, audience_of
from bot.domain.policy import disclosure_anonymous, disclosure_in, may_connect, may_disconnect, privilege_of
from bot.domain.records import Disclosure, Privilege, Record, RecordId, RecordType, Requirement

TENANT = "t"
ALEX = Person(id="alex", tenant=TENANT)


def record(owner: str | None = None, **access: Privilege) -> Record:
    levels = {("*" if name == "everybody" else name): level for name, level in access.items()}
    return Record(record=RecordId("account", "1"), title="x", owner=Actor(id=owner) if owner else None, access=levels)


@pytest.mark.parametrize(
    ("given", "person", "expected"),
    [
        (record(), ALEX, Privilege.NONE),
        (record(everybody=Privilege.APPEND), ALEX, Privilege.APPEND),
        (record(everybody=Privilege.WRITE, alex=Privilege.READ), ALEX, Privilege.READ),
        (record(everybody=Privilege.WRITE, alex=Privilege.NONE), ALEX, Privilege.NONE),
        (record(owner="alex", alex=Privilege.NONE), ALEX, Privilege.WRITE),
        (record(everybody=Privilege.READ), Person(id="g", tenant=TENANT, guest=True), Privilege.NONE),
        (record(g=Privilege.READ), Person(id="g", tenant=TENANT, guest=True), Privilege.READ),
        (record(everybody=Privilege.READ), Person(id="f", tenant="elsewhere"), Privilege.NONE),
        (record(everybody=Privilege.READ), Person(id=None, tenant=TENANT), Privilege.NONE),
    ],
)
def test_rights_come_from_ownership_then_the_own_entry_then_everybody(given, person, expected) -> None:
    assert privilege_of(given, person, tenant=TENANT) is expected


def test_disclosure_is_never_above_the_types_own_nor_above_the_audiences() -> None:
    for inside, unknown, outside in itertools.product(Disclosure, repeat=3):
        record_type = RecordType(
            name="a", label="A", disclosure=inside, disclosure_unknown=unknown, disclosure_external=outside
        )
        assert disclosure_in(record_type, Audience.INTERNAL) == inside
        assert disclosure_in(record_type, Audience.UNKNOWN) == min(inside, unknown)
        assert disclosure_in(record_type, Audience.EXTERNAL) == min(inside, outside)
        assert disclosure_anonymous(record_type) == min(unknown, Disclosure.TYPE)


def test_a_chat_is_internal_only_when_everybody_in_it_is_known_and_of_the_tenant() -> None:
    ours = Member(account="1", id="a")
    assert audience_of([], tenant=TENANT) is Audience.UNKNOWN
    assert audience_of([ours, Member(account="2", id="b", tenant=TENANT)], tenant=TENANT) is Audience.INTERNAL
    for stranger in (
        Member(account="3", id="c", guest=True),
        Member(account="3", id=None),
        Member(account="3", id="c", tenant="elsewhere"),
    ):
        assert audience_of([ours, stranger], tenant=TENANT) is Audience.EXTERNAL


def test_connecting_needs_the_types_privilege_and_a_chat_of_several() -> None:
    for required, privilege, kind in itertools.product(Requirement, Privilege, ChatKind):
        needed = {"read": 1, "append": 2, "write": 3, "nobody": 99}[required.value]
        expected = privilege >= needed and kind is not ChatKind.PERSONAL
        assert may_connect(RecordType(name="a", label="A", connect=required), privilege, kind) is expected


def test_disconnecting_is_for_admins_and_where_allowed_for_owners_and_connectors() -> None:
    flags = itertools.product((True, False), repeat=5)
    for admin, owner, connector, owner_may, connector_may in flags:
        record_type = RecordType(
            name="a", label="A", owner_may_disconnect=owner_may, connector_may_disconnect=connector_may
        )
        allowed = may_disconnect(
            record_type, person=ALEX, is_admin=admin, is_owner=owner, connected_by="alex" if connector else "megan"
        )
        assert allowed is (admin or (owner and owner_may) or (connector and connector_may))
