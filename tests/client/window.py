"""The Playground's page in headless Chromium, with a person's hands: choosing a chat, writing, pasting, pressing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from playwright.async_api import Locator, Page, async_playwright

from tests.cards.renderer import FLAGS, FONTS
from tests.parts import PartMissing, browser

LOCAL_ONLY = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost"
"""The page asks Microsoft's CDN for fonts and ornaments. It does without."""
QUIET = f"*:not(i) {{ font-family: {FONTS} !important; animation: none !important; transition: none !important }}"
WITHIN = 30_000
"""Milliseconds: nine megabytes of script take their time on a busy machine."""

GROUND = 10
"""Pixels of the message that a picture shows around its card."""


@dataclass(frozen=True, slots=True)
class Window:
    """The page, showing one chat."""

    page: Page

    @property
    def _box(self) -> Locator:
        return self.page.locator("[role=textbox][contenteditable=true]")

    @property
    def cards(self) -> Locator:
        """The cards of the chat, oldest first."""
        return self.page.locator(".ac-adaptiveCard")

    def card(self, words: str) -> Locator:
        """The latest card that says these words."""
        return self.cards.filter(has_text=words).last

    async def choose(self, chat: str) -> None:
        """Go to the chat of that name."""
        await self.page.get_by_role("treeitem", name=chat, exact=True).click()

    async def paste(self, link: str) -> None:
        """Send the card of a link, by `+` beside the compose box; the dialog shows it first."""
        await self.page.get_by_role("button", name="Trigger Message Extension App").click()
        await self.page.get_by_role("menuitem", name="Link Unfurling").click()
        dialog = self.page.get_by_role("dialog", name="Link Unfurling")
        await dialog.get_by_role("textbox", name="Enter an URL").fill(link)
        await dialog.locator(".ac-adaptiveCard").wait_for()
        await dialog.get_by_role("button", name="Send to Conversation").click()
        await dialog.wait_for(state="hidden")

    async def press(self, button: str, *, on: Locator) -> None:
        await on.get_by_role("button", name=button, exact=True).click()

    async def pick(self, choice: str, *, of: str, on: Locator) -> None:
        """Open the list whose label says `of`, and choose."""
        await on.get_by_role("combobox", name=of).click()
        await self.page.get_by_role("option", name=choice, exact=True).click()

    async def write(self, text: str) -> None:
        """Say something, in the personal chat."""
        await self._box.click()
        await self._box.press_sequentially(text)
        await self._box.press("Enter")

    async def mention(self, text: str, *, name: str = "Connect Chats") -> None:
        """Type `@`, choose the bot, type `text`, send."""
        await self._box.click()
        await self._box.press_sequentially("@")
        await self.page.get_by_role("menuitem", name=name).click()
        await self.write(f" {text}")

    async def rest(self) -> None:
        """Let go of the compose box, so that no picture shows it in use."""
        await self.page.evaluate("document.activeElement.blur()")

    async def picture(self, *, left: int = 0, below: int = 0) -> bytes:
        """What the window shows, as PNG, without so many pixels at its left and its upper edge."""
        size = self.page.viewport_size
        assert size is not None
        clip = {"x": left, "y": below, "width": size["width"] - left, "height": size["height"] - below}
        return await self.page.screenshot(clip=clip)

    async def picture_of(self, card: Locator) -> bytes:
        """A card on the ground it lies on, as PNG."""
        box = await card.bounding_box()
        assert box is not None
        clip = {name: box[name] - GROUND for name in ("x", "y")}
        return await self.page.screenshot(
            clip={**clip, **{name: box[name] + 2 * GROUND for name in ("width", "height")}}
        )


@asynccontextmanager
async def open_window(url: str, *, width: int = 1280, height: int = 960) -> AsyncIterator[Window]:
    """The page at `url`, two device pixels to one of its own, without the log beside it.

    Raises:
        PartMissing: there is no browser.
    """
    if (chromium := browser()) is None:
        raise PartMissing("There is no browser. Install Chromium or Google Chrome, or run: make test")
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=chromium, args=[*FLAGS, LOCAL_ONLY])
        try:
            page = await running.new_page(
                viewport={"width": width, "height": height}, device_scale_factor=2, locale="en-US", timezone_id="UTC"
            )
            page.set_default_timeout(WITHIN)
            await page.goto(url, wait_until="domcontentloaded")
            await page.add_style_tag(content=QUIET)
            await page.get_by_title("Toggle Log Panel").click()
            yield Window(page)
        finally:
            await running.close()
