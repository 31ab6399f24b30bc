"""How long a setting that was changed at one replica is not yet in force at the other."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from tests.fakes.connector import FakeConnector
from tests.program import Program
from tests.torture.replicas import running_replicas
from tests.torture.report import Report
from tests.world import ACCOUNT, ALEX, BOT, GROUP, buttons

IN_FORCE_S = 1.0
GIVEN_UP_S = 60.0


def activity(connector: FakeConnector, kind: str, number: str, **more: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "id": f"activity-{number}",
        "channelId": "msteams",
        "serviceUrl": connector.url,
        "from": ALEX.sender,
        "recipient": BOT,
        "conversation": {"id": GROUP, "conversationType": "groupChat"},
        **more,
    }


async def run_settings(folder: Path, database_url: str, *, changes: int, seed: int, patience_s: float = 0.0) -> Report:
    """Change who may connect at one replica, so many times, and ask the other.

    Asked by the card of a pasted link, the one answer that reads no settings of its own accord. `patience_s`: so much
    later than promised may it be.
    """
    report = Report("settings", seed)
    async with (
        FakeConnector(tls=False) as connector,
        running_replicas(folder, database_url) as (first, second),
        ClientSession(headers={"Authorization": "Bearer demo"}) as http,
    ):
        connector.chats = {GROUP: [ALEX.member()]}
        paste = activity(connector, "invoke", "paste", name="composeExtension/queryLink", value={"url": ACCOUNT})
        async with http.post(f"{second.base}/api/messages", json=activity(connector, "message", "help", text="help")):
            pass
        waits = [await _wait(http, first, second, paste, may=number % 2 == 0) for number in range(changes)]
    report.measured |= {"n": f"{changes} changes", "in force after": f"{max(waits) * 1000:.0f} ms at most"}
    report.rule("late", (f"{wait:.1f} s" for wait in waits if wait > IN_FORCE_S + patience_s))
    return report


async def _wait(http: ClientSession, first: Program, second: Program, paste: dict[str, Any], *, may: bool) -> float:
    """Seconds until the second replica obeys what was changed at the first."""
    settings = f"{first.base}/api/v1/record-types/account"
    async with http.get(settings) as response:
        account = await response.json()
    async with http.put(settings, json=account | {"connect": "append" if may else "nobody"}) as response:
        assert response.status == 200
    changed = time.monotonic()
    async with asyncio.timeout(GIVEN_UP_S):
        while True:
            async with http.post(f"{second.base}/api/messages", json=paste) as response:
                (attachment,) = (await response.json())["composeExtension"]["attachments"]
            if ("Connect this chat" in buttons(attachment["content"])) is may:
                return time.monotonic() - changed
            await asyncio.sleep(0.01)
