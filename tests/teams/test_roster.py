"""Who is in a chat: every page of the connector's list, people only, and no half a roster."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import ClientSession

from bot.domain.people import Member
from bot.teams.connector import MAX_PAGES, Connector
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


async def test_bots_and_what_is_no_account_are_left_out(connector: Connector, fake: FakeConnector) -> None:
    own = "a-bot-of-the-playground"
    fake.chats[CHAT] = [
        *(person(1, id=own), person(2, id="28:other"), person(3, userRole="bot"), person(4, role="bot")),
        *(None, 7, "x", [], {}, {"id": None}, {"id": 5}, {"id": ""}),
        *(person(5), person(5)),
    ]
    members = await connector.members(chat(fake, bot=own))
    assert [member.account for member in members] == ["29:person-5"]


async def test_in_the_demo_everybody_is_of_one_tenant(session: ClientSession, fake: FakeConnector) -> None:
    fake.expects = None
    connector = Connector(session, service_urls=ServiceUrls(frozenset(), loopback=True))
    assert {member.tenant for member in await connector.members(chat(fake))} == {None}


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
