"""The settings: what a form sends, what it tells, and what of them has room on a card."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

import cards
from bot.domain.answers import FieldChange, Notice, RecordChanged, SettingsItem, SettingsOverview
from bot.domain.settings import RecordType
from bot.features.settings.words import administrators
from tests.cards.samples import ACCOUNT, CASE, CHANGES, NOTHING, OPPORTUNITY
from tests.cards.settings_samples import ACCOUNT_TYPE, OVERVIEW, SALES_HUB, form_of, lines, switch
from tests.cards.test_cards import parts, shown

FORM = form_of(ACCOUNT_TYPE)
UNSAVED = "Nothing was saved."
SAVED = "✓ Saved. In force from now on."


def inputs(card: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {part["id"]: part for part in parts(card) if part.get("type", "").startswith("Input.") and "id" in part}


def size(answer: Any) -> int:
    """Of the message, counted as JSON writes it at its longest."""
    return len(json.dumps(cards.render(answer)))


def test_every_setting_of_the_form_is_an_input_of_its_name_that_holds_its_value() -> None:
    expected = {field.name: field.value for _, group in FORM.groups for field in group}
    assert {name: one["value"] for name, one in inputs(cards.card(FORM)).items()} == expected
    assert inputs(cards.card(FORM))["card_fields"]["value"] == "Owner\nStatus\nCity"


def test_save_sends_what_was_entered_with_the_subject_and_what_was_seen_and_the_others_send_the_subject_alone() -> None:
    [save, reload, overview] = cards.card(FORM)["actions"]
    assert (save["verb"], save["data"]) == ("settings.save", {"subject": "record-type/account", "seen": FORM.seen})
    assert (reload["verb"], reload["data"]) == ("settings", {"subject": "record-type/account"})
    assert (overview["verb"], overview["data"]) == ("settings", {"subject": ""})
    for action in (save, reload, overview):
        assert action["fallback"]["data"] == action["data"] | {"verb": action["verb"]}
        for button in (action, action["fallback"]):
            assert button.get("associatedInputs", "auto") == ("auto" if action is save else "none")


@pytest.mark.parametrize("value", ["{{DATE(2017-02-14T06:08:39Z)}}", "**a** [b](c)", " \n ", "x" * 5000])
def test_a_value_stands_in_its_input_exactly_as_it_is_else_saving_would_change_it(value: str) -> None:
    form = replace(FORM, groups=(("", (lines("links", "Addresses", value),)),))
    assert inputs(cards.card(form))["links"]["value"] == value


def test_words_beside_a_checkbox_are_neither_markdown_nor_a_link() -> None:
    [box] = inputs(cards.card(replace(FORM, groups=(("", (switch("a", "*a* https://a.b note_fields"),)),)))).values()
    assert box["title"].replace("\u2060", "|") == r"\*a\* https:|//a.|b note_fields"


def test_only_what_is_too_long_is_left_out_of_a_form_and_it_says_so() -> None:
    form = replace(FORM, groups=(("", (lines("links", "Addresses", "x" * 20_000), lines("key", "Key", "A-#"))),))
    assert list(inputs(cards.card(form))) == ["key"]
    assert "Addresses: too long for a card. It stays as it is; REST can change it." in shown(cards.card(form))


LONGEST = "https://crm.example.com/" + "ж" * 2_020 + "{id}"


def test_a_form_has_room_in_a_message_for_what_anybody_can_set() -> None:
    full = RecordType(
        name="a" * 64,
        label="😀" * 60,
        links=(LONGEST,) * 20,
        key="ж" * 64,
        apps=("a" * 128,) * 100,
        card_fields=("ж" * 60,) * 10,
        note_fields=("ж" * 60,) * 5,
        chat_title="ж" * 200,
        watch_fields=("ж" * 60,) * 5,
    )
    usual = replace(ACCOUNT_TYPE, links=("https://org.crm4.dynamics.com/main.aspx?etn=account&id={id}",) * 20)
    assert size(form_of(usual)) < 28_000
    assert size(form_of(full, problem="ж" * 5_000, note="ж" * 5_000, saved=("ж" * 500,) * 20)) < 80_000


def test_a_short_form_tells_at_the_top_what_became_of_saving_and_a_long_one_at_its_end_too() -> None:
    for more, news in (
        ({"problem": "Too long."}, [UNSAVED, "Too long."]),
        ({"saved": ("enabled: on → off",)}, [SAVED, "enabled: on → off"]),
    ):
        short, long = (shown(cards.card(form_of(settings, **more))) for settings in (SALES_HUB, ACCOUNT_TYPE))
        assert short[1:3] == long[1:3] == long[-2:] == news
        assert (short.count(news[0]), long.count(news[0])) == (1, 2)
    assert not {UNSAVED, SAVED} & set(shown(cards.card(FORM)))


def lists(elements: list[dict[str, Any]], place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a card has lists, by position and kind of what they are in, and what each offers."""
    for position, element in enumerate(elements):
        here = (*place, position, element["type"])
        if "choices" in element:
            yield here, tuple(choice["value"] for choice in element["choices"])
        yield from lists(element.get("items", []) + element.get("columns", []), here)


def test_where_one_card_of_the_settings_has_a_list_no_other_has_another_list() -> None:
    """The Playground shows the old choices when a button's answer has a list at the place where its card had one."""
    cards_of_settings = [cards.card(OVERVIEW), cards.card(form_of(SALES_HUB))]
    for number in range(10):
        cards_of_settings.append(cards.card(form_of(ACCOUNT_TYPE, saved=("note: on → off",) * number, note="Else.")))
        cards_of_settings.append(cards.card(form_of(ACCOUNT_TYPE, saved=("note: on → off",) * number)))
        cards_of_settings.append(cards.card(replace(OVERVIEW, changes=OVERVIEW.changes[:1] * number)))
    found: dict[Any, Any] = {}
    for card in cards_of_settings:
        for place, offered in lists(card["body"]):
            assert found.setdefault(place, offered) == offered
    assert len(found) > 4


def test_a_note_stands_at_both_ends_of_a_long_form() -> None:
    texts = shown(cards.card(form_of(ACCOUNT_TYPE, note="Megan Bowen changed these.")))
    assert texts[1] == texts[-1] == "Megan Bowen changed these."


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({}, "Settings of Account."),
        ({"saved": ("enabled: on → off",)}, "Settings of Account. Saved. In force from now on."),
        ({"problem": "It is too long."}, "Settings of Account. Nothing was saved. It is too long."),
    ],
)
def test_a_form_in_plain_words(more: dict[str, Any], text: str) -> None:
    assert cards.text(form_of(ACCOUNT_TYPE, **more)) == text


def test_the_overview_lets_a_type_or_an_app_be_chosen() -> None:
    card = cards.card(OVERVIEW)
    subject = inputs(card)["subject"]
    assert [(one["value"], one["title"]) for one in subject["choices"]] == [
        ("record-type/account", "Account"),
        ("record-type/opportunity", "Opportunity"),
        ("record-type/case", "Case"),
        ("app/sales-hub", "Sales Hub (app)"),
    ]
    assert subject["value"] == "record-type/account"
    [change] = card["actions"]
    assert (change["verb"], change["data"], change["fallback"]["data"]) == ("settings", {}, {"verb": "settings"})


def test_the_overview_says_what_is_on_and_off() -> None:
    texts = shown(cards.card(OVERVIEW))
    assert texts[texts.index("Account") + 2] == "On"
    assert texts[texts.index("Case") + 2] == "Off"
    assert "Alex Wilber and Megan Bowen" in texts


def test_a_hundred_types_are_counted_in_rows_and_all_can_be_chosen() -> None:
    types = tuple(
        SettingsItem(subject=f"record-type/t{n}", label=f"Type {n}", enabled=True, summary="") for n in range(100)
    )
    card = cards.card(SettingsOverview(types=types, apps=(), admins=("Alex Wilber",)))
    assert "Type 14" in shown(card)
    assert "Type 15" not in shown(card)
    assert "And 85 more." in shown(card)
    assert len(inputs(card)["subject"]["choices"]) == 100
    more = cards.card(SettingsOverview(types=types, apps=(types[0],), admins=()))
    assert "1 more can't be listed here. Write settings and the type's name." in shown(more)


@pytest.mark.parametrize(
    ("answer", "who", "then"),
    [
        (administrators(("Alex",)), "The administrator is Alex.", "Ask them for"),
        (administrators(("Alex", "Megan")), "The administrators are Alex and Megan.", "Ask one of them for"),
        (administrators(("Alex",), unnamed=2), "The administrators are Alex and 2 more.", "Ask one of them for"),
        (administrators((), unnamed=1), "There is 1 administrator.", "Ask those who look after Teams"),
        (administrators(()), "No administrator is named yet.", "Whoever runs Connect Chats can name one"),
    ],
)
def test_somebody_else_is_told_who_the_administrators_are_and_what_to_do(answer: Notice, who: str, then: str) -> None:
    [heading, first, second] = shown(cards.card(answer))
    assert (heading, first) == ("Settings are for administrators", who)
    assert second.startswith(then)


def test_of_many_administrators_ten_are_named() -> None:
    texts = shown(cards.card(administrators(tuple(f"P{n}" for n in range(100)), unnamed=3)))
    assert texts[1] == f"The administrators are {', '.join(f'P{n}' for n in range(10))} and 93 more."


def test_a_changed_record_shows_what_was_and_what_is() -> None:
    answer = RecordChanged(view=ACCOUNT, changes=CHANGES[:2], by="Megan Bowen")
    assert shown(cards.card(answer)) == [
        *("Account", "Contoso Ltd"),
        *("Status", "Active → On hold", "Revenue", "€ 1,200,000 → € 1,450,000"),
        "Changed by Megan Bowen.",
    ]
    assert cards.text(answer) == (
        "Contoso Ltd was changed. Status: Active → On hold; Revenue: € 1,200,000 → € 1,450,000."
    )


def test_a_value_that_came_or_went_is_a_dash_on_the_other_side() -> None:
    for change, words in ((("", "1"), "– → 1"), (("1", ""), "1 → –")):
        changes = (FieldChange(label="Status", before=change[0], after=change[1]),)
        assert shown(cards.card(RecordChanged(view=ACCOUNT, changes=changes)))[-1] == words


@pytest.mark.parametrize(
    ("view", "texts", "text"),
    [
        (
            OPPORTUNITY,
            ["Opportunity", OPPORTUNITY.title, "This record was changed."],
            f"{OPPORTUNITY.title} was changed.",
        ),
        (CASE, ["A record of this chat (Case) was changed."], "A record of this chat (Case) was changed."),
        (NOTHING, ["A record of this chat was changed."], "A record of this chat was changed."),
    ],
)
def test_a_changed_record_is_named_as_far_as_it_may_be(view: Any, texts: list[str], text: str) -> None:
    answer = RecordChanged(view=view)
    hidden = [] if view is OPPORTUNITY else ["Details are not shown in this chat, because others can read it."]
    assert shown(cards.card(answer)) == texts + hidden
    assert cards.text(answer) == text
    assert ("actions" in cards.card(answer)) is (view is not NOTHING)
