"""Make the pictures of the documentation anew, from the real client: `python -m tests.client.pictures`."""

from __future__ import annotations

import asyncio
import io
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from tests.client.launch import PlaygroundFailed
from tests.client.play import ROOT, BotFailed
from tests.client.playground import ADELE, MEGAN
from tests.client.stage import ACCOUNT, Stage, open_stage
from tests.client.window import Window, open_window
from tests.parts import PartMissing

DOCS = ROOT / "docs"
HEADER, RAIL = 50, 68
"""The Playground's own bars above and beside the chats, in pixels of the page."""
COLORS = 192


async def pictures(stage: Stage, window: Window) -> Mapping[str, bytes]:
    """The pictures by their file's name. The group chat must be unconnected, and open in the page."""
    await window.paste(ACCOUNT)
    pasted = window.card("Contoso Ltd")
    await pasted.get_by_role("button", name="Connect this chat").wait_for()
    await window.mention("connect A-1001")
    await window.card("This chat is now connected to").wait_for()
    await window.rest()
    chat = await window.picture(left=RAIL, below=HEADER)
    await something_happens(stage)
    await window.mention("timeline 4")
    await window.card("The latest 4 of").wait_for()
    timeline = await window.picture_of(window.card("The latest 4 of"))
    return {"playground.png": small(chat), "timeline.png": small(timeline)}


async def something_happens(stage: Stage) -> None:
    """What gives a timeline something to tell."""
    group = stage.client.group
    adele = {"id": ADELE.id, "aadObjectId": ADELE.aad}
    await stage.happen("userRemoved", chat=group, membersRemoved=[adele])
    await stage.happen("userAdded", chat=group, membersAdded=[adele])
    note = {"text": "They asked for a discount.", "author": {"id": MEGAN.aad, "name": MEGAN.name}}
    await stage.api("POST", "/records/account/A-1001/timeline", note)


def small(picture: bytes) -> bytes:
    """The same picture with a palette: a page has few colours."""
    smaller = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLORS, dither=Image.Dither.NONE).save(
        smaller, "PNG", optimize=True
    )
    return smaller.getvalue()


async def make() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with open_stage(Path(folder)) as stage:
            await stage.open_chats()  # before the page is there, which then shows no welcome
            async with open_window(stage.client.url) as window:
                await window.choose("Contoso renewal")
                made = await pictures(stage, window)
            for name, picture in made.items():
                (DOCS / name).write_bytes(picture)
                print(f"{DOCS / name}: {len(picture) // 1024} KB")


def main() -> int:
    try:
        asyncio.run(make())
    except (PartMissing, PlaygroundFailed, BotFailed) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
