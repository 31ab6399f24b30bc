"""What `POST /api/messages` does with a request: authenticate, parse, admit, answer.

Invokes are answered straight from the JSON (`bot.teams.invokes`). What is said and what happens to chats runs through
the SDK.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from botbuilder.core import TurnContext

from bot.domain.documents import compact
from bot.errors import ConnectChatsError, Unavailable
from bot.features.refusals import failure
from bot.ports import Json
from bot.teams.adapter import Adapter, message_activity
from bot.teams.edge import Caller, Gate, parse
from bot.teams.handler import Handler
from bot.teams.invokes import Invoke, unsupported
from cards import render

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Received:
    """The HTTP answer: a status and, for invokes and `expectReplies`, a JSON body."""

    status: int = 200
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Receives activities.

    Attributes:
        authenticate: the `Authorization` header to the caller; raises `Unauthenticated` or `Unavailable`.
    """

    authenticate: Callable[[str | None], Awaitable[Caller]]
    gate: Gate
    adapter: Adapter
    handler: Handler
    invokes: Mapping[str, Invoke[Any, Any]]

    async def take(self, caller: Caller, body: bytes) -> Received:
        """Answer one activity.

        Raises:
            Invalid: not an activity.
            Forbidden: the caller may not speak here.
            Unavailable: a message can't be taken now and may be delivered again.
        """
        activity = parse(body)
        self.gate.admit(activity, caller)
        if activity["type"] == "invoke":
            return await self._invoke(activity)
        return await self._converse(activity)

    async def _invoke(self, activity: Json) -> Received:
        """Always the documented body, whatever happens."""
        name = activity.get("name")
        invoke = self.invokes.get(name) if name else None
        if invoke is None:
            return Received(body=unsupported(name))
        try:
            return Received(body=invoke.render(await invoke.run(invoke.translate(activity))))
        except Exception as error:
            return Received(body=invoke.failed(_log_failure(error, activity)))

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
        response = await self.adapter.run(activity, self.handler.on_turn)
        if response is None or response.body is None:
            return Received()
        return Received(status=response.status, body=_json(response.body))

    async def _apologize(self, activity: Json, reference: str) -> Received:
        """Nothing is answered with silence, not even our own mistakes."""

        async def say(turn: TurnContext) -> None:
            await turn.send_activity(message_activity(render(failure(reference))))

        try:
            response = await self.adapter.run(activity, say)
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
