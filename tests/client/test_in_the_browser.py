"""The main job by hand, in the real client's page."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from tests.client.pictures import pictures
from tests.client.stage import LINKS

OUTPUT = Path(__file__).parents[1] / "output"
MAX_PICTURE = 250_000

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_pasted_link_becomes_a_card_whose_button_connects_the_chat(stage, window) -> None:
    """And what the timeline tells of it, asked for by mention. The picture is kept in `tests/output`."""
    async with stage.account("Relecloud") as key:
        await window.paste(f"{LINKS}/account/{key}")
        await window.press("Connect this chat", on=window.card("Relecloud"))
        note = await stage.client.hear(chat=stage.client.group, that=lambda said: "Relecloud" in said.words)
        assert "Connected by Alex Wilber." in note.words
        await window.cards.filter(has_text="Connected by Alex Wilber.").last.wait_for()
        assert await window.page.get_by_role("button", name="Connect this chat").count() == 0, "the card knows"
        await window.mention(f"timeline {key}")
        timeline = window.card("Alex Wilber connected a group chat")
        assert "Relecloud" in await timeline.inner_text()
        assert await timeline.get_by_role("link", name="Open").count() == 1
        OUTPUT.mkdir(exist_ok=True)
        (OUTPUT / "playground.png").write_bytes(await window.picture())


async def test_the_page_loaded_anew_brings_no_second_welcome(stage, window) -> None:
    async with stage.opening(stage.client.personal):
        await window.page.reload(wait_until="domcontentloaded")
    async with stage.opening(stage.client.group):
        await window.choose("Contoso renewal")
    await window.mention("help")
    await window.card("What you can ask me").wait_for()
    group = [said for said in stage.client.said if said.chat == stage.client.group]
    assert len([said for said in group if "Hello, I'm Connect Chats" in said.words]) == 1


async def test_the_pictures_of_the_documentation_can_be_made_and_are_small(stage, window) -> None:
    for name, picture in (await pictures(stage, window)).items():
        assert len(picture) < MAX_PICTURE, name
        assert len(Image.open(io.BytesIO(picture)).getcolors() or ()) > 10, f"{name} shows next to nothing"
