"""Settings from the environment (and `.env`), and the first contents of the store from `CONFIG`.

Every problem is reported at once, each with its remedy; no secret is ever printed. What is unsafe does not start.
"""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, PrivateAttr, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.domain.catalogue import Catalogue
from bot.domain.settings import claimed_twice
from bot.domain.settings_json import admins_from_json, app_from_json, record_type_from_json
from bot.domain.text import is_guid
from bot.errors import SettingsInvalid, Unprocessable

DEMO_TENANT = "demo"
DEMO_ADMIN = "00000000-0000-0000-0000-0000000000020"
DEMO_ADMIN_NAME = "Alex Wilber"
DEMO_BEARER = "demo"
DEMO_APP_ID = "connect-chats-demo"
MIN_API_TOKEN = 32

_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """A Microsoft cloud's addresses.

    Sources: learn.microsoft.com "Bot Framework authentication", "Azure Government", "Microsoft Graph deployments".
    """

    openid_metadata_url: str
    issuer: str
    login_url: str
    bot_scope: str
    graph_url: str
    connector_hosts: tuple[str, ...]


_GOV = {
    "openid_metadata_url": "https://login.botframework.azure.us/v1/.well-known/openidconfiguration",
    "issuer": "https://api.botframework.us",
    "login_url": "https://login.microsoftonline.us",
    "bot_scope": "https://api.botframework.us/.default",
}

CLOUDS: Mapping[str, Cloud] = {
    "public": Cloud(
        openid_metadata_url="https://login.botframework.com/v1/.well-known/openidconfiguration",
        issuer="https://api.botframework.com",
        login_url="https://login.microsoftonline.com",
        bot_scope="https://api.botframework.com/.default",
        graph_url="https://graph.microsoft.com",
        connector_hosts=("smba.trafficmanager.net", "europe.smba.trafficmanager.net", "smba.infra.teams.microsoft.com"),
    ),
    "gcc": Cloud(
        openid_metadata_url="https://login.botframework.com/v1/.well-known/openidconfiguration",
        issuer="https://api.botframework.com",
        login_url="https://login.microsoftonline.com",
        bot_scope="https://api.botframework.com/.default",
        graph_url="https://graph.microsoft.com",
        connector_hosts=("smba.infra.gcc.teams.microsoft.com",),
    ),
    "gcch": Cloud(
        **_GOV,
        graph_url="https://graph.microsoft.us",
        connector_hosts=("smba.infra.gov.teams.microsoft.us",),
    ),
    "dod": Cloud(
        **_GOV,
        graph_url="https://dod-graph.microsoft.us",
        connector_hosts=("smba.infra.dod.teams.microsoft.us",),
    ),
}


class Settings(BaseSettings):
    """The environment, checked. Build it with `load_settings`, which explains what is wrong."""

    model_config = SettingsConfigDict(
        env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore", hide_input_in_errors=True, frozen=True
    )

    host: str = "127.0.0.1"
    port: int = Field(default=3978, ge=0, le=65535)
    public_url: str = "http://localhost:3978"
    app_id: str = Field(default="", validation_alias=AliasChoices("APP_ID", "CLIENT_ID"))
    app_password: SecretStr = Field(
        default=SecretStr(""), validation_alias=AliasChoices("APP_PASSWORD", "CLIENT_SECRET")
    )
    app_type: str = "SingleTenant"
    app_tenantid: str = Field(default="", validation_alias=AliasChoices("APP_TENANTID", "TENANT_ID"))
    teams_app_id: str = ""
    teams_catalog_id: str = ""
    database_url: SecretStr = SecretStr("sqlite:///data/connect-chats.db")
    config: Path = Path("connect-chats.toml")
    api_token: SecretStr = SecretStr("")
    cloud: Literal["public", "gcc", "gcch", "dod"] = "public"
    openid_metadata_url: str = ""
    login_url: str = ""
    graph_url: str = ""
    connector_hosts: str = ""
    ssl_cert_file: str = ""
    requests_ca_bundle: str = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["", "console", "json"] = ""

    _demo: bool = PrivateAttr(default=False)  # never from the environment: only `--demo` switches authentication off

    @property
    def demo(self) -> bool:
        return self._demo

    @property
    def tenant(self) -> str:
        return DEMO_TENANT if self.demo else self.app_tenantid.lower()

    @property
    def bot_id(self) -> str:
        return DEMO_APP_ID if self.demo else self.app_id.lower()

    @property
    def bearer(self) -> str:
        """The token of `/api/v1`; "" means nobody may use it."""
        return DEMO_BEARER if self.demo else self.api_token.get_secret_value()

    @property
    def microsoft(self) -> Cloud:
        """The cloud's addresses with the overrides applied."""
        cloud = CLOUDS[self.cloud]
        hosts = tuple(host.strip().lower() for host in self.connector_hosts.split(",") if host.strip())
        return replace(
            cloud,
            openid_metadata_url=self.openid_metadata_url or cloud.openid_metadata_url,
            login_url=(self.login_url or cloud.login_url).rstrip("/"),
            graph_url=(self.graph_url or cloud.graph_url).rstrip("/"),
            connector_hosts=hosts or cloud.connector_hosts,
        )


def load_settings(*, demo: bool = False, env_file: Path | None = Path(".env")) -> Settings:
    """Read and check the environment.

    Raises:
        SettingsInvalid: one line per problem, each with its remedy.
    """
    settings, problems = read_settings(env_file=env_file)
    settings._demo = demo
    problems += _demo_problems(settings) if demo else _live_problems(settings)
    if problems:
        raise SettingsInvalid(problems)
    return settings


def read_settings(*, env_file: Path | None = Path(".env")) -> tuple[Settings, list[str]]:
    """The environment, and what is wrong with it whatever it is used for: not yet what serving needs."""
    problems: list[str] = []
    try:
        settings = Settings(_env_file=env_file)  # pyright: ignore[reportCallIssue] - a parameter pydantic adds
    except ValidationError as error:
        problems = [_explain(item) for item in error.errors()]
        unreadable = {str(item["loc"][0]) for item in error.errors()}
        replaced = {name: field.default for name, field in Settings.model_fields.items() if name in unreadable}
        settings = Settings(_env_file=env_file, **replaced)  # pyright: ignore[reportCallIssue] - to check the others
    return settings, problems + _common_problems(settings)


def _explain(error: Mapping[str, Any]) -> str:
    name = str(error["loc"][0]).upper() if error["loc"] else "A setting"
    return f"{name}: {error['msg']}. Correct it in the environment or in .env."


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _url_problem(name: str, value: str, *, loopback_http: bool = False) -> str | None:
    try:
        url = urlsplit(value)
        host, _ = url.hostname or "", url.port
    except ValueError:
        return f"{name} is not an address. Write it like https://example.com."
    if url.username is not None or url.password is not None:
        return f"{name} holds a user name or a password. Leave them out."
    if not host or url.scheme not in ("http", "https"):
        return f"{name} is not an https address. Write it like https://example.com."
    if url.scheme == "http" and not (loopback_http and _is_loopback(host)):
        return f"{name} is http, which anybody on the way can read and change. Use https."
    return None


def _common_problems(settings: Settings) -> list[str]:
    problems: list[str] = []
    if not _is_loopback(settings.host) and not _HOST.fullmatch(settings.host) and ":" not in settings.host:
        problems.append(f"HOST {settings.host!r} is not a name or an address to listen on. Use 127.0.0.1 or 0.0.0.0.")
    for name in ("openid_metadata_url", "login_url", "graph_url"):
        value = getattr(settings, name)
        if value and (problem := _url_problem(name.upper(), value)):
            problems.append(problem)
    if problem := _url_problem("PUBLIC_URL", settings.public_url, loopback_http=True):
        problems.append(problem)
    for host in settings.connector_hosts.split(","):
        if host.strip() and not _HOST.fullmatch(host.strip()):
            problems.append(
                f"CONNECTOR_HOSTS holds {host.strip()!r}. List exact host names, comma between, without https:// or *."
            )
    if not settings.database_url.get_secret_value().startswith(("sqlite:///", "postgresql://", "postgres://")):
        problems.append("DATABASE_URL must start with sqlite:/// or postgresql://.")
    for name in ("ssl_cert_file", "requests_ca_bundle"):
        if (path := getattr(settings, name)) and not os.path.exists(path):
            problems.append(
                f"{name.upper()} names {path!r}, which does not exist. Name a file of certificates, or unset it."
            )
    for name in ("teams_app_id", "teams_catalog_id"):
        if (value := getattr(settings, name)) and not is_guid(value):
            problems.append(f"{name.upper()} is not a GUID. Copy it from the Teams admin center, or unset it.")
    return problems


def _demo_problems(settings: Settings) -> list[str]:
    if _is_loopback(settings.host):
        return []
    return [
        f"The demo answers everybody without asking who they are, so it listens on loopback only, not on HOST "
        f"{settings.host!r}. Unset HOST, or start without --demo and with the bot's registration."
    ]


def _live_problems(settings: Settings) -> list[str]:
    """What would leave the bot open or mute."""
    problems: list[str] = []
    where = "Copy it from the bot's registration in the Azure portal, or try the program with --demo."
    if not is_guid(settings.app_id) or settings.app_id.strip("0-") == "":
        state = "is not a GUID" if settings.app_id else "is missing"
        problems.append(f"APP_ID (or CLIENT_ID) {state}: without it nobody could be authenticated. {where}")
    if settings.app_type != "SingleTenant":
        problems.append(
            f"APP_TYPE is {settings.app_type!r}; only SingleTenant is supported. Register the bot as single tenant."
        )
    if not settings.app_password.get_secret_value().strip():
        problems.append(f"APP_PASSWORD (or CLIENT_SECRET) is missing: the bot could not speak. {where}")
    if not is_guid(settings.app_tenantid) or settings.app_tenantid.strip("0-") == "":
        state = "is not a GUID" if settings.app_tenantid else "is missing"
        problems.append(f"APP_TENANTID (or TENANT_ID) {state}: anybody's organisation could write here. {where}")
    token = settings.api_token.get_secret_value()
    if token and len(token) < MIN_API_TOKEN:
        problems.append(
            f"API_TOKEN has {len(token)} characters; at least {MIN_API_TOKEN} are needed. "
            "Make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    elif token and len(set(token)) < 8:
        problems.append("API_TOKEN repeats a few characters and can be guessed. Make a random one.")
    return problems


def remarks(settings: Settings) -> list[str]:
    """What works, but hardly as it was meant: told at the start and by `--check`."""
    told: list[str] = []
    host = urlsplit(settings.public_url).hostname or ""
    if _is_loopback(host) or "." not in host:
        told.append(
            f"PUBLIC_URL is {settings.public_url}, which Teams and other people can't reach. "
            "Set it to the https address of this server or of a tunnel to it."
        )
    if not settings.bearer:
        told.append(
            "API_TOKEN is not set, so nobody may use the REST API and no record can be sent. Set one to use it."
        )
    return told


def load_catalogue(path: Path) -> Catalogue:
    """Read `CONFIG`: apps, record types and admins.

    Raises:
        SettingsInvalid: one line per problem.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsInvalid(
            [f"CONFIG names {str(path)!r}, which does not exist. Start from connect-chats.toml."]
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsInvalid([f"CONFIG {str(path)!r} can't be read: {error}."]) from None
    problems = [
        f"CONFIG: {name!r} is not a section." for name in data if name not in ("admins", "apps", "record_types")
    ]
    admins: Mapping[str, str] = {}
    try:
        admins = admins_from_json(data.get("admins", []))
    except Unprocessable as error:
        problems.append(f"CONFIG: {error}")
    types = _each(data, "record_types", record_type_from_json, problems)
    apps = _each(data, "apps", app_from_json, problems)
    for what, names in (("record type", [item.name for item in types]), ("app", [item.id for item in apps])):
        problems += [f"CONFIG: the {what} {name!r} stands there twice." for name in set(names) if names.count(name) > 1]
    problems += [
        f"CONFIG: the {claimed} of the record type {later.name!r} belongs to {first.name!r} already. Keep one."
        for first, later in combinations(types, 2)
        if first.name != later.name and (claimed := claimed_twice(later, first))
    ]
    if problems:
        raise SettingsInvalid(problems)
    return Catalogue(types=types, apps=apps, admins=admins)


def _each(data: Mapping[str, Any], section: str, parse: Any, problems: list[str]) -> list[Any]:
    items = data.get(section, [])
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        problems.append(f"CONFIG: {section} must be written as [[{section}]] sections.")
        return []
    result = []
    for number, item in enumerate(items, 1):
        try:
            result.append(parse(item))
        except Unprocessable as error:
            problems.append(f"CONFIG: [[{section}]] number {number}: {error}")
    return result
