"""Who may do what, and how much is shown where."""

from __future__ import annotations

import itertools

import pytest

from bot.domain.decisions import Action, Facts
from bot.domain.people import Actor, Audience, Member, Person, audience_of
from bot.domain.policy import decide, disclosure_anonymous, disclosure_in, disclosure_setting, privilege_of
from bot.domain.records import Disclosure, Privilege, Record, RecordId, RecordType

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


def test_the_setting_that_limits_what_is_shown_is_the_one_that_disclosure_follows() -> None:
    for inside, unknown, outside in itertools.product(Disclosure, repeat=3):
        record_type = RecordType(
            name="a", label="A", disclosure=inside, disclosure_unknown=unknown, disclosure_external=outside
        )
        for audience in Audience:
            followed = getattr(record_type, disclosure_setting(record_type, audience))
            assert followed == disclosure_in(record_type, audience)


def test_a_type_without_settings_permits_nothing_but_an_administrator_to_disconnect() -> None:
    permitted = {
        (action, is_admin)
        for action in Action
        for is_admin in (False, True)
        if decide(
            action,
            Facts(
                privilege=Privilege.WRITE,
                is_owner=True,
                is_last_connector=True,
                is_admin=is_admin,
                connected=True,
                audience=Audience.INTERNAL,
            ),
        ).allowed
    }
    assert (Action.DISCONNECT, True) in permitted
    assert (Action.DISCONNECT, False) not in permitted
    assert (
        not {(action, admin) for action in (Action.CONNECT, Action.JOIN, Action.UNFURL) for admin in (False, True)}
        & permitted
    )
