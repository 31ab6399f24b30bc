"""A refusal says what is missing and who could help, and names nobody where names may not be shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.chats import ChatKind
from bot.domain.decisions import Action, Facts
from bot.domain.people import Actor, Audience
from bot.domain.policy import decide
from bot.domain.records import Privilege, Requirement
from bot.domain.settings import RecordType
from bot.errors import ConnectChatsError, NotAllowed, RecordNotFound
from bot.features.refusals import refusal
from tests.world import ADELE, ALEX, GROUP, GUEST, MEGAN, World, texts

OWNER, CONNECTOR = Actor(id="megan", name="Megan Bowen"), Actor(id="adele", name="Adele Vance")


READER = Facts(privilege=Privilege.READ, audience=Audience.INTERNAL, chat=ChatKind.GROUP, connected=True)


def refused(
    action: Action, *, owner: Actor | None = OWNER, connector: Actor | None = CONNECTOR, of: Any = None, **more: Any
) -> ConnectChatsError:
    """The refusal for a reader in a connected group chat of colleagues. `of`: settings of the type; `more`: facts."""
    facts = replace(READER, settings=RecordType(name="account", label="Account", **of or {}), **more)
    decision = decide(action, facts)
    assert not decision.allowed
    return refusal(action, decision, facts, owner=owner, connector=connector)


@pytest.mark.parametrize(
    ("action", "of", "missing"),
    [
        (Action.CONNECT, {"connect": Requirement.APPEND}, "the right to append"),
        (Action.CONNECT, {"connect": Requirement.WRITE}, "the right to write"),
        (Action.JOIN, {"join": Requirement.WRITE}, "the right to write"),
        (Action.NOTE, {}, "the right to append"),
    ],
)
def test_too_little_names_the_missing_right_and_the_owner(action: Action, of: dict, missing: str) -> None:
    told = str(refused(action, of=of))
    assert missing in told
    assert "Megan Bowen" in told
    assert ("dministrator" in told) is (action is not Action.NOTE), "no setting says who may add a note"


@pytest.mark.parametrize("action", [Action.CONNECT, Action.NOTE, Action.DISCONNECT])
def test_where_names_may_not_be_shown_nobody_is_named_and_nobody_s_part_is_told(action: Action) -> None:
    of = {"owner_may_disconnect": False, "connector_may_disconnect": False}
    told = {
        str(refused(action, of=of, audience=Audience.EXTERNAL, owner=owner, is_owner=mine, is_last_connector=mine))
        for owner in (OWNER, Actor(id=None, name="X"))
        for mine in (False, True)
    }
    assert len(told) == 1
    assert "Megan" not in str(told)
    assert "Adele" not in str(told)


def test_where_names_may_not_be_shown_it_is_not_told_whether_there_is_an_owner_or_who_connected_it() -> None:
    told = {
        str(refused(Action.DISCONNECT, audience=Audience.EXTERNAL, owner=owner, connector=connector))
        for owner in (OWNER, None)
        for connector in (CONNECTOR, None)
    }
    assert len(told) == 1
    assert "owner" not in str(refused(Action.DISCONNECT, owner=None))


def test_without_an_owner_it_says_so_only_where_names_may_be_shown() -> None:
    assert "no owner" in str(refused(Action.CONNECT, owner=None))
    assert "Ask the record's owner" in str(refused(Action.CONNECT, owner=None, audience=Audience.EXTERNAL))


def test_who_may_disconnect_is_told_by_what_the_settings_permit() -> None:
    told = str(refused(Action.DISCONNECT))
    assert told.endswith(
        "Ask an administrator of Connect Chats, or the record's owner, Megan Bowen, or Adele Vance, who connected it."
    )
    told = str(refused(Action.DISCONNECT, of={"owner_may_disconnect": False, "connector_may_disconnect": False}))
    assert told.endswith("Ask an administrator of Connect Chats.")


@pytest.mark.parametrize(("fact", "words"), [("is_owner", "It is yours"), ("is_last_connector", "You connected it")])
def test_owner_and_connector_are_told_that_it_is_not_enough(fact: str, words: str) -> None:
    of = {"owner_may_disconnect": False, "connector_may_disconnect": False}
    more: dict[str, Any] = {fact: True}
    assert words in str(refused(Action.DISCONNECT, of=of, **more))


@pytest.mark.parametrize("action", [Action.CONNECT, Action.JOIN])
def test_what_is_allowed_to_nobody_an_administrator_can_switch_on_perhaps_the_one_who_asks(action: Action) -> None:
    of = {"connect": Requirement.NOBODY, "join": Requirement.NOBODY}
    told = str(refused(action, of=of, privilege=Privilege.WRITE))
    assert "switched off" in told
    assert "An administrator of Connect Chats can switch it on." in told
    assert "You are an administrator" in str(refused(action, of=of, is_admin=True))


@pytest.mark.parametrize("action", [Action.SEE, Action.TIMELINE, Action.NOTE, Action.CONNECT, Action.DISCONNECT])
def test_an_unknown_record_is_refused_in_the_same_words_to_administrators_and_everybody(action: Action) -> None:
    told = [
        refused(action, privilege=Privilege.NONE, connected=False, is_admin=admin, owner=owner)
        for admin in (False, True)
        for owner in (None, OWNER)
    ]
    assert {type(error) for error in told} == {RecordNotFound}
    assert len({str(error) for error in told}) == 1


def test_settings_are_for_administrators() -> None:
    told = refused(Action.SETTINGS, privilege=Privilege.WRITE, is_owner=True)
    assert isinstance(told, NotAllowed)
    assert "administrators" in str(told)


async def test_connect_in_a_chat_tells_the_right_the_owner_and_what_an_administrator_could_do(world: World) -> None:
    assert "An administrator of Connect Chats can" in texts(await world.say("connect O-2001", by=ADELE))
    told = texts(await world.say("connect O-2001", by=ALEX))
    assert "the right to append" in told
    assert "Ask its owner, Megan Bowen, for it. You are an administrator of Connect Chats" in told


async def test_a_note_without_the_right_to_append_names_the_owner(world: World) -> None:
    await world.say("connect O-2001", by=MEGAN)
    assert "Ask its owner, Megan Bowen, for it." in texts(await world.say("note x", by=ADELE))


async def test_the_owner_is_told_who_can_disconnect_when_owners_may_not(world: World) -> None:
    _, settings = await world.api("GET", "/record-types/opportunity")
    closed = settings | {"owner_may_disconnect": False, "connector_may_disconnect": False}
    await world.api("PUT", "/record-types/opportunity", closed)
    await world.say("connect O-2001", by=MEGAN)
    told = texts(await world.say("disconnect", by=MEGAN))
    assert "It is yours" in told
    assert "Ask an administrator of Connect Chats." in told
    world.connector.chats[GROUP] = [MEGAN.member(), GUEST.member(userPrincipalName="g#EXT#@x.example")]
    world.clock[0] += 7 * 3600 * 1_000_000
    told = texts(await world.say("disconnect", by=MEGAN))
    assert "yours" not in told
    assert "Ask an administrator of Connect Chats." in told
