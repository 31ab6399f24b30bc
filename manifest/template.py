"""The manifest: what Teams must know of this app.

Source: Microsoft's schema 1.17, the oldest that knows link unfurling without search commands. The limits below are its.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bot.domain.chats import ChatKind
from bot.features.commands import COMMANDS

SCHEMA_VERSION = "1.17"
SCHEMA = f"https://developer.microsoft.com/json-schemas/teams/v{SCHEMA_VERSION}/MicrosoftTeams.schema.json"
VERSION = "0.1.0"
NAME = "Connect Chats"
ACCENT = "#4A4FC4"
COLOR_ICON = "color.png"
OUTLINE_ICON = "outline.png"

SHORT = "Ties chats to the records your company works on"
FULL = (
    "Paste the link of a record and it becomes a card with an Open button. "
    "Write @Connect Chats connect in a group chat, a meeting or a channel to tie that chat to the record, so that the "
    "conversation is found again from the record, and the record's timeline tells what happened in its chats.\n\n"
    "Write help to see everything you can ask. Your administrators choose, for each kind of record, who may connect "
    "chats and how much a card shows."
)

SCOPES = {
    "personal": frozenset({ChatKind.PERSONAL}),
    "team": frozenset({ChatKind.CHANNEL}),
    "groupChat": frozenset({ChatKind.GROUP, ChatKind.MEETING}),
}
"""Where the bot can be added, and the kinds of chat that each means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the app is.

    Attributes:
        app: the manifest's id, a GUID.
        bot: the id of the bot's registration, a GUID.
        public_url: where people reach this server.
    """

    app: str
    bot: str
    public_url: str
    version: str = VERSION


def app_manifest(identity: Identity, *, domains: Sequence[str]) -> dict[str, Any]:
    """The content of `manifest.json`. `domains`: the hosts whose links are unfurled.

    It asks for no permission: the bot answers when it is spoken to, and links reach it by their domain.
    """
    host = urlsplit(identity.public_url).hostname or ""
    page = f"https://{identity.public_url.partition('://')[2].rstrip('/')}/"  # Teams takes no other scheme
    handler = {"type": "link", "value": {"domains": list(domains), "supportsAnonymizedPayloads": True}}
    return {
        "$schema": SCHEMA,
        "manifestVersion": SCHEMA_VERSION,
        "version": identity.version,
        "id": identity.app,
        "developer": {
            "name": NAME,
            "websiteUrl": page,
            "privacyUrl": f"{page}#privacy",
            "termsOfUseUrl": f"{page}#terms",
        },
        "name": {"short": NAME, "full": f"{NAME}: {SHORT}"},
        "description": {"short": SHORT, "full": FULL},
        "icons": {"color": COLOR_ICON, "outline": OUTLINE_ICON},
        "accentColor": ACCENT,
        "defaultInstallScope": "personal",  # links are unfurled for whoever has the app, in every chat of theirs
        "defaultGroupCapability": {"team": "bot", "groupchat": "bot", "meetings": "bot"},
        "bots": [{"botId": identity.bot, "scopes": list(SCOPES), "commandLists": _command_lists()}],
        "composeExtensions": [{"botId": identity.bot, "messageHandlers": [handler]}],
        "validDomains": [host] if is_public(identity.public_url) else [],
    }


def _command_lists() -> list[dict[str, Any]]:
    """One list for each scope, with the commands that make sense there."""
    return [
        {
            "scopes": [scope],
            "commands": [
                {"title": command.name, "description": command.summary} for command in COMMANDS if command.chats & kinds
            ],
        }
        for scope, kinds in SCOPES.items()
    ]


def is_public(public_url: str) -> bool:
    """Whether others can reach the address: the settings allow http only on this machine itself."""
    return urlsplit(public_url).scheme == "https"
