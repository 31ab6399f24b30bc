"""What `POST /api/messages` does with a request: authenticate, parse, admit, answer.

Link queries are answered straight from the JSON: they only read, so they need no turn of the SDK. Everything that
converses runs through it.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from botbuilder.core import TurnContext

from bot.domain.answers import Notice
from bot.domain.documents import compact
from bot.errors import ConnectChatsError, Unavailable
from bot.features.refusals import failure
from bot.features.rights import Rights
from bot.features.unfurl import unfurl, unfurl_anonymous
from bot.ports import Json, Store
from bot.teams import translate
from bot.teams.adapter import Adapter, message_activity
from bot.teams.edge import ANONYMOUS_QUERY, Caller, Gate, parse
from bot.teams.handler import Handler, action_error
from cards import render, text, unfurl_bytes

log = structlog.get_logger(__name__)

QUERY = "composeExtension/queryLink"
TRY_AGAIN = Notice(
    title="No card right now",
    text="Connect Chats can't look this link up at the moment.",
    next="The link itself works. Paste it again in a minute.",
)


@dataclass(frozen=True, slots=True)
class Received:
    """The HTTP answer: a status and, for invokes and `expectReplies`, a JSON body."""

    status: int = 200
    body: bytes = b""


class Receiver:
    """Receives activities.

    Args:
        authenticate: the `Authorization` header to the caller; raises `Unauthenticated` or `Unavailable`.
    """

    def __init__(
        self,
        *,
        authenticate: Callable[[str | None], Awaitable[Caller]],
        gate: Gate,
        adapter: Adapter,
        handler: Handler,
        store: Store,
        rights: Rights,
        tenant: str,
    ) -> None:
        self.authenticate = authenticate
        self._gate = gate
        self._adapter = adapter
        self._handler = handler
        self._store = store
        self._rights = rights
        self._tenant = tenant

    async def take(self, caller: Caller, body: bytes) -> Received:
        """Answer one activity.

        Raises:
            Invalid: not an activity.
            Forbidden: the caller may not speak here.
            Unavailable: a message can't be taken now and may be delivered again.
        """
        activity = parse(body)
        self._gate.admit(activity, caller)
        if activity["type"] == "invoke":
            return await self._invoke(activity)
        return await self._converse(activity)

    async def _invoke(self, activity: Json) -> Received:
        """Always the documented body, whatever happens."""
        name = activity.get("name")
        try:
            if name == QUERY:
                turn = translate.turn_of(activity, self._tenant)
                link = translate.link_of(activity)
                answer = await unfurl(link, turn, store=self._store, rights=self._rights, tenant=self._tenant)
                return Received(body=unfurl_bytes(answer))
            if name == ANONYMOUS_QUERY:
                return Received(
                    body=unfurl_bytes(await unfurl_anonymous(translate.link_of(activity), store=self._store))
                )
            return await self._run(activity)
        except Exception as error:
            reference = _log_failure(error, activity)
            if name in (QUERY, ANONYMOUS_QUERY):
                return Received(body=unfurl_bytes(TRY_AGAIN))
            return Received(body=_json(action_error("InternalError", text(failure(reference)), status=500)))

    async def _converse(self, activity: Json) -> Received:
        try:
            return await self._run(activity)
        except Unavailable:
            raise
        except Exception as error:
            reference = _log_failure(error, activity)
            if activity["type"] != "message":
                return Received()
            return await self._apologize(activity, reference)

    async def _run(self, activity: Json) -> Received:
        response = await self._adapter.run(activity, self._handler.on_turn)
        if response is None or response.body is None:
            return Received()
        return Received(status=response.status, body=_json(response.body))

    async def _apologize(self, activity: Json, reference: str) -> Received:
        """Nothing is answered with silence, not even our own mistakes."""

        async def say(turn: TurnContext) -> None:
            await turn.send_activity(message_activity(render(failure(reference))))

        try:
            response = await self._adapter.run(activity, say)
        except Exception as error:
            _log_failure(error, activity)
            return Received()
        return Received(body=_json(response.body)) if response else Received()


def _json(body: object) -> bytes:
    return compact(body).encode()


def _log_failure(error: Exception, activity: Json) -> str:
    """The reference under which the log has the details; people get nothing else."""
    reference = secrets.token_hex(6)
    log.error(
        "turn failed",
        reference=reference,
        activity_type=activity["type"][:64],
        invoke=(activity.get("name") or "")[:64],
        exc_info=not isinstance(error, ConnectChatsError),
        error=error.code if isinstance(error, ConnectChatsError) else type(error).__name__,
    )
    return reference
