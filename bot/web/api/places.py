"""What the parameters of a path name. What can't exist is unknown (404), except where it would be created (422)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import quote

from bot.domain.chats import chat_id_of
from bot.domain.links import canonical_id, is_type_name
from bot.domain.records import RecordId
from bot.domain.text import one_line
from bot.errors import NotFound, Unprocessable
from bot.ports import Json
from bot.web.api.bodies import LINE_PATTERN, MAX_CHAT
from bot.web.api.route import PREFIX, Path
from bot.web.api.shapes import ID, TYPE_NAME, WEBHOOK_ID

_UNSPEAKABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

_TYPE: Json = {"schema": TYPE_NAME, "description": "The name of a record type.", "example": "account"}
_ID: Json = {
    "schema": ID,
    "description": "The record's id. A GUID may come in either case and in braces; it is kept in lower case.",
    "example": "A-1001",
}
_APP: Json = {"schema": ID, "description": "The app's id.", "example": "sales-hub"}
_CHAT: Json = {
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_CHAT, "pattern": LINE_PATTERN},
    "description": "The chat's id, percent-encoded. A channel's `;messageid=` is cut off.",
    "example": "19:5f0c@thread.v2",
}
_WEBHOOK: Json = {"schema": WEBHOOK_ID, "description": "The webhook's id.", "example": "01KAXV7Q5J6Z8M3T9R2W4Y1N0B"}


def _record(path: Mapping[str, str], creates: bool) -> RecordId:
    kind = Unprocessable if creates else NotFound
    record_type, record_id = path["type"], canonical_id(path["id"])
    if not is_type_name(record_type):
        raise kind(
            f"No record type has the name {one_line(record_type, 64)!r}.",
            next_step="GET /api/v1/record-types lists them.",
        )
    if record_id is None:
        raise kind(
            f"No record has the id {one_line(path['id'], 64)!r}.",
            next_step="An id is letters, digits and . _ ~ - (128 at most), or a GUID.",
        )
    return RecordId(record_type, record_id)


def _chat(path: Mapping[str, str], _: bool) -> str:
    chat = path["chat"]
    if len(chat) > MAX_CHAT or _UNSPEAKABLE.search(chat):
        raise NotFound(
            f"No chat has the id {one_line(chat, 64)!r}.", next_step="Copy it from an event or a record's chats."
        )
    return chat_id_of(chat)


def _webhook(path: Mapping[str, str], _: bool) -> str:
    webhook = path["webhook"]
    if not (len(webhook) == 26 and webhook.isascii() and webhook.isalnum()):
        raise NotFound("There is no such webhook.", next_step="GET /api/v1/webhooks lists them.")
    return webhook


RecordAt = Annotated[RecordId, Path({"type": _TYPE, "id": _ID}, _record)]
ChatAt = Annotated[str, Path({"chat": _CHAT}, _chat)]
"""Without a channel's `;messageid=`."""
WebhookAt = Annotated[str, Path({"webhook": _WEBHOOK}, _webhook)]
# What can't be a name or an id stays as it is: nobody has it, and to write it is refused.
TypeAt = Annotated[str, Path({"type": _TYPE}, lambda path, _: path["type"])]
AppAt = Annotated[str, Path({"app": _APP}, lambda path, _: canonical_id(path["app"]) or path["app"])]


def address_of_record(record: RecordId) -> str:
    return f"{PREFIX}/records/{record.type}/{quote(record.id, safe='')}"
