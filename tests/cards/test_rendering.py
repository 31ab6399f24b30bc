"""Microsoft's renderer in a browser: it has no complaint, and values are read, not obeyed."""

from __future__ import annotations

import random

import pytest

import cards
from bot.domain.answers import Answer
from cards.literal import escape, literal
from tests.cards.renderer import Rendered, in_browser, render_all
from tests.cards.samples import ATTACKS, EMPTY, TYPICAL, everything_says

HOSTILE: dict[str, Answer] = {
    f"{name} says {attack}": answer for attack in ATTACKS for name, answer in everything_says(attack).items()
}
OURS = {"div", "span", "button", "br"}
"""The only elements the renderer makes of our cards."""


@pytest.fixture(scope="module")
def rendered() -> list[Rendered]:
    return render_all({name: cards.card(answer) for name, answer in (TYPICAL | EMPTY | HOSTILE).items()})


def test_the_renderer_has_no_complaint_about_any_card_in_either_theme(rendered: list[Rendered]) -> None:
    assert len(rendered) == 2 * len(TYPICAL | EMPTY | HOSTILE)
    assert [(one.name, one.theme, one.problems) for one in rendered if one.problems] == []


def test_the_renderer_does_complain_about_a_bad_card() -> None:
    bad = {"type": "AdaptiveCard", "version": "1.3", "body": [{"type": "RichTextBlok"}], "actions": [{"type": "X"}]}
    assert all(one.problems for one in render_all({"bad": bad}))


def test_no_value_becomes_an_element_or_a_link(rendered: list[Rendered]) -> None:
    assert [(one.name, one.tags - OURS) for one in rendered if not one.tags <= OURS] == []
    assert [(one.name, one.links) for one in rendered if one.links] == []


def test_hostile_texts_are_read_literally(rendered: list[Rendered]) -> None:
    texts = {one.name: one.texts for one in rendered if one.theme == "dark"}
    for attack in ATTACKS:
        for name in ("record", "explanation", "refusal", "why", "timeline"):
            seen = [text.replace("\u2060", "") for text in texts[f"{name} says {attack}"]]
            assert literal(attack, 600).replace("\u2060", "") in seen, (name, attack)


def test_our_own_times_are_shown_in_the_reader_s_time_zone(rendered: list[Rendered]) -> None:
    [light, _dark] = [one for one in rendered if one.name == "timeline"]
    assert "Sun, Nov 22, 2026 7:30 PM" in [text.replace("\u202f", " ") for text in light.texts]


def test_escaped_texts_are_read_literally_where_markdown_and_html_are_obeyed() -> None:
    """The attacks, and a thousand random pieces of Markdown and HTML."""
    chance = random.Random(20261122)
    alphabet = [*"ab1.)(*_`~[]<>&;#+-!\\/ \n\"'|:=", "&lt;", "&#60;", "<b>", "](x)", "![", "http://a.b", "{{", "---"]
    texts = [*ATTACKS, *("".join(chance.choices(alphabet, k=chance.randint(1, 12))) for _ in range(1000))]
    escaped = [escape(text) for text in texts]
    results = in_browser(lambda page: page.evaluate("texts => texts.map(obey)", escaped))
    for text, (markdown, html) in zip(texts, results, strict=True):
        assert markdown["text"] == " ".join(text.split())
        assert set(markdown["tags"]) <= {"p"}, text
        assert html["tags"] == [], text
