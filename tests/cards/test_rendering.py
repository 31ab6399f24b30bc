"""Microsoft's renderer in a browser: it has no complaint, and values are read, not obeyed."""

from __future__ import annotations

import random
from typing import Any

import pytest
from playwright.sync_api import Page

import cards
from bot.domain.answers import Answer
from cards.literal import escape, literal
from cards.pieces import MAX_LABEL
from cards.settings import MAX_CHOICE
from tests.cards.renderer import Rendered, in_browser, render_all
from tests.cards.samples import ATTACKS, EMPTY, TYPICAL, everything_says

pytestmark = pytest.mark.browser

HOSTILE: dict[str, Answer] = {
    f"{name} says {attack}": answer for attack in ATTACKS for name, answer in everything_says(attack).items()
}
SOUND = {name: cards.card(answer) for name, answer in (TYPICAL | EMPTY | HOSTILE).items()}
BROKEN = {"type": "AdaptiveCard", "version": "1.3", "body": [{"type": "RichTextBlok"}], "actions": [{"type": "X"}]}
OBEDIENT = {
    "type": "AdaptiveCard",
    "version": "1.3",
    "body": [{"type": "TextBlock", "text": " ".join(ATTACKS), "wrap": True}],
}
OURS = {"div", "span", "button", "br", "label", "input", "textarea", "select", "option", "p"}
"""The only elements the renderer makes of our cards. It puts the words beside a checkbox into a `p`."""
SPOKEN = ("record", "explanation", "refusal", "why", "timeline", "record changed", "settings", "settings of a type")


def _texts() -> list[str]:
    """The attacks, and a thousand random pieces of Markdown and HTML."""
    chance = random.Random(20261122)
    pieces = [*"ab1.)(*_`~[]<>&;#+-!\\/ \n\"'|:=", "&lt;", "&#60;", "<b>", "](x)", "![", "http://a.b", "{{", "---"]
    return [*ATTACKS, *("".join(chance.choices(pieces, k=chance.randint(1, 12))) for _ in range(1000))]


TEXTS = _texts()


@pytest.fixture(scope="module")
def seen() -> tuple[list[Rendered], list[Any]]:
    def work(page: Page) -> tuple[list[Rendered], list[Any]]:
        rendered = render_all(page, SOUND | {"broken": BROKEN, "obedient": OBEDIENT})
        return rendered, page.evaluate("texts => texts.map(obey)", [escape(text) for text in TEXTS])

    return in_browser(work)


@pytest.fixture
def rendered(seen: tuple[list[Rendered], list[Any]]) -> list[Rendered]:
    return [one for one in seen[0] if one.name in SOUND]


@pytest.fixture
def others(seen: tuple[list[Rendered], list[Any]]) -> dict[str, Rendered]:
    return {one.name: one for one in seen[0] if one.name not in SOUND}


def test_the_renderer_has_no_complaint_about_any_card_in_either_theme(rendered: list[Rendered]) -> None:
    assert len(rendered) == 2 * len(SOUND)
    assert [(one.name, one.theme, one.problems) for one in rendered if one.problems] == []


def test_the_renderer_complains_about_a_bad_card_and_obeys_a_textblock(others: dict[str, Rendered]) -> None:
    """Else the other tests here would prove nothing."""
    assert others["broken"].problems
    assert {"strong", "a", "img"} <= others["obedient"].tags


def test_no_value_becomes_an_element_or_a_link(rendered: list[Rendered]) -> None:
    assert [(one.name, one.tags - OURS) for one in rendered if not one.tags <= OURS] == []
    assert [(one.name, one.links) for one in rendered if one.links] == []


def test_hostile_texts_are_read_literally(rendered: list[Rendered]) -> None:
    texts = {one.name: one.texts for one in rendered if one.theme == "dark"}
    for attack in ATTACKS:
        for name in SPOKEN:
            seen = [text.replace("\u2060", "") for text in texts[f"{name} says {attack}"]]
            assert literal(attack, 600).replace("\u2060", "") in seen, (name, attack)


def test_hostile_settings_stand_in_their_inputs_exactly_as_they_are(rendered: list[Rendered]) -> None:
    entered = {one.name: one.entered for one in rendered if one.theme == "light"}
    for attack in ATTACKS:
        assert entered[f"settings of a type says {attack}"] == ("true", "append", attack, attack)


def test_hostile_words_beside_a_checkbox_and_in_a_list_are_read_literally(rendered: list[Rendered]) -> None:
    seen = {one.name: one for one in rendered if one.theme == "light"}
    for attack in ATTACKS:
        form = seen[f"settings of a type says {attack}"]
        assert [_plain(text) for text in form.checkboxes] == [_plain(literal(attack, MAX_LABEL))]
        assert [_plain(text) for text in form.options] == 2 * [_plain(literal(attack, MAX_CHOICE))]


def _plain(text: str) -> str:
    return " ".join(text.replace("\u2060", "").split())


def test_our_own_times_are_shown_in_the_reader_s_time_zone(rendered: list[Rendered]) -> None:
    [light, _dark] = [one for one in rendered if one.name == "timeline"]
    assert "Sun, Nov 22, 2026 7:30 PM" in [text.replace("\u202f", " ") for text in light.texts]


def test_escaped_texts_are_read_literally_where_markdown_and_html_are_obeyed(seen: tuple[Any, list[Any]]) -> None:
    for text, (markdown, html) in zip(TEXTS, seen[1], strict=True):
        assert markdown["text"] == " ".join(text.split())
        assert set(markdown["tags"]) <= {"p"}, text
        assert html["tags"] == [], text
