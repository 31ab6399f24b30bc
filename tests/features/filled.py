"""Filling in a form: the inputs of a card, and pressing its button with them as Teams does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.world import ALEX, PERSONAL, Somebody, World


def inputs(card: Any) -> dict[str, str]:
    """What the inputs of a card hold, by their ids."""
    if isinstance(card, list):
        return {name: value for item in card for name, value in inputs(item).items()}
    if not isinstance(card, dict):
        return {}
    if str(card.get("type", "")).startswith("Input."):
        return {card["id"]: card.get("value", "")}
    return {name: value for inner in card.values() for name, value in inputs(inner).items()}


def button(card: Mapping[str, Any], title: str) -> dict[str, Any]:
    """The card's button of this title."""
    (found,) = (action for action in card["actions"] if action["title"] == title)
    return found


def sent(card: Mapping[str, Any], title: str = "Save", **entered: Any) -> dict[str, Any]:
    """The data that a client sends when the button is pressed after `entered` was entered."""
    return {**button(card, title)["data"], **inputs(card), **entered}


async def save(
    world: World, card: Mapping[str, Any], *, by: Somebody = ALEX, chat: str = PERSONAL, **entered: Any
) -> dict[str, Any]:
    """Press Save; the card that takes the place of this one."""
    answer = await world.press("settings.save", sent(card, **entered), by=by, chat=chat)
    assert answer["type"] == "application/vnd.microsoft.card.adaptive", answer
    return answer["value"]


async def form(world: World, name: str = "account", *, chat: str = PERSONAL) -> dict[str, Any]:
    """The form of a record type or an app, for the administrator."""
    return await world.say(f"settings {name}", chat=chat)


async def stored(world: World, name: str = "account") -> dict[str, Any]:
    """A record type's settings as REST shows them."""
    _, settings = await world.api("GET", f"/record-types/{name}")
    return settings


async def changes(world: World) -> list[dict[str, Any]]:
    """What was changed since the first start, oldest first."""
    _, history = await world.api("GET", "/audit/settings?limit=1000")
    return [change for change in history["items"] if change["via"] != "config"]


async def refusals(world: World) -> list[dict[str, Any]]:
    """The audit trail, oldest first."""
    _, trail = await world.api("GET", "/audit/refusals?limit=1000")
    return trail["items"]
