"""The stock SDK's way to answer a pasted link, as its samples write it; the card is constant, so nothing is looked up.

Two lines differ from the samples: without the first every unfurl is answered 500, the second names our key server.

python -m tests.bench.stock OPENID_METADATA_URL, with APP_ID, APP_PASSWORD, APP_TENANTID and REQUESTS_CA_BUNDLE set
"""

from __future__ import annotations

import asyncio
import os
import sys

from aiohttp import web
from botbuilder.core import CardFactory, TurnContext
from botbuilder.core.integration import aiohttp_error_middleware
from botbuilder.core.teams import TeamsActivityHandler
from botbuilder.integration.aiohttp import CloudAdapter, ConfigurationBotFrameworkAuthentication, cloud_adapter
from botbuilder.schema import Attachment, CardAction
from botbuilder.schema.teams import (
    AppBasedLinkQuery,
    MessagingExtensionAttachment,
    MessagingExtensionResponse,
    MessagingExtensionResult,
    MessagingExtensionSuggestedAction,
)
from botframework.connector.auth.channel_validation import ChannelValidation

from tests.bench.answer import FIELDS, Answer
from tests.bench.floor import serve


class Settings:
    APP_ID = os.environ.get("APP_ID", "")
    APP_PASSWORD = os.environ.get("APP_PASSWORD", "")
    APP_TYPE = "SingleTenant"
    APP_TENANTID = os.environ.get("APP_TENANTID", "")


class Bot(TeamsActivityHandler):
    def __init__(self) -> None:
        answer = Answer()
        answer.fill({"id": "A-1001", "title": "Contoso", **dict.fromkeys(FIELDS, "Something")})
        self._attachment = answer.body["composeExtension"]["attachments"][0]

    async def on_teams_app_based_link_query(
        self, turn_context: TurnContext, query: AppBasedLinkQuery
    ) -> MessagingExtensionResponse:
        preview = self._attachment["preview"]
        attachment = MessagingExtensionAttachment(
            content_type=CardFactory.content_types.adaptive_card,
            content=self._attachment["content"],
            preview=Attachment(content_type=preview["contentType"], content=preview["content"]),
        )
        no_cache = CardAction(type="setCachePolicy", value='{"type":"no-cache"}')
        return MessagingExtensionResponse(
            compose_extension=MessagingExtensionResult(
                type="result",
                attachment_layout="list",
                attachments=[attachment],
                suggested_actions=MessagingExtensionSuggestedAction(actions=[no_cache]),
            )
        )


def build() -> web.Application:
    adapter, bot = CloudAdapter(ConfigurationBotFrameworkAuthentication(Settings())), Bot()

    async def messages(request: web.Request) -> web.StreamResponse:
        response = await adapter.process(request, bot)
        assert response is not None  # it is for messages only
        return response

    app = web.Application(middlewares=[aiohttp_error_middleware])
    app.router.add_post("/api/messages", messages)
    return app


if __name__ == "__main__":
    cloud_adapter.serializer_helper = lambda body: body  # the body is serialized already
    ChannelValidation.open_id_metadata_endpoint = sys.argv[1]
    asyncio.run(serve(build()))
