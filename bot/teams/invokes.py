"""Invokes: what Teams asks and waits for. Each is read, run and rendered from the activity's JSON alone, without a turn
of the SDK, and gets its documented body whatever happens. Link queries are the hot path.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from bot.domain.answers import Notice
from bot.domain.documents import compact
from bot.domain.turns import Press
from bot.features.conversation import Conversation, Reply
from bot.features.refusals import failure
from bot.features.rights import Rights
from bot.features.unfurl import unfurl, unfurl_anonymous
from bot.ports import Json, Store
from bot.teams import translate
from bot.teams.edge import ANONYMOUS_QUERY
from cards import text, unfurl_bytes

CARD = "application/vnd.microsoft.card.adaptive"
MESSAGE = "application/vnd.microsoft.activity.message"
ERROR = "application/vnd.microsoft.error"
TRY_AGAIN = Notice(
    title="No card right now",
    text="Connect Chats can't look this link up at the moment.",
    next="The link itself works. Paste it again in a minute.",
)
Q = TypeVar("Q")
A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Invoke(Generic[Q, A]):
    """One kind of invoke.

    Attributes:
        translate: what is asked, as plain values.
        run: asks the feature.
        render: the body of its answer.
        failed: the body when something broke; `reference` finds it in the log.
    """

    translate: Callable[[Json], Q]
    run: Callable[[Q], Awaitable[A]]
    render: Callable[[A], bytes]
    failed: Callable[[str], bytes]


def invokes(conversation: Conversation, *, store: Store, rights: Rights, tenant: str) -> Mapping[str, Invoke[Any, Any]]:
    """All that are answered, by name."""

    async def press(pressed: Press | None) -> Reply | None:
        return await conversation.on_action(pressed, in_body=True, heard=False) if pressed else None

    return {
        "composeExtension/queryLink": Invoke(
            lambda activity: (translate.link_of(activity), translate.turn_of(activity, tenant)),
            lambda asked: unfurl(*asked, store=store, rights=rights, tenant=tenant),
            unfurl_bytes,
            _no_card,
        ),
        ANONYMOUS_QUERY: Invoke(
            translate.link_of, lambda link: unfurl_anonymous(link, store=store), unfurl_bytes, _no_card
        ),
        "adaptiveCard/action": Invoke(
            lambda activity: translate.press_of(activity, tenant), press, _action_answer, _action_failed
        ),
    }


def _no_card(reference: str) -> bytes:
    return unfurl_bytes(TRY_AGAIN)


def _action_answer(reply: Reply | None) -> bytes:
    """The body of an `adaptiveCard/action`: a new card, or a message that leaves the card as it is."""
    if reply is None:
        return _action_error(400, "BadRequest", "The button names no verb.")
    assert reply.message is not None
    if reply.refused:
        return _json({"statusCode": 200, "type": MESSAGE, "value": reply.message["summary"]})
    return _json({"statusCode": 200, "type": CARD, "value": reply.message["attachments"][0]["content"]})


def _action_failed(reference: str) -> bytes:
    return _action_error(500, "InternalError", text(failure(reference)))


def _action_error(status: int, code: str, message: str) -> bytes:
    return _json({"statusCode": status, "type": ERROR, "value": {"code": code, "message": message}})


def unsupported(name: str | None) -> bytes:
    """The documented body for an invoke that this bot has no use for."""
    words = "Connect Chats doesn't offer this. Paste the link of a record, or send the bot: help"
    if (name or "").startswith("composeExtension/"):
        return _json({"composeExtension": {"type": "message", "text": words}})
    if (name or "").startswith("task/"):
        return _json({"task": {"type": "message", "value": words}})
    return b"{}"


def _json(body: Json) -> bytes:
    return compact(body).encode()
