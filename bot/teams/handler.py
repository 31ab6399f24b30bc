"""What the bot does with a turn: translate, ask the feature, send its answer."""

from __future__ import annotations

from typing import Any

import structlog
from botbuilder.core import ActivityHandler, TurnContext

from bot.errors import SendFailed
from bot.features.conversation import Conversation, Reply
from bot.ports import Json
from bot.teams import translate
from bot.teams.adapter import ACTIVITY_KEY, message_activity

log = structlog.get_logger(__name__)


class Handler(ActivityHandler):
    """The SDK's dispatcher with our features behind it."""

    def __init__(self, conversation: Conversation, *, tenant: str) -> None:
        self._conversation = conversation
        self._tenant = tenant

    async def on_message_activity(self, turn_context: TurnContext) -> None:
        activity = _activity(turn_context)
        in_body = activity.get("deliveryMode") == "expectReplies"
        if press := translate.press_of(activity, self._tenant):
            reply = await self._conversation.on_action(press, in_body=in_body, heard=True)
        else:
            reply = await self._conversation.on_message(translate.message_of(activity, self._tenant), in_body=in_body)
        await self._send(turn_context, reply, in_body=in_body)

    async def on_conversation_update_activity(self, turn_context: TurnContext) -> None:
        activity = _activity(turn_context)
        for change in translate.changes_of(activity, self._tenant):
            await self._send(turn_context, await self._conversation.on_chat_change(change), in_body=False)

    async def on_installation_update(self, turn_context: TurnContext) -> None:
        await self.on_conversation_update_activity(turn_context)

    async def _send(self, turn: TurnContext, reply: Reply, *, in_body: bool) -> None:
        """Send the reply once. What was saved with its effect is sent later by the outbox if it fails now."""
        if reply.message is None or (reply.repeated and not in_body):
            return
        try:
            await turn.send_activity(message_activity(reply.message))
        except SendFailed as error:
            log.warning("reply not sent", status=error.status, reason=error.reason, ambiguous=error.ambiguous)
            chat = translate.chat_of(_activity(turn))
            await self._conversation.not_delivered(reply, chat.id, error)
        else:
            await self._conversation.delivered(reply)


def _activity(turn: TurnContext) -> Json:
    activity: Any = turn.turn_state[ACTIVITY_KEY]
    return activity
