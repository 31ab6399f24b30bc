"""The table of all settings in the docs, made from their fields.

python -m tests.settings_table    writes it
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from bot.domain.settings import App, RecordType
from bot.domain.settings_json import Setting, settings_of
from tests.world import ROOT

PAGE = ROOT / "docs/administration.md"
BEGIN, END = "<!-- settings: made by python -m tests.settings_table -->\n", "<!-- end of settings -->\n"


def table() -> str:
    """Between its two marks."""
    return "".join([BEGIN, *_lines(), END])


def _lines() -> Iterator[str]:
    for what, kind in (("a record type", RecordType), ("an app", App)):
        yield f"\n| setting of {what} | takes | default | meaning |\n|---|---|---|---|\n"
        yield from (_line(setting) for setting in settings_of(kind).values())
    yield "\n"


def _line(setting: Setting) -> str:
    default = setting.schema.get("default", "")
    words = {True: "`true`", False: "`false`", None: "none", "": ""}
    shown = "empty" if default == [] else f"`{', '.join(default) if isinstance(default, list) else default}`"
    if not isinstance(default, list) and default in words:
        shown = words[default]
    cells = (f"`{setting.name}`", setting.expected, shown, setting.schema.get("description", ""))
    return f"| {' | '.join(cells)} |\n"


def written(page: str) -> str:
    """The page with the table as it must be."""
    return re.sub(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: table(), page, flags=re.DOTALL)


def main(page: Path = PAGE) -> None:
    page.write_text(written(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
