"""`python -m tests.cards.gallery`: all cards as Teams would draw them, to be looked at.

Writes `tests/output/cards.html` and pictures of every card in light and dark beside it, and `docs/cards.png`.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

import cards
from bot.domain.answers import Answer
from tests.cards.renderer import FONTS, SCRIPTS, THEMES, in_browser, script_of
from tests.cards.samples import ATTACKS, EMPTY, TYPICAL, everything_says

ROOT = Path(__file__).parents[2]
OUTPUT = ROOT / "tests" / "output"
PICTURE = ROOT / "docs" / "cards.png"
SHOWN = (("record, connectable", "record, type only"), ("connected", "refusal"), ("timeline",))
"""The columns of the README's picture."""

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


def composition(theme: str) -> str:
    """The README's picture in one theme."""
    stacks = "".join(
        f'<div class="stack">{"".join(f"<figure>{_drawn(TYPICAL[name], theme)}</figure>" for name in names)}</div>'
        for names in SHOWN
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
        for theme in THEMES:
            page.set_content(document([composition(theme)]))
            page.locator("section").screenshot(path=OUTPUT / f"composition-{theme}.png")

    in_browser(take, width=1260)
    everything = [section(answers, theme) for answers in sheets.values() for theme in THEMES]
    (OUTPUT / "cards.html").write_text(document(everything))
    _compose([OUTPUT / f"composition-{theme}.png" for theme in THEMES], PICTURE)
    print(f"{OUTPUT / 'cards.html'}\n{PICTURE}")


def _compose(parts: list[Path], target: Path) -> None:
    """The pictures one under the other, in few enough colours to stay small."""
    images = [Image.open(part).convert("RGB") for part in parts]
    whole = Image.new("RGB", (max(image.width for image in images), sum(image.height for image in images)))
    top = 0
    for image in images:
        whole.paste(image, (0, top))
        top += image.height
    target.parent.mkdir(exist_ok=True)
    whole.quantize(128, dither=Image.Dither.NONE).save(target, optimize=True)


if __name__ == "__main__":
    main()
