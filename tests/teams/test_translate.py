"""What Teams may send and the real client does not, as plain values."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from bot.domain.chats import ChatKind
from bot.domain.people import Member
from bot.domain.turns import ChangeKind, ChatChange
from bot.teams.edge import parse
from bot.teams.translate import MAX_LINKS, changes_of, chat_of, message_of, person_of, press_of

TENANT = "contoso"
ALEX = "00000000-0000-0000-0000-0000000000020"
LINK = "https://crm.example.com/records/account/A-1001"
TEAM = "19:sales@thread.tacv2"
CHANNEL = "19:announcements@thread.tacv2"


def activity(kind: str = "message", **changes: Any) -> dict[str, Any]:
    """An activity that the edge lets in, with changes."""
    body = {
        "type": kind,
        "channelId": "msteams",
        "serviceUrl": "https://smba.trafficmanager.net/emea/",
        "from": {"id": "29:alex", "name": "Alex Wilber", "aadObjectId": ALEX},
        "recipient": {"id": "28:bot", "name": "Rec"},
        "conversation": {"id": "19:x@thread.v2", "conversationType": "groupChat"},
        **changes,
    }
    return parse(json.dumps(body).encode())


# Chats ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("conversation", "kind"),
    [
        ({"id": "19:abc@thread.v2", "conversationType": "groupChat"}, ChatKind.GROUP),
        ({"id": "19:meeting_Abc@thread.v2", "conversationType": "groupChat"}, ChatKind.MEETING),
        ({"id": "19:abc@thread.tacv2;messageid=17", "conversationType": "channel"}, ChatKind.CHANNEL),
        ({"id": "19:abc@thread.skype", "conversationType": "channel"}, ChatKind.CHANNEL),
        ({"id": "19:abc@thread.tacv2"}, ChatKind.CHANNEL),
        ({"id": "a:abc", "conversationType": "personal"}, ChatKind.PERSONAL),
        ({"id": "a:abc"}, ChatKind.PERSONAL),
        ({"id": "8:orgid:abc"}, ChatKind.PERSONAL),
        ({"id": "19:one_two@unq.gbl.spaces", "conversationType": "groupChat"}, ChatKind.PERSONAL),
        ({"id": "19:abc@thread.v2", "conversationType": "somethingNew"}, ChatKind.GROUP),
    ],
)
def test_the_kind_of_a_chat(conversation: dict[str, Any], kind: ChatKind) -> None:
    assert chat_of(activity(conversation=conversation)).kind is kind


def test_a_channels_id_is_without_the_thread_and_its_topic_is_the_channels_name() -> None:
    heard = chat_of(
        activity(
            conversation={"id": "19:c@thread.tacv2;messageid=17", "conversationType": "channel", "name": "the thread"},
            channelData={"team": {"id": "19:t@thread.tacv2"}, "channel": {"id": "19:c@thread.tacv2", "name": "Deals"}},
        )
    )
    assert (heard.id, heard.topic, heard.team) == ("19:c@thread.tacv2", "Deals", "19:t@thread.tacv2")


def test_a_chats_topic_is_one_short_line() -> None:
    topic = chat_of(activity(conversation={"id": "19:x@thread.v2", "name": "a\n\u202eb " + "c" * 500})).topic
    assert topic.startswith("a b c")
    assert len(topic) == 120


# People --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("account", "person_id", "guest"),
    [
        ({"id": "29:a", "aadObjectId": ALEX.upper()}, ALEX, False),
        (
            {"id": "29:a", "aadObjectId": "{11111111-AAAA-4444-8888-000000000001}"},
            "11111111-aaaa-4444-8888-000000000001",
            False,
        ),
        ({"id": "29:a"}, None, False),
        ({"id": "29:a", "aadObjectId": ""}, None, False),
        ({"id": "29:a", "aadObjectId": None}, None, False),
        ({"id": "29:a", "userRole": "anonymous"}, None, True),
        ({"id": "29:a", "aadObjectId": ALEX, "userRole": "Guest"}, ALEX, True),
        ({"id": "29:a", "aadObjectId": ALEX, "userRole": "user"}, ALEX, False),
    ],
)
def test_only_the_object_id_says_who_somebody_is(account: dict[str, Any], person_id: str | None, guest: bool) -> None:
    who = person_of(activity(**{"from": account}), TENANT)
    assert (who.id, who.guest, who.account) == (person_id, guest, "29:a")


def test_nothing_in_value_or_channel_data_says_who_somebody_is() -> None:
    forged = activity(
        "invoke",
        **{"from": {"id": "29:mallory"}},
        value={"from": {"aadObjectId": ALEX}, "action": {"verb": "connect", "data": {"aadObjectId": ALEX}}},
        channelData={"from": {"aadObjectId": ALEX}, "tenant": {"id": "other"}},
    )
    who = person_of(forged, TENANT)
    assert (who.id, who.tenant) == (None, TENANT)


# What was said -------------------------------------------------------------------------------------------------------


def mention(text: str, account: str = "28:bot", kind: str = "mention") -> dict[str, Any]:
    return {"type": kind, "text": text, "mentioned": {"id": account, "name": "Rec"}}


@pytest.mark.parametrize(
    ("text", "entities", "said"),
    [
        ("<at>Rec</at> connect Record 5", [mention("<at>Rec</at>")], "connect Record 5"),
        ("connect <at>Rec</at> A-1001", [mention("<at>Rec</at>")], "connect   A-1001"),
        ("<at>Rec</at> <at>Rec</at> help", [mention("<at>Rec</at>"), mention("<at>Rec</at>")], "help"),
        ('<at id="0">Rec</at>&nbsp;help', [mention('<at id="0">Rec</at>')], "help"),
        ("<at>.*</at> note a.*b", [mention("<at>.*</at>")], "note a.*b"),
        (
            "<at>Rec</at> note call <at>Megan</at>",
            [mention("<at>Rec</at>"), mention("<at>Megan</at>", "29:megan")],
            "note call <at>Megan</at>",
        ),
        ("connect A-1001", [mention("connect")], "connect A-1001"),
        ("connect A-1001", [mention("")], "connect A-1001"),
        ("<at>Rec</at> help", [], "help"),
        ("<at>Megan</at> <at>Rec</at> help", [mention("<at>Rec</at>")], "help"),
        ("help", [{"type": "mention", "mentioned": "Rec", "text": 5}, {}], "help"),
        (None, [], ""),
    ],
)
def test_the_bots_mention_is_taken_out_and_nothing_else(text: str | None, entities: list[Any], said: str) -> None:
    assert message_of(activity(text=text, entities=entities), TENANT).text == said


def test_taking_mentions_out_of_a_hostile_message_takes_no_time() -> None:
    """80 kB of the beginnings of mentions froze the SDK's removal for seconds: ten times as many would for minutes."""
    text = "<at>" * 200_000
    hostile = activity(text=text, entities=[mention(text), mention("<at></at>"), mention("<at>" + text + "</at>")])
    started = time.perf_counter()
    message_of(hostile, TENANT)
    assert time.perf_counter() - started < 10


MANY = tuple(f"https://a.test/{number}" for number in range(99))


def html(content: Any) -> dict[str, Any]:
    return {"contentType": "text/html", "content": content}


@pytest.mark.parametrize(
    ("attachments", "links"),
    [
        ([html(f'<p><a href="{LINK}" title="x">Contoso</a></p>')], (LINK,)),
        ([html('<a href="https://a.test/?x=1&amp;y=2">a</a>')], ("https://a.test/?x=1&y=2",)),
        (
            [html("<A HREF='https://a.test/'>a</A><a href=https://b.test/>b</a>")],
            ("https://a.test/", "https://b.test/"),
        ),
        ([html('<a href="https://a.test/">1</a><a href="https://a.test/">2</a>')], ("https://a.test/",)),
        ([html('<img href="https://a.test/"><a name="x">a</a><a href>b</a><a href="">c</a>')], ()),
        ([html(None)], ()),
        ([html({"a": 1})], ()),
        ([{"contentType": "image/png", "content": '<a href="https://a.test/">'}], ()),
        ([{"contentType": 5}, html('<a href="https://a.test/">')], ("https://a.test/",)),
        ([html("".join(f'<a href="{link}">' for link in MANY))], MANY[:MAX_LINKS]),
        ([html("<a " * 30_000 + f'<a href="{LINK}">')], ()),
    ],
)
def test_the_addresses_in_a_messages_html(attachments: list[Any], links: tuple[str, ...]) -> None:
    assert message_of(activity(text="connect Contoso", attachments=attachments), TENANT).links == links


# Buttons -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [None, "connect", [], {}, {"action": None}, {"action": []}, {"action": {"verb": 5}}])
def test_an_execute_that_names_no_verb_is_no_button(value: Any) -> None:
    assert press_of(activity("invoke", name="adaptiveCard/action", value=value), TENANT) is None


@pytest.mark.parametrize("data", [None, "x", [1]])
def test_a_buttons_data_that_is_no_object_is_none(data: Any) -> None:
    pressed = press_of(activity("invoke", value={"action": {"verb": "connect", "data": data}}), TENANT)
    assert pressed is not None
    assert pressed.data == {}


def test_a_message_with_text_is_no_button_whatever_its_value() -> None:
    assert press_of(activity(text="help", value={"verb": "connect", "record": "account/A-1001"}), TENANT) is None
    assert press_of(activity(value={"record": "account/A-1001"}), TENANT) is None


# Changes that the client can't send ----------------------------------------------------------------------------------


def team_event(event: str, **more: Any) -> list[ChatChange]:
    data = {"eventType": event, "team": {"id": TEAM, "name": "Sales"}, **more}
    return changes_of(
        activity("conversationUpdate", conversation={"id": TEAM, "conversationType": "channel"}, channelData=data),
        TENANT,
    )


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ("teamArchived", ChangeKind.BOT_REMOVED),
        ("teamUnarchived", ChangeKind.RESTORED),
        ("teamHardDeleted", ChangeKind.DELETED),
        ("teamRestored", ChangeKind.RESTORED),
    ],
)
def test_what_happens_to_a_team_happens_to_all_its_channels(event: str, kind: ChangeKind) -> None:
    (change,) = team_event(event)
    assert (change.kind, change.chat, change.team) == (kind, None, TEAM)


def test_a_restored_channel_is_named_by_the_channel_not_by_the_conversation() -> None:
    (change,) = team_event("channelRestored", channel={"id": CHANNEL, "name": "Deals"})
    assert change.chat is not None
    assert (change.kind, change.chat.id, change.chat.topic) == (ChangeKind.RESTORED, CHANNEL, "Deals")


@pytest.mark.parametrize(
    "update",
    [
        activity("conversationUpdate", channelData={"eventType": "somethingNew", "team": {"id": TEAM}}),
        activity("conversationUpdate", channelData={"eventType": "channelRenamed", "channel": "x"}),
        activity("conversationUpdate", channelData={"eventType": "channelRenamed"}),
        activity("conversationUpdate", channelData={"eventType": "teamRenamed"}),
        activity("conversationUpdate", channelData={"eventType": ["teamRenamed"], "team": []}),
        activity("conversationUpdate"),
        activity("conversationUpdate", membersAdded=[], membersRemoved=None),
        activity("installationUpdate"),
        activity("installationUpdate", action="somethingNew"),
    ],
)
def test_changes_that_we_do_not_know_or_that_name_nothing_are_none(update: dict[str, Any]) -> None:
    assert changes_of(update, TENANT) == []


def test_a_group_chats_new_name_is_a_change() -> None:
    (change,) = changes_of(activity("conversationUpdate", topicName="Contoso\nrenewal"), TENANT)
    assert (change.kind, change.topic) == (ChangeKind.RENAMED, "Contoso renewal")


def test_people_who_come_and_go_in_one_update_are_two_changes() -> None:
    came, went = changes_of(
        activity(
            "conversationUpdate",
            membersAdded=[{"id": "29:joe", "name": "Joe", "aadObjectId": ALEX.upper()}, {"id": "29:anonymous"}],
            membersRemoved=[{"id": "29:megan"}],
        ),
        TENANT,
    )
    assert came.members == (Member(account="29:joe", id=ALEX, name="Joe"), Member(account="29:anonymous", id=None))
    assert (went.kind, went.members) == (ChangeKind.MEMBERS_REMOVED, (Member(account="29:megan", id=None),))


def test_an_upgraded_installation_is_an_addition() -> None:
    (change,) = changes_of(activity("installationUpdate", action="add-upgrade"), TENANT)
    assert change.kind is ChangeKind.BOT_ADDED
