"""What the parameters of a path name. What can't exist is unknown (404), except where it would be created (422)."""

from __future__ import annotations

import re
from urllib.parse import quote

from bot.domain.chats import chat_id_of
from bot.domain.links import canonical_id, is_type_name
from bot.domain.records import RecordId
from bot.domain.text import one_line
from bot.errors import NotFound, Unprocessable
from bot.web.api.bodies import MAX_CHAT
from bot.web.api.operation import PREFIX, Call

_UNSPEAKABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def record_named(call: Call) -> RecordId:
    """The record in `/records/{type}/{id}`.

    Raises:
        NotFound, Unprocessable: no record can have this type or id.
    """
    record_type, record_id = call.path["type"], canonical_id(call.path["id"])
    if not is_type_name(record_type):
        raise _impossible(
            call, f"No record type has the name {one_line(record_type, 64)!r}.", "GET /api/v1/record-types lists them."
        )
    if record_id is None:
        raise _impossible(
            call,
            f"No record has the id {one_line(call.path['id'], 64)!r}.",
            "An id is letters, digits and . _ ~ - (128 at most), or a GUID.",
        )
    return RecordId(record_type, record_id)


def chat_named(call: Call) -> str:
    """The chat in a path, without a channel's `;messageid=`.

    Raises:
        NotFound: no chat can have this id.
    """
    chat = call.path["chat"]
    if len(chat) > MAX_CHAT or _UNSPEAKABLE.search(chat):
        raise NotFound(
            f"No chat has the id {one_line(chat, 64)!r}.", next_step="Copy it from an event or a record's chats."
        )
    return chat_id_of(chat)


def _impossible(call: Call, what: str, next_step: str) -> NotFound | Unprocessable:
    kind = Unprocessable if call.method == "PUT" else NotFound
    return kind(what, next_step=next_step)


def address_of_record(record: RecordId) -> str:
    return f"{PREFIX}/records/{record.type}/{quote(record.id, safe='')}"
