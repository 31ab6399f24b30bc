"""`/audit`: who changed a setting, and who was refused what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, TypeVar

from pydantic import Field
from typing_extensions import TypedDict

from bot.domain import history
from bot.domain.decisions import CHANGES, NOT_YET, Action, Reason
from bot.domain.events import wire_time
from bot.domain.history import Subject, Via
from bot.domain.policy import RULES
from bot.ports import Json, Transaction
from bot.web.api.parameters import MAX_POSITION, whole_number
from bot.web.api.route import ADMINS, Call, Query, Route
from bot.web.api.shapes import Actor, ChatId, RecordName, Time, actor_json, word
from bot.web.api.timelines import Order

Entry = TypeVar("Entry", history.SettingsChange, history.Refused)

_REASONS = sorted(
    {
        rule.decision.reason
        for rule in RULES
        if rule.actions & CHANGES and not rule.decision.allowed and rule.decision.reason not in NOT_YET
    },
    key=lambda reason: reason.value,
)
"""Those that can stand in the audit trail."""

_APP: Json = {"id": "sales-hub", "label": "Sales Hub"}

Number = Annotated[int, Field(ge=0, examples=[12])]
Next = Annotated[int | None, Field(description="Send it as `after`.", examples=[12])]


class SettingsChange(TypedDict):
    """A change of the settings of one record type, one app, or the list of administrators."""

    number: Annotated[Number, Field(description="Counts up in the order of the changes.")]
    at: Time
    subject: Annotated[str, word(Subject, Subject.APP)]
    name: Annotated[
        str, Field(description="Of the record type; the app's id; empty for admins.", examples=["sales-hub"])
    ]
    via: Annotated[str, word(Via, Via.CHAT, "`config`: the first start, from the file that CONFIG names.")]
    by: Annotated[Actor | None, Field(description="Null where nobody was named.")]
    before: Annotated[
        Mapping[str, Any] | None,
        Field(
            description="The settings as they were answered then; null when they were new.",
            examples=[{**_APP, "enabled": True}],
        ),
    ]
    after: Annotated[
        Mapping[str, Any],
        Field(description="As they were answered from then on.", examples=[{**_APP, "enabled": False}]),
    ]


class SettingsHistory(TypedDict):
    items: list[SettingsChange]
    next: Next


class Refusal(TypedDict):
    """Somebody wanted to change something, and the rules said no."""

    number: Annotated[Number, Field(description="Counts up in the order of the refusals.")]
    at: Time
    action: Annotated[str, word((action for action in Action if action in CHANGES), Action.CONNECT)]
    by: Actor
    chat: Annotated[ChatId | None, Field(description="Where; null where it was no chat.")]
    record: Annotated[RecordName | None, Field(description="As it was asked for: it need not exist.")]
    reason: Annotated[str, word(_REASONS, Reason.TOO_LITTLE)]
    setting: Annotated[
        str | None,
        Field(
            description="The one that decided, as it is called in these settings (`app.enabled`: of the app); "
            "null where none did.",
            examples=["connect"],
        ),
    ]


class Refusals(TypedDict):
    items: list[Refusal]
    next: Next


_ORDER = """Oldest first: `next` is always there, also on an empty page; ask again with `after=next` to hear what
happened since. With `order=desc`, newest first: `next` leads to older entries, null after the oldest."""

Limit = Annotated[int, Query("How many entries at most.", whole_number(1, 1000))]
After = Annotated[
    int,
    Query(
        "Only what follows the entry with this `number`; with `order=desc` what precedes it. 0: from the start.",
        whole_number(0, MAX_POSITION),
    ),
]
_route = partial(Route, tag="Audit", callers=ADMINS)


@_route("GET", "/audit/settings", {200: "A page of changes."}, more=_ORDER)
async def get_settings_history(
    call: Call, after: After = 0, limit: Limit = 100, order: Order = "asc"
) -> SettingsHistory:
    """Who changed a setting, from what to what.

    It is kept for ever.
    """
    page, following = await _page(call, lambda tx: tx.settings_changes, after, limit, order)
    return {"items": [_change_json(change) for change in page], "next": following}


@_route("GET", "/audit/refusals", {200: "A page of refusals."}, more=_ORDER)
async def get_refusals(call: Call, after: After = 0, limit: Limit = 100, order: Order = "asc") -> Refusals:
    """Who wanted to change something and was refused it.

    A refusal is kept for 90 days; the same within a minute once, and of one person at most 30 a minute.
    """
    page, following = await _page(call, lambda tx: tx.refusals, after, limit, order)
    return {"items": [_refusal_json(refused) for refused in page], "next": following}


async def _page(
    call: Call,
    entries: Callable[[Transaction], Callable[..., list[Entry]]],
    after: int,
    limit: int,
    order: str,
) -> tuple[list[Entry], int | None]:
    """Some entries, and where the next page begins: oldest first never null, since entries go on being added, and who
    polls must not lose their place; newest first null when the page ends with the oldest."""
    newest_first = order == "desc"
    found = await call.store.read(lambda tx: entries(tx)(after=after, limit=limit + 1, newest_first=newest_first))
    page = found[:limit]
    if newest_first:
        following = page[-1].number if len(found) > limit else None
    else:
        following = page[-1].number if page else after
    return page, following


def _change_json(change: history.SettingsChange) -> SettingsChange:
    return {
        "number": change.number,
        "at": wire_time(change.at),
        "subject": change.subject.value,
        "name": change.name,
        "via": change.via.value,
        "by": change.by and actor_json(change.by),
        "before": change.before,
        "after": change.after,
    }


def _refusal_json(refused: history.Refused) -> Refusal:
    return {
        "number": refused.number,
        "at": wire_time(refused.at),
        "action": refused.action.value,
        "by": actor_json(refused.by),
        "chat": refused.chat or None,
        "record": refused.record and {"type": refused.record.type, "id": refused.record.id},
        "reason": refused.reason.value,
        "setting": refused.setting,
    }
