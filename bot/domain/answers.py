"""What a feature answers: plain values that `teams` and `web` render with `cards`.

Everything of a record that an answer holds is already cut to what may be shown (`bot.domain.disclosure`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.domain.chats import ChatKind
from bot.domain.commands import Command
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
class Explanation:
    """Why a pasted link shows no record. Holds not a single value of one."""

    title: str
    text: str
    hint: str


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
class Help:
    """The table of commands, for this kind of chat. `unknown`: the word that was no command."""

    commands: tuple[Command, ...]
    kind: ChatKind
    example: str = ""
    unknown: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """The first words after installation: what to try. `example`: a link pattern's example, if there is one."""

    kind: ChatKind
    example: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """It was not done: what happened, why, and what to do next."""

    title: str
    text: str
    next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of `why`: `ok` is None for a remark."""

    ok: bool | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """What the bot makes of a link."""

    steps: tuple[Step, ...] = field(default_factory=tuple)
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Something broke on our side. `reference` finds it in the log."""

    reference: str


Answer = (
    RecordCard
    | Explanation
    | Connected
    | Disconnected
    | Records
    | Timeline
    | NoteAdded
    | WhichRecord
    | Help
    | Welcome
    | Refusal
    | Why
    | Failure
)
