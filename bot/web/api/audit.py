"""`/audit`: who changed a setting, and who was refused what."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, TypeVar

from bot.domain.decisions import Action, Reason
from bot.domain.events import wire_time
from bot.domain.history import Refused, SettingsChange, Subject, Via
from bot.ports import Json, Transaction
from bot.web.api.parameters import MAX_POSITION, whole_number
from bot.web.api.route import ADMINS, Call, Named, Query, Route
from bot.web.api.shapes import ALEX
from bot.web.api.timelines import Order

Entry = TypeVar("Entry", SettingsChange, Refused)

_CHANGE: Json = {
    "number": 12,
    "at": "2026-11-22T18:30:00.000000Z",
    "subject": Subject.APP.value,
    "name": "sales-hub",
    "via": Via.CHAT.value,
    "by": ALEX,
    "before": {"id": "sales-hub", "label": "Sales Hub", "enabled": True},
    "after": {"id": "sales-hub", "label": "Sales Hub", "enabled": False},
}
_REFUSAL: Json = {
    "number": 3,
    "at": "2026-11-22T18:31:00.000000Z",
    "action": Action.CONNECT.value,
    "by": ALEX,
    "chat": "19:5f0c@thread.v2",
    "record": {"type": "account", "id": "A-1001"},
    "reason": Reason.TOO_LITTLE.value,
    "setting": "connect",
}
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
SettingsHistory = Annotated[Json, Named("SettingsHistory", {"items": [_CHANGE], "next": 12})]
Refusals = Annotated[Json, Named("Refusals", {"items": [_REFUSAL], "next": 3})]
_route = partial(Route, tag="Audit", callers=ADMINS)


@_route("GET", "/audit/settings", {200: "A page of changes."}, more=_ORDER)
async def get_settings_history(
    call: Call, after: After = 0, limit: Limit = 100, order: Order = "asc"
) -> SettingsHistory:
    """Who changed a setting, from what to what.

    It is kept for ever.
    """
    return await _page(call, lambda tx: tx.settings_changes, _change_json, after, limit, order)


@_route("GET", "/audit/refusals", {200: "A page of refusals."}, more=_ORDER)
async def get_refusals(call: Call, after: After = 0, limit: Limit = 100, order: Order = "asc") -> Refusals:
    """Who wanted to change something and was refused it.

    A refusal is kept for 90 days; the same within a minute once, and of one person at most 30 a minute.
    """
    return await _page(call, lambda tx: tx.refusals, _refusal_json, after, limit, order)


async def _page(
    call: Call,
    entries: Callable[[Transaction], Callable[..., list[Entry]]],
    to_json: Callable[[Entry], Json],
    after: int,
    limit: int,
    order: str,
) -> Json:
    """Some entries, and where the next page begins: oldest first never null, since entries go on being added, and who
    polls must not lose their place; newest first null when the page ends with the oldest."""
    newest_first = order == "desc"
    found = await call.store.read(lambda tx: entries(tx)(after=after, limit=limit + 1, newest_first=newest_first))
    page = found[:limit]
    if newest_first:
        following = page[-1].number if len(found) > limit else None
    else:
        following = page[-1].number if page else after
    return {"items": [to_json(entry) for entry in page], "next": following}


def _change_json(change: SettingsChange) -> Json:
    return {
        "number": change.number,
        "at": wire_time(change.at),
        "subject": change.subject.value,
        "name": change.name,
        "via": change.via.value,
        "by": change.by and change.by.to_wire(),
        "before": change.before,
        "after": change.after,
    }


def _refusal_json(refused: Refused) -> Json:
    return {
        "number": refused.number,
        "at": wire_time(refused.at),
        "action": refused.action.value,
        "by": refused.by.to_wire(),
        "chat": refused.chat or None,
        "record": refused.record and {"type": refused.record.type, "id": refused.record.id},
        "reason": refused.reason.value,
        "setting": refused.setting,
    }
