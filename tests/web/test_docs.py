"""The page of `docs/` that holds commands is true: run against a fresh demo, they print what the page says."""

from __future__ import annotations

from pathlib import Path

from tests.pages import blocks, print_what_they_say
from tests.world import ROOT, World

PAGE = ROOT / "docs" / "record-system.md"
SERVER = "http://127.0.0.1:3978"


async def test_the_commands_for_record_systems_print_what_the_page_says(world: World, tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert SERVER in page
    commands = list(blocks(page.replace(SERVER, world.base)))
    assert len(commands) > 8
    await print_what_they_say(PAGE.name, commands, tmp_path)
