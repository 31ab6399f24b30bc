"""The page of `docs/` that holds commands is true: run against a fresh demo, they print what the page says."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.world import ROOT, World

PAGE = ROOT / "docs" / "record-system.md"
SERVER = "http://127.0.0.1:3978"
MARK = "---- end of block {} ----"


@dataclass(frozen=True, slots=True)
class Block:
    """Commands, and what the next block of the page says they print; `kind` is "json", "text" or "" for nothing."""

    line: int
    commands: str
    kind: str
    printed: str


def _blocks(page: str) -> Iterator[Block]:
    fences = list(re.finditer(r"^```(\w+)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))
    for fence, following in zip(fences, [*fences[1:], None], strict=True):
        if fence[1] != "sh":
            continue
        shown = following is not None and following[1] != "sh"
        kind, printed = (following[1], following[2]) if following and shown else ("", "")
        yield Block(page.count("\n", 0, fence.start()) + 1, fence[2], kind, printed)


def _same(said: Any, printed: Any) -> bool:
    """Whether a page's JSON holds for the printed one; a `…` stands for any text."""
    if said == "…":
        return isinstance(printed, str) and bool(printed)
    if isinstance(said, dict) and isinstance(printed, dict):
        return said.keys() == printed.keys() and all(_same(said[name], printed[name]) for name in said)
    if isinstance(said, list) and isinstance(printed, list):
        return len(said) == len(printed) and all(map(_same, said, printed))
    return said == printed


async def test_the_commands_for_record_systems_print_what_the_page_says(world: World, tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert SERVER in page
    blocks = list(_blocks(page.replace(SERVER, world.base)))
    assert len(blocks) > 8
    script = "".join(f"{block.commands}echo '{MARK.format(number)}'\n" for number, block in enumerate(blocks))
    bash = shutil.which("bash")
    assert bash, "bash is needed to run the page's commands"
    run = await asyncio.create_subprocess_exec(
        bash, "-eu", "-o", "pipefail", "-c", script, cwd=tmp_path, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(60):
            output, _ = await run.communicate()
    finally:
        if run.returncode is None:
            run.kill()
            await run.wait()
    rest = output.decode()
    for number, block in enumerate(blocks):
        printed, mark, rest = rest.partition(MARK.format(number) + "\n")
        where = f"docs/{PAGE.name}, line {block.line}"
        assert mark, f"{where}: the commands failed; they printed: {printed}"
        if block.kind == "json":
            assert _same(json.loads(block.printed), json.loads(printed)), f"{where} prints {printed}"
        else:
            assert printed == block.printed, f"{where} prints {printed}"
