"""What may be shown to whom where: CONTRACT.md, sentence by sentence, without a line of the program's own rules."""

from __future__ import annotations

from typing import NamedTuple

from tests.leaks.stage import ADMIN, KEYS, LADDER, ROOMS, STRANGERS, Organisation, Room, Secret
from tests.world import Somebody

SHOWS = {
    "unfurl": {"title", "value", "label", "type"},
    "anonymous": {"type"},
    "connect": {"title", "value", "label", "type", "owner", "name"},
    "disconnect": {"title", "type", "owner", "name"},
    "records": {"title", "type"},
    "timeline": {"title", "type", "name", "label", "note"},
    "note": {"title", "type", "owner", "name"},
    "join": {"title", "type", "owner", "name", "topic"},
    "why": {"type", "owner", "app", "site"},
    "settings": {"type", "label", "app", "site"},
    "save": set(),
    "nonsense": set(),
}
"""What an answer is about at all. An unfurl names no people; a list of records shows no fields."""


RIGHTS = ("none", "read", "append", "write")


class Question(NamedTuple):
    """Something a person asks in a chat.

    Attributes:
        asks: a key of `SHOWS`.
        record: the one it names; "" when it names none, so every record of the chat may be meant.
        link_app: the app that the link names.
        own: a canary that the person says themselves; to say it back tells nobody anything.
    """

    org: Organisation
    asks: str
    by: Somebody
    room: Room
    record: str = ""
    link_app: str | None = None
    own: str = ""


def may_show(question: Question, secret: Secret) -> bool:
    """Whether the answer may hold the canary."""
    org, room, asks = question.org, question.room, question.asks
    if secret.tenant != org.tenant or secret.kind not in SHOWS[asks]:
        return False
    if asks == "settings":  # whoever may change all of them, where nobody else reads along
        return question.by is ADMIN and (room.private or room.audience == "internal")
    if asks == "join" and secret.kind != "owner":
        return _may_join(question) and _of_a_chat_to_join(question, secret)
    private_why = asks == "why" and room.private
    match secret.kind:
        case "site":
            return True  # why: "I know records at"
        case "app":
            return secret.of == question.link_app
        case "type" if asks == "unfurl":
            return secret.of == kind_of(question.record) and _name_of_type(question)
        case "type" if asks == "anonymous":
            return secret.of == kind_of(question.record) and at_least(
                org.types[secret.of]["disclosure_unknown"], "type"
            )
        case "type":
            named = at_least(level(org, secret.of, room.audience), "type")
            return (named or (private_why and question.by is ADMIN)) and _meant(question, secret.of)
        case "name":
            return any(_readable_at(question, record, "name") for record in _records(question))
        case "label":
            records = [record for record in _records(question) if kind_of(record) == secret.of]
            return _listed(question, secret) and any(_readable_at(question, record, "fields") for record in records)
        case "value":
            return secret.of in _records(question) and (
                _listed(question, secret) and _readable_at(question, secret.of, "fields")
            )
        case "note":
            return secret.of in _records(question) and _readable_at(question, secret.of, "fields")
        case _:  # title, owner
            if asks in ("why", "join") and not room.private:
                return False  # in a chat of several people only what all may know
            return secret.of in _records(question) and _readable_at(question, secret.of, "name")


def _may_join(question: Question) -> bool:
    """The least privilege that the type's `join` names, and nobody but the person reads the answer."""
    org, record = question.org, question.record
    if not question.room.private or record not in org.records or not switched_on(org, record, question.link_app):
        return False
    needed = org.types[kind_of(record)]["join"]
    return needed != "nobody" and RIGHTS.index(rights(org, question.by, record)) >= RIGHTS.index(needed)


def _of_a_chat_to_join(question: Question, secret: Secret) -> bool:
    """What a joiner is told of the record, and of its group and meeting chats: topic, kind, who connected."""
    shown = level(question.org, kind_of(question.record), question.room.audience)
    if secret.kind == "type":
        return secret.of == kind_of(question.record) and at_least(shown, "type")
    if secret.kind == "topic":
        room = next(room for room in ROOMS if room.id == secret.of)
        joined = question.by in room.people  # who is in the chat knows what it is called
        return room.kind == "groupChat" and (joined or at_least(shown, "name"))
    return at_least(shown, "name") and secret.of in ("", question.record)


def may_tell(org: Organisation, room: Room, secret: Secret, *, change: bool) -> bool:
    """Whether the note, or word of a `change`, may hold it: both "under the disclosure of that chat"."""
    if secret.tenant != org.tenant:
        return False
    levels = {kind: level(org, kind, room.audience) for kind in KEYS}
    kind = kind_of(secret.of)
    match secret.kind:
        case "type":
            return at_least(levels[kind], "type")
        case "title":
            return at_least(levels[kind], "name") and _tells(org, secret.of, change)
        case "name":
            return any(at_least(levels[kind], "name") for kind in KEYS)
        case "label":
            return _told(org, secret, change) and at_least(levels[kind], "fields")
        case "value" | "before":
            told = _told(org, secret, change) and _tells(org, secret.of, change)
            return told and at_least(levels[kind], "fields") and (change or secret.kind == "value")
        case _:
            return False


def _told(org: Organisation, secret: Secret, change: bool) -> bool:
    """Whether the field is on the list of those that a change, or the note, may show."""
    settings = org.types[kind_of(secret.of)]
    told = settings["watch_fields"] if change else settings["note_fields"] if settings["note"] else ()
    return org.labels[kind_of(secret.of)][secret.field] in told


def _tells(org: Organisation, record: str, change: bool) -> bool:
    """It is switched on, and was before it changed."""
    return switched_on(org, record) and not (change and not switched_on(org, record, org.came_from[record]))


def rights(org: Organisation, person: Somebody, record: str) -> str:
    """Their own entry, else `*` (everybody of the tenant who is not a guest), else none; the owner has write."""
    if person.id is None:
        return "none"
    body = org.records[record]
    if person.id == (body.get("owner") or {}).get("id"):
        return "write"
    everybody = "none" if person in STRANGERS else body["access"].get("*", "none")
    return body["access"].get(person.id, everybody)


def switched_on(org: Organisation, record: str, link_app: str | None = None) -> bool:
    """The type, the app the link names and the app the record belongs to."""
    settings = org.types[kind_of(record)]
    named = [app for app in (link_app, org.records[record].get("app")) if app]
    return settings["enabled"] and all(org.apps[app] and settings["apps"] in (["*"], [app]) for app in named)


def level(org: Organisation, kind: str, audience: str) -> str:
    """`disclosure`, or the lower one of it and that of the audience."""
    settings = org.types[kind]
    other = settings.get(f"disclosure_{audience}", settings["disclosure"])
    return min(settings["disclosure"], other, key=LADDER.index)


def at_least(one: str, other: str) -> bool:
    return LADDER.index(one) >= LADDER.index(other)


def kind_of(record: str) -> str:
    return record.partition("/")[0]


def _records(question: Question) -> list[str]:
    """The records that the answer may be about."""
    known = question.org.records
    return [question.record] if question.record in known else ([] if question.record else [*known])


def _meant(question: Question, kind: str) -> bool:
    return not question.record or kind == kind_of(question.record)


def _readable_at(question: Question, record: str, least: str) -> bool:
    """They may read it, it is switched on, and this chat may see so much of it."""
    return (
        rights(question.org, question.by, record) != "none"
        and switched_on(question.org, record, question.link_app)
        and at_least(level(question.org, kind_of(record), question.room.audience), least)
    )


def _name_of_type(question: Question) -> bool:
    """The explaining card is "without a single value of the record", its type's name included."""
    return question.record in question.org.records and _readable_at(question, question.record, "type")


def _listed(question: Question, secret: Secret) -> bool:
    """`connect` answers with the record's card, and the note may be one card with it."""
    settings = question.org.types[kind_of(secret.of)]
    lists = ("card_fields", "note_fields") if question.asks == "connect" else ("card_fields",)
    return any(question.org.labels[kind_of(secret.of)][secret.field] in settings[name] for name in lists)
