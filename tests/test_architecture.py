"""Documentation and shape that can fail: what the program has, its pages tell; what the pages tell, it has."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from urllib.parse import unquote

import pytest
from importlinter import cli
from pydantic import AliasChoices

from bot.config import Settings
from bot.domain.events import EventType
from bot.domain.settings import RecordType
from bot.domain.settings_json import to_json
from bot.features.commands import COMMANDS
from tests.pages import table
from tests.world import ROOT

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
OURS = ("bot", "cards", "manifest")
MAX_LINES = 350
BINARY = {".png", ".pyc", ".zip", ".ico"}
NOT_OURS = {"__pycache__", "node_modules", "output", ".env", "bench.json", "uv.lock"}


def text_of_pages() -> str:
    return "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


def files() -> Iterator[Path]:
    """Every text file of the project: what is at the top, and all that is in its folders."""
    folders = [ROOT / name for name in (*OURS, "tests", "docs", ".ci")]
    found = [path for path in ROOT.iterdir() if path.is_file()]
    for folder in folders:
        found += [path for path in folder.rglob("*") if path.is_file()]
    for path in sorted(found):
        if path.suffix not in BINARY and not NOT_OURS & set(path.relative_to(ROOT).parts):
            yield path


def environment_names() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        yield from (str(choice) for choice in alias.choices) if isinstance(alias, AliasChoices) else (name.upper(),)


# What the program has, the pages tell --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", environment_names())
def test_every_setting_has_its_line_in_the_readme(name: str) -> None:
    table = re.findall(r"^\|.*\|$", PAGES[0].read_text(encoding="utf-8"), re.MULTILINE)
    assert any(f"`{name}`" in row.split("|")[1] for row in table)


def test_the_example_environment_names_settings_that_exist() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = set(re.findall(r"^#?\s*([A-Z][A-Z_]+)=", example, re.MULTILINE))
    assert named
    assert named <= set(environment_names())


def test_the_readme_lists_the_commands_as_help_does() -> None:
    rows = table(PAGES[0].read_text(encoding="utf-8"), "command")
    assert [row["command"] for row in rows] == [f"`{command.usage}`" for command in COMMANDS]
    assert all(row["does"] for row in rows)


@pytest.mark.parametrize("event", EventType, ids=lambda event: event.value)
def test_every_event_is_told(event: EventType) -> None:
    assert f"`{event.value}`" in text_of_pages()


@pytest.mark.parametrize("name", to_json(RecordType(name="x", label="X")))
def test_every_setting_of_a_record_type_is_told(name: str) -> None:
    assert re.search(rf'`{name}`|"{name}"', text_of_pages())


# What the pages tell, the program has --------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """The addresses of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_picture_and_every_link_to_a_page_of_ours_leads_somewhere(page: Path) -> None:
    for address in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", address):
            continue
        path, _, anchor = address.partition("#")
        target = page.parent / unquote(path) if path else page
        assert target.is_file(), address
        assert not anchor or anchor in anchors(target), address


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_and_every_make_target_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(rf"`((?:{'|'.join((*OURS, 'tests', 'docs'))})/[\w./-]+|\w+\.(?:py|toml|md))`", text)
    for path in named:
        assert (ROOT / path).exists(), path
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?:`|^)make ([a-z]+)", text, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


# Shape ---------------------------------------------------------------------------------------------------------------


def test_imports_point_down_only(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    assert cli.lint_imports(no_cache=True) == 0, capsys.readouterr().out


def test_everything_that_is_installed_for_the_program_is_imported_by_it() -> None:
    imported = {
        name
        for path in [ROOT / "app.py", *(path for room in OURS for path in (ROOT / room).rglob("*.py"))]
        for name in re.findall(r"^\s*(?:import|from) (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    packages_of = packages_distributions()
    provided = {named(package) for module in imported for package in packages_of.get(module, ())}
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    packages = {named(re.split(r"[\[=<>;]", requirement)[0]) for requirement in declared}
    assert packages
    assert packages <= provided
    for lock in ("requirements.lock", "requirements-dev.lock"):
        lines = re.findall(r"^([\w.-]+)==", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE)
        assert packages <= set(map(named, lines))


def named(package: str) -> str:
    """A package's name in the one way of writing it that PEP 503 has."""
    return re.sub(r"[-_.]+", "-", package).lower()


@pytest.mark.parametrize("room", [*OURS, "tests"])
def test_a_module_fits_on_a_few_screens(room: str) -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in files()
        if path.suffix == ".py" and path.is_relative_to(ROOT / room)
    }
    assert lengths
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


REGISTRIES = ("py" + "pi.org", "python" + "hosted", "npm" + "js", "deb." + "debian")
MACHINE = ("/wo" + "rk/", "/tmp/" + "bash", "/ro" + "ot/", "/ho" + "me/")
UNFINISHED = ("TO" + "DO", "FIX" + "ME", "unittest." + "mock", "pytest." + "skip", "mark." + "skip", "assert " + "True")


@pytest.mark.parametrize("needles", [REGISTRIES, MACHINE, UNFINISHED], ids=["registries", "machine", "unfinished"])
def test_no_file_names_a_registry_or_a_place_on_somebodys_machine_or_is_unfinished(needles: tuple[str, ...]) -> None:
    found = [
        f"{path.relative_to(ROOT)}: {needle}"
        for path in files()
        for text in [path.read_text(encoding="utf-8")]
        for needle in needles
        if needle in text
    ]
    assert found == []


def test_there_is_something_to_look_through() -> None:
    """The test above would pass on nothing."""
    names = {str(path.relative_to(ROOT)) for path in files()}
    assert {"README.md", "Makefile", "requirements.lock", "bot/wiring.py", "tests/client/package-lock.json"} <= names
    assert len(names) > 150
