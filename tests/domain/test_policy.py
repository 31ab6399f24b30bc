"""Who may do what, and how much is shown where."""

from __future__ import annotations

import itertools
from dataclasses import fields, replace

import pytest

from bot.domain.decisions import Action, Facts
from bot.domain.people import Actor, Audience, Member, Person, audience_of
from bot.domain.policy import decide, disclosure_anonymous, disclosure_in, disclosure_setting, privilege_of, shows_less
from bot.domain.records import Disclosure, Privilege, Record, RecordId, Requirement
from bot.domain.settings import RecordType

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


LISTS = [fields for count in range(4) for fields in itertools.permutations("abc", count)]
SHOWN = {
    "enabled": (False, True),
    "note": (False, True),
    "card_fields": LISTS,
    "note_fields": LISTS,
    "watch_fields": LISTS,
    "apps": [*LISTS, ("*",), ("*", "a"), ("a", "*")],
    **dict.fromkeys(("disclosure", "disclosure_unknown", "disclosure_external"), tuple(Disclosure)),
}
"""The settings that say what is shown, and what they can be."""
NOT_SHOWN = {
    "name": ("a", "b"),
    "label": ("A", "B"),
    "links": ((), ("https://a.example/{id}",)),
    "key": (None, "A-#"),
    **dict.fromkeys(("connect", "join"), tuple(Requirement)),
    **dict.fromkeys(("owner_may_disconnect", "connector_may_disconnect", "auto_name"), (False, True)),
    "join_history": ("none", "all"),
    "chat_title": ("{label}", "{title}"),
}
"""Those that say what records are called, where they are and who may do what: no value is shown for them."""


def shown(record_type: RecordType, name: str) -> set[object]:
    """What the setting lets be seen, as a set: fewer members are less."""
    value = getattr(record_type, name)
    if name == "apps" and "*" in value:
        return {"*", *"abc"}
    if isinstance(value, tuple):
        return set(value)
    if isinstance(value, Disclosure):
        return {
            (audience, level)
            for audience in Audience
            for level in Disclosure
            if level <= disclosure_in(record_type, audience)
        }
    return {"it"} if value else set()


def test_every_setting_of_a_type_either_says_what_is_shown_or_does_not() -> None:
    assert SHOWN.keys().isdisjoint(NOT_SHOWN)
    assert {field.name for field in fields(RecordType)} == {*SHOWN, *NOT_SHOWN}


@pytest.mark.parametrize("name", SHOWN)
def test_a_setting_shows_less_where_something_could_be_seen_before_that_can_not_be_now(name: str) -> None:
    """Every value of it against every other; disclosures beside every one of the type's own."""
    for own, was, becomes in itertools.product(Disclosure, SHOWN[name], SHOWN[name]):
        common = RecordType(name="a", label="A", disclosure=own, disclosure_unknown=own, disclosure_external=own)
        before, after = replace(common, **{name: was}), replace(common, **{name: becomes})
        assert shows_less(before, after) is not (shown(before, name) <= shown(after, name)), (own, was, becomes)


@pytest.mark.parametrize("name", NOT_SHOWN)
def test_what_records_are_called_and_who_may_do_what_shows_neither_more_nor_less(name: str) -> None:
    for was, becomes in itertools.product(NOT_SHOWN[name], repeat=2):
        before, after = (replace(RecordType(name="a", label="A"), **{name: value}) for value in (was, becomes))
        assert not shows_less(before, after)


def test_one_setting_that_shows_less_is_not_made_up_for_by_others_that_show_more() -> None:
    most = {name: (values[-1] if name != "apps" else ("*",)) for name, values in SHOWN.items()}
    least = {name: values[0] for name, values in SHOWN.items()}
    base = RecordType(name="a", label="A")
    for name in most.keys() - {"disclosure_unknown", "disclosure_external"}:
        before, after = replace(base, **{**least, name: most[name]}), replace(base, **{**most, name: least[name]})
        assert shows_less(before, after), name


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
