"""What the program left for a chat, whether it is sent already or not: it stands there when the cause is answered."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.world import World, texts


def left_for(folder: Path, chat: str) -> list[dict[str, Any]]:
    """The messages, oldest first; `folder` is the world's."""
    with closing(sqlite3.connect(folder / "world.db")) as connection:
        rows = connection.execute("SELECT message FROM outbox WHERE chat = ? ORDER BY number", (chat,))
        return [json.loads(row[0]) for row in rows]


def lines_left_for(folder: Path, chat: str) -> list[list[str]]:
    """The lines of each message's card."""
    return [texts(message["attachments"][0]["content"]).splitlines() for message in left_for(folder, chat)]


async def set_type(world: World, name: str = "account", **settings: Any) -> None:
    """Change some settings of a record type."""
    _, known = await world.api("GET", f"/record-types/{name}")
    status, answer = await world.api("PUT", f"/record-types/{name}", known | settings)
    assert status == 200, answer
