"""Which feature a command or a button means, and what of it was typed."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.answers import Answer, Notice
from bot.domain.chats import ChatKind
from bot.domain.commands import CONNECT, DISCONNECT, JOIN, NOTE, SETTINGS, TIMELINE, Command, Request
from bot.domain.links import Link
from bot.domain.records import RecordId
from bot.domain.turns import Message, Press
from bot.errors import Invalid, NotAllowed
from bot.features import connections, joining, notes, timeline, why
from bot.features.help import help_for
from bot.features.references import find_reference, not_understood
from bot.features.refusals import NOT_CONNECTABLE, NOT_CONNECTABLE_NEXT
from bot.features.scene import Scene
from bot.features.settings import chat as settings

SAVE_SETTINGS = replace(SETTINGS, name="settings.save", writes=True)
VERBS = {command.name: command for command in (CONNECT, DISCONNECT, TIMELINE, NOTE, SETTINGS, SAVE_SETTINGS)}
"""What a button can ask."""
STALE = Notice(
    title="This button does nothing any more",
    text="The card is older than what I know today, or it was changed on its way.",
    next="Paste the link again to get a fresh card, or send me help.",
)


def obey(scene: Scene, request: Request, message: Message) -> Answer:
    """Do what a message asks.

    Raises:
        ConnectChatsError: what the feature raises; nothing was written then.
    """
    command, argument = request.command, _spelled_out(request.argument, message)
    if scene.chat.kind not in command.kinds:
        return _elsewhere(command)
    match command.name:
        case "connect":
            return connections.connect(scene, _needed(scene, command, argument, message.links))
        case "disconnect":
            link = _needed(scene, command, argument, message.links) if argument or message.links else None
            return connections.disconnect(scene, link)
        case "records":
            return connections.records(scene)
        case "timeline":
            return _timeline(scene, argument, message.links)
        case "note":
            return notes.note(scene, None, request.argument)
        case "join":
            return joining.join(scene, _needed(scene, command, argument, message.links))
        case "why":
            return why.why(scene, argument, message.links)
        case "settings":
            return settings.settings(scene, request.argument)
        case _:
            return help_for(scene.chat.kind, scene.catalogue, request.unknown)


def _spelled_out(argument: str, message: Message) -> str:
    """The argument with addresses where Teams shows a link's title."""
    for title, link in zip(message.titles, message.links, strict=True):
        if title and link not in argument:
            argument = argument.replace(title, link, 1)
    return argument


def _needed(scene: Scene, command: Command, argument: str, links: tuple[str, ...]) -> Link:
    found, _ = find_reference(scene.catalogue, argument, links)
    if found is None:
        raise not_understood(scene.catalogue, argument, command.usage)
    return found


def _timeline(scene: Scene, argument: str, links: tuple[str, ...]) -> Answer:
    found, rest = find_reference(scene.catalogue, argument, links)
    if found is None and argument and not argument.lstrip("-").isdigit():
        raise not_understood(scene.catalogue, argument, TIMELINE.usage)
    if found is not None and links and rest == argument:
        rest = ""  # the address stands in the HTML alone: what was typed is another name for it
    if found is None and scene.chat.kind is ChatKind.PERSONAL:
        raise Invalid("You didn't say which record.", next_step=f"Write {TIMELINE.usage}.")
    return timeline.timeline(scene, found, timeline.split_count(rest))


def _elsewhere(command: Command) -> Notice:
    if command is CONNECT:
        return Notice(title="Not connected", text=NOT_CONNECTABLE, next=NOT_CONNECTABLE_NEXT)
    if command is JOIN:
        return joining.NOT_HERE
    return Notice(
        title="Not here",
        text=f"{command.name} is about the records of a group chat, a channel or a meeting; this is a chat of two.",
        next=f"Send it in a chat that is connected to a record: @Connect Chats {command.name}",
    )


def obey_button(scene: Scene, command: Command, press: Press) -> Answer:
    """Do what a button asks, for the person who pressed it, in the chat where it was pressed.

    Raises:
        ConnectChatsError: as `obey`.
    """
    if command is SETTINGS:
        return settings.open_form(scene, press.data)
    if command is SAVE_SETTINGS:
        return settings.save(scene, press.data)
    named = press.data.get("record")
    found = scene.catalogue.reference(named) if isinstance(named, str) and len(named) <= 256 else None
    if found is None:
        return STALE
    if scene.chat.kind not in command.kinds:
        return _elsewhere(command)
    match command.name:
        case "connect":
            return connections.connect(scene, found)
        case "disconnect":
            return connections.disconnect(scene, found)
        case "timeline":
            return timeline.timeline(scene, found, timeline.split_count(str(press.data.get("count", ""))))
        case _:
            return _note_from_button(scene, found.record, press)


def _note_from_button(scene: Scene, record: RecordId, press: Press) -> Answer:
    """The note's text comes back with the button; it is this person's word, so only its author may place it."""
    text, by = press.data.get("text"), press.data.get("by")
    if not isinstance(text, str):
        return STALE
    if by != scene.person.id:
        raise NotAllowed("This note is somebody else's.", next_step="Only its author can say where it belongs.")
    return notes.note(scene, record, text)
