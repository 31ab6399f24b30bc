"""What the cards hold, against Microsoft's schema."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from typing import Any, get_args

import jsonschema
import pytest

import cards
from bot.domain.answers import Answer, Choice, Connected, Help, Notice, RecordCard, Timeline, WhichRecord
from bot.domain.chats import ChatKind
from bot.domain.records import Disclosure
from tests.cards.made import made
from tests.cards.samples import ACCOUNT, BUTTON, CASE, EMPTY, EVENING, TYPICAL


def validator(version: str) -> jsonschema.Draft6Validator:
    schema = files("adaptive_cards").joinpath(f"schemas/schema-{version}.json").read_text()
    return jsonschema.Draft6Validator(json.loads(schema))


SCHEMA = {version: validator(version) for version in ("1.3", "1.5")}
SAMPLES = TYPICAL | EMPTY
UNFURLS = {name: answer for name, answer in SAMPLES.items() if isinstance(answer, RecordCard | Notice)}


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object inside a card."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from parts(one)


def shown(card: dict[str, Any]) -> list[str]:
    return [part["text"] for part in parts(card) if part.get("type") == "TextRun"]


def assert_valid(card: dict[str, Any]) -> None:
    SCHEMA[card["version"]].validate(card)
    SCHEMA["1.3"].validate({key: value for key, value in card.items() if key != "actions"} | {"version": "1.3"})


def test_the_samples_hold_every_answer() -> None:
    for samples in (TYPICAL, EMPTY):
        assert {type(answer) for answer in samples.values()} == set(get_args(Answer))


def test_every_answer_has_its_look() -> None:
    assert cards.LOOKS.keys() == set(get_args(Answer))


@pytest.mark.parametrize("kind", cards.LOOKS)
@pytest.mark.parametrize(("words", "many"), [("Contoso", 2), ("", 0)])
def test_an_answer_made_from_its_type_alone_has_a_valid_card(kind: type, words: str, many: int) -> None:
    assert_valid(cards.card(made(kind, words, many)))


@pytest.mark.parametrize("name", SAMPLES)
def test_every_card_is_valid_for_the_version_it_names_and_its_body_for_1_3(name: str) -> None:
    assert_valid(cards.card(SAMPLES[name]))


def test_the_schema_refuses_what_is_wrong() -> None:
    card = cards.card(TYPICAL["record, connectable"])
    card["body"][0]["inlines"][0]["weight"] = "fat"
    with pytest.raises(jsonschema.ValidationError):
        assert_valid(card)


@pytest.mark.parametrize("name", SAMPLES)
def test_values_stand_only_in_text_runs_inputs_and_buttons_and_the_card_says_them_in_plain_words_too(name: str) -> None:
    card = cards.card(SAMPLES[name])
    assert {part["type"] for part in parts(card["body"]) if "type" in part} <= {
        "RichTextBlock",
        "TextRun",
        "ColumnSet",
        "Column",
        "Container",
        "Action.OpenUrl",
        "Input.Toggle",
        "Input.ChoiceSet",
        "Input.Choice",
        "Input.Text",
    }
    assert card["fallbackText"] == cards.text(SAMPLES[name])


@pytest.mark.parametrize("name", SAMPLES)
def test_a_message_has_one_card_and_a_summary(name: str) -> None:
    answer = SAMPLES[name]
    assert cards.render(answer) == {
        "type": "message",
        "summary": cards.text(answer),
        "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": cards.card(answer)}],
    }


@pytest.mark.parametrize("name", UNFURLS)
def test_an_unfurl_has_one_card_a_preview_and_switches_the_cache_off(name: str) -> None:
    body = cards.unfurl(UNFURLS[name])["composeExtension"]
    assert (body["type"], body["attachmentLayout"]) == ("result", "list")
    [attachment] = body["attachments"]
    assert attachment["content"] == cards.card(UNFURLS[name])
    assert attachment["preview"]["contentType"] == "application/vnd.microsoft.card.thumbnail"
    [action] = body["suggestedActions"]["actions"]
    assert action["type"] == "setCachePolicy"
    assert json.loads(action["value"]) == {"type": "no-cache"}


@pytest.mark.parametrize("name", UNFURLS)
def test_the_bytes_of_an_unfurl_are_the_same_unfurl(name: str) -> None:
    assert json.loads(cards.unfurl_bytes(UNFURLS[name])) == cards.unfurl(UNFURLS[name])


def test_changing_one_explanation_changes_no_other() -> None:
    answer = TYPICAL["explanation"]
    assert isinstance(answer, Notice)
    before = copy.deepcopy(cards.unfurl(answer))
    cards.unfurl(answer)["composeExtension"]["attachments"].clear()
    assert cards.unfurl(answer) == json.loads(cards.unfurl_bytes(answer)) == before


def test_a_record_opens_first_and_connects_second() -> None:
    card = cards.card(RecordCard(view=ACCOUNT, connect=True))
    button = {"record": "account/A-1001"}
    assert card["version"] == "1.5"
    assert card["actions"] == [
        {"type": "Action.OpenUrl", "title": "Open", "url": ACCOUNT.open_url},
        {
            "type": "Action.Execute",
            "title": "Connect this chat",
            "verb": "connect",
            "data": button,
            "fallback": {
                "type": "Action.Submit",
                "title": "Connect this chat",
                "data": {**button, "verb": "connect"},
            },
        },
    ]


def test_a_connected_record_says_so_and_offers_no_connect() -> None:
    card = cards.card(RecordCard(view=ACCOUNT, connected=True))
    assert "✓ This chat is connected" in shown(card)
    assert [action["title"] for action in card["actions"]] == ["Open"]
    assert card["version"] == "1.3"


def test_there_is_no_open_without_an_address() -> None:
    assert "actions" not in cards.card(RecordCard(view=replace(ACCOUNT, open_url=None)))


@pytest.mark.parametrize(("view", "title"), [(BUTTON, "Record"), (CASE, "Case")])
def test_below_name_a_card_shows_the_kind_at_most_and_says_why(view: Any, title: str) -> None:
    card = cards.card(RecordCard(view=view, connect=True))
    assert shown(card) == [title, "Details are not shown in this chat, because others can read it."]
    thumbnail = cards.unfurl(RecordCard(view=view))["composeExtension"]["attachments"][0]["preview"]["content"]
    assert thumbnail["title"] == title


@pytest.mark.parametrize("name", [name for name, answer in SAMPLES.items() if "C-3001" in repr(answer)])
def test_the_id_of_a_hidden_record_stands_only_in_button_data_and_addresses(name: str) -> None:
    message = cards.render(SAMPLES[name])
    for part in parts(message):
        if part.get("type") in ("Action.OpenUrl", "Action.Execute"):
            assert "C-3001" not in part["title"]
            part.clear()
    assert "C-3001" not in json.dumps(message)


def test_at_name_the_type_stands_above_the_title_and_nothing_follows() -> None:
    view = replace(ACCOUNT, level=Disclosure.NAME, fields=())
    assert shown(cards.card(RecordCard(view=view))) == ["Account", "Contoso Ltd"]


def test_an_explanation_shows_its_three_sentences_and_nothing_else() -> None:
    answer = Notice(title="No preview", text="There is none.", next="Ask me why.")
    card = cards.card(answer)
    assert shown(card) == ["No preview", "There is none.", "Ask me why."]
    assert "actions" not in card
    assert cards.text(answer) == "No preview. There is none. Ask me why."


def test_times_are_left_to_the_reader_s_time_zone() -> None:
    timeline = TYPICAL["timeline"]
    assert isinstance(timeline, Timeline)
    assert timeline.entries[0].at == EVENING
    assert "{{DATE(2026-11-22T18:30:00Z,SHORT)}} {{TIME(2026-11-22T18:30:00Z)}}" in shown(cards.card(timeline))


def test_a_cut_timeline_says_how_much_there_is() -> None:
    assert "The latest 4 of 7." in shown(cards.card(TYPICAL["timeline"]))


def test_a_withheld_timeline_shows_no_event_and_where_to_ask() -> None:
    assert shown(cards.card(TYPICAL["timeline, withheld"])) == [
        "Timeline",
        "Case",
        "What happened is not shown in this chat, because others can read it.",
        "Ask me in our personal chat.",
    ]


def test_a_choice_sends_its_verb_and_data() -> None:
    card = cards.card(TYPICAL["which record"])
    first = card["actions"][0]
    assert (first["title"], first["verb"]) == ("Contoso Ltd", "note")
    assert first["data"] == {"record": "account/A-1001", "text": "Call Adele first.", "by": "u1"}
    assert first["fallback"]["data"] == {**first["data"], "verb": "note"}
    assert "2 more can't be listed here." in shown(card)


def test_choices_beyond_six_are_counted() -> None:
    choices = tuple(Choice(label=f"Case {n}", data={"record": f"case/{n}"}) for n in range(8))
    card = cards.card(WhichRecord(question="Which?", verb="timeline", choices=choices, more=1))
    assert len(card["actions"]) == 6
    assert "3 more can't be listed here. Name the record by its link or key." in shown(card)


def test_a_choice_keeps_a_long_note_whole() -> None:
    note = "ж" * 4000
    choices = (Choice(label="Contoso", data={"record": "account/A-1", "text": note}),) * 2
    [first, second] = cards.card(WhichRecord(question="Which?", verb="note", choices=choices))["actions"]
    assert first["data"]["text"] == second["data"]["text"] == note


def test_help_lists_every_command_with_its_summary() -> None:
    answer = TYPICAL["help, in a group"]
    assert isinstance(answer, Help)
    texts = shown(cards.card(answer))
    for command in answer.commands:
        assert texts[texts.index(command.usage) + 1] == command.summary


def test_help_begins_with_the_word_it_does_not_know() -> None:
    assert shown(cards.card(TYPICAL["help, unknown word"]))[0] == "I don't know “conect”."


def test_the_welcome_says_how_to_mention_me_only_where_that_is_needed() -> None:
    for kind in ChatKind:
        words = " ".join(shown(cards.card(type(TYPICAL["welcome, personal"])(kind=kind, example="A-1001"))))
        assert ("@Connect Chats connect A-1001" in words) is (kind is not ChatKind.PERSONAL)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("record, connectable", "Account: Contoso Ltd"),
        ("record, type only", "Case"),
        ("record, button only", "Record"),
        ("connected", "This chat is now connected to Contoso Ltd."),
        ("connected, type only", "This chat is now connected to a record (Case)."),
        ("connected before", "This chat was already connected to"),
        ("disconnected", "This chat is no longer connected to Contoso Ltd."),
        ("disconnected, nothing", "This chat is not connected to a record."),
        ("records", "This chat is connected to 5 records."),
        ("no records", "This chat is not connected to a record."),
        ("one hidden record", "This chat is connected to 1 record."),
        ("timeline", "The timeline of Contoso Ltd."),
        ("note added", "A note was added to the timeline of Contoso Ltd."),
        ("refusal", "Not connected. You may read this record, but"),
        ("failure", "01JD8W3Q5Z8R6V1M9T2K4B7C0X."),
    ],
)
def test_an_answer_in_plain_words(name: str, text: str) -> None:
    assert text in cards.text(SAMPLES[name])


def test_who_connected_is_told_only_when_it_may_be_said() -> None:
    assert "Connected by Alex Wilber." in shown(cards.card(Connected(view=ACCOUNT, by="Alex Wilber")))
    assert not [text for text in shown(cards.card(Connected(view=ACCOUNT))) if text.startswith("Connected by")]
