"""A record's chats and a chat's records."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import pytest

from bot.domain.chats import ChatKind
from tests.waiting import until
from tests.web.api.conftest import GROUP, Api
from tests.world import GROUP as WORLD_GROUP
from tests.world import World

RECORD = "/records/account/A-1"
ALEX = {"id": "5b9f2c1e-7a34-4d0b-9c58-2f1e6a7b8c90", "name": "Alex Wilber"}
ODD = "19:a/b c;d=é@thread.v2"


async def test_connecting_reading_and_disconnecting(any_api: Api) -> None:
    await any_api.enter()
    await any_api.ask("PUT", RECORD, {"title": "Contoso"})
    connected = await any_api.ask("POST", f"{RECORD}/chats", {"chat": GROUP, "actor": ALEX})
    assert connected.status == 201
    since = connected.json.pop("since")
    assert connected.json == {"id": GROUP, "kind": "group", "topic": "Renewal", "by": ALEX, "state": "active"}
    assert (await any_api.ask("GET", f"{RECORD}/chats")).json == {"items": [connected.json | {"since": since}]}
    records = (await any_api.ask("GET", f"/chats/{quote(GROUP, safe='')}/records")).json["items"]
    assert records == [
        {
            "type": "account",
            "id": "A-1",
            "title": "Contoso",
            "url": "https://crm.example.com/records/account/A-1",
            "since": since,
            "by": ALEX,
        }
    ]
    assert (await any_api.ask("DELETE", f"{RECORD}/chats/{quote(GROUP, safe='')}")).status == 204
    assert (await any_api.ask("DELETE", f"{RECORD}/chats/{quote(GROUP, safe='')}")).status == 404
    assert await any_api.events() == ["record.created", "chat.connected", "chat.disconnected"]


async def test_connecting_twice_is_the_first_connection_and_no_second_event(any_api: Api) -> None:
    await any_api.enter()
    await any_api.ask("PUT", RECORD, {"title": "Contoso"})
    answers = await asyncio.gather(*(any_api.ask("POST", f"{RECORD}/chats", {"chat": GROUP}) for _ in range(20)))
    assert sorted(answer.status for answer in answers) == [200] * 19 + [201]
    assert len({answer.json["since"] for answer in answers}) == 1
    assert (await any_api.events()).count("chat.connected") == 1


@pytest.mark.parametrize(
    "written", [GROUP, quote(GROUP, safe=""), f"{GROUP};messageid=17", quote(f"{GROUP};messageid=17", safe="")]
)
async def test_a_chats_id_may_come_encoded_or_not_and_with_a_message(api: Api, written: str) -> None:
    await api.enter()
    await api.ask("PUT", RECORD, {"title": "Contoso"})
    assert (await api.ask("POST", f"{RECORD}/chats", {"chat": f"{GROUP};messageid=3"})).status == 201
    assert len((await api.ask("GET", f"/chats/{written}/records")).json["items"]) == 1
    assert (await api.ask("DELETE", f"{RECORD}/chats/{written}")).status == 204


async def test_a_chats_id_may_hold_what_an_address_cannot(api: Api) -> None:
    await api.enter(ODD)
    await api.ask("PUT", RECORD, {"title": "Contoso"})
    assert (await api.ask("POST", f"{RECORD}/chats", {"chat": ODD})).status == 201
    assert len((await api.ask("GET", f"/chats/{quote(ODD, safe='')}/records")).json["items"]) == 1
    assert (await api.ask("DELETE", f"{RECORD}/chats/{quote(ODD, safe='')}")).status == 204


async def test_a_chat_without_the_bot_or_of_two_people_is_a_conflict_that_says_what_to_do(api: Api) -> None:
    await api.enter("a:alex", ChatKind.PERSONAL)
    await api.ask("PUT", RECORD, {"title": "Contoso"})
    absent = await api.ask("POST", f"{RECORD}/chats", {"chat": "19:unknown@thread.v2"})
    personal = await api.ask("POST", f"{RECORD}/chats", {"chat": "a:alex"})
    assert (absent.status, personal.status) == (409, 409)
    assert "Add the app" in absent.detail
    assert "group chat" in personal.detail


async def test_what_does_not_exist_is_unknown(any_api: Api) -> None:
    await any_api.enter()
    assert (await any_api.ask("POST", f"{RECORD}/chats", {"chat": GROUP})).status == 404
    assert (await any_api.ask("GET", f"{RECORD}/chats")).status == 404
    for chat in ("19:nobody@thread.v2", "%00", "x" * 1025, "a%0Ab"):
        assert (await any_api.ask("GET", f"/chats/{chat}/records")).status == 404
        assert (await any_api.ask("DELETE", f"{RECORD}/chats/{chat}")).status == 404


async def test_the_chat_is_told(world: World) -> None:
    """Through the whole program: the outbox posts a card into the chat for each of the two changes."""
    await world.say("help")
    before = len(world.said_in(WORLD_GROUP))
    status, _ = await world.api("POST", "/records/account/A-1001/chats", {"chat": WORLD_GROUP, "actor": ALEX})
    assert status == 201
    status, _ = await world.api("DELETE", f"/records/account/A-1001/chats/{quote(WORLD_GROUP, safe='')}")
    assert status == 204
    await until(lambda: len(world.said_in(WORLD_GROUP)) >= before + 2)
    cards = [str(message["attachments"][0]["content"]) for message in world.said_in(WORLD_GROUP)[before:]]
    assert "connected" in cards[0]
    assert "disconnected" in cards[1].lower() or "no longer" in cards[1].lower()
