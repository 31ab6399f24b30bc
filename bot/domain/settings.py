"""The settings: what administrators choose for each record type and each app.

A setting is one field here: its type and bounds, what it means, its default, and how it is entered in chat. Reading and
writing it (`bot.domain.settings_json`), the description of the REST API, the form in chat and the table in the docs
follow from that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from bot.domain.links import compile_key, compile_pattern
from bot.domain.records import Disclosure, Requirement
from bot.domain.setting_types import (
    ANY_APP,
    AppId,
    AppListed,
    Discloses,
    FieldName,
    Key,
    Label,
    Most,
    Pattern,
    PersonId,
    PersonName,
    Requires,
    Switch,
    Title,
    TypeName,
)


@dataclass(frozen=True, slots=True)
class Entered:
    """How a setting is entered in chat; one without this is left to REST. Its type says with which kind of input.

    Attributes:
        group: the heading of the form that it stands under.
        hint: what to know; `{most}` is how many items a list may have.
        place: among those of its group; those of one place are in the order of the fields.
        room: characters of a list. A message has room for 80 KB, and the form goes back with what was entered.
        commas: on a single line, commas part the items of a list, too.
    """

    label: str
    group: str
    hint: str = ""
    place: int = 0
    room: int = 1_000
    commas: bool = True


GROUPS = SWITCH, WHO, SHOWS, AFTERWARDS, NAMES, THIS_APP = (
    "On or off",
    "Who may",
    "How much a card shows",
    "When a chat is connected, and afterwards",
    "Its name, links and keys",
    "This app",
)
"""The headings of the forms, in their order."""
_CONFIG = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordType:
    """A kind of record and what may be done with it; the names are those of the REST API.

    `card_fields`, `note_fields` and `watch_fields` are allow-lists: a field that is not listed is never shown.
    """

    __pydantic_config__ = _CONFIG

    name: Annotated[TypeName, Field(description="What addresses of the REST API call it.")]
    label: Annotated[Label, Field(description="What people call it."), Entered("Name on cards", NAMES)]
    enabled: Annotated[
        Switch,
        Field(description="Off: links get no card, connections sleep."),
        Entered("Switched on", SWITCH, "Off: its connections sleep, nothing is lost."),
    ] = True
    links: Annotated[
        tuple[Pattern, ...],
        Most(20),
        Field(
            description="Patterns of its records' addresses: `{id}` once, as a whole path segment or query value. "
            "**Open** is built from the first."
        ),
        Entered(
            "Addresses of its records",
            NAMES,
            "One a line, with {id} where the record's id stands.",
            room=4_000,
            commas=False,
        ),
    ] = ()
    key: Annotated[
        Key | None,
        Field(description="What people may type for a link: text, and `#` for digits. What matches is the id."),
        Entered("What may be typed instead", NAMES, "# stands for digits: A-# for A-1001. Empty for none."),
    ] = None
    apps: Annotated[
        tuple[AppListed, ...],
        Most(100),
        Field(description="Apps whose links are answered; `*`: every app."),
        Entered("Apps whose links are answered", SWITCH, "Their ids, one a line; * for every app.", room=4_000),
    ] = (ANY_APP,)
    card_fields: Annotated[
        tuple[FieldName, ...],
        Most(10),
        Field(description="The fields that a card may show."),
        Entered("Fields", SHOWS, "One a line, at most {most}. A card shows no other."),
    ] = ()
    disclosure: Annotated[
        Discloses,
        Field(description="How much is shown in chats of the tenant's own people."),
        Entered("In chats of your own people", SHOWS, "Chats with others never show more."),
    ] = Disclosure.FIELDS
    disclosure_unknown: Annotated[
        Discloses,
        Field(description="How much at most where the bot can't know who reads."),
        Entered(
            "Where I can't tell who reads",
            SHOWS,
            "I am not in them. To people without the app: the kind at most.",
            place=1,
        ),
    ] = Disclosure.NAME
    disclosure_external: Annotated[
        Discloses,
        Field(description="How much at most where guests or strangers are."),
        Entered("Where guests read along", SHOWS, "Or people of other organisations."),
    ] = Disclosure.TYPE
    connect: Annotated[
        Requires,
        Field(description="The least privilege for connecting a chat."),
        Entered("Who may connect a chat", WHO),
    ] = Requirement.APPEND
    join: Annotated[
        Requires,
        Field(description="The least privilege for being told which chats a record has."),
        Entered("Who may join its chats", WHO, "They are told which chats there are; a member adds them."),
    ] = Requirement.NOBODY
    join_history: Annotated[
        Literal["none", "all"], Field(description="How much of a chat's past who joins may read. Not in effect yet.")
    ] = "none"
    owner_may_disconnect: Annotated[
        Switch,
        Field(description="The record's owner may disconnect it from a chat."),
        Entered("Its owner may disconnect it", WHO),
    ] = True
    connector_may_disconnect: Annotated[
        Switch,
        Field(description="Who made the connection may undo it."),
        Entered("Who connected it may disconnect", WHO),
    ] = True
    note: Annotated[
        Switch,
        Field(description="Post an introduction into a chat when it is connected."),
        Entered("Introduce the record to the chat", AFTERWARDS),
    ] = True
    note_fields: Annotated[
        tuple[FieldName, ...],
        Most(5),
        Field(description="The fields that the introduction may show."),
        Entered("Fields of the introduction", AFTERWARDS, "One a line, at most {most}. Where fields may be shown."),
    ] = ()
    auto_name: Annotated[Switch, Field(description="Name a new chat after the record. Not in effect yet.")] = True
    chat_title: Annotated[Title, Field(description="The name of a new chat. Not in effect yet.")] = "{label}: {title}"
    watch_fields: Annotated[
        tuple[FieldName, ...],
        Most(5),
        Field(description="The fields whose changes are told in the record's chats."),
        Entered("Fields whose changes are told", AFTERWARDS, "One a line, at most {most}. None: no word of changes."),
    ] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """A record system's application that links may name; can be switched off."""

    __pydantic_config__ = _CONFIG

    id: Annotated[AppId, Field(description="What links call it.")]
    label: Annotated[Label, Field(description="What people call it."), Entered("Name on cards", THIS_APP, place=1)]
    enabled: Annotated[
        Switch,
        Field(description="Off: links that name it get no card."),
        Entered("Switched on", THIS_APP, "Off: connections of its records sleep."),
    ] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Administrator:
    """Who may change the settings. `id`: Entra object id, lower case; `name` is "" where it is not known."""

    __pydantic_config__ = _CONFIG

    id: PersonId
    name: PersonName = ""


# Two types and one link -----------------------------------------------------------------------------------------------


def claimed_twice(record_type: RecordType, other: RecordType) -> str | None:
    """The pattern or key of `record_type` that matches what one of `other` does, in words; None when there is none.

    Of patterns that have only some links in common, such as one with a fixed parameter more, the first one wins.
    """
    theirs = {compile_pattern(other.name, text).matched for text in other.links}
    for text in record_type.links:
        if compile_pattern(record_type.name, text).matched in theirs:
            return f"link pattern {text!r}"
    if not record_type.key or not other.key:
        return None
    same = compile_key(record_type.name, record_type.key).matched == compile_key(other.name, other.key).matched
    return f"key {record_type.key!r}" if same else None
