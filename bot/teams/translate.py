"""Activities, as JSON whose shape the edge has checked, to plain values; no SDK type and no JSON goes further."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

from bot.domain.chats import Chat, ChatKind, chat_id_of, kind_of
from bot.domain.links import canonical_id
from bot.domain.people import Member, Person
from bot.domain.text import one_line
from bot.domain.turns import ChangeKind, ChatChange, Message, Press, Turn
from bot.ports import Json

MAX_HTML = 64 * 1024
MAX_LINKS = 20
MAX_NAME = 120
_LEADING_MENTIONS = re.compile(r"\A\s*(?:<at[^<>]{0,64}>[^<>]{0,256}</at>\s*)*")


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def chat_of(activity: Json) -> Chat:
    """The chat an activity came from, as far as it tells."""
    conversation = _object(activity.get("conversation"))
    data = _object(activity.get("channelData"))
    chat_id = chat_id_of(_text(conversation.get("id")))
    kind = kind_of(chat_id, conversation.get("conversationType"))
    topic = (
        _text(_object(data.get("channel")).get("name")) if kind is ChatKind.CHANNEL else _text(conversation.get("name"))
    )
    return Chat(
        id=chat_id,
        kind=kind,
        topic="" if kind is ChatKind.PERSONAL else one_line(topic, MAX_NAME),
        team=_text(_object(data.get("team")).get("id")) or None,
        service_url=_text(activity.get("serviceUrl")),
        bot=_text(_object(activity.get("recipient")).get("id")),
    )


def person_of(activity: Json, tenant: str) -> Person:
    """Who acted. Only `aadObjectId` says who somebody is; without it they are anonymous and have no rights."""
    account = _object(activity.get("from"))
    return Person(
        id=_person_id(account),
        name=one_line(_text(account.get("name")), MAX_NAME),
        tenant=tenant,
        guest=_text(account.get("userRole")).lower() in ("guest", "anonymous"),
        account=_text(account.get("id")),
    )


def _person_id(account: Json) -> str | None:
    return canonical_id(_text(account.get("aadObjectId")).lower()) or None


def turn_of(activity: Json, tenant: str) -> Turn:
    return Turn(id=_text(activity.get("id")), person=person_of(activity, tenant), chat=chat_of(activity))


# Messages ------------------------------------------------------------------------------------------------------------


def message_of(activity: Json, tenant: str) -> Message:
    """A message without the bot's mention, and the addresses that its HTML holds."""
    anchors = _anchors(activity)
    return Message(
        turn=turn_of(activity, tenant),
        text=_spoken(activity),
        links=tuple(anchors),
        titles=tuple(" ".join(title.split()) for title in anchors.values()),
    )


def _spoken(activity: Json) -> str:
    """The text without mentions of the bot, and without others' that stand before it.

    Only the exact text of a mention is taken out: the SDK's own removal eats parts of words and is quadratic.
    """
    text = _text(activity.get("text"))
    bot = _object(activity.get("recipient")).get("id")
    for entity in activity.get("entities") or ():
        mention = _text(entity.get("text"))
        if (
            entity.get("type") == "mention"
            and _object(entity.get("mentioned")).get("id") == bot
            and mention.startswith("<at")
            and mention.endswith("</at>")
        ):
            text = text.replace(mention, " ")
    return _LEADING_MENTIONS.sub("", text.replace("&nbsp;", " ")).strip()


class _Anchors(HTMLParser):
    """Collects addresses and their titles."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._inside: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href")
        if tag == "a" and href and len(self.found) < MAX_LINKS and href not in self.found:
            self.found[href] = ""
            self._inside = href

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._inside = None

    def handle_data(self, data: str) -> None:
        if self._inside is not None:
            self.found[self._inside] += data


def _anchors(activity: Json) -> dict[str, str]:
    """Address -> title of the links in the message's HTML."""
    anchors = _Anchors()
    for attachment in activity.get("attachments") or ():
        if attachment.get("contentType") == "text/html":
            anchors.feed(_text(attachment.get("content"))[:MAX_HTML])
            break
    return anchors.found


# Buttons -------------------------------------------------------------------------------------------------------------


def press_of(activity: Json, tenant: str) -> Press | None:
    """A button: `Action.Execute` (an invoke) or its fallback `Action.Submit` (a message with a value); else None."""
    value = _object(activity.get("value"))
    if activity["type"] == "invoke":
        action = _object(value.get("action"))
        verb, data = action.get("verb"), _object(action.get("data"))
    else:
        verb, data = value.get("verb"), value
        if activity.get("text"):
            return None
    if not isinstance(verb, str):
        return None
    return Press(turn=turn_of(activity, tenant), verb=verb, data=data)


def link_of(activity: Json) -> object:
    """The address of a link query; whatever the client sent."""
    return _object(activity.get("value")).get("url")


# Changes of chats ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Update:
    activity: Json
    turn: Turn
    event: str
    team: str | None
    channel: Json

    def change(self, kind: ChangeKind, *, whole_team: bool = False, **more: Any) -> ChatChange:
        chat = None if whole_team and self.team else self.turn.chat
        return ChatChange(kind=kind, turn=self.turn, chat=chat, team=self.team, **more)


def changes_of(activity: Json, tenant: str) -> list[ChatChange]:
    """What a `conversationUpdate` or `installationUpdate` tells; nothing for kinds that we don't know."""
    data = _object(activity.get("channelData"))
    update = _Update(
        activity=activity,
        turn=turn_of(activity, tenant),
        event=_text(data.get("eventType")),
        team=_text(_object(data.get("team")).get("id")) or None,
        channel=_object(data.get("channel")),
    )
    if activity["type"] == "installationUpdate":
        return _installation(update)
    changes = _members(update)
    if named := _EVENTS.get(update.event):
        changes += named(update, data)
    elif activity.get("topicName"):
        changes.append(update.change(ChangeKind.RENAMED, topic=one_line(activity["topicName"], MAX_NAME)))
    return changes


def _installation(update: _Update) -> list[ChatChange]:
    match update.activity.get("action"):
        case "add" | "add-upgrade":
            return [update.change(ChangeKind.BOT_ADDED)]
        case "remove":
            return [update.change(ChangeKind.BOT_REMOVED, whole_team=True)]
        case _:
            return []


def _members(update: _Update) -> list[ChatChange]:
    """The bot and people are told apart: each makes another kind of change."""
    bot = update.turn.chat.bot
    changes: list[ChatChange] = []
    for name, of_bot, of_people in (
        ("membersAdded", ChangeKind.BOT_ADDED, ChangeKind.MEMBERS_ADDED),
        ("membersRemoved", ChangeKind.BOT_REMOVED, ChangeKind.MEMBERS_REMOVED),
    ):
        accounts = update.activity.get(name) or []
        people = tuple(_member(account) for account in accounts if account["id"] != bot)
        bot_is_there = len(people) < len(accounts)
        if bot_is_there:
            changes.append(update.change(of_bot, whole_team=of_bot is ChangeKind.BOT_REMOVED))
        if people and not bot_is_there:  # those who come with the bot were there before: the roster tells them
            changes.append(update.change(of_people, whole_team=not update.channel, members=people))
    return changes


def _member(account: Json) -> Member:
    return Member(account=account["id"], id=_person_id(account), name=one_line(_text(account.get("name")), MAX_NAME))


def _of_channel(kind: ChangeKind) -> Callable[[_Update, Json], list[ChatChange]]:
    def change(update: _Update, data: Json) -> list[ChatChange]:
        channel = _text(update.channel.get("id"))
        if not channel:
            return []
        name = one_line(_text(update.channel.get("name")), MAX_NAME)
        heard = update.turn.chat
        chat = Chat(
            id=channel,
            kind=ChatKind.CHANNEL,
            topic=name,
            team=update.team,
            service_url=heard.service_url,
            bot=heard.bot,
        )
        return [ChatChange(kind=kind, turn=update.turn, chat=chat, team=update.team, topic=name)]

    return change


def _of_team(kind: ChangeKind) -> Callable[[_Update, Json], list[ChatChange]]:
    def change(update: _Update, data: Json) -> list[ChatChange]:
        name = one_line(_text(_object(data.get("team")).get("name")), MAX_NAME)
        return [update.change(kind, whole_team=True, topic=name)] if update.team else []

    return change


# learn.microsoft.com "Conversation events in your Teams bot"
_EVENTS: dict[str, Callable[[_Update, Json], list[ChatChange]]] = {
    "channelRenamed": _of_channel(ChangeKind.RENAMED),
    "channelDeleted": _of_channel(ChangeKind.DELETED),
    "channelRestored": _of_channel(ChangeKind.RESTORED),
    "teamRenamed": _of_team(ChangeKind.RENAMED),
    "teamArchived": _of_team(ChangeKind.BOT_REMOVED),
    "teamUnarchived": _of_team(ChangeKind.RESTORED),
    "teamDeleted": _of_team(ChangeKind.DELETED),
    "teamHardDeleted": _of_team(ChangeKind.DELETED),
    "teamRestored": _of_team(ChangeKind.RESTORED),
}
