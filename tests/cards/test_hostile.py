"""Whatever stands in a value: cards stay valid, small, and mean what they meant."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import cards
from bot.domain.answers import Notice, RecordCard
from cards.literal import cut, cut_lines, escape, literal, units
from tests.cards.samples import as_full_as_can_be, everything_says
from tests.cards.test_cards import assert_valid, parts, shown

MAX_UNFURL = 28_000
MAX_MESSAGE = 80_000
WORST = ("x", "ж", "中", "😀", '"', "\\", "<", "&a;", "*", "{{", "a\n", "\x07", "e\u0301")


@pytest.mark.parametrize("character", WORST)
def test_a_message_stays_under_80_kb_and_an_unfurl_under_28_kb(character: str) -> None:
    """Counted as JSON writes it at its longest: six bytes for what is not ASCII."""
    for name, answer in as_full_as_can_be(character * (20_000 // len(character))).items():
        assert len(json.dumps(cards.render(answer))) < MAX_MESSAGE, name
        if isinstance(answer, RecordCard | Notice):
            assert len(json.dumps(cards.unfurl(answer))) < MAX_UNFURL, name


HARMLESS = {name: cards.card(answer) for name, answer in everything_says("harmless").items()}


@given(st.text(min_size=1, max_size=700).filter(str.strip))
@example("{{" * 300)
@settings(max_examples=100, deadline=None)
def test_no_text_adds_or_changes_a_part_of_a_card(words: str) -> None:
    """Full of any text, a card has the skeleton of the same card full of a harmless word, which is valid."""
    for name, answer in everything_says(words).items():
        assert _skeleton(cards.card(answer)) == _skeleton(HARMLESS[name]), name


@pytest.mark.parametrize("name", HARMLESS)
def test_the_cards_compared_with_are_valid(name: str) -> None:
    assert_valid(HARMLESS[name])


def _skeleton(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _skeleton(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_skeleton(one) for one in value]
    return type(value).__name__


@pytest.mark.parametrize("braces", ["{{DATE(2017-02-14T06:08:39Z)}}", "{{{{TIME(2017-02-14T06:08:39Z)}}}}", "{{{"])
def test_date_functions_in_values_are_broken_and_look_the_same(braces: str) -> None:
    for name, answer in everything_says(braces).items():
        card = cards.card(answer)
        ours = [text for text in shown(card) if text.startswith("{{DATE(2026-11-22")]
        titles = [part["title"] for part in parts(card) if "title" in part]
        assert not [text for text in [*shown(card), *titles] if "{{" in text and text not in ours], name
    assert literal(braces, 100).replace("\u2060", "") == braces


def test_what_is_cut_says_so() -> None:
    answer = as_full_as_can_be("x" * 9_000)["note added"]
    assert any(text.endswith("x…") for text in shown(cards.card(answer)))


@given(st.text(), st.integers(2, 40))
@settings(deadline=None)
def test_cutting_keeps_to_the_limit_and_leaves_short_texts_alone(text: str, limit: int) -> None:
    result = cut(text, limit)
    assert units(result) <= limit
    assert result == text if units(text) <= limit else result.endswith("…")


@given(st.text(alphabet="ab \n\r😀"), st.integers(4, 40), st.integers(1, 5))
@settings(deadline=None)
def test_cut_lines_keeps_to_both_limits(text: str, limit: int, lines: int) -> None:
    result = cut_lines(text, limit, lines)
    assert units(result) <= limit
    assert len(result.splitlines()) <= lines + 1


@pytest.mark.parametrize(
    "harmless",
    ["Johnson & Johnson", "AT&T (A-1001)", "50 % off, 3.5 kg", "C#", "a - b", "Who? Me!", "x = y + z", "note_fields"],
)
def test_ordinary_names_are_not_disfigured_by_escaping(harmless: str) -> None:
    assert escape(harmless) == harmless


def test_preview_and_summary_are_escaped() -> None:
    answer = everything_says("<b>*x*</b>")["record"]
    assert isinstance(answer, RecordCard)
    body = cards.unfurl(answer)["composeExtension"]["attachments"][0]
    escaped = r"&lt;b&gt;\*x\*&lt;/b&gt;"
    assert body["preview"]["content"] == {"title": escaped, "text": escaped}
    assert cards.render(answer)["summary"] == f"{escaped}: {escaped}"
    assert body["content"]["fallbackText"] == f"{escaped}: {escaped}"
