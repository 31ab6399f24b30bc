"""What a feature answers: plain values that `teams` and `web` render with `cards`.

Everything of a record that an answer holds is already cut to what may be shown (`bot.domain.disclosure`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bot.domain.chats import ChatKind
from bot.domain.records import Disclosure, RecordId


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordView:
    """A record, as much of it as may be shown here. What may not be shown is not in it.

    Attributes:
        record: its id, for buttons; never displayed below `name`.
        type_label: from `type` on.
        title: from `name` on.
        fields: label and value, allow-listed, at `fields` only.
        open_url: from `button` on.
    """

    record: RecordId
    level: Disclosure
    type_label: str | None = None
    title: str | None = None
    fields: tuple[tuple[str, str], ...] = ()
    open_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCard:
    """A pasted link's record. `connect`: offer **Connect this chat**; `connected`: it already is."""

    view: RecordView
    connect: bool = False
    connected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Words instead of what was asked for: what happened, why, and what to do next. Holds no value of a hidden record.

    `refused`: nothing was done, so a card that was pressed stays as it is.
    """

    title: str
    text: str
    next: str
    refused: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """This chat is connected. `already`: it was before; `by`: who connected it, "" when that may not be said."""

    view: RecordView
    by: str = ""
    already: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnected:
    """This chat is not connected to the record (any more). `already`: it was not before."""

    view: RecordView
    by: str = ""
    already: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """The records of this chat that the asking person may read.

    `more` counts those that have no room on a card, `hidden` those that can't be shown to the person.
    """

    views: tuple[RecordView, ...]
    more: int = 0
    hidden: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One event, in words. `at`: microseconds since the epoch, UTC."""

    seq: int
    at: int
    text: str
    quote: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The latest events of a record, newest first. `total`: how many there are. `withheld`: not shown in this chat."""

    view: RecordView
    entries: tuple[TimelineEntry, ...]
    total: int
    withheld: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteAdded:
    """A note is on the record's timeline. `quote`: its text, where it may be shown."""

    view: RecordView
    seq: int
    by: str = ""
    quote: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatOfRecord:
    """A chat that the record is connected to.

    Attributes:
        topic: "" where it has none, or none that may be shown.
        since: when it was connected, microseconds since the epoch, UTC.
        url: opens the chat; "" for who is not in it.
        by: who connected it, for who is not in it; "" when that may not be said.
    """

    kind: ChatKind
    topic: str
    since: int
    url: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatsOfRecord:
    """The group and meeting chats of a record that the person may join, the latest connected first.

    `more` counts those that have no room on a card, `channels` those that are joined by joining a team.
    """

    view: RecordView
    chats: tuple[ChatOfRecord, ...]
    more: int = 0
    channels: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A button that chooses one record. `data` goes back to us as the button's data."""

    label: str
    data: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichRecord:
    """A question whose answer is one of the chat's records."""

    question: str
    verb: str
    choices: tuple[Choice, ...]
    more: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpLine:
    """A command, as `Command` says it. `here`: it makes sense in this kind of chat."""

    usage: str
    summary: str
    writes: bool
    here: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Help:
    """The table of commands, for this kind of chat. `unknown`: the word that was no command."""

    commands: tuple[HelpLine, ...]
    kind: ChatKind
    example: str = ""
    unknown: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """The first words after installation: what to try. `example`: a link pattern's example, if there is one."""

    kind: ChatKind
    example: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of `why`: `ok` is None for a remark."""

    ok: bool | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """What the bot makes of a link."""

    steps: tuple[Step, ...] = ()
    hint: str = ""


class FieldKind(Enum):
    """How a setting is entered: yes or no, one of several, a line, or several lines."""

    SWITCH = "switch"
    CHOICE = "choice"
    LINE = "line"
    LINES = "lines"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A setting in a form.

    Attributes:
        name: the setting's, as in REST; it comes back as the key of what was entered.
        value: what the input holds: `true` or `false` for a switch, a list as one item a line.
        choices: value and words of each.
        hint: what to enter, or what it does.
    """

    name: str
    label: str
    kind: FieldKind
    value: str
    choices: tuple[tuple[str, str], ...] = ()
    hint: str = ""
    limit: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsForm:
    """The settings of a record type or an app, to be changed.

    Attributes:
        subject: `record-type/account` or `app/sales-hub`; goes back to us with what was entered.
        seen: the revision of the settings that are shown (`bot.domain.settings_json.revision`); goes back to us too.
        groups: heading and settings.
        saved: what was just changed, a line each; `()` where nothing was.
        problem: why nothing was saved, what to correct; then the fields hold what was entered.
        note: what else to know, such as that somebody else changed them meanwhile.
    """

    title: str
    subject: str
    seen: str
    groups: tuple[tuple[str, tuple[Field, ...]], ...]
    saved: tuple[str, ...] = ()
    problem: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsItem:
    """A record type or an app in the overview: `subject` as in `SettingsForm`, `summary` in a line."""

    subject: str
    label: str
    enabled: bool
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsOverview:
    """All that can be set. `admins`: their names, or ids where no name is known. `changes`: the latest, in words."""

    types: tuple[SettingsItem, ...]
    apps: tuple[SettingsItem, ...]
    admins: tuple[str, ...]
    changes: tuple[TimelineEntry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """A field that changed; "" where it had, or has, no value."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordChanged:
    """Watched fields of a connected record changed. `changes`: at `fields` only; `by`: "" when it may not be said."""

    view: RecordView
    changes: tuple[FieldChange, ...] = ()
    by: str = ""


AboutRecord = RecordCard | Connected | Disconnected | RecordChanged | Timeline | NoteAdded | ChatsOfRecord
Answer = AboutRecord | Records | WhichRecord | Help | Welcome | Notice | Why | SettingsForm | SettingsOverview
