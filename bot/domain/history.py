"""What is kept for those who must answer for the rules: who changed a setting, and who was refused what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.decisions import Action, Reason
from bot.domain.open_enum import OpenEnum
from bot.domain.people import Actor
from bot.domain.records import RecordId


class Via(OpenEnum):
    """How a change of the settings came."""

    CONFIG = "config"
    """The file that `CONFIG` names, at the first start."""
    API = "api"
    CHAT = "chat"


class Subject(OpenEnum):
    """What was changed."""

    RECORD_TYPE = "record-type"
    APP = "app"
    ADMINS = "admins"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsChange:
    """A change of one subject's settings, as it was made.

    Attributes:
        number: counts up in the order of the changes; given by the store.
        at: microseconds since the epoch, UTC; given by the store.
        name: of the record type, the id of the app, "" for admins.
        by: None where nobody was named (the record system's token, `CONFIG`).
        before, after: the whole settings as REST shows them; `before` None when it is new.
    """

    subject: Subject
    name: str
    via: Via
    by: Actor | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]
    number: int = 0
    at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Somebody wanted to change something, and the rules said no.

    Attributes:
        number: counts up in the order of the refusals; given by the store.
        at: microseconds since the epoch, UTC; given by the store.
        chat: where; "" where it was no chat.
        record: None where it was not about one.
        setting: the one that decided, as in `Decision`.
    """

    action: Action
    reason: Reason
    by: Actor
    chat: str = ""
    record: RecordId | None = None
    setting: str | None = None
    number: int = 0
    at: int = 0

    @property
    def what(self) -> tuple[Any, ...]:
        """All but when: what was refused whom, where and why."""
        return self.action, self.reason, self.setting, self.by.id, self.chat, self.record
