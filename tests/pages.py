"""The commands on a page of `docs/`, run as a reader runs them, and compared with what the page says they print."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MARK = "---- end of block {} ----"


@dataclass(frozen=True, slots=True)
class Block:
    """Commands, and what the next block of the page says they print; `kind` is "json", "text" or "" for nothing."""

    line: int
    commands: str
    kind: str
    printed: str


def section(page: str, heading: str) -> str:
    """The part of a page below a heading, up to the next one of its level."""
    level = heading.partition(" ")[0]
    found = re.search(rf"^{re.escape(heading)}$(.*?)(?=^#{{1,{len(level)}}} |\Z)", page, re.MULTILINE | re.DOTALL)
    assert found, f"there is no heading {heading!r}"
    return found[1]


def fenced(page: str, language: str) -> list[str]:
    """The contents of the page's blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def table(page: str, first: str) -> list[dict[str, str]]:
    """The rows of the page's table whose first column is headed so: its cells by the headings of their columns."""
    found = re.search(rf"^\| {re.escape(first)} \|.*\n\|[-|]+\|\n((?:\|.*\|\n)+)", page, re.MULTILINE)
    assert found, f"there is no table of {first!r}"
    heading, _, *rows = ([cell.strip() for cell in line[1:-1].split("|")] for line in found[0].splitlines())
    return [dict(zip(heading, row, strict=True)) for row in rows]


def blocks(page: str) -> Iterator[Block]:
    """The page's shell commands, in order, each with the block of output that follows it."""
    fences = list(re.finditer(r"^```(\w+)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))
    for fence, following in zip(fences, [*fences[1:], None], strict=True):
        if fence[1] != "sh":
            continue
        shown = following is not None and following[1] in ("json", "text")
        kind, printed = (following[1], following[2]) if following and shown else ("", "")
        yield Block(page.count("\n", 0, fence.start()) + 1, fence[2], kind, printed)


def same(said: Any, printed: Any) -> bool:
    """Whether a page's JSON holds for the printed one; a `…` stands for any text."""
    if said == "…":
        return isinstance(printed, str) and bool(printed)
    if isinstance(said, dict) and isinstance(printed, dict):
        return said.keys() == printed.keys() and all(same(said[name], printed[name]) for name in said)
    if isinstance(said, list) and isinstance(printed, list):
        return len(said) == len(printed) and all(map(same, said, printed))
    return said == printed


async def run(script: str, folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """Run a script in bash, which stops at the first command that fails; what it printed until then.

    Args:
        environment: None: that of the tests.
    """
    bash = shutil.which("bash")
    assert bash, "bash is needed to run the page's commands"
    process = await asyncio.create_subprocess_exec(
        bash, "-eu", "-o", "pipefail", "-c", script, cwd=folder, env=environment, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(180):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return output.decode()


async def print_what_they_say(name: str, page: list[Block], folder: Path) -> None:
    """Run all blocks in one shell; each prints what the page says.

    Args:
        name: the page's, for whoever has to correct it.
    """
    script = "".join(f"{block.commands}echo '{MARK.format(number)}'\n" for number, block in enumerate(page))
    rest = await run(script, folder)
    for number, block in enumerate(page):
        printed, mark, rest = rest.partition(MARK.format(number) + "\n")
        where = f"docs/{name}, line {block.line}"
        assert mark, f"{where}: the commands failed; they printed: {printed}"
        if block.kind == "json":
            assert same(json.loads(block.printed), json.loads(printed)), f"{where} prints {printed}"
        else:
            assert printed == block.printed, f"{where} prints {printed}"
