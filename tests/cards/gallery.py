"""`python -m tests.cards.gallery`: all cards as Teams would draw them, to be looked at.

Writes `tests/output/cards.html` and pictures of every card in light and dark beside it, and the pictures in `docs/`.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from itertools import product
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

import cards
from bot.domain.answers import Answer
from tests.cards.renderer import FONTS, SCRIPTS, THEMES, in_browser, script_of
from tests.cards.samples import ATTACKS, EMPTY, TYPICAL, everything_says

ROOT = Path(__file__).parents[2]
OUTPUT = ROOT / "tests" / "output"
DOCS = ROOT / "docs"
SHOWN = {
    "cards": (("record, connectable", "record, type only"), ("connected", "refusal"), ("timeline",)),
    "settings": (("settings", "settings, saved", "record changed", "administrators"), ("settings of a type",)),
}
"""The pictures and their columns of cards."""
WIDE = 1_000
"""Pixels: of wider pictures the dark one stands below the light one, of others beside it."""

STYLE = f"""
body {{ margin: 0; font: 12px {FONTS} }}
section {{ display: flex; flex-wrap: wrap; gap: 20px; padding: 24px; align-items: flex-start }}
section.light {{ background: #f5f5f5; color: #616161 }}
section.dark {{ background: #141414; color: #adadad }}
figure {{ margin: 0; width: 380px }}
section.narrow figure {{ width: 280px }}
section.column {{ width: min-content; flex-wrap: nowrap }}
.stack {{ display: flex; flex-direction: column; gap: 20px }}
figcaption {{ margin: 0 2px 6px }}
.ac-adaptiveCard {{ border-radius: 6px; box-shadow: 0 1px 4px #0003; overflow-wrap: anywhere }}
.ac-pushButton {{ font: 600 12px {FONTS}; padding: 6px 16px; border-radius: 4px; border: 1px solid; background: none }}
.light .ac-pushButton {{ color: #242424; border-color: #d1d1d1 }}
.dark .ac-pushButton {{ color: #fff; border-color: #666 }}
.ac-selectable {{ cursor: pointer }}
.ac-input {{ font: 14px {FONTS}; box-sizing: border-box }}
.ac-textInput, .ac-choiceSetInput-compact {{ padding: 6px 8px; border: 1px solid; border-radius: 4px }}
.light :is(.ac-textInput, .ac-choiceSetInput-compact) {{ background: #fff; color: #242424; border-color: #d1d1d1 }}
.dark :is(.ac-textInput, .ac-choiceSetInput-compact) {{ background: #1f1f1f; color: #fff; border-color: #666 }}
textarea {{ resize: none; height: 76px }}
input[type=checkbox] {{ accent-color: #5b5fc7; width: 16px; height: 16px }}
.ac-pushButton.style-positive {{ background: #5b5fc7; border-color: #5b5fc7; color: #fff }}
"""


def figure(name: str, answer: Answer, theme: str) -> str:
    return f"<figure><figcaption>{html.escape(name)}</figcaption>{_drawn(answer, theme)}</figure>"


def _drawn(answer: Answer, theme: str) -> str:
    return f"<script>{script_of(cards.card(answer), theme)}</script>"


def section(answers: Mapping[str, Answer], theme: str, width: str = "") -> str:
    figures = "".join(figure(name, answer, theme) for name, answer in answers.items())
    return f'<section class="{theme} {width}">{figures}</section>'


def document(sections: Iterable[str]) -> str:
    scripts = "".join(f"<script>{path.read_text()}</script>" for path in SCRIPTS)
    return f"<!doctype html><meta charset=utf-8><style>{STYLE}</style>{scripts}{''.join(sections)}"


def composition(picture: str, theme: str) -> str:
    """A picture of the documentation in one theme."""
    stacks = "".join(
        f'<div class="stack">{"".join(f"<figure>{_drawn(TYPICAL[name], theme)}</figure>" for name in names)}</div>'
        for names in SHOWN[picture]
    )
    return f'<section class="{theme} column">{stacks}</section>'


def main() -> None:
    OUTPUT.mkdir(parents=True, exist_ok=True)
    hostile = everything_says("  ".join(ATTACKS[:4]))
    sheets = {"typical": TYPICAL, "empty": EMPTY, "hostile": hostile}

    def take(page: Page) -> None:
        for theme in THEMES:
            for name, answers in sheets.items():
                page.set_content(document([section(answers, theme)]))
                page.screenshot(path=OUTPUT / f"cards-{name}-{theme}.png", full_page=True)
        page.set_content(document([section(TYPICAL, "light", "narrow")]))
        page.screenshot(path=OUTPUT / "cards-narrow.png", full_page=True)
        for picture, theme in product(SHOWN, THEMES):
            page.set_content(document([composition(picture, theme)]))
            page.locator("section").screenshot(path=OUTPUT / f"{picture}-composed-{theme}.png")

    in_browser(take, width=1260)
    everything = [section(answers, theme) for answers in sheets.values() for theme in THEMES]
    (OUTPUT / "cards.html").write_text(document(everything))
    print(OUTPUT / "cards.html")
    for picture in SHOWN:
        _compose([OUTPUT / f"{picture}-composed-{theme}.png" for theme in THEMES], DOCS / f"{picture}.png")
        print(DOCS / f"{picture}.png")


def _compose(parts: list[Path], target: Path) -> None:
    """The light and the dark picture as one, in few enough colours to stay small."""
    light, dark = (Image.open(part).convert("RGB") for part in parts)
    right, below = (0, light.height) if light.width > WIDE else (light.width, 0)
    whole = Image.new("RGB", (right + dark.width, below + dark.height))
    whole.paste(light, (0, 0))
    whole.paste(dark, (right, below))
    target.parent.mkdir(exist_ok=True)
    few = whole.quantize(128, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)  # keeps also colours that are rare
    few.save(target, optimize=True)


if __name__ == "__main__":
    main()
