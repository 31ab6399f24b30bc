"""The words of a decision: what is asked, on which facts, and why the answer is yes or no (`bot.domain.policy`)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bot.domain.chats import ChatKind
from bot.domain.open_enum import OpenEnum
from bot.domain.people import Audience
from bot.domain.records import Disclosure, Privilege, Requirement
from bot.domain.settings import RecordType


class Action(OpenEnum):
    """What somebody wants to do."""

    SEE = "see"
    """Learn of the record by a command."""
    UNFURL = "unfurl"
    """Have a card made of its link."""
    UNFURL_ANONYMOUSLY = "unfurl-anonymously"
    """The same, of a reader of whom nothing is known: no record is looked up."""
    TIMELINE = "timeline"
    NOTE = "note"
    CONNECT = "connect"
    DISCONNECT = "disconnect"
    JOIN = "join"
    """Become a member of one of the record's chats."""
    SETTINGS = "settings"
    """Change the settings of apps and record types."""
    SYSTEM_CONNECT = "system-connect"
    """Connect a chat as the record system, whose rights its token proved."""
    TELL = "tell"
    """Leave word in a chat where nobody asked for it just now."""


CHANGES = frozenset({Action.NOTE, Action.CONNECT, Action.DISCONNECT, Action.JOIN, Action.SETTINGS})
"""What changes something: who is refused it stands in the audit trail."""


class AppSwitch(Enum):
    """Whether an app's records are answered: its own switch, and whether the record type lists it."""

    ON = "on"
    OFF = "off"
    NOT_LISTED = "not-listed"


UNKNOWN_TYPE = RecordType(
    name="",
    label="Record",
    disclosure=Disclosure.NOTHING,
    disclosure_unknown=Disclosure.NOTHING,
    disclosure_external=Disclosure.NOTHING,
    connect=Requirement.NOBODY,
    join=Requirement.NOBODY,
    owner_may_disconnect=False,
    connector_may_disconnect=False,
)
"""The settings of a type that has none: they permit nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that a decision rests on: a person, a record, a chat.

    Attributes:
        is_last_connector: the person made the chat's present connection to the record.
        chat: None when the bot is not known to be in the chat.
        connected: the chat is connected to the record.
        link_app: of the app that the link names, `ON` if it names none.
        record_app: of the app that the record belongs to.
        answered: the rights are known; the record's own system was asked for them and may have been silent.
    """

    privilege: Privilege = Privilege.NONE
    is_admin: bool = False
    is_owner: bool = False
    is_last_connector: bool = False
    chat: ChatKind | None = None
    audience: Audience = Audience.UNKNOWN
    connected: bool = False
    settings: RecordType = UNKNOWN_TYPE
    link_app: AppSwitch = AppSwitch.ON
    record_app: AppSwitch = AppSwitch.ON
    answered: bool = True


class Reason(OpenEnum):
    """Why; the first four permit."""

    ADMIN = "admin"
    OWNER = "owner"
    CONNECTOR = "connector"
    PRIVILEGE = "privilege"
    UNKNOWN = "unknown"
    """There is no such record, or the person may not read it: nobody is ever told which."""
    UNANSWERED = "unanswered"
    """Whoever knows the person's rights did not answer in time, and no answer means no."""
    TYPE_OFF = "type-off"
    APP_OFF = "app-off"
    BOT_ABSENT = "bot-absent"
    ONE_TO_ONE = "one-to-one"
    FOR_NOBODY = "for-nobody"
    """The admins allow it to nobody."""
    TOO_LITTLE = "too-little"
    """The person may read the record, but this needs more."""
    NOT_CONNECTED = "not-connected"
    NOT_YOURS = "not-yours"
    """Others may do it: see who disconnects."""
    NOT_SHOWN = "not-shown"
    """It would show more than may be shown to everybody in the chat."""
    NOT_ADMIN = "not-admin"


NOT_YET = frozenset({Reason.BOT_ABSENT, Reason.ONE_TO_ONE, Reason.NOT_CONNECTED})
"""Refusals for want of what must be there first: they say nothing of rights."""


@dataclass(frozen=True, slots=True)
class Decision:
    """May they? `setting`: the one that decided, by its name in REST (an app's own switch: `app.enabled`), or None."""

    allowed: bool
    reason: Reason
    setting: str | None = None
