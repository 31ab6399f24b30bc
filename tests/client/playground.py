"""The Microsoft 365 Agents Playground as a test's hands: it says, presses and pastes, and sees what the bot says.

The Playground is Microsoft's stand-in for the Teams client. Some of its ways (version 0.2.28) that the driver hides:

* whoever a message is `from`, the Playground sends it as its current user. Other people's messages go as custom
  activities: they reach the bot all the same, but the Playground's page does not show them;
* in a group chat or a channel it hands the bot only what mentions it;
* every message in a channel starts a thread, `<channel>;messageid=<its id>`, and there the bot's answer is said;
* pressing a button of a card needs the id of the message that bears the card, and replaces that card by the answer.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests.client.launch import WORLD, PlaygroundFailed, start_playground, stop
from tests.waiting import LIMIT

Json = dict[str, Any]

CARD_TYPE = "application/vnd.microsoft.card.adaptive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Somebody:
    """One of the Playground's people. `id` is the chat account, `aad` the Entra object id (not a GUID, here)."""

    id: str
    aad: str
    name: str


ALEX, MEGAN, ADELE, ISAIAH, PATTI, LYNNE = (
    Somebody(id=f"user-id-{number}", aad=f"00000000-0000-0000-0000-00000000000{20 + number}", name=name)
    for number, name in enumerate(
        ("Alex Wilber", "Megan Bowen", "Adele Vance", "Isaiah Langer", "Patti Fernandez", "Lynne Robbins")
    )
)
"""Alex is the current user: the one who sits before the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the bot said.

    Attributes:
        chat: the conversation's id, in a channel with the thread's `;messageid=`.
        updated: the bot changed the message `id` that it had said before.
        raw: the message as the Playground's page gets it.
    """

    chat: str
    id: str
    text: str
    card: Json | None
    updated: bool
    raw: Json

    @property
    def words(self) -> str:
        """Text and card in one string, to look for words in."""
        return f"{self.text} {json.dumps(self.card, ensure_ascii=False) if self.card else ''}"


class Playground:
    """A running Playground; get one from `open_playground`.

    Attributes:
        url: its address; the page is at `/`.
        personal, group, channel, team: the ids of its chats and of its team.
        said: everything the bot said so far, oldest first.
    """

    def __init__(self, url: str, session: aiohttp.ClientSession, config: Mapping[str, Any]) -> None:
        self.url = url
        self.bot = config["bot"]
        self.personal: str = config["personalChat"]["id"]
        self.group: str = config["groupChats"][0]["id"]
        self.team: str = config["teams"][0]["id"]
        self.channel: str = config["teams"][0]["channels"][-1]["id"]
        self.me: str = config["currentUser"]["id"]
        self.said: list[Said] = []
        self._session = session
        self._heard = asyncio.Condition()

    # what people do -------------------------------------------------------------------------------------------------

    async def say(self, text: str, *, chat: str, by: Somebody = ALEX, mention: bool | None = None) -> str:
        """Say something; returns the conversation the answer will be said in.

        `mention`: put the bot's name before it; by default everywhere but in the personal chat.
        """
        if mention if mention is not None else chat != self.personal:
            at = f"<at>{self.bot['name']}</at>"
            body = {
                "text": f"{at} {text}",
                "textFormat": "xml",
                "mentions": [{"mentioned": {"id": self.bot["id"]}, "text": at}],
            }
        else:
            body = {"text": text, "textFormat": "plain", "mentions": []}
        if by.id != self.me:
            return await self._say_as(by, chat, body)
        answer = await self._post(f"/_conversation/v1/conversations/{chat}/messages", {**body, "from": {"id": by.id}})
        return answer.get("postConversationId") or chat

    async def _say_as(self, by: Somebody, chat: str, body: Json) -> str:
        entities = [
            {
                "type": "mention",
                "mentioned": {**mention["mentioned"], "name": self.bot["name"]},
                "text": mention["text"],
            }
            for mention in body["mentions"]
        ]
        activity = await self.template(chat)
        activity |= {
            "type": "message",
            "from": {"id": by.id, "name": by.name, "aadObjectId": by.aad},
            "text": body["text"],
            "textFormat": body["textFormat"],
            "entities": [*entities, {"type": "clientInfo", "locale": "en-US", "country": "US", "platform": "Web"}],
        }
        await self.post(activity)
        return chat

    async def show(self, card: Json, *, chat: str, by: Somebody = ALEX) -> str:
        """Send a card into a chat, as a person does with an unfurled link; returns the id of the message."""
        body = {
            "from": {"id": by.id},
            "attachments": [{"contentType": CARD_TYPE, "content": card}],
            "attachmentLayout": "list",
        }
        return (await self._post(f"/_conversation/v1/conversations/{chat}/messages", body))["messageId"]

    async def paste(self, link: str, *, chat: str, by: Somebody = ALEX, anonymous: bool = False) -> Json:
        """Paste a link into the compose box; returns what the bot makes of it."""
        name = "composeExtension/anonymousQueryLink" if anonymous else "composeExtension/queryLink"
        return await self.invoke(name, {"url": link}, chat=chat, by=by)

    async def press(self, verb: str, data: Json, *, message: str, chat: str, by: Somebody = ALEX) -> Json:
        """Press an `Action.Execute` of the card in `message`; returns the bot's answer, `{type, value}`."""
        action = {"type": "Action.Execute", "verb": verb, "data": data}
        return await self.invoke("adaptiveCard/action", {"action": action}, chat=chat, by=by, replyToId=message)

    async def submit(self, data: Json, *, message: str, chat: str, by: Somebody = ALEX) -> None:
        """Press an `Action.Submit`: what a client without `Action.Execute` sends. The bot answers by a message."""
        body = {"conversation": {"id": chat}, "replyToId": message, "value": data, "from": {"id": by.id}}
        await self._post("/_conversation/v1/submit", body)

    async def invoke(self, name: str, value: Json, *, chat: str, by: Somebody = ALEX, **more: Any) -> Json:
        body = {"name": name, "value": value, "from": {"id": by.id}, "conversation": {"id": chat}, **more}
        return await self._post("/_conversation/v1/invoke", body)

    # what happens to chats ------------------------------------------------------------------------------------------

    async def open_chat(self, chat: str) -> None:
        """What the page does when a chat is opened: `installationUpdate` and `conversationUpdate`, at the same time."""
        await self._post(f"/_debug/conversation/{chat}/installation", {})

    async def happen(self, what: str, *, chat: str) -> Json:
        """Send one of the Playground's own activities; returns it. It is sent once this returns, not yet answered.

        `what`: install, uninstall, botAdded, botRemoved, userAdded, userRemoved, and in the channel also
        channelCreated, channelRenamed, channelDeleted, teamRenamed, teamDeleted.
        """
        activity = await self.template(chat, what)
        await self.post(activity)
        return activity

    async def template(self, chat: str, what: str | None = None) -> Json:
        """One of the Playground's own activities, not sent; without `what` one that has no type yet."""
        query = {"conversationId": chat} | ({"type": what} if what else {})
        async with self._session.get(f"{self.url}/_internal/v1/customActivities/template", params=query) as response:
            return await _json(response)

    async def post(self, activity: Json) -> None:
        """Send any activity."""
        await self._post("/_internal/v1/customActivities", activity)

    async def roster(self, chat: str) -> Json:
        """What the Playground answers the bot that asks who is in a chat."""
        async with self._session.get(f"{self.url}/_connector/v3/conversations/{chat}/pagedmembers") as response:
            return await _json(response)

    # what the bot does ----------------------------------------------------------------------------------------------

    async def hear(
        self,
        *,
        chat: str | None = None,
        after: int = 0,
        that: Callable[[Said], bool] = lambda said: True,
        within: float = LIMIT,
    ) -> Said:
        """Wait for the bot to say something in `chat` (a channel's threads count), later than the first `after` things.

        Raises:
            PlaygroundFailed: it did not within `within` seconds; tells what it said instead.
        """

        def found() -> Said | None:
            for said in self.said[after:]:
                if (chat is None or said.chat == chat or said.chat.startswith(f"{chat};")) and that(said):
                    return said
            return None

        async with self._heard:
            try:
                await asyncio.wait_for(self._heard.wait_for(lambda: found() is not None), within)
            except TimeoutError:
                heard = [f"{said.chat}: {said.words[:300]}" for said in self.said[after:]]
                raise PlaygroundFailed(f"The bot did not say it within {within} s. It said: {heard}") from None
            result = found()
        assert result is not None
        return result

    async def ask(self, text: str, *, chat: str, by: Somebody = ALEX, within: float = LIMIT) -> Said:
        """Say something and wait for the bot's next words in that chat."""
        before = len(self.said)
        return await self.hear(chat=await self.say(text, chat=chat, by=by), after=before, within=within)

    async def listen(self, stream: aiohttp.ClientWebSocketResponse) -> None:
        """Note down what the bot says, until the stream ends."""
        async for frame in stream:
            event = json.loads(frame.data)
            message = event.get("message")
            if not message or message.get("from", {}).get("id") != self.bot["id"]:
                continue
            cards = [item["content"] for item in message.get("attachments", []) if item["contentType"] == CARD_TYPE]
            said = Said(
                chat=event["actionConversationId"],
                id=message["messageId"],
                text=message.get("text") or "",
                card=cards[0] if cards else None,
                updated=event["action"] == "updateMessage",
                raw=message,
            )
            async with self._heard:
                self.said.append(said)
                self._heard.notify_all()

    async def _post(self, path: str, body: Json) -> Json:
        async with self._session.post(self.url + path, json=body) as response:
            return await _json(response)


async def _json(response: aiohttp.ClientResponse) -> Json:
    text = await response.text()
    if response.status != 200:
        raise PlaygroundFailed(f"The Playground answered {response.status} to {response.url}: {text[:2000]}")
    return json.loads(text) if text else {}


@asynccontextmanager
async def open_playground(endpoint: str, *, world: Path = WORLD) -> AsyncIterator[Playground]:
    """A Playground for a bot's endpoint (`http://127.0.0.1:3978/api/messages`), on a free port, stopped at the end.

    `world`: the file of ids and people; one that does not exist leaves the Playground its own default.
    """
    with tempfile.TemporaryDirectory() as folder:
        process, url = await start_playground(endpoint, folder=Path(folder), world=world)
        try:
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
                async with session.get(f"{url}/_internal/v1/testConfig") as response:
                    playground = Playground(url, session, (await _json(response))["config"])
                stream = await session.ws_connect(f"{url}/_ws_conversation/v1/conversations/stream")
                listener = asyncio.create_task(playground.listen(stream))
                try:
                    yield playground
                finally:
                    listener.cancel()
                    await asyncio.gather(listener, return_exceptions=True)
                    await stream.close()
        finally:
            await stop(process)
