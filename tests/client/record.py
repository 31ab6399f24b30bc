"""Record what the Agents Playground really sends, into `tests/data/playground/`: `python -m tests.client.record`.

The payloads are kept as they came. They are made anew when the Playground's version changes; their ids, times and ports
are then new ones, so tests must not depend on these.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from aiohttp import web

from tests.client.playground import ADELE, MEGAN, Json, Playground, open_playground

TARGET = Path(__file__).parents[1] / "data/playground"
LINK = "https://crm.example.com/records/account/A-1001"
CARD: Json = {"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "TextBlock", "text": "Contoso"}]}
LIFE_CYCLE = ("install", "uninstall", "botAdded", "botRemoved", "userAdded", "userRemoved")
TEAM_LIFE_CYCLE = (*LIFE_CYCLE, "channelCreated", "channelRenamed", "channelDeleted", "teamRenamed", "teamDeleted")


class Recorder:
    """A bot that only listens."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[Json] = asyncio.Queue()

    async def messages(self, request: web.Request) -> web.Response:
        activity = await request.json()
        await self.received.put(activity)
        if activity["type"] != "invoke":
            return web.Response()
        return web.json_response(
            {"statusCode": 200, "type": "application/vnd.microsoft.activity.message", "value": "ok"}
        )

    async def save(self, *names: str) -> None:
        """Save what came, as many as there are names. Those that come at the same time are told apart by their type."""
        activities = [await asyncio.wait_for(self.received.get(), 5) for _ in names]
        for name, activity in zip(names, sorted(activities, key=lambda each: each["type"]), strict=True):
            _write(name, activity)


async def act(playground: Playground, recorder: Recorder) -> None:
    """Everything a person can do in the Playground, once."""
    personal, group, channel = playground.personal, playground.group, playground.channel
    await playground.say("hello", chat=personal)
    await recorder.save("personal-message")
    await playground.say(f"connect {LINK}", chat=group)
    await recorder.save("group-message")
    await playground.say("records", chat=group, by=MEGAN)
    await recorder.save("group-message-of-another")
    await playground.say("records", chat=channel)
    await recorder.save("channel-message")
    await playground.paste(LINK, chat=group, by=MEGAN)
    await recorder.save("group-query-link")
    await playground.paste(LINK, chat=personal)
    await recorder.save("personal-query-link")
    await playground.paste(LINK, chat=channel, by=ADELE)
    await recorder.save("channel-query-link")
    await playground.paste(LINK, chat=group, anonymous=True)
    await recorder.save("group-anonymous-query-link")
    message = await playground.show(CARD, chat=group)
    await playground.submit({"verb": "connect", "record": "account/A-1001"}, message=message, chat=group)
    await recorder.save("group-submit")
    await playground.press("connect", {"record": "account/A-1001"}, message=message, chat=group, by=MEGAN)
    await recorder.save("group-card-action")
    await playground.show(CARD, chat=personal)
    await recorder.save("personal-message-with-card")
    _write("group-roster", await playground.roster(group))
    for name, chat in (("personal", personal), ("group", group), ("channel", channel)):
        await playground.open_chat(chat)
        await recorder.save(f"{name}-opened-conversation-update", f"{name}-opened-installation-update")
        for what in TEAM_LIFE_CYCLE if chat == channel else LIFE_CYCLE:
            await playground.happen(what, chat=chat)
            await recorder.save(f"{name}-{_dashed(what)}")


def _write(name: str, content: Json) -> None:
    (TARGET / f"{name}.json").write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def _dashed(name: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name)


async def main() -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    recorder = Recorder()
    app = web.Application()
    app.router.add_post("/api/messages", recorder.messages)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        port = runner.addresses[0][1]
        async with open_playground(f"http://127.0.0.1:{port}/api/messages") as playground:
            await act(playground, recorder)
    finally:
        await runner.cleanup()
    print(f"{len(list(TARGET.glob('*.json')))} payloads in {TARGET}")


if __name__ == "__main__":
    asyncio.run(main())
