"""The app package, built as an admin builds it: `python -m manifest` in a folder, with an environment."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
import tomllib
import zipfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import psycopg
import pytest
from PIL import Image, ImageChops

from bot.config import load_catalogue
from bot.domain.chats import ChatKind
from bot.features.commands import COMMANDS
from bot.store.store import open_store
from manifest.__main__ import main
from manifest.domains import link_domains, warnings
from manifest.draw import color_icon, outline_icon
from manifest.package import ICONS, build
from manifest.template import NAME, SCHEMA_VERSION, VERSION, Identity, app_manifest

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "tests/client/node_modules/@microsoft/app-manifest/build/json-schemas/teams"
APP, TENANT = "0f2b9d1e-5a3c-4c0e-9b7a-2d6f8e1c4a5b", "7c1f0e2d-9a8b-4d6c-8e5f-1a2b3c4d5e6f"
TEAMS_APP = "c0ffee00-1111-4222-8333-444455556666"
IDENTITY = Identity(app=TEAMS_APP, bot=APP, public_url="https://chats.contoso.com")
GOOD = {"APP_ID": APP, "APP_TENANTID": TENANT, "PUBLIC_URL": "https://chats.contoso.com"}
CONFIG = """
[[record_types]]
name = "account"
label = "Account"
links = [
  "https://crm.contoso.com/records/account/{id}",
  "https://crm.contoso.com/main.aspx?etn=account&id={id}",
  "https://orders.contoso.com:8443/{id}",
]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "connect-chats.toml").write_text(CONFIG)
    return tmp_path


@dataclass(frozen=True)
class Done:
    """What the command did: its exit code and what it printed."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def package(folder, monkeypatch, capsys) -> Callable[..., Done]:
    """Build a package in `folder`, with this environment and no other."""

    def run(*arguments: str, **environment: str) -> Done:
        for name in list(os.environ):
            if name not in ("PATH", "HOME", "TMPDIR", "PYTEST_CURRENT_TEST"):
                monkeypatch.delenv(name)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(folder)
        capsys.readouterr()
        try:
            code = main(list(arguments))
        except SystemExit as ended:
            code = int(ended.code or 0)
        return Done(code, *capsys.readouterr())

    return run


def manifest_in(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("manifest.json"))


def official_schema(version: str) -> dict[str, Any]:
    return json.loads((SCHEMAS / f"v{version}/MicrosoftTeams.schema.json").read_text(encoding="utf-8-sig"))


def commands_in(manifest: dict[str, Any]) -> dict[str, list[str]]:
    (bot,) = manifest["bots"]
    return {
        scope: [command["title"] for command in commands["commands"]]
        for commands in bot["commandLists"]
        for scope in commands["scopes"]
    }


def test_the_module_runs_as_a_command(folder) -> None:
    environment = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TMPDIR")}
    command = [sys.executable, "-m", "manifest"]
    done = subprocess.run(
        command, cwd=folder, env={**environment, **GOOD, "PYTHONPATH": str(ROOT)}, check=False, timeout=60
    )
    assert done.returncode == 0
    assert (folder / "dist/connect-chats.zip").exists()


def test_the_package_is_built_from_the_environment_and_config(folder, package) -> None:
    done = package(**GOOD, TEAMS_APP_ID=TEAMS_APP)
    assert done.returncode == 0, done.stderr
    path = folder / "dist/connect-chats.zip"
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["color.png", "manifest.json", "outline.png"]
    manifest = manifest_in(path)
    assert manifest["id"] == TEAMS_APP
    assert [bot["botId"] for bot in manifest["bots"]] == [APP]
    (extension,) = manifest["composeExtensions"]
    assert extension == {
        "botId": APP,
        "messageHandlers": [
            {
                "type": "link",
                "value": {"domains": ["crm.contoso.com", "orders.contoso.com"], "supportsAnonymizedPayloads": True},
            }
        ],
    }
    assert manifest["validDomains"] == ["chats.contoso.com"]
    assert "Warning" not in done.stdout
    assert "crm.contoso.com, orders.contoso.com (from connect-chats.toml)" in done.stdout
    assert "Upload a custom app" in done.stdout


def test_the_manifest_is_valid_against_microsofts_schema() -> None:
    manifest = app_manifest(IDENTITY, domains=["crm.contoso.com"])
    jsonschema.Draft4Validator(official_schema(SCHEMA_VERSION)).validate(manifest)
    assert manifest["$schema"].endswith(f"/v{SCHEMA_VERSION}/MicrosoftTeams.schema.json")


def test_no_older_schema_would_do() -> None:
    """The one before asks for search commands, which this app does not have."""
    manifest = app_manifest(IDENTITY, domains=["crm.contoso.com"]) | {"manifestVersion": "1.16"}
    errors = list(jsonschema.Draft4Validator(official_schema("1.16")).iter_errors(manifest))
    assert [error.message for error in errors] == ["'commands' is a required property"]


def test_the_commands_are_exactly_the_tables_each_where_it_makes_sense() -> None:
    commands = commands_in(app_manifest(IDENTITY, domains=[]))
    assert commands["groupChat"] == [command.name for command in COMMANDS if ChatKind.GROUP in command.chats]
    assert commands["team"] == [command.name for command in COMMANDS if ChatKind.CHANNEL in command.chats]
    assert commands["personal"] == [command.name for command in COMMANDS if ChatKind.PERSONAL in command.chats]
    assert "connect" in commands["groupChat"]
    assert "connect" not in commands["personal"]


def test_it_asks_for_no_permission() -> None:
    manifest = app_manifest(IDENTITY, domains=["crm.contoso.com"])
    assert not {"authorization", "permissions", "devicePermissions", "webApplicationInfo"} & set(manifest)


def test_teams_is_not_in_the_name() -> None:
    assert "teams" not in json.dumps(app_manifest(IDENTITY, domains=[])["name"]).lower()


def test_the_version_is_the_projects() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION


def test_the_same_settings_give_the_same_bytes_at_any_time(monkeypatch) -> None:
    manifest = app_manifest(IDENTITY, domains=["crm.contoso.com"])
    first = build(manifest)
    monkeypatch.setattr(time, "localtime", lambda *_: time.gmtime(4_000_000_000))
    monkeypatch.setattr(time, "time", lambda: 4_000_000_000.0)
    assert build(manifest) == first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}


@pytest.mark.parametrize(("name", "size"), [("color.png", 192), ("outline.png", 32)])
def test_the_icons_have_the_sizes_that_teams_wants(name, size) -> None:
    with Image.open(ICONS / name) as icon:
        assert (icon.format, icon.size) == ("PNG", (size, size))


def test_the_outline_icon_is_white_on_transparent() -> None:
    with Image.open(ICONS / "outline.png") as icon:
        pixels = list(icon.convert("RGBA").get_flattened_data())
    assert {pixel[:3] for pixel in pixels if pixel[3]} == {(255, 255, 255)}
    clear = sum(pixel[3] == 0 for pixel in pixels) / len(pixels)
    assert 0.4 < clear < 0.9


def test_the_icons_are_those_that_the_script_draws() -> None:
    """A little difference is allowed: another Pillow may round another way."""
    for name, drawn in (("color.png", color_icon()), ("outline.png", outline_icon())):
        with Image.open(ICONS / name) as kept:
            difference = ImageChops.difference(kept.convert("RGBA"), drawn.convert("RGBA"))
        assert max(high for _, high in difference.getextrema()) <= 3, f"{name}: run python -m manifest.draw"


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({}, "APP_ID (or CLIENT_ID) is missing"),
        ({"APP_ID": "my-bot"}, "APP_ID (or CLIENT_ID) is not a GUID"),
        ({**GOOD, "TEAMS_APP_ID": "my-app"}, "TEAMS_APP_ID is not a GUID"),
        ({**GOOD, "PUBLIC_URL": "http://chats.contoso.com"}, "PUBLIC_URL is http"),
        ({**GOOD, "CONFIG": "missing.toml"}, "missing.toml"),
        ({**GOOD, "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, "DATABASE_URL"),
    ],
)
def test_what_would_make_a_useless_package_is_refused_with_the_remedy(folder, environment, told, package) -> None:
    done = package(**environment)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "dist").exists()


def test_without_a_registration_it_says_how_to_get_one(package) -> None:
    told = package().stderr
    assert "docs/real-tenant.md" in told
    assert (ROOT / "docs/real-tenant.md").exists()
    assert "make play" in told


def test_a_config_without_links_is_refused(folder, package) -> None:
    (folder / "connect-chats.toml").write_text('[[record_types]]\nname = "account"\nlabel = "Account"\n')
    done = package(**GOOD)
    assert done.returncode == 2
    assert "no link patterns" in done.stderr


@pytest.fixture(params=["sqlite", "postgresql"])
async def stored(request, folder) -> AsyncIterator[str]:
    """A database whose settings name erp.contoso.com, as the first start with such a file leaves it."""
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{folder}/data/connect-chats.db" if sqlite else request.getfixturevalue("postgres_url")
    (folder / "stored.toml").write_text(CONFIG.replace("crm.contoso.com", "erp.contoso.com"))
    store = open_store(url, tenant=TENANT, clock=lambda: 1)
    await store.start()
    await store.seed(load_catalogue(folder / "stored.toml"))
    yield url  # the program goes on running while the package is built
    await store.close()


def test_the_store_goes_before_config(stored, package) -> None:
    done = package(**GOOD, DATABASE_URL=stored)
    assert done.returncode == 0, done.stderr
    assert "erp.contoso.com, orders.contoso.com (from the store)" in done.stdout
    named = package("--config", "connect-chats.toml", **GOOD, DATABASE_URL=stored)
    assert "crm.contoso.com, orders.contoso.com (from connect-chats.toml)" in named.stdout


def test_a_store_without_settings_of_this_tenant_does_not_count(stored, package) -> None:
    assert "from connect-chats.toml" in package(**(GOOD | {"APP_TENANTID": APP, "DATABASE_URL": stored})).stdout


def test_a_database_without_tables_does_not_count_and_gets_none(postgres, package) -> None:
    url = postgres.create()
    assert "from connect-chats.toml" in package(**GOOD, DATABASE_URL=url).stdout
    with psycopg.connect(url) as connection:
        tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
        assert connection.execute(tables).fetchone() == (0,)


def test_no_database_is_made(folder, package) -> None:
    assert package(**GOOD).returncode == 0
    assert not (folder / "data").exists()


def test_the_output_and_the_version_can_be_named(folder, package) -> None:
    done = package("--output", "out/mine.zip", "--version", "1.2.3", **GOOD)
    assert done.returncode == 0, done.stderr
    assert manifest_in(folder / "out/mine.zip")["version"] == "1.2.3"
    assert package("--version", "next", **GOOD).returncode == 2


def test_an_output_that_cannot_be_written_is_explained(folder, package) -> None:
    (folder / "dist").write_text("a file in the way")
    done = package(**GOOD)
    assert done.returncode == 2
    assert "--output" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_names_what_it_reads(package) -> None:
    told = package("--help").stdout
    assert all(name in told for name in ("APP_ID", "TEAMS_APP_ID", "PUBLIC_URL", "CONFIG", "--output"))


def test_a_server_that_nobody_can_reach_is_warned_of_and_still_gets_https_addresses(folder, package) -> None:
    done = package(APP_ID=APP)
    assert done.returncode == 0, done.stderr
    assert "Warning: PUBLIC_URL is http://localhost:3978" in done.stdout
    manifest = manifest_in(folder / "dist/connect-chats.zip")
    assert manifest["validDomains"] == []
    addresses = [value for name, value in manifest["developer"].items() if name.endswith("Url")]
    assert len(addresses) == 3
    assert all(address.startswith("https://") for address in addresses)


@pytest.mark.parametrize(
    ("domain", "told"),
    [
        ("localhost", "not a domain that Teams can know"),
        ("crm", "not a domain that Teams can know"),
        ("crm.example.com", "not a domain that Teams can know"),
        ("crm.test", "not a domain that Teams can know"),
        ("crm.invalid", "not a domain that Teams can know"),
        ("crm.contoso.local", "not a domain that Teams can know"),
        ("10.0.0.7", "an address, not a name"),
        ("org.crm4.dynamics.com", "Dynamics 365"),
        ("contoso.sharepoint.com", "SharePoint"),
    ],
)
def test_a_domain_that_looks_wrong_is_warned_of(domain, told) -> None:
    (warning,) = warnings(["crm.contoso.com", domain])
    assert warning.startswith(domain)
    assert told in warning


@pytest.mark.parametrize("domain", ["crm.contoso.com", "notdynamics.com", "myexample.com", "local.contoso.com"])
def test_a_domain_that_looks_right_is_not(domain) -> None:
    assert warnings([domain]) == []


def test_each_host_is_claimed_once_in_order_and_without_its_port(folder) -> None:
    assert link_domains(load_catalogue(ROOT / "connect-chats.toml")) == ["crm.example.com"]
    hosts = [f"crm{number}.contoso.com" for number in range(9)]
    links = [f"https://{host}:{port}/{{id}}" for port in (8443, 443) for host in reversed(hosts)]
    (folder / "many.toml").write_text(
        f'[[record_types]]\nname = "account"\nlabel = "Account"\nlinks = {json.dumps(links)}\n'
    )
    assert link_domains(load_catalogue(folder / "many.toml")) == hosts


def test_the_name_people_mention_is_the_one_the_playground_plays() -> None:
    assert f"name: {NAME}" in (ROOT / "tests/client/playground.yml").read_text()
