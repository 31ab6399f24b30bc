"""A pasted link becomes a card: what it shows, to whom, where; and what an explanation must not show."""

from __future__ import annotations

import pytest

from tests.world import (
    ACCOUNT,
    ADELE,
    ALEX,
    CASE,
    GROUP,
    GUEST,
    MEGAN,
    OPPORTUNITY,
    OTHER_GROUP,
    PERSONAL,
    World,
    buttons,
    texts,
)

EVERYBODY = [person.member() for person in (ALEX, MEGAN, ADELE)]
GUEST_MEMBER = GUEST.member(userPrincipalName="gus_fabrikam.example#EXT#@contoso.example")


async def test_where_the_bot_is_not_a_card_shows_the_name_and_open(world: World) -> None:
    card = await world.paste(ACCOUNT)
    assert "Contoso Ltd" in texts(card)
    assert "Active" not in texts(card)
    assert buttons(card) == ["Open"]
    assert card["actions"][0]["url"] == ACCOUNT


async def test_where_the_bot_is_among_colleagues_a_card_shows_the_listed_fields_and_connect(world: World) -> None:
    await world.say("help")
    card = await world.paste(ACCOUNT)
    assert {"Contoso Ltd", "Active", "CHF 4.2 M"} <= set(texts(card).splitlines())
    assert "A+" not in texts(card), "Rating is not in card_fields"
    assert buttons(card) == ["Open", "Connect this chat"]


async def test_connect_is_offered_only_to_those_who_may_and_only_once(world: World) -> None:
    await world.say("help")
    assert buttons(await world.paste(OPPORTUNITY)) == ["Open"]
    assert buttons(await world.paste(OPPORTUNITY, by=MEGAN)) == ["Open", "Connect this chat"]
    await world.say("connect A-1001")
    card = await world.paste(ACCOUNT)
    assert buttons(card) == ["Open"]
    assert "This chat is connected" in texts(card)


async def test_the_personal_chat_shows_fields_but_offers_no_connect(world: World) -> None:
    await world.say("help", chat=PERSONAL)
    card = await world.paste(ACCOUNT, chat=PERSONAL)
    assert "Active" in texts(card)
    assert buttons(card) == ["Open"]


async def test_where_a_guest_reads_along_only_the_type_is_shown(world: World) -> None:
    world.connector.chats[GROUP] = [*EVERYBODY, GUEST_MEMBER]
    await world.say("help")
    card = await world.paste(ACCOUNT)
    assert "Account" in texts(card)
    assert "Contoso" not in str(card).replace("crm.example.com", "")


async def test_a_guest_does_not_count_as_everybody(world: World) -> None:
    world.connector.chats[GROUP] = [*EVERYBODY, GUEST_MEMBER]
    await world.say("help")
    assert await world.paste(ACCOUNT, by=GUEST) == await world.paste(ACCOUNT.replace("1001", "9999"), by=ALEX)


async def test_unknown_and_forbidden_links_answer_byte_for_byte_the_same(world: World) -> None:
    activity = world.activity("invoke", name="composeExtension/queryLink", value={"url": CASE})
    bodies = set()
    for url in (CASE, CASE.replace("3001", "9999"), ACCOUNT.replace("A-1001", "x")):
        async with world.http.post(f"{world.base}/api/messages", json=activity | {"value": {"url": url}}) as response:
            bodies.add(await response.read())
    assert len(bodies) == 1
    assert b"Delivery" not in bodies.pop()


async def test_the_owner_sees_what_others_may_not(world: World) -> None:
    await world.say("help")
    assert "Delivery arrived damaged" in texts(await world.paste(CASE, by=MEGAN))


@pytest.mark.parametrize("url", ["https://news.example.org/", "", None, 5, {"a": 1}, ["x"], "x" * 300_000])
async def test_what_is_no_record_link_is_explained(world: World, url) -> None:
    if isinstance(url, str) and len(url) > 200_000:
        url = url[:200_000]
    assert "Not a link to a record" in texts(await world.paste(url))


async def test_a_switched_off_type_or_app_is_explained_without_a_value(world: World) -> None:
    _, account = await world.api("GET", "/record-types/account")
    await world.api("PUT", "/record-types/account", account | {"enabled": False})
    card = await world.paste(ACCOUNT)
    assert "switched off" in texts(card)
    assert "Contoso" not in str(card)
    await world.api("PUT", "/record-types/account", account)
    assert "Contoso Ltd" in texts(await world.paste(ACCOUNT + "?appid=sales-hub"))
    await world.api("PUT", "/apps/sales-hub", {"id": "sales-hub", "label": "Sales Hub", "enabled": False})
    assert "switched off" in texts(await world.paste(ACCOUNT + "?appid=sales-hub"))
    assert "Contoso Ltd" in texts(await world.paste(ACCOUNT))


async def test_a_changed_setting_is_in_force_for_the_next_request(world: World) -> None:
    _, account = await world.api("GET", "/record-types/account")
    link = "https://new.example.com/a/A-1001"
    assert "Not a link" in texts(await world.paste(link))
    await world.api("PUT", "/record-types/account", account | {"links": ["https://new.example.com/a/{id}"]})
    assert "Contoso Ltd" in texts(await world.paste(link))
    assert "Not a link" in texts(await world.paste(ACCOUNT))


async def test_open_is_built_from_the_first_pattern_and_never_echoed(world: World) -> None:
    card = await world.paste(
        f"{ACCOUNT.upper().replace('HTTPS://CRM.EXAMPLE.COM/RECORDS/ACCOUNT', 'HTTPS://CRM.example.com/records/account')}/?utm=<x>"[
            :-4
        ]
        + "#evil"
    )
    assert card["actions"][0]["url"] == ACCOUNT


async def test_the_answer_may_not_be_cached_and_has_a_preview(world: World) -> None:
    invoke = world.activity("invoke", name="composeExtension/queryLink", value={"url": ACCOUNT})
    _, body = await world.post(invoke)
    result = body["composeExtension"]
    assert (result["type"], len(result["attachments"])) == ("result", 1)
    assert result["suggestedActions"]["actions"] == [{"type": "setCachePolicy", "value": '{"type":"no-cache"}'}]
    assert result["attachments"][0]["preview"]["contentType"] == "application/vnd.microsoft.card.thumbnail"


async def test_an_anonymous_query_gets_the_type_and_open_and_looks_nothing_up(world: World) -> None:
    cards = []
    for record in ("A-1001", "A-0000"):
        invoke = world.activity(
            "invoke",
            name="composeExtension/anonymousQueryLink",
            value={"url": ACCOUNT.replace("A-1001", record)},
            conversation={"id": ""},
            channelData={},
        )
        invoke["from"] = {"id": ""}
        _, body = await world.post(invoke)
        cards.append(body["composeExtension"]["attachments"][0]["content"])
    assert texts(cards[0]) == texts(cards[1])
    assert "Account" in texts(cards[0])
    assert "Contoso" not in str(cards[0]).replace("crm.example.com", "")
    assert buttons(cards[0]) == ["Open"]
    assert "Execute" not in str(cards)


async def test_an_unfurl_writes_nothing(world: World, tmp_path) -> None:
    import sqlite3

    def rows() -> dict[str, int]:
        with sqlite3.connect(tmp_path / "world.db") as database:
            names = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
            return {name: database.execute(f"select count(*) from {name}").fetchone()[0] for name in names}

    before = rows()
    for url in (ACCOUNT, CASE, "https://news.example.org/"):
        await world.paste(url, chat=OTHER_GROUP)
    assert rows() == before
    assert before["records"] == 3


@pytest.mark.parametrize("where", ["disclosure", "disclosure_unknown", "disclosure_external"])
@pytest.mark.parametrize("level", ["nothing", "button", "type", "name", "fields"])
async def test_each_step_of_the_ladder_shows_that_much_and_no_more(world: World, where: str, level: str) -> None:
    _, account = await world.api("GET", "/record-types/account")
    settings = {"disclosure": "fields", "disclosure_unknown": "fields", "disclosure_external": "fields", where: level}
    await world.api("PUT", "/record-types/account", account | settings)
    if where == "disclosure_external":
        world.connector.chats[GROUP] = [*EVERYBODY, GUEST_MEMBER]
    if where != "disclosure_unknown":
        await world.say("help")
    card = await world.paste(ACCOUNT)
    shown = texts(card).splitlines()
    steps = ["nothing", "button", "type", "name", "fields"]
    reached = steps.index(level)
    assert ("Open" in buttons(card)) is (reached >= 1)
    assert ("Account" in shown) is (reached >= 2)
    assert ("Contoso Ltd" in shown) is (reached >= 3)
    assert ("Active" in shown) is (reached >= 4)
    if level == "nothing":
        assert card == await world.paste(ACCOUNT.replace("1001", "9999"))
    if where != "disclosure_unknown":
        answers = [await world.say(text) for text in ("connect A-1001", "records", "timeline", "note secret words")]
        told = "\n".join(texts(answer) + answer["fallbackText"] for answer in answers)
        assert ("Contoso Ltd" in told) is (reached >= 3)
        assert ("Active" in told) is (reached >= 4)
        assert ("secret words" in told) is (reached >= 4)
        if reached < 2:
            assert "Account" not in told
