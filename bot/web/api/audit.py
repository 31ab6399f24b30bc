"""`/audit`: who changed a setting, and who was refused what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot.domain.decisions import Action, Reason
from bot.domain.events import wire_time
from bot.domain.history import Refused, SettingsChange, Subject, Via
from bot.ports import Json, Transaction
from bot.web.api.operation import Call, Operation, Reply, Result
from bot.web.api.parameters import MAX_POSITION, Number
from bot.web.api.settings import PERSON
from bot.web.api.timelines import ORDER

LIMIT = Number(name="limit", description="How many entries at most.", default=100, minimum=1, maximum=1000)
AFTER = Number(
    name="after",
    description="Only what follows the entry with this `number`; with `order=desc` what precedes it. 0: from the "
    "start.",
    default=0,
    minimum=0,
    maximum=MAX_POSITION,
)

Entry = TypeVar("Entry", SettingsChange, Refused)


async def settings_changes(call: Call) -> Reply:
    return await _page(call, lambda tx: tx.settings_changes, _change_json)


async def refusals(call: Call) -> Reply:
    return await _page(call, lambda tx: tx.refusals, _refusal_json)


async def _page(
    call: Call, entries: Callable[[Transaction], Callable[..., list[Entry]]], to_json: Callable[[Entry], Json]
) -> Reply:
    """Some entries, and where the next page begins: oldest first never null, since entries go on being added, and who
    polls must not lose their place; newest first null when the page ends with the oldest."""
    after, limit, newest_first = call.values["after"], call.values["limit"], call.values["order"] == "desc"
    found = await call.store.read(lambda tx: entries(tx)(after=after, limit=limit + 1, newest_first=newest_first))
    page = found[:limit]
    if newest_first:
        following = page[-1].number if len(found) > limit else None
    else:
        following = page[-1].number if page else after
    return Reply(body={"items": [to_json(entry) for entry in page], "next": following})


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


_CHANGE: Json = {
    "number": 12,
    "at": "2026-11-22T18:30:00.000000Z",
    "subject": Subject.APP.value,
    "name": "sales-hub",
    "via": Via.CHAT.value,
    "by": PERSON,
    "before": {"id": "sales-hub", "label": "Sales Hub", "enabled": True},
    "after": {"id": "sales-hub", "label": "Sales Hub", "enabled": False},
}
_REFUSAL: Json = {
    "number": 3,
    "at": "2026-11-22T18:31:00.000000Z",
    "action": Action.CONNECT.value,
    "by": PERSON,
    "chat": "19:5f0c@thread.v2",
    "record": {"type": "account", "id": "A-1001"},
    "reason": Reason.TOO_LITTLE.value,
    "setting": "connect",
}
_ORDER = (
    "Oldest first: `next` is always there, also on an empty page; ask again with `after=next` to hear what happened "
    "since. With `order=desc`, newest first: `next` leads to older entries, null after the oldest."
)


def _pages(
    name: str, path: str, summary: str, kept: str, handler: Callable[[Call], Awaitable[Reply]], page: Result
) -> Operation:
    """Reading one of the two, page by page."""
    return Operation(
        method="GET",
        path=path,
        name=name,
        tag="Audit",
        summary=summary,
        description=f"{_ORDER} {kept}",
        handler=handler,
        parameters=(AFTER, LIMIT, ORDER),
        results=(page,),
        admins=True,
    )


OPERATIONS = (
    _pages(
        "getSettingsHistory",
        "/audit/settings",
        "Who changed a setting, from what to what",
        "It is kept for ever.",
        settings_changes,
        Result(
            status=200,
            description="A page of changes.",
            schema="SettingsHistory",
            example={"items": [_CHANGE], "next": 12},
        ),
    ),
    _pages(
        "getRefusals",
        "/audit/refusals",
        "Who wanted to change something and was refused it",
        "A refusal is kept for 90 days; the same within a minute once, and of one person at most 30 a minute.",
        refusals,
        Result(
            status=200,
            description="A page of refusals.",
            schema="Refusals",
            example={"items": [_REFUSAL], "next": 3},
        ),
    ),
)
