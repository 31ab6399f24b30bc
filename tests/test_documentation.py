"""The recipes of the README lead to the places that matter; addresses of the REST API that a page names exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.web.api import PREFIX, ROUTES
from bot.web.api.route import ADMINS, Route
from tests import settings_table
from tests.pages import section, table
from tests.world import ROOT

README = ROOT / "README.md"
PAGES = (README, ROOT / "CHANGELOG.md", ROOT / "connect-chats.toml", *sorted((ROOT / "docs").glob("*.md")))
EXAMPLES = {
    "Add a command": r"\btimeline\b",
    "Add an event": r"\bnote[._]added\b",
    "Add a setting of a record type": r"\bwatch_fields\b",
    "Add a route": r"/audit/refusals\b",
}
"""One of each that there is already: who adds another one does the same in the same places."""


def recipes() -> dict[str, str]:
    text = section(README.read_text(encoding="utf-8"), "### Recipes")
    return dict(re.findall(r"^\* \*\*([^*]+)\*\*: (.*?)(?=^\* |\Z)", text, re.MULTILINE | re.DOTALL))


def files_of(recipe: str) -> list[str]:
    named = re.findall(r"`([\w/-]+\.(?:py|md|toml))`", recipe)
    return [*named, "README.md"] if re.search(r"this\s+README", recipe) else named


def test_the_table_of_all_settings_is_that_of_their_fields() -> None:
    page = settings_table.PAGE.read_text(encoding="utf-8")
    assert settings_table.written(page) == page, "write it with: python -m tests.settings_table"
    assert "`watch_fields`" in page


def test_the_readme_has_the_recipes_that_people_look_for() -> None:
    others = {"Add a field to the card", "Support another record system"}
    assert recipes().keys() == EXAMPLES.keys() | others


@pytest.mark.parametrize("recipe", EXAMPLES)
def test_each_file_of_a_recipe_is_a_place_where_one_was_added_before(recipe: str) -> None:
    files = files_of(recipes()[recipe])
    assert len(files) >= 2
    example = re.compile(EXAMPLES[recipe], re.IGNORECASE)
    assert [name for name in files if not example.search((ROOT / name).read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_address_of_the_api_that_a_page_names_exists(page: Path) -> None:
    known = {(route.method, _shape(PREFIX + route.path)) for route in ROUTES}
    told = re.findall(rf"\b([A-Z]+) ({PREFIX}[\w/{{}}-]*)", page.read_text(encoding="utf-8"))
    assert [(method, path) for method, path in told if (method, _shape(path)) not in known] == []


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_route_has_its_row_which_says_who_may_ask(route: Route) -> None:
    rows = table((ROOT / "docs" / "record-system.md").read_text(encoding="utf-8"), "route")
    (row,) = [row for row in rows if row["route"] == f"`{route.method} {route.path}`"]
    assert row["what it is"] == route.summary
    assert row["who else"] == ("administrators" if route.callers == ADMINS else "")


def _shape(path: str) -> str:
    """Whatever the pages call the parameters."""
    return re.sub(r"{\w+}", "{}", path).rstrip("/")
