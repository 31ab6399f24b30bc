"""Refused changes stand in the audit trail, but nobody fills it."""

from __future__ import annotations

import asyncio

from bot.features.audit import MOST_A_MINUTE
from tests.world import MEGAN, World


async def trail(world: World) -> list[tuple[str, str, str | None]]:
    """Who, what and about which record, oldest first."""
    _, trail = await world.api("GET", "/audit/refusals?limit=200")
    return [(item["by"]["name"], item["action"], item["record"] and item["record"]["id"]) for item in trail["items"]]


async def test_the_same_refusal_within_a_minute_stands_there_once(world: World) -> None:
    for _ in range(3):
        await world.say("connect O-2001")
    assert await trail(world) == [("Alex Wilber", "connect", "O-2001")]
    world.clock[0] += 61_000_000
    await world.say("connect O-2001")
    await world.say("connect C-3001")
    assert await trail(world) == [("Alex Wilber", "connect", record) for record in ("O-2001", "O-2001", "C-3001")]


async def test_who_asks_on_and_on_fills_no_database_and_others_still_stand_there(world: World) -> None:
    await asyncio.gather(*(world.say(f"connect O-{number}") for number in range(MOST_A_MINUTE + 20)))
    await world.say("connect A-9999", by=MEGAN)
    found = await trail(world)
    assert len(found) == MOST_A_MINUTE + 1
    assert found[-1] == ("Megan Bowen", "connect", "A-9999")


async def test_what_is_only_looked_at_or_not_possible_yet_is_not_kept(world: World) -> None:
    await world.say("timeline C-3001")
    await world.say("why C-3001")
    await world.say("note hello")
    assert await trail(world) == []
