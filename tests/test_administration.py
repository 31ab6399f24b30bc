"""`docs/administration.md` is true: each cell of its tables is what the rules decide, its example what the bot says."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

from bot.config import load_catalogue
from bot.domain.chats import ChatKind
from bot.domain.decisions import Action, Facts
from bot.domain.disclosure import present
from bot.domain.people import Audience
from bot.domain.policy import decide, disclosure_anonymous, disclosure_in
from bot.domain.records import Disclosure, Privilege
from bot.domain.settings import RecordType
from bot.domain.settings_json import record_type_from_json
from bot.features.commands import COMMANDS
from bot.features.samples import SAMPLES
from tests.features.left import left_for, set_type
from tests.pages import fenced, section, table
from tests.world import ALEX, GROUP, OPPORTUNITY, PERSONAL, ROOT, World, running_world, texts

PAGE = (ROOT / "docs" / "administration.md").read_text(encoding="utf-8")
WHO_MAY = section(PAGE, "## 3. Who may do what")
HOW_MUCH = section(PAGE, "## 4. How much is shown")


def type_with(**settings: Any) -> RecordType:
    return record_type_from_json({"label": "Account", **settings}, name="account")


# Who may do what ------------------------------------------------------------------------------------------------------

ACTIONS = {"a pasted link's card": Action.UNFURL} | {f"`{it.name}`": it.action for it in COMMANDS if it.action}
PERSONS = {
    "an administrator": {"is_admin": True},
    "the record's owner": {"is_owner": True},
    "who connected the chat": {"is_last_connector": True},
    "anybody else": {},
}
SAID = {True: "yes", False: "no"}


def may(action: Action, settings: RecordType, privilege: Privilege, **facts: Any) -> str:
    """What the rules say in a group chat of the organisation's own people."""
    here = {"chat": ChatKind.GROUP, "audience": Audience.INTERNAL, "connected": action is not Action.CONNECT}
    return SAID[decide(action, Facts(settings=settings, privilege=privilege, **here, **facts)).allowed]


def test_each_cell_says_what_a_right_permits() -> None:
    told = set()
    for row in table(WHO_MAY, "command"):
        level = row["setting of that name"].strip("`")
        for command in row["command"].split(", "):
            told.add(command.strip("`"))
            settings = type_with(**{command.strip("`"): level}) if level else type_with()
            decided = {f"`{right.word}`": may(ACTIONS[command], settings, right) for right in Privilege}
            assert {right: row[right] for right in decided} == decided, (command, level)
    takes_a_right = {command.name for command in COMMANDS if command.action or command.writes}
    assert takes_a_right - told == {"disconnect"}


def test_a_setting_that_a_command_depends_on_has_a_row_for_each_of_its_values() -> None:
    for command in ("connect", "join"):
        levels = [row["setting of that name"] for row in table(WHO_MAY, "command") if f"`{command}`" in row["command"]]
        assert levels == ["`read`", "`append`", "`write`", "`nobody`"]


def test_each_cell_says_who_may_disconnect_whatever_their_right() -> None:
    rows = table(WHO_MAY, "settings")
    assert rows[0]["settings"] == "as they come"
    for row, (who, facts), right in itertools.product(rows, PERSONS.items(), Privilege):
        changed = {name: json.loads(value) for name, value in re.findall(r"`(\w+)` is `(\w+)`", row["settings"])}
        decided = may(Action.DISCONNECT, type_with(**changed), right, **facts)
        assert row[who] == decided, (row["settings"], who, right)


# How much is shown ----------------------------------------------------------------------------------------------------


def test_each_row_says_which_settings_count_for_its_readers() -> None:
    rows = {
        re.sub(r"\W.*", "", row["who reads the chat"].lstrip("*")): row for row in table(HOW_MUCH, "who reads the chat")
    }
    assert rows.keys() == {*(audience.value for audience in Audience), "anonymous"}
    for inside, outside, unknown in itertools.product(Disclosure, repeat=3):
        levels = {"disclosure": inside, "disclosure_external": outside, "disclosure_unknown": unknown}
        settings = type_with(**{name: level.word for name, level in levels.items()})
        for readers, row in rows.items():
            named = re.findall(r"`(\w+)`", row["what counts"])
            lowest = min((levels | {"type": Disclosure.TYPE})[name] for name in named)
            anonymous = readers == "anonymous"
            shown = disclosure_anonymous(settings) if anonymous else disclosure_in(settings, Audience(readers))
            assert lowest == shown, (readers, levels)


def test_each_step_shows_of_the_sample_what_its_row_says() -> None:
    catalogue, sample = load_catalogue(ROOT / "connect-chats.toml"), SAMPLES[0]
    rows = table(HOW_MUCH, "step")
    assert [row["step"].strip("`") for row in rows] == [level.word for level in Disclosure]
    for row, level in zip(rows, Disclosure, strict=True):
        view = present(sample, catalogue.types["account"], level, catalogue)
        assert row == {
            "step": f"`{level.word}`",
            "kind": view.type_label or "",
            "name": view.title or "",
            "fields": ", ".join(f"{label}: {value}" for label, value in view.fields),
            "button": "Open" if view.open_url else "",
        }
    assert "Rating" in sample.fields
    assert "Rating" not in catalogue.types["account"].card_fields


CLAIMS = {
    "messages that a field of `watch_fields` changed": lambda told: told["change"] != "",
    "what kind of record it is": lambda told: "Account" in told["connect"],
    "the record's name, who did something to it, and whom to ask": lambda told: (
        "Contoso Ltd" in told["connect"] and "Connected by Alex" in told["connect"] and "Megan" in told["refused"]
    ),
    "`timeline`": lambda told: "connected a group chat" in told["timeline"],
    "`card_fields`; and on the card that answers `connect`, `note_fields`": lambda told: (
        "Zürich" in told["connect"] and "CHF 4.2 M" in told["connect"]
    ),
    "what a field of `watch_fields` was and is": lambda told: "Active → On hold" in told["change"],
    "on the timeline: the text of notes, and which of `card_fields` changed": lambda told: (
        "Call on Monday" in told["timeline"] and "changed the record: City" in told["timeline"]
    ),
}
"""How one sees that what the page says is told."""


async def told_at(level: Disclosure, folder: Path) -> dict[str, str]:
    """What a chat hears of an account when `disclosure` is `level`."""
    async with running_world(folder) as world:
        await set_type(
            world, disclosure=level.word, card_fields=["City"], note_fields=["Revenue"], watch_fields=["Status"]
        )
        await set_type(world, "opportunity", disclosure=level.word)
        told = {
            "connect": texts(await world.say("connect A-1001")),
            "refused": texts(await world.say("connect O-2001")),
        }
        await world.say("note Call on Monday")
        _, record = await world.api("GET", "/records/account/A-1001")
        changed = {"title": record["title"], "access": record["access"], "actor": {"id": ALEX.id, "name": ALEX.name}}
        changed["fields"] = record["fields"] | {"Status": "On hold", "City": "Bern"}
        await world.api("PUT", "/records/account/A-1001", changed)
        messages = left_for(folder, GROUP)
        told["change"] = "".join(texts(message["attachments"][0]["content"]) for message in messages)
        told["timeline"] = texts(await world.say("timeline A-1001"))
        return told


async def test_each_row_says_from_which_step_on_something_is_told(tmp_path: Path) -> None:
    told = {}
    for level in Disclosure:
        folder = tmp_path / level.word
        folder.mkdir()
        told[level] = await told_at(level, folder)
    rows = {row["what"]: row["from"] for row in table(HOW_MUCH, "what")}
    assert rows.keys() == CLAIMS.keys()
    for what, claim in CLAIMS.items():
        steps = [level for level in Disclosure if claim(told[level])]
        assert rows[what] == f"`{steps[0].word}`", what
        assert steps == [level for level in Disclosure if level >= steps[0]], what


# The example ----------------------------------------------------------------------------------------------------------


async def test_why_tells_an_administrator_what_the_page_says(world: World) -> None:
    (example,) = fenced(PAGE, "text")
    asked, _, answered = example.partition("\n\n")
    assert asked == f"why {OPPORTUNITY}"
    title, *lines = texts(await world.say(asked, chat=PERSONAL)).splitlines()
    assert title == "What I make of this link"
    steps = [f"{mark} {text}" for mark, text in zip(lines[::2], lines[1::2], strict=True)]
    assert answered.splitlines() == steps
