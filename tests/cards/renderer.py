"""Microsoft's own renderer (npm `adaptivecards`) in headless Chromium, dressed as Teams, light and dark.

TextBlocks are rendered as Markdown with HTML and bare links allowed, the most obedient client there could be.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from playwright.sync_api import Page, sync_playwright

T = TypeVar("T")

HERE = Path(__file__).parent
NODE_MODULES = HERE.parent / "client" / "node_modules"
SCRIPTS = (
    NODE_MODULES / "adaptivecards" / "dist" / "adaptivecards.min.js",
    NODE_MODULES / "markdown-it" / "dist" / "browser" / "markdown-it.umd.min.js",
    HERE / "renderer.js",
)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
THEMES = ("light", "dark")
_REPORT = "([cards, config]) => cards.map((card) => report(card, config))"
FONTS = "'Segoe UI', 'Open Sans', 'Liberation Sans', sans-serif"


def _colors(default: str, subtle: str, accent: str, good: str, warning: str, attention: str) -> dict[str, Any]:
    chosen = {"default": default, "accent": accent, "good": good, "warning": warning, "attention": attention}
    return {
        name: {"default": color, "subtle": subtle if name == "default" else color} for name, color in chosen.items()
    }


def host_config(theme: str) -> dict[str, Any]:
    """How Teams draws cards: sizes, distances and colours of its light and dark theme."""
    if theme == "light":
        foreground = _colors("#242424", "#616161", "#5B5FC7", "#237B4B", "#835C00", "#C4314B")
        backgrounds, rule = ("#FFFFFF", "#F5F5F5"), "#E0E0E0"
    else:
        foreground = _colors("#FFFFFF", "#ADADAD", "#9299F7", "#92C353", "#F8D22A", "#F9526B")
        backgrounds, rule = ("#292929", "#1F1F1F"), "#484848"
    styles = {
        name: {"backgroundColor": background, "foregroundColors": foreground}
        for name, background in zip(("default", "emphasis"), backgrounds, strict=True)
    }
    return {
        "hostCapabilities": {"capabilities": None},
        "supportsInteractivity": True,
        "fontFamily": FONTS,
        "fontSizes": {"small": 12, "default": 14, "medium": 14, "large": 18, "extraLarge": 24},
        "lineHeights": {"small": 16, "default": 20, "medium": 20, "large": 24, "extraLarge": 32},
        "fontWeights": {"lighter": 200, "default": 400, "bolder": 600},
        "spacing": {"small": 8, "default": 12, "medium": 16, "large": 20, "extraLarge": 24, "padding": 16},
        "separator": {"lineThickness": 1, "lineColor": rule},
        "containerStyles": styles,
        "actions": {"maxActions": 6, "spacing": "default", "buttonSpacing": 8, "actionAlignment": "left"},
        "adaptiveCard": {"allowCustomStyle": False},
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A card as the browser shows it.

    Attributes:
        problems: what the renderer complained about while it parsed, validated and drew the card.
        texts: the texts of its runs, as a person reads them.
        tags: the names of all elements inside the card, in lower case.
        links: where its links and buttons lead.
        entered: what its inputs hold, checkboxes as `true` or `false`.
        checkboxes, options: the words beside its checkboxes and in its lists.
    """

    name: str
    theme: str
    problems: tuple[str, ...]
    texts: tuple[str, ...]
    tags: frozenset[str]
    links: tuple[str, ...]
    entered: tuple[str, ...]
    checkboxes: tuple[str, ...]
    options: tuple[str, ...]


def in_browser(work: Callable[[Page], T], *, width: int = 900, scale: float = 1) -> T:
    """Run `work` on an empty page that has the renderer and reaches no network."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        try:
            page = browser.new_page(
                viewport={"width": width, "height": 800},
                device_scale_factor=scale,
                locale="en-US",
                timezone_id="Europe/Copenhagen",
            )
            page.route("**/*", lambda route: route.abort())
            page.set_content("<!doctype html><meta charset=utf-8><main></main>")
            for script in SCRIPTS:
                page.add_script_tag(content=script.read_text())
            return work(page)
        finally:
            browser.close()


def render_all(page: Page, cards: Mapping[str, Any]) -> list[Rendered]:
    """Render each card in each theme and say what came of it."""
    return [
        Rendered(
            name=name,
            theme=theme,
            problems=tuple(seen["problems"]),
            texts=tuple(seen["texts"]),
            tags=frozenset(seen["tags"]),
            links=tuple(seen["links"]),
            entered=tuple(seen["entered"]),
            checkboxes=tuple(seen["checkboxes"]),
            options=tuple(seen["options"]),
        )
        for theme in THEMES
        for name, seen in zip(cards, page.evaluate(_REPORT, [list(cards.values()), host_config(theme)]), strict=True)
    ]


def script_of(card: Any, theme: str) -> str:
    """The call that draws `card` where the script stands in a page; no text in it can end the script."""
    arguments = json.dumps([card, host_config(theme)]).replace("<", "\\u003c")
    return f"document.currentScript.replaceWith(draw(...{arguments}))"
