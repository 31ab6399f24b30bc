"""What another system said of a person's rights, and how long it holds."""

from __future__ import annotations

import pytest

from bot.domain.catalogue import Catalogue
from bot.domain.grants import MAX_AGE, Grant, Grants
from bot.domain.people import Person
from bot.domain.records import Privilege, RecordId
from bot.domain.settings import RecordType

ALEX = Person(id="alex", tenant="contoso")
ORDER, ACCOUNT = RecordId("order", "1"), RecordId("account", "1")
CATALOGUE = Catalogue(types=[RecordType(name="order", label="Order"), RecordType(name="account", label="Account")])
NOW = 1_800_000_000_000_000


def said(privilege: Privilege | None, *, at: int = NOW) -> Grants:
    grant = Grant(record=ORDER, person="alex", privilege=privilege, at=at)
    return Grants(person=ALEX, sources={"order"}, said={ORDER: grant})


def test_only_records_of_types_that_have_a_source_are_asked_for() -> None:
    nothing_yet = Grants(person=ALEX, sources={"order"})
    assert nothing_yet.missing([ACCOUNT, ORDER], CATALOGUE, NOW) == [ORDER]
    assert nothing_yet.of(ACCOUNT, NOW) is None, "the store is the source"


@pytest.mark.parametrize(
    ("person", "catalogue"),
    [
        (Person(id=None), CATALOGUE),
        (ALEX, Catalogue()),
        (ALEX, Catalogue(types=[RecordType(name="order", label="Order", enabled=False)])),
    ],
    ids=["a person without an id", "a type without settings", "a type that is off"],
)
def test_where_no_answer_could_help_nobody_is_asked_and_there_is_no_right(person, catalogue) -> None:
    nothing_yet = Grants(person=person, sources={"order"})
    assert nothing_yet.missing([ORDER], catalogue, NOW) == []
    grant = nothing_yet.of(ORDER, NOW)
    assert grant is not None
    assert grant.privilege is Privilege.NONE


def test_a_decision_rests_on_a_grant_for_ten_seconds_and_then_it_is_none() -> None:
    for privilege in Privilege:
        grants = said(privilege)
        for now in (NOW, NOW + MAX_AGE):
            assert grants.missing([ORDER], CATALOGUE, now) == []
            assert grants.of(ORDER, now) == grants.said[ORDER]
        later = NOW + MAX_AGE + 1
        assert grants.missing([ORDER], CATALOGUE, later) == [ORDER]
        stale = grants.of(ORDER, later)
        assert stale is not None
        assert stale.privilege is None
    assert MAX_AGE == 10_000_000


def test_no_answer_stays_no_for_the_whole_turn() -> None:
    grants = said(None, at=NOW - 10 * MAX_AGE)
    assert grants.missing([ORDER], CATALOGUE, NOW) == []
    assert grants.of(ORDER, NOW) == grants.said[ORDER]
