"""The SDK's adapter with its network replaced: authentication happens before it, sending goes through our connector.

`CloudAdapter.process` can't be used: it serializes invoke bodies twice and answers 500 to each. Its other half,
`process_activity` with an authentication result of our own, runs turns as the SDK means them to run.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from botbuilder.core import InvokeResponse, TurnContext
from botbuilder.integration.aiohttp import CloudAdapter
from botbuilder.schema import (
    Activity,
    ActivityTypes,
    Attachment,
    ChannelAccount,
    ConversationAccount,
    ConversationReference,
    ResourceResponse,
)
from botframework.connector.auth import AuthenticateRequestResult, BotFrameworkAuthentication, ClaimsIdentity
from botframework.connector.auth.connector_factory import ConnectorFactory

from bot.ports import Json
from bot.teams.connector import Connector

ACTIVITY_KEY = "ConnectChats.activity"
"""Where a turn keeps the activity as JSON, its shape checked by the edge."""


class Outgoing(Activity):
    """A message that was built to be sent once: the SDK's deep copy, which costs as much as sending, is left out."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Outgoing:
        return self


class _Factory(ConnectorFactory):
    """Hands the SDK our connector for every turn, instead of a new client and a new token each time."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector

    async def create(self, service_url: str, audience: str) -> Any:
        return self._connector


class _Authenticated(BotFrameworkAuthentication):
    """The edge has authenticated already: whatever the SDK would do on its own about it is refused."""

    async def authenticate_request(self, activity: Activity, auth_header: str) -> AuthenticateRequestResult:
        raise PermissionError("Requests are authenticated by the edge.")

    async def authenticate_streaming_request(
        self, auth_header: str, channel_id_header: str
    ) -> AuthenticateRequestResult:
        raise PermissionError("Streaming is not offered.")

    def create_connector_factory(self, claims_identity: ClaimsIdentity) -> ConnectorFactory:
        raise PermissionError("Messages outside of a turn go through the outbox.")

    async def create_user_token_client(self, claims_identity: ClaimsIdentity) -> Any:
        return None


class Adapter(CloudAdapter):
    """Runs an activity, which the edge has admitted, as a turn of the SDK."""

    def __init__(self, connector: Connector) -> None:
        super().__init__(_Authenticated())
        self._connector = connector
        self._factory = _Factory(connector)

    async def run(self, activity: Json, logic: Callable[[TurnContext], Awaitable[None]]) -> InvokeResponse | None:
        """The turn's response: a body for `expectReplies`, else None."""

        async def with_activity(turn: TurnContext) -> None:
            turn.turn_state[ACTIVITY_KEY] = activity
            await logic(turn)

        admitted = AuthenticateRequestResult()
        admitted.claims_identity = ClaimsIdentity({}, is_authenticated=True)
        admitted.connector_factory = self._factory
        response: Any = await self.process_activity(admitted, sdk_activity(activity), with_activity)
        return response

    async def send_activities(self, context: TurnContext, activities: list[Activity]) -> list[ResourceResponse]:
        """Through our connector.

        Raises:
            SendFailed: as `Connector.post`.
        """
        responses = []
        for activity in activities:
            if activity.type != ActivityTypes.trace:
                message_id = await self._connector.post(
                    activity.service_url,
                    conversation_id(activity),
                    wire_activity(activity),
                    reply_to=activity.reply_to_id,
                )
                responses.append(ResourceResponse(id=message_id))
        return responses

    async def update_activity(self, context: TurnContext, activity: Activity) -> ResourceResponse:
        await self._connector.update(
            activity.service_url, conversation_id(activity), activity.id, wire_activity(activity)
        )
        return ResourceResponse(id=activity.id)

    async def delete_activity(self, context: TurnContext, reference: ConversationReference) -> None:
        await self._connector.delete(reference.service_url, conversation_id(reference), reference.activity_id)


def sdk_activity(activity: Json) -> Activity:
    """The members that the SDK needs to route a turn and to reply. Its own deserializer costs 35 times as much."""
    members: dict[str, Any] = {
        "type": activity["type"],
        "id": activity.get("id"),
        "name": activity.get("name"),
        "channel_id": activity.get("channelId"),
        "service_url": activity.get("serviceUrl"),
        "delivery_mode": activity.get("deliveryMode"),
        "action": activity.get("action"),
        "text": activity.get("text"),
        "value": activity.get("value"),
        "from_property": _account(activity.get("from") or {}),
        "recipient": _account(activity.get("recipient") or {}),
        "conversation": _conversation(activity.get("conversation") or {}),
    }
    return Activity(**members)


def _account(account: Json) -> ChannelAccount:
    members = {"id": account.get("id"), "name": account.get("name"), "aad_object_id": account.get("aadObjectId")}
    return ChannelAccount(**members)  # pyright: ignore[reportArgumentType] - the SDK's hints forget that all may be None


def _conversation(conversation: Json) -> ConversationAccount:
    members: dict[str, Any] = {
        "id": conversation.get("id"),
        "conversation_type": conversation.get("conversationType"),
        "tenant_id": conversation.get("tenantId"),
    }
    return ConversationAccount(**members)


def message_activity(message: Json) -> Outgoing:
    """A rendered message as the SDK sends it."""
    attachments = [
        Attachment(content_type=attachment["contentType"], content=attachment["content"])
        for attachment in message.get("attachments", ())
    ]
    return Outgoing(type=ActivityTypes.message, summary=message.get("summary", ""), attachments=attachments)


def wire_activity(activity: Activity) -> Json:
    """A message of ours as JSON; `Activity.serialize` does the same in 180 us."""
    sender: Any = activity.from_property
    recipient: Any = activity.recipient
    body: Json = {
        "type": activity.type,
        "channelId": activity.channel_id,
        "serviceUrl": activity.service_url,
        "from": {"id": sender.id, "name": sender.name},
        "conversation": {"id": conversation_id(activity)},
        "recipient": {"id": recipient.id, "name": recipient.name},
        "replyToId": activity.reply_to_id,
        "summary": activity.summary,
        "attachments": [
            {"contentType": attachment.content_type, "content": attachment.content}
            for attachment in activity.attachments or ()
        ],
    }
    return {name: value for name, value in body.items() if value is not None}


def conversation_id(activity: Activity | ConversationReference) -> str:
    conversation: Any = activity.conversation
    return conversation.id
