"""Refusals in words: what is missing, and who could help.

In a chat of several everybody reads them, so people are named only where names may be shown.
"""

from __future__ import annotations

from bot.domain.answers import Notice
from bot.domain.decisions import Action, Decision, Facts, Reason
from bot.domain.disclosure import name_of
from bot.domain.people import Actor
from bot.domain.policy import disclosure_in, required
from bot.domain.records import Disclosure
from bot.errors import Conflict, ConnectChatsError, NotAllowed, NotFound, RecordNotFound, StaleButton, Unanswered

# One and the same value for "no such record" and "you may not read it": the answers are equal byte for byte.
UNKNOWN_RECORD = "There is no such record, or you may not see it."
UNKNOWN_RECORD_NEXT = "Check the link or key. If it is right, ask the record's owner for access."
UNANSWERED = "I couldn't find out in time what you may do with this record."
UNANSWERED_NEXT = "Try again in a minute. Nothing was changed."
NOT_CONNECTABLE = "A chat of two can't be connected to a record."
NOT_CONNECTABLE_NEXT = (
    "Start a group chat with the people who work on it, add me there, and send: connect <link or key>"
)
_DOING = {
    Action.CONNECT: "connecting a chat to it",
    Action.JOIN: "joining its chats",
    Action.NOTE: "adding a note",
}
_FOR_NOBODY = {
    Action.CONNECT: "Connecting chats to this kind of record is switched off.",
    Action.JOIN: "Joining chats of this kind of record is switched off.",
}


def refusal(
    action: Action, decision: Decision, facts: Facts, *, owner: Actor | None, connector: Actor | None
) -> ConnectChatsError:
    """The refusal to raise.

    Args:
        owner, connector: of the record, of the connection; whether they may be named is decided here.
    """
    match decision.reason:
        case Reason.UNKNOWN:
            return RecordNotFound(UNKNOWN_RECORD, next_step=UNKNOWN_RECORD_NEXT)
        case Reason.UNANSWERED:
            return Unanswered(UNANSWERED, next_step=UNANSWERED_NEXT)
        case Reason.TYPE_OFF | Reason.APP_OFF:
            return NotAllowed(
                "An administrator has switched off this app or this kind of record.",
                next_step=f"Its connections sleep until it is switched on again. {_admin(facts, 'do that')}",
            )
        case Reason.ONE_TO_ONE:
            return Conflict(NOT_CONNECTABLE, next_step=NOT_CONNECTABLE_NEXT)
        case Reason.BOT_ABSENT:
            return Conflict(
                "I'm not in this chat, so I can't speak there.",
                next_step="Add the app Connect Chats to the chat, then try again.",
            )
        case Reason.NOT_CONNECTED:
            return NotFound(
                "This chat is not connected to that record.", next_step="Connect it first: connect <link or key>"
            )
        case Reason.FOR_NOBODY:
            return NotAllowed(_FOR_NOBODY[action], next_step=_admin(facts, "switch it on"))
        case Reason.TOO_LITTLE:
            return _too_little(action, decision, facts, owner)
        case Reason.NOT_YOURS:
            return _not_yours(decision, facts, owner, connector)
        case _:
            return NotAllowed(
                "Only administrators of Connect Chats may do this.", next_step="Ask one of them to do it."
            )


def _admin(facts: Facts, what: str) -> str:
    """Who can change a setting: perhaps the person who asks."""
    who = "You are an administrator of Connect Chats: you" if facts.is_admin else "An administrator of Connect Chats"
    return f"{who} can {what}."


def _level(facts: Facts) -> Disclosure:
    return disclosure_in(facts.settings, facts.audience)


def _too_little(action: Action, decision: Decision, facts: Facts, owner: Actor | None) -> NotAllowed:
    needed = required(action, facts.settings).value
    name = name_of(owner, _level(facts))
    if name:
        ask = f"Ask its owner, {name}, for it."
    elif owner is None and _level(facts) >= Disclosure.NAME:
        ask = "The record has no owner: ask whoever gives rights in its own system."
    else:
        ask = "Ask the record's owner for it."
    less = f" {_admin(facts, 'change what is needed')}" if decision.setting else ""
    return NotAllowed(
        f"You may read this record, but {_DOING[action]} needs the right to {needed}.", next_step=ask + less
    )


def _not_yours(decision: Decision, facts: Facts, owner: Actor | None, connector: Actor | None) -> NotAllowed:
    """Whose the decision is. Where names may not be shown, not even that it is, or isn't, theirs who ask; nor whether
    there is an owner, or a person who connected it."""
    level = _level(facts)
    hidden = level < Disclosure.NAME
    able = ["an administrator of Connect Chats"]
    if facts.settings.owner_may_disconnect and (hidden or owner is not None):
        name = name_of(owner, level)
        able.append(f"the record's owner{f', {name}' if name else ''}")
    if facts.settings.connector_may_disconnect and (hidden or connector is not None):
        name = name_of(connector, level)
        if not name or name not in able[-1]:
            able.append(f"{name}, who connected it" if name else "the person who connected it")
    what = "You may not disconnect this record."
    if not hidden and decision.setting == "owner_may_disconnect":
        what += " It is yours, but for this kind of record that is not enough."
    elif not hidden and decision.setting == "connector_may_disconnect":
        what += " You connected it, but for this kind of record that is not enough."
    return NotAllowed(what, next_step=f"Ask {', or '.join(able)}.")


_TITLES = {
    RecordNotFound.code: "No such record for you",
    NotAllowed.code: "Not allowed",
    Unanswered.code: "No answer in time",
    StaleButton.code: "This button does nothing any more",
}


def refused(error: ConnectChatsError) -> Notice:
    """An error as an answer."""
    return Notice(title=_TITLES.get(error.code, "That didn't work"), text=error.what, next=error.next_step)


def stale_button() -> StaleButton:
    return StaleButton(
        "The card is older than what I know today, or it was changed on its way.",
        next_step="Paste the link again to get a fresh card, or send me help.",
    )


def failure(reference: str) -> Notice:
    """Something broke on our side. `reference` finds it in the log."""
    return Notice(
        title="Something went wrong",
        text="That was my fault, not yours, and it has been logged.",
        next=f"Try again in a minute. If it happens again, give your administrator this reference: {reference}",
    )
