"""Who is in a chat: every page of the connector's list, people only, and no half a roster."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import ClientSession

from bot.domain.people import Audience, Member, audience_of
from bot.teams.connector import MAX_PAGES, Connector
from bot.teams.demo_roster import of_one_tenant
from bot.teams.service_urls import ServiceUrls
from tests.fakes.connector import FakeConnector, Fault, person
from tests.teams.conftest import CHAT, PLAYGROUND, chat, failure

TENANT = "9b1c7a52-3f0e-4d2a-8a64-7d5e4c3b2a19"


async def test_a_roster_is_read_page_by_page(connector: Connector, fake: FakeConnector) -> None:
    fake.chats[CHAT] = [person(number) for number in range(7)]
    fake.page_size = 3

    members = await connector.members(chat(fake))

    assert [member.account for member in members] == [f"29:person-{number}" for number in range(7)]
    assert members[1] == Member(
        account="29:person-1", id="00000000-0000-4000-8000-000000000001", name="Person 1", tenant=TENANT
    )
    assert len(fake.received) == 3
    assert "pagedmembers?pageSize=500" in fake.received[0].path


async def test_the_roster_of_the_real_client(connector: Connector, fake: FakeConnector) -> None:
    fake.faults.append(Fault(status=200, body=(PLAYGROUND / "group-roster.json").read_bytes()))
    members = await connector.members(chat(fake))
    assert members[0] == Member(
        account="user-id-0",
        id="00000000-0000-0000-0000-0000000000020",
        name="Alex Wilber",
        tenant="00000000-0000-0000-0000-0000000000001",
    )
    assert [member.account for member in members] == [f"user-id-{number}" for number in range(6)]


async def test_a_connector_without_pages_is_asked_for_the_older_listing(
    connector: Connector, fake: FakeConnector
) -> None:
    fake.paged = False
    members = await connector.members(chat(fake))
    assert [member.id for member in members] == [person(1)["aadObjectId"], person(2)["aadObjectId"]]
    assert [item.path.rpartition("/")[2] for item in fake.received] == ["pagedmembers?pageSize=500", "members"]


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        (person(1, userPrincipalName="a_b.example#EXT#@contoso.example"), {"guest": True}),
        (person(1, userPrincipalName="a_b.example#ext#@contoso.example"), {"guest": True}),
        (person(1, email="a_b.example#EXT#@contoso.example"), {"guest": True}),
        (person(1, userRole="guest"), {"guest": True}),
        (person(1, userRole="Anonymous", aadObjectId=None), {"guest": True, "id": None}),
        (person(1, tenantId="OTHER"), {"tenant": "other"}),
        (person(1, tenantId=None), {"tenant": None}),
        (person(1, aadObjectId="0000000A-0000-4000-8000-00000000000B"), {"id": "0000000a-0000-4000-8000-00000000000b"}),
        (person(1, aadObjectId=7, tenantId=[], name={}), {"id": None, "tenant": None, "name": ""}),
        (person(1, name="\u202eAlex\n\x00 Wilber"), {"name": "Alex Wilber"}),
        (person(1, userPrincipalName=["#EXT#"], userRole=7), {"guest": False}),
    ],
)
async def test_what_an_account_says_of_a_person(
    connector: Connector, fake: FakeConnector, account: dict[str, Any], expected: dict[str, Any]
) -> None:
    fake.chats[CHAT] = [account]
    [member] = await connector.members(chat(fake))
    assert {name: getattr(member, name) for name in expected} == expected


async def test_bots_are_left_out(connector: Connector, fake: FakeConnector) -> None:
    own = "a-bot-of-the-playground"
    fake.chats[CHAT] = [person(1, id=own), person(2, id="28:other"), person(5), person(5)]
    members = await connector.members(chat(fake, bot=own))
    assert [member.account for member in members] == ["29:person-5"]


@pytest.mark.parametrize("role", [{"role": "bot"}, {"userRole": "bot"}])
async def test_a_person_whose_role_says_bot_is_a_person(
    connector: Connector, fake: FakeConnector, role: dict[str, str]
) -> None:
    fake.chats[CHAT] = [person(1), person(2, tenantId="other", **role)]
    assert audience_of(await connector.members(chat(fake)), tenant=TENANT) is Audience.EXTERNAL


@pytest.mark.parametrize(
    "entry",
    [
        *(None, 7, "x", [], {}, {"id": None}, {"id": 5}, {"id": ""}),
        {"name": "+41 44 000 00 00"},
        person(3, id=None),
        person(3, id=None, userPrincipalName="a_b.example#EXT#@contoso.example"),
    ],
)
async def test_an_entry_that_cannot_be_read_is_a_stranger(
    connector: Connector, session: ClientSession, fake: FakeConnector, entry: Any
) -> None:
    fake.chats[CHAT] = [entry, person(1), entry]
    members = await connector.members(chat(fake))
    assert [(member.account, member.id) for member in members] == [
        ("", None),
        ("29:person-1", person(1)["aadObjectId"]),
    ]
    assert audience_of(members, tenant=TENANT) is Audience.EXTERNAL
    fake.expects = None
    assert audience_of(await demo(session).members(chat(fake)), tenant="demo") is Audience.EXTERNAL


@pytest.mark.parametrize(
    "entry",
    [
        person(1, userPrincipalName="a_b.example#EXT#@contoso.example"),
        person(1, email="a_b.example#EXT#@contoso.example"),
        person(1, userRole="guest"),
        person(1, tenantId="other"),
        person(1, aadObjectId=None),
        person(1, aadObjectId="00000000-0000-4000-8000-000000000002"),
    ],
)
@pytest.mark.parametrize("more", [{}, {"tenantId": None}])
async def test_of_two_entries_for_an_account_the_stranger_counts(
    connector: Connector, fake: FakeConnector, entry: dict[str, Any], more: dict[str, Any]
) -> None:
    for entries in ([entry, person(1, **more)], [person(1, **more), entry]):
        fake.chats[CHAT] = entries
        members = await connector.members(chat(fake))
        assert [member.account for member in members if member.account] == ["29:person-1"]
        assert audience_of(members, tenant=TENANT) is Audience.EXTERNAL


def demo(session: ClientSession) -> Connector:
    service_urls = ServiceUrls(frozenset(), loopback=True)
    return Connector(session, service_urls=service_urls, adjust_roster=of_one_tenant)


def sample(number: int, tenant: str | None) -> dict[str, Any]:
    """One of the Playground's users, 0 is Alex, 1 is Megan."""
    return person(90 + number, aadObjectId=f"00000000-0000-0000-0000-000000000002{number}", tenantId=tenant)


async def test_in_the_demo_everybody_is_of_one_tenant(session: ClientSession, fake: FakeConnector) -> None:
    fake.expects = None
    assert {member.tenant for member in await demo(session).members(chat(fake))} == {None}


async def test_in_the_demo_the_people_of_the_playground_are_at_home(
    session: ClientSession, fake: FakeConnector
) -> None:
    fake.expects = None
    accounts = json.loads((PLAYGROUND / "group-roster.json").read_bytes())["members"]
    fake.chats[CHAT] = accounts
    assert audience_of(await demo(session).members(chat(fake)), tenant="demo") is Audience.INTERNAL
    for account in accounts[:5]:
        account["tenantId"] = "theirs"
    members = await demo(session).members(chat(fake))
    assert [member.tenant for member in members] == ["theirs"] * 5 + [None]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ([sample(0, None), sample(1, None)], 1),
        ([sample(0, None)], 3),
        ([person(1, tenantId=None)], 3),
        ([person(1, tenantId="demo")], 3),
        ([person(1, tenantId="demo"), sample(0, None)], 3),
        ([sample(0, "ours")], 1),
        ([sample(0, "ours")], 2),
        ([sample(1, "ours")], 2),
        ([sample(2, "ours")], 2),
        ([person(1, tenantId="ours"), person(2, tenantId="ours")], 1),
    ],
)
async def test_in_the_demo_strangers_do_not_outvote_who_is_at_home(
    session: ClientSession, fake: FakeConnector, ours: list[dict[str, Any]], theirs: int
) -> None:
    fake.expects = None
    strangers = [person(10 + number, tenantId="theirs") for number in range(theirs)]
    for accounts in ([*ours, *strangers], [*strangers, *ours]):
        fake.chats[CHAT] = accounts
        members = await demo(session).members(chat(fake))
        assert audience_of(members, tenant="demo") is Audience.EXTERNAL
        foreign = {member.account for member in members if member.tenant not in (None, "demo")}
        assert foreign == {account["id"] for account in strangers}


async def test_in_the_demo_a_stranger_without_a_tenant_does_not_make_strangers_of_the_others(
    session: ClientSession, fake: FakeConnector
) -> None:
    """Who has no id, or is a guest, tells nothing about the tenant."""
    fake.expects = None
    guest = person(3, tenantId=None, userRole="guest")
    fake.chats[CHAT] = [None, person(4, tenantId=None, aadObjectId=None), guest, sample(0, "ours")]
    members = await demo(session).members(chat(fake))
    assert {member.tenant for member in members} == {None}
    assert audience_of(members, tenant="demo") is Audience.EXTERNAL


async def test_in_the_demo_a_tie_is_external_and_makes_nobody_a_guest(
    session: ClientSession, fake: FakeConnector
) -> None:
    fake.expects = None
    one, two = person(1, tenantId="one"), person(2, tenantId="two")
    for accounts in ([one, two], [two, one]):
        fake.chats[CHAT] = accounts
        members = await demo(session).members(chat(fake))
        assert audience_of(members, tenant="demo") is Audience.EXTERNAL
        assert {(member.tenant, member.guest) for member in members} == {(None, False)}


async def test_outside_the_demo_every_tenant_stays(connector: Connector, fake: FakeConnector) -> None:
    fake.chats[CHAT] = [sample(0, "one"), sample(1, "two"), person(1, tenantId="demo")]
    assert [member.tenant for member in await connector.members(chat(fake))] == ["one", "two", "demo"]


async def test_a_roster_without_an_end_is_no_roster(connector: Connector, fake: FakeConnector) -> None:
    """A part of it could make a chat with strangers look internal."""
    fake.faults.extend([Fault(status=200, body=b'{"members":[],"continuationToken":"again"}')] * (MAX_PAGES + 5))
    await failure(connector.members(chat(fake)))
    assert len(fake.received) == MAX_PAGES


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"{}", b'{"members":{}}', b"<html>", b'{"members":[]' + b" " * 5_300_000 + b"}"]
)
async def test_a_roster_that_cannot_be_read_is_an_error(connector: Connector, fake: FakeConnector, body: bytes) -> None:
    fake.faults.append(Fault(status=200, body=body))
    assert (await failure(connector.members(chat(fake)))).retryable
