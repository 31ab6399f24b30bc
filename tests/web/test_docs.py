"""The page of `docs/` that holds commands is true: run against a fresh demo, they print what the page says."""

from __future__ import annotations

import re
from pathlib import Path

from bot.domain.decisions import CHANGES, NOT_YET
from bot.domain.policy import RULES
from tests.pages import blocks, print_what_they_say, section
from tests.world import ROOT, World

PAGE = ROOT / "docs" / "record-system.md"
SERVER = "http://127.0.0.1:3978"


async def test_the_commands_for_record_systems_print_what_the_page_says(world: World, tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert SERVER in page
    commands = list(blocks(page.replace(SERVER, world.base)))
    assert len(commands) > 8
    await print_what_they_say(PAGE.name, commands, tmp_path)


def test_every_reason_that_can_stand_in_the_audit_trail_has_its_row() -> None:
    """And no other: neither what permits, nor what is only not there yet."""
    audit = section(PAGE.read_text(encoding="utf-8"), "## Settings, administrators and the audit trail")
    refusals = [rule.decision for rule in RULES if rule.actions & CHANGES and not rule.decision.allowed]
    reasons = {decision.reason for decision in refusals} - NOT_YET
    rows = re.findall(r"^\| `([a-z-]+)` \|", audit, re.MULTILINE)
    assert sorted(rows) == sorted(reason.value for reason in reasons)
