"""`python -m manifest`: build the app package that an admin uploads to Teams."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from bot.config import Settings, load_catalogue, read_settings
from bot.domain.catalogue import Catalogue
from bot.domain.text import is_guid
from bot.errors import ConnectChatsError, SettingsInvalid
from bot.store.peek import peek_settings
from manifest.domains import link_domains, warnings
from manifest.package import build
from manifest.template import VERSION, Identity, app_manifest, is_public

_REGISTER = (
    "Register a bot (docs/real-tenant.md tells how, step by step) and set APP_ID to its application id, in the "
    "environment or in .env. To try the program without a registration: make play"
)


def main(arguments: list[str] | None = None) -> int:
    """Build the package; 0 when it was written, 2 when something must be corrected first."""
    options = _parser().parse_args(arguments)
    try:
        settings = _settings()
        catalogue, source = (
            _catalogue(settings) if options.config is None else (load_catalogue(options.config), str(options.config))
        )
        domains = link_domains(catalogue)
        if not domains:
            raise SettingsInvalid([f"{source} has no link patterns: no link would become a card. Add one first."])
        content = build(app_manifest(_identity(settings, options.version), domains=domains))
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_bytes(content)
    except ConnectChatsError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{options.output} can't be written: {error.strerror}. Name another with --output.", file=sys.stderr)
        return 2
    _report(options.output, settings, source, domains, options.version)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m manifest",
        description="Build the app package that an admin uploads to Teams. It is named by APP_ID (and TEAMS_APP_ID), "
        "leads to PUBLIC_URL, and claims the links of the record types' domains: those in the store when there is one, "
        "else those in CONFIG.",
    )
    parser.add_argument(
        "--output", type=Path, default=Path("dist/connect-chats.zip"), metavar="FILE", help="default: %(default)s"
    )
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="take the domains from this file, not from the store"
    )
    parser.add_argument(
        "--version",
        type=_version,
        default=VERSION,
        metavar="X.Y.Z",
        help="the package's version, to be raised when it replaces one that was uploaded; default: %(default)s",
    )
    return parser


def _version(text: str) -> str:
    if not re.fullmatch(r"(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){2}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a version like 1.2.3")
    return text


def _settings() -> Settings:
    """The environment, as far as a package needs it: building one takes no secret.

    Raises:
        SettingsInvalid: one line per problem.
    """
    settings, problems = read_settings()
    if not is_guid(settings.app_id):
        state = "is not a GUID" if settings.app_id else "is missing"
        problems.append(f"APP_ID (or CLIENT_ID) {state}: Teams could not tell which bot this app is. {_REGISTER}")
    if problems:
        raise SettingsInvalid(problems)
    return settings


def _catalogue(settings: Settings) -> tuple[Catalogue, str]:
    """The settings in force and where they are from.

    Raises:
        SettingsInvalid, Unavailable: the database or `CONFIG` can't be read.
    """
    stored = peek_settings(settings.database_url.get_secret_value(), tenant=settings.tenant)
    return (stored, "the store") if stored else (load_catalogue(settings.config), str(settings.config))


def _identity(settings: Settings, version: str) -> Identity:
    return Identity(
        app=(settings.teams_app_id or settings.app_id).lower(),
        bot=settings.app_id.lower(),
        public_url=settings.public_url,
        version=version,
    )


def _report(output: Path, settings: Settings, source: str, domains: list[str], version: str) -> None:
    """Say what was made, what looks wrong with it, and what to do next."""
    identity = _identity(settings, version)
    print(f"Built {output}, version {version}: app {identity.app}, bot {identity.bot}.")
    print(f"It claims the links of {', '.join(domains)} (from {source}).")
    if not is_public(settings.public_url):
        print(
            f"Warning: PUBLIC_URL is {settings.public_url}, which Teams and other people can't reach. Set it to the "
            "https address of this server (a dev tunnel will do), then build the package again."
        )
    for warning in warnings(domains):
        print(f"Warning: {warning}")
    print(
        "Next: in Teams, choose Apps > Manage your apps > Upload an app > Upload a custom app, and this file. "
        "To replace an app that is there already, build with a higher --version first."
    )


if __name__ == "__main__":
    sys.exit(main())
