"""`connect`, `disconnect`, `records`: effects, refusals, repeats."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.waiting import until
from tests.world import (
    ACCOUNT,
    ADELE,
    ALEX,
    CASE,
    CHANNEL,
    GROUP,
    GUEST,
    MEETING,
    MEGAN,
    OPPORTUNITY,
    OTHER_GROUP,
    PERSONAL,
    World,
    buttons,
    texts,
)


async def told_in(world: World, chat: str, count: int) -> list[str]:
    """What the outbox told there, card by card: several that wait are one message."""

    def cards() -> list[Any]:
        return [card for said in world.said_in(chat) for card in said["attachments"]]

    await until(lambda: len(cards()) >= count)
    return [texts(card["content"]) for card in cards()]


@pytest.mark.parametrize("chat", [GROUP, MEETING, CHANNEL])
@pytest.mark.parametrize("reference", [ACCOUNT, "A-1001", "a-1001", "account/A-1001", f"this one: {ACCOUNT}"])
async def test_connect_by_link_key_or_name_in_every_chat_of_several(world: World, chat: str, reference: str) -> None:
    card = await world.say(f"Connect {reference}", chat=chat)
    assert "connected to" in texts(card)
    assert "Contoso Ltd" in texts(card)
    assert await world.events() == ["record.created", "chat.connected"]
    _, chats = await world.api("GET", "/records/account/A-1001/chats")
    assert [item["id"] for item in chats["items"]] == [chat]


async def test_a_link_that_only_the_html_holds_counts(world: World) -> None:
    html = [{"contentType": "text/html", "content": f'<p><a href="{ACCOUNT}" title="x">Contoso Ltd - CRM</a></p>'}]
    assert "connected to" in texts(await world.say("connect Contoso Ltd - CRM", attachments=html))
    assert "Contoso Ltd" in texts(await world.say("timeline Contoso Ltd - CRM", attachments=html))


async def test_connecting_twice_is_an_answer_and_not_a_second_event(world: World) -> None:
    await world.say("connect A-1001")
    again = await world.say("connect A-1001", by=MEGAN)
    assert "already" in texts(again).lower()
    assert await world.events() == ["record.created", "chat.connected"]


async def test_a_hundred_at_once_make_one_connection_and_one_event(world: World) -> None:
    cards = await asyncio.gather(*(world.say("connect A-1001") for _ in range(100)))
    assert sum("already" not in texts(card).lower() for card in cards) == 1
    assert (await world.events()).count("chat.connected") == 1


async def test_what_may_not_be_read_is_refused_as_if_it_did_not_exist(world: World) -> None:
    forbidden = await world.say("connect C-3001")
    assert forbidden == await world.say("connect C-9999")
    assert "no such record, or you may not see it" in texts(forbidden)
    assert "Delivery" not in str(forbidden)


async def test_read_without_append_is_told_what_is_missing_and_whom_to_ask(world: World) -> None:
    refusal = texts(await world.say(f"connect {OPPORTUNITY}"))
    assert "append" in refusal
    assert "Megan Bowen" in refusal
    assert "chat.connected" not in await world.events("opportunity/O-2001")


async def test_where_names_may_not_be_shown_the_refusal_names_nobody(world: World) -> None:
    external = GUEST.member(userPrincipalName="g#EXT#@contoso.example")
    world.connector.chats[GROUP] = [ALEX.member(), external]
    refusal = texts(await world.say(f"connect {OPPORTUNITY}"))
    assert "append" in refusal
    assert "Megan" not in refusal


async def test_a_chat_of_two_is_told_what_to_do_instead(world: World) -> None:
    refusal = texts(await world.say("connect A-1001", chat=PERSONAL))
    assert "can't be connected" in refusal
    assert "group chat" in refusal


@pytest.mark.parametrize("text", ["connect", "connect nonsense", "connect https://news.example.org/x"])
async def test_a_reference_that_names_nothing_gets_an_example(world: World, text: str) -> None:
    assert "A-1001" in texts(await world.say(text))


async def test_the_one_who_connected_may_disconnect_and_others_may_not(world: World) -> None:
    await world.say("connect A-1001", by=ADELE)
    refusal = texts(await world.say("disconnect A-1001", by=MEGAN))
    assert "Adele Vance" in refusal
    assert "no longer connected" in texts(await world.say("disconnect", by=ADELE)).lower()
    assert await world.events() == ["record.created", "chat.connected", "chat.disconnected"]


async def test_owner_and_admin_may_disconnect_without_having_connected(world: World) -> None:
    for person in (MEGAN, ALEX):  # the record's owner; the demo's admin
        await world.api(
            "PUT",
            "/records/case/C-1",
            {"title": "x", "access": {"*": "append"}, "owner": {"id": MEGAN.id, "name": "M"}},
        )
        await world.say("connect C-1", by=ADELE)
        assert "no longer connected" in texts(await world.say("disconnect C-1", by=person)).lower()


async def test_an_admin_disconnects_what_they_may_not_read_and_learns_nothing_of_it(world: World) -> None:
    await world.say("connect C-3001", by=MEGAN)
    card = await world.say("disconnect", by=ALEX)
    assert "Delivery" not in str(card)
    assert (await world.events("case/C-3001"))[-1] == "chat.disconnected"


async def test_disconnecting_what_is_not_connected_changes_nothing(world: World) -> None:
    assert "not connected" in texts(await world.say("disconnect")).lower()
    assert "is not connected to" in texts(await world.say("disconnect A-1001")).lower()
    assert await world.events() == ["record.created"]


async def test_with_several_records_disconnect_asks_with_buttons_that_work(world: World) -> None:
    await world.say("connect A-1001")
    await world.api("PUT", "/records/account/A-2", {"title": "Fabrikam", "access": {"*": "append"}})
    await world.say("connect A-2")
    question = await world.say("disconnect")
    assert sorted(buttons(question)) == ["Contoso Ltd", "Fabrikam"]
    fabrikam = next(action for action in question["actions"] if action["title"] == "Fabrikam")
    answer = await world.press(fabrikam["verb"], fabrikam["data"])
    assert "Fabrikam" in texts(answer["value"])
    assert (await world.events("account/A-2"))[-1] == "chat.disconnected"


async def test_records_lists_what_the_person_may_read_and_counts_the_rest(world: World) -> None:
    await world.say("connect A-1001")
    await world.say("connect C-3001", by=MEGAN)
    listed = texts(await world.say("records"))
    assert "Contoso Ltd" in listed
    assert "Delivery" not in listed
    assert "1" in listed
    assert "Delivery arrived damaged" in texts(await world.say("records", by=MEGAN))
    assert "Contoso" not in texts(await world.say("records", chat=OTHER_GROUP))


async def test_the_button_connects_and_the_chat_gets_the_note(world: World) -> None:
    await world.say("help")
    card = await world.paste(ACCOUNT)
    button = card["actions"][1]
    answer = await world.press(button["verb"], button["data"])
    assert answer["type"] == "application/vnd.microsoft.card.adaptive"
    assert "connected" in texts(answer["value"])
    await until(lambda: world.said_in(GROUP))
    (note,) = world.said_in(GROUP)
    shown = texts(note["attachments"][0]["content"])
    assert {"Contoso Ltd", "Active"} <= set(shown.splitlines())
    assert "CHF" not in shown, "Revenue is not in note_fields"


@pytest.mark.parametrize(
    ("verb", "data"),
    [
        ("connect", {"record": "case/C-3001"}),
        ("connect", {"record": "case/C-9999"}),
    ],
)
async def test_a_forged_button_is_authorised_anew(world: World, verb: str, data: dict) -> None:
    await world.say("help")
    answer = await world.press(verb, data)
    assert answer["type"] == "application/vnd.microsoft.activity.message"
    assert "no such record, or you may not see it" in answer["value"]
    assert "chat.connected" not in await world.events("case/C-3001")


@pytest.mark.parametrize(
    "data", [None, [], "x", {}, {"record": 5}, {"record": "x" * 10_000}, {"record": "account/../x"}]
)
@pytest.mark.parametrize("verb", ["connect", "disconnect", "note", "timeline", "drop tables", ""])
async def test_an_odd_button_gets_the_documented_body(world: World, verb: str, data) -> None:
    answer = await world.press(verb, data)
    assert answer["statusCode"] in (200, 400)
    assert answer["type"].startswith("application/vnd.microsoft.")


async def test_the_same_activity_again_has_one_effect_and_one_answer(world: World) -> None:
    activity = world.activity("message", text="connect A-1001")
    assert [await world.post(activity) for _ in range(3)] == [(200, None)] * 3
    assert len(world.said_in(GROUP)) == 1
    press = {"action": {"type": "Action.Execute", "verb": "disconnect", "data": {"record": "account/A-1001"}}}
    invoke = world.activity("invoke", name="adaptiveCard/action", value=press)
    first, again = await world.post(invoke), await world.post(invoke)
    assert first == again
    assert await world.events() == ["record.created", "chat.connected", "chat.disconnected"]


async def test_the_type_switched_off_lets_its_connections_sleep(world: World) -> None:
    await world.say("connect A-1001")
    _, account = await world.api("GET", "/record-types/account")
    await world.api("PUT", "/record-types/account", account | {"enabled": False})
    for text in ("timeline", "note x", "connect A-1001"):
        assert "switched off" in texts(await world.say(text))
    await world.api("PUT", "/record-types/account", account)
    assert "Contoso Ltd" in texts(await world.say("records"))


async def test_rest_connects_and_disconnects_and_the_chat_is_told(world: World) -> None:
    status, _ = await world.api("POST", "/records/account/A-1001/chats", {"chat": GROUP})
    assert status == 409
    await world.say("help")
    actor = {"id": MEGAN.id, "name": "Megan Bowen"}
    status, _ = await world.api("POST", "/records/account/A-1001/chats", {"chat": GROUP, "actor": actor})
    assert status == 201
    status, _ = await world.api("DELETE", f"/records/account/A-1001/chats/{GROUP}")
    assert status == 204
    told = await told_in(world, GROUP, 2)
    assert "connected to" in told[0]
    assert "no longer" in told[1].lower()
    assert await world.events() == ["record.created", "chat.connected", "chat.disconnected"]


async def test_what_the_record_system_does_while_the_type_is_off_is_told_without_a_value_of_the_record(
    world: World,
) -> None:
    await world.say("help")
    _, account = await world.api("GET", "/record-types/account")
    await world.api("PUT", "/record-types/account", account | {"enabled": False})
    await world.api("POST", "/records/account/A-1001/chats", {"chat": GROUP})
    await world.api("DELETE", f"/records/account/A-1001/chats/{GROUP}")
    told = await told_in(world, GROUP, 2)
    assert "no longer connected" in told[1]
    assert "Contoso" not in str(told)
    assert "A-1001" not in str(told)


async def test_the_record_system_cannot_connect_a_chat_of_two(world: World) -> None:
    await world.say("help", chat=PERSONAL)
    status, problem = await world.api("POST", "/records/account/A-1001/chats", {"chat": PERSONAL})
    assert (status, "chat of two" in str(problem)) == (409, True)


async def test_a_case_link_by_its_owner_connects(world: World) -> None:
    assert "Delivery arrived damaged" in texts(await world.say(f"connect {CASE}", by=MEGAN))


async def test_a_button_in_a_chat_that_the_bot_is_not_in_connects_nothing(world: World) -> None:
    world.connector.refused_chats[GROUP] = "BotNotInConversationRoster"
    answer = await world.press("connect", {"record": "account/A-1001"})
    assert "not in this chat" in answer["value"]
    assert await world.events() == ["record.created"]
    _, chats = await world.api("GET", f"/chats/{GROUP}/records")
    assert "account" not in str(chats)


async def test_a_guest_s_commands_find_only_what_names_them(world: World) -> None:
    world.connector.chats[GROUP] = [ALEX.member(), GUEST.member(userPrincipalName="g#EXT#@contoso.example")]
    assert await world.say("connect A-1001", by=GUEST) == await world.say("connect A-9999", by=GUEST)
    assert await world.events() == ["record.created"]
    record = {"title": "Contoso Ltd", "access": {"*": "append", GUEST.id: "append"}}
    await world.api("PUT", "/records/account/A-1001", record)
    assert "connected to" in texts(await world.say("connect A-1001", by=GUEST))


async def test_who_is_a_guest_in_one_chat_is_a_guest_wherever_they_paste(world: World) -> None:
    world.connector.chats[GROUP] = [ALEX.member(), MEGAN.member(userPrincipalName="m#ext#@contoso.example")]
    assert "no such record" in texts(await world.say("timeline A-1001", by=MEGAN))
    assert "Contoso" not in texts(await world.paste(ACCOUNT, by=MEGAN, chat=OTHER_GROUP))


@pytest.mark.parametrize("text", ["connect A-1001.", "connect: A-1001", f"connect {ACCOUNT}!", f"connect ({ACCOUNT})"])
async def test_punctuation_around_a_reference_does_not_matter(world: World, text: str) -> None:
    assert "connected to" in texts(await world.say(text))


async def test_a_mention_of_somebody_before_the_bot_s_does_not_matter(world: World) -> None:
    entities = [
        {"type": "mention", "text": "<at>Megan Bowen</at>", "mentioned": {"id": MEGAN.account, "name": "Megan Bowen"}},
        {"type": "mention", "text": "<at>Connect Chats</at>", "mentioned": {"id": "28:connect-chats", "name": "x"}},
    ]
    text = "<at>Megan Bowen</at> <at>Connect Chats</at> connect A-1001"
    assert "connected to" in texts(await world.say(text, entities=entities))


async def test_with_more_records_than_a_card_holds_the_rest_is_counted_apart_from_what_is_hidden(world: World) -> None:
    for number in range(1, 13):
        await world.api(
            "PUT", f"/records/account/A-{number}", {"title": f"Customer {number}", "access": {"*": "append"}}
        )
        await world.say(f"connect A-{number}")
    await world.say("connect C-3001", by=MEGAN)
    shown = texts(await world.say("records"))
    assert "And 2 more." in shown
    assert "And 1 that can't be shown" in shown


async def test_an_html_only_link_leaves_the_number_behind_its_title_alone(world: World) -> None:
    await world.say("connect A-1001")
    html = [{"contentType": "text/html", "content": f'timeline <a href="{ACCOUNT}">Contoso 2027</a> 1'}]
    shown = texts(await world.say("timeline Contoso 2027 1", attachments=html))
    assert "The latest 1 of 2" in shown
