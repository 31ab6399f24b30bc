"""What the real client sent, as plain values: every payload in `tests/data/playground`."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.chats import Chat, ChatKind
from bot.domain.people import Member, Person
from bot.domain.turns import ChangeKind, ChatChange, Message, Press, Turn
from bot.teams.edge import parse
from bot.teams.translate import changes_of, link_of, message_of, press_of, turn_of
from tests.teams.conftest import PLAYGROUND

TENANT = "contoso"
BOT = "28:connect-chats-demo"
ALEX = "00000000-0000-0000-0000-0000000000020"
CONNECTOR = "http://localhost:44869/_connector"
LINK = "https://crm.example.com/records/account/A-1001"
TEAM = "19:sales@thread.tacv2"
CHANNEL = "19:announcements@thread.tacv2"


def payload(name: str) -> dict[str, Any]:
    """What the client sent, as the edge lets it in."""
    return parse((PLAYGROUND / f"{name}.json").read_bytes())


def person(number: int, name: str = "") -> Person:
    return Person(id=f"{ALEX[:-1]}{number}", name=name, tenant=TENANT, account=f"user-id-{number}")


def group(**more: Any) -> Chat:
    return Chat(
        **{"id": "19:contoso-renewal@thread.v2", "kind": ChatKind.GROUP, "service_url": CONNECTOR, "bot": BOT} | more
    )


def channel(**more: Any) -> Chat:
    return group(id=CHANNEL, kind=ChatKind.CHANNEL, team=TEAM, **more)


def personal() -> Chat:
    return group(id="a:1-alex-and-the-bot", kind=ChatKind.PERSONAL)


MESSAGES = {
    "personal-message": (personal(), person(0, "Alex Wilber"), "hello"),
    "personal-message-with-card": (personal(), person(0, "Alex Wilber"), ""),
    "group-message": (group(), person(0, "Alex Wilber"), f"connect {LINK}"),
    "group-message-of-another": (group(), person(1, "Megan Bowen"), "records"),
    "channel-message": (channel(), person(0, "Alex Wilber"), "records"),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_of_the_real_client(name: str) -> None:
    chat, who, text = MESSAGES[name]
    sent = payload(name)
    assert message_of(sent, TENANT) == Message(turn=Turn(id=sent["id"], person=who, chat=chat), text=text)
    assert press_of(sent, TENANT) is None


QUERIES = {
    "personal-query-link": (personal(), person(0, "Alex Wilber")),
    "group-query-link": (group(topic="Contoso renewal"), person(1, "Megan Bowen")),
    "group-anonymous-query-link": (group(topic="Contoso renewal"), person(0, "Alex Wilber")),
    "channel-query-link": (channel(), person(2, "Adele Vance")),
}


@pytest.mark.parametrize("name", QUERIES)
def test_a_link_query_of_the_real_client(name: str) -> None:
    chat, who = QUERIES[name]
    sent = payload(name)
    assert turn_of(sent, TENANT) == Turn(id=sent["id"], person=who, chat=chat)
    assert link_of(sent) == LINK


def test_a_pressed_button_is_the_same_as_an_execute_and_as_its_fallback_submit() -> None:
    execute, submit = payload("group-card-action"), payload("group-submit")
    pressed = press_of(execute, TENANT)
    assert pressed == Press(
        turn=Turn(id=execute["id"], person=person(1, "Megan Bowen"), chat=group(topic="Contoso renewal")),
        verb="connect",
        data={"record": "account/A-1001"},
    )
    fallback = press_of(submit, TENANT)
    assert fallback is not None
    assert (fallback.verb, fallback.data["record"]) == ("connect", "account/A-1001")
    assert fallback.turn == Turn(id=submit["id"], person=person(0, "Alex Wilber"), chat=group())


ALEX_AS_MEMBER = (Member(account="user-id-0", id=ALEX),)
NAMED = group(topic="Contoso renewal")
CHANGES: dict[str, list[tuple[ChangeKind, Chat | None, dict[str, Any]]]] = {
    "personal-install": [(ChangeKind.BOT_ADDED, personal(), {})],
    "personal-opened-installation-update": [(ChangeKind.BOT_ADDED, personal(), {})],
    "personal-opened-conversation-update": [(ChangeKind.BOT_ADDED, personal(), {})],
    "personal-bot-added": [(ChangeKind.BOT_ADDED, personal(), {})],
    "personal-bot-removed": [(ChangeKind.BOT_REMOVED, personal(), {})],
    "personal-uninstall": [(ChangeKind.BOT_REMOVED, personal(), {})],
    "personal-user-added": [(ChangeKind.MEMBERS_ADDED, personal(), {"members": ALEX_AS_MEMBER})],
    "personal-user-removed": [(ChangeKind.MEMBERS_REMOVED, personal(), {"members": ALEX_AS_MEMBER})],
    "group-install": [(ChangeKind.BOT_ADDED, NAMED, {})],
    "group-opened-installation-update": [(ChangeKind.BOT_ADDED, NAMED, {})],
    "group-opened-conversation-update": [(ChangeKind.BOT_ADDED, group(), {})],
    "group-bot-added": [(ChangeKind.BOT_ADDED, group(), {})],
    "group-bot-removed": [(ChangeKind.BOT_REMOVED, group(), {})],
    "group-uninstall": [(ChangeKind.BOT_REMOVED, NAMED, {})],
    "group-user-added": [(ChangeKind.MEMBERS_ADDED, group(), {"members": ALEX_AS_MEMBER})],
    "group-user-removed": [(ChangeKind.MEMBERS_REMOVED, group(), {"members": ALEX_AS_MEMBER})],
    "channel-install": [(ChangeKind.BOT_ADDED, channel(), {"team": TEAM})],
    "channel-opened-installation-update": [(ChangeKind.BOT_ADDED, channel(), {"team": TEAM})],
    "channel-opened-conversation-update": [(ChangeKind.BOT_ADDED, channel(), {"team": TEAM})],
    "channel-bot-added": [(ChangeKind.BOT_ADDED, channel(), {"team": TEAM})],
    "channel-bot-removed": [(ChangeKind.BOT_REMOVED, None, {"team": TEAM})],
    "channel-uninstall": [(ChangeKind.BOT_REMOVED, None, {"team": TEAM})],
    "channel-user-added": [(ChangeKind.MEMBERS_ADDED, None, {"team": TEAM, "members": ALEX_AS_MEMBER})],
    "channel-user-removed": [(ChangeKind.MEMBERS_REMOVED, None, {"team": TEAM, "members": ALEX_AS_MEMBER})],
    "channel-channel-created": [],
    "channel-channel-renamed": [
        (ChangeKind.RENAMED, channel(topic="Announcements"), {"team": TEAM, "topic": "Announcements"})
    ],
    "channel-channel-deleted": [
        (ChangeKind.DELETED, channel(topic="Announcements"), {"team": TEAM, "topic": "Announcements"})
    ],
    "channel-team-renamed": [(ChangeKind.RENAMED, None, {"team": TEAM, "topic": "Sales"})],
    "channel-team-deleted": [(ChangeKind.DELETED, None, {"team": TEAM, "topic": "Sales"})],
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_a_chat_as_the_real_client_tells_it(name: str) -> None:
    sent = payload(name)
    turn = turn_of(sent, TENANT)
    assert turn.person == person(0)
    assert changes_of(sent, TENANT) == [
        ChatChange(kind=kind, turn=turn, chat=chat, **more) for kind, chat, more in CHANGES[name]
    ]


def test_every_recorded_payload_is_tested_here() -> None:
    recorded = {path.stem for path in PLAYGROUND.glob("*.json")}
    tested = {*MESSAGES, *QUERIES, *CHANGES, "group-card-action", "group-submit"}
    assert recorded - tested == {"group-roster"}, "a roster is no activity: test_roster has it"
