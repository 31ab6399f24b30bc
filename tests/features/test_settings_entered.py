"""What comes back from a form proves nothing: it is refused in words, kept to be corrected, and breaks nothing."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.domain.answers import FieldKind
from bot.domain.history import Subject
from bot.domain.records import Disclosure, Requirement
from bot.domain.settings import App, RecordType
from bot.domain.settings_json import record_type_from_json, to_json
from bot.features.settings.form import fields, fits, inputs_of, read
from cards.pieces import MAX_LABEL
from tests.features.filled import changes, form, inputs, save, sent, stored
from tests.world import PERSONAL, World, texts

ACCOUNT = {"label": "Account", "links": ["https://crm.example.com/records/account/{id}"], "key": "A-#"}
WITHOUT_EFFECT = {"join_history", "auto_name", "chat_title"}

# Refused in words -----------------------------------------------------------------------------------------------------


async def test_what_is_wrong_is_named_and_what_was_entered_stands_in_the_form_to_be_corrected(world: World) -> None:
    before = await stored(world)
    card = await save(world, await form(world), key="none", links="ftp://x\nhttps://x/{id}", connect="write")
    shown = texts(card)
    assert "'none'" in shown
    assert "'ftp://x'" in shown
    held = inputs(card)
    assert (held["key"], held["links"], held["connect"]) == ("none", "ftp://x\nhttps://x/{id}", "write")
    assert await stored(world) == before
    saved = await save(world, card, key="AC-#", links=before["links"][0])
    assert "key: A-# → AC-#" in texts(saved)
    assert await stored(world) == before | {"key": "AC-#", "connect": "write"}


async def test_what_was_wrong_and_is_late_too_overwrites_nothing_once_it_is_corrected(world: World) -> None:
    card = await form(world)
    await world.api("PUT", "/record-types/account", await stored(world) | {"disclosure": "name"})
    late = await save(world, await save(world, card, label=""), label="Kunde")
    assert "nothing was saved" in texts(late)
    assert (await stored(world))["label"] == "Account"
    assert inputs(late)["disclosure"] == "name"


async def test_a_link_pattern_of_another_type_is_refused_and_kept(world: World) -> None:
    theirs = "https://crm.example.com/records/case/{id}"
    card = await save(world, await form(world), links=theirs)
    assert "case" in texts(card)
    assert inputs(card)["links"] == theirs
    assert await changes(world) == []


@pytest.mark.parametrize(
    ("entered", "said"),
    [
        ({"label": "x" * 100_000}, "label has 100000 characters; there is room for 60"),
        ({"links": "https://crm.example.com/" + "x" * 200_000}, "there is room for 4000"),
        ({"card_fields": ",".join(f"Field {number}" for number in range(11))}, "at most 10"),
        ({"watch_fields": "A\nA"}, "twice"),
        ({"label": "\u202e"}, "label must be"),
        ({"enabled": "maybe"}, "enabled must be true or false"),
        ({"disclosure": "everything" * 9_000}, "disclosure must be one of"),
        ({"connect": 7}, "connect must be entered as text"),
        ({"links": ["https://crm.example.com/{id}"]}, "links must be entered as text"),
        ({"key": {}}, "key must be entered as text"),
    ],
)
async def test_what_can_not_be_a_setting_is_refused_in_words(world: World, entered: Any, said: str) -> None:
    before = await stored(world)
    card = await save(world, await form(world), **entered)
    assert said in texts(card)
    assert inputs(card) == inputs(await form(world)) | {
        name: value for name, value in inputs(card).items() if name in entered
    }
    assert len(json.dumps(card)) < 28_000
    assert await stored(world) == before


async def test_null_leaves_a_setting_as_it_is(world: World) -> None:
    before = await stored(world)
    await save(world, await form(world), **dict.fromkeys(before) | {"enabled": "false"})
    assert await stored(world) == before | {"enabled": False}


async def test_a_megabyte_is_refused_before_it_is_read(world: World) -> None:
    data = sent(await form(world), label="x" * 1_000_000)
    action = {"action": {"type": "Action.Execute", "verb": "settings.save", "data": data}}
    invoke = world.activity("invoke", chat=PERSONAL, name="adaptiveCard/action", value=action)
    status, _ = await world.post(invoke)
    assert status == 413
    assert await changes(world) == []


async def test_a_setting_with_more_than_a_card_has_room_for_is_left_out_and_stays(world: World) -> None:
    apps = sorted(f"app-{number}-{'x' * 90}" for number in range(60))
    await world.api("PUT", "/record-types/account", await stored(world) | {"apps": apps})
    card = await form(world)
    assert "apps" not in inputs(card)
    assert "apps" in texts(card)
    await save(world, card, connect="read")
    assert (await stored(world))["apps"] == apps
    assert (await stored(world))["connect"] == "read"


GARBAGE = (None, True, False, 0, -1, 1.5, 10**40, "", " ", "true", "read", "x" * 5_000, "\u0007\u202e", "a,b", "*")
SUBJECTS = ("record-type/account", "app/sales-hub", "app/", "/", "account", "record-type/../case", "x" * 9_000)


async def test_two_hundred_random_presses_never_break_it_and_save_only_what_is_valid(world: World) -> None:
    chance = random.Random(4)
    names = [*(await stored(world)), "subject", "seen", "verb", "record", "id", "__class__"]
    good = sent(await form(world))

    def value(depth: int = 0) -> Any:
        kind = chance.randrange(10)
        if depth < 3 and kind == 0:
            return [value(depth + 1) for _ in range(chance.randrange(4))]
        if depth < 3 and kind == 1:
            return {chance.choice(names): value(depth + 1) for _ in range(chance.randrange(4))}
        return chance.choice(GARBAGE)

    for number in range(200):
        data = good if number % 2 else {"subject": chance.choice(SUBJECTS), "seen": chance.choice((good["seen"], "x"))}
        data = data | {chance.choice(names): value() for _ in range(chance.randrange(6))}
        verb = chance.choice(("settings", "settings.save", "settings.save"))
        answer = await world.press(verb, chance.choice((data, data, data, value())), chat=PERSONAL)
        assert answer["statusCode"] == 200, (number, answer)
    for change in await changes(world):
        if change["subject"] == "record-type":
            assert to_json(record_type_from_json(change["after"])) == change["after"]
    assert "Settings of" in texts(await form(world))


# The form itself ------------------------------------------------------------------------------------------------------


def test_every_setting_that_has_an_effect_is_in_the_form() -> None:
    of_types = {item.name for item in inputs_of(Subject.RECORD_TYPE)}
    assert of_types == set(to_json(RecordType(name="x", label="X"))) - WITHOUT_EFFECT - {"name"}
    assert {item.name for item in inputs_of(Subject.APP)} == set(to_json(App(id="x", label="X"))) - {"id"}


def test_every_label_is_short_enough_for_its_card() -> None:
    document = to_json(RecordType(name="x", label="X"))
    labels = [field.label for _, group in fields(Subject.RECORD_TYPE, document, {}) for field in group]
    assert max(map(len, labels)) <= MAX_LABEL


WORDS = st.text(st.characters(codec="ascii", categories=("L", "N", "P", "Zs")), min_size=1, max_size=30).filter(
    lambda text: text == text.strip()
)
TYPES = st.builds(
    RecordType,
    name=st.just("account"),
    label=WORDS,
    enabled=st.booleans(),
    card_fields=st.lists(WORDS, max_size=10, unique=True).map(tuple),
    note_fields=st.lists(WORDS, max_size=5, unique=True).map(tuple),
    disclosure=st.sampled_from(Disclosure),
    disclosure_unknown=st.sampled_from(Disclosure),
    connect=st.sampled_from(Requirement),
    owner_may_disconnect=st.booleans(),
    key=st.sampled_from([None, "A-#"]),
)


def entered(document: dict[str, Any]) -> dict[str, str]:
    """What a form about these settings sends."""
    return {field.name: field.value for _, group in fields(Subject.RECORD_TYPE, document, {}) for field in group}


@given(TYPES)
def test_a_form_that_is_sent_as_it_was_shown_changes_nothing(record_type: RecordType) -> None:
    document = to_json(record_type)
    entry = read(Subject.RECORD_TYPE, document, entered(document))
    assert entry.document == document
    assert entry.texts == {}
    assert entry.problems == []


@given(TYPES, TYPES)
def test_what_a_form_sends_are_the_settings_it_shows(before: RecordType, after: RecordType) -> None:
    """Unless commas part what one of them has on a single line."""
    lists = [*after.card_fields, *after.note_fields]
    assume(not any("," in item for item in lists))
    document = to_json(after)
    entry = read(Subject.RECORD_TYPE, to_json(before), entered(document))
    assert record_type_from_json(entry.document) == after


def test_only_texts_have_a_limit_and_defaults_fit() -> None:
    document = to_json(RecordType(name="x", label="X"))
    for item in inputs_of(Subject.RECORD_TYPE):
        assert bool(item.limit) == (item.kind in (FieldKind.LINE, FieldKind.LINES))
        assert fits(item, document)
