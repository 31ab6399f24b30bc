"""The table of rules against an oracle: every cell, and what CONTRACT.md says of it, sentence by sentence.

The table is read top-down and the first row that holds decides. The oracle works the other way round: it collects every
objection that a sentence raises, in the contract's own words, and what nobody objects to is allowed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from bot.domain.catalogue import Catalogue
from bot.domain.chats import Chat, ChatKind, ChatState
from bot.domain.decisions import Action
from bot.domain.grants import Grant, Grants
from bot.domain.people import Actor, Audience, Person
from bot.domain.policy import decide, gather
from bot.domain.records import Privilege, Record, RecordId
from bot.domain.settings import App
from bot.domain.settings_json import record_type_from_json

TENANT = "contoso"
ACCOUNT = RecordId("account", "A-1")
OTHER = Actor(id="megan", name="Megan Bowen")

NOTHING_TO_ASK = ("without an id", "no such type")
ALIKE = ("none", "read", "append", "write", "owner")
STRANGE = ("guest", "guest with read", "of another tenant", "without an id", "no such record", "no such type")
SOURCES = ("silent", "none", "read", "append", "write")
"""What another system says of the rights, where it is asked for them."""
WITH_SOURCE = ("none", "write", "owner", "guest", "without an id", "no such record", "no such type")
CHATS = (
    *(("group", readers) for readers in ("internal", "external", "unknown")),
    ("channel", "internal"),
    ("channel", "external"),
    ("meeting", "internal"),
    ("meeting", "unknown"),
    ("personal", "internal"),
    ("personal", "external"),
    ("never there", "unknown"),
    ("removed from", "internal"),
)
CONNECTED_BY = ("nobody", "themselves", "somebody else")
LEAST = ("read", "append", "write", "nobody")
SWITCHES = ("on", "type off", "link's app off", "link's app not listed", "record's app off", "record's app not listed")
JOIN = {"read": "nobody", "append": "write", "write": "append", "nobody": "read"}
"""What `join` is where `connect` is this: never the same, so that neither is taken for the other."""
LADDER = ("nothing", "button", "type", "name", "fields")


class Cell(NamedTuple):
    """One situation, in the contract's words.

    `ladder`: disclosure, disclosure_external, disclosure_unknown. `source`: what another system says of the rights; ""
    where the record's access map does.
    """

    standing: str
    connected_by: str = "nobody"
    admin: bool = False
    chat: tuple[str, str] = ("group", "internal")
    connect: str = "append"
    owner_may: bool = True
    connector_may: bool = True
    switch: str = "on"
    ladder: tuple[str, str, str] = ("name", "type", "nothing")
    source: str = ""


def cells() -> Iterator[Cell]:
    flags = (False, True)
    yield from map(
        Cell._make,
        itertools.product(ALIKE, CONNECTED_BY, flags, CHATS, LEAST, flags, flags, SWITCHES, [Cell("").ladder], [""]),
    )
    for standing, by, admin, chat, switch in itertools.product(STRANGE, CONNECTED_BY, flags, CHATS, SWITCHES):
        yield Cell(standing, by, admin, chat, switch=switch)
    ladders = itertools.product(LADDER, LADDER, LADDER)
    for ladder, chat, standing in itertools.product(ladders, CHATS, ("none", "read")):
        yield Cell(standing, chat=chat, ladder=ladder)
    situations = itertools.product(WITH_SOURCE, CONNECTED_BY, flags, CHATS, flags, SWITCHES, SOURCES)
    for standing, by, admin, chat, owner_may, switch, source in situations:
        yield Cell(standing, by, admin, chat, owner_may=owner_may, switch=switch, source=source)


# The oracle: CONTRACT.md ----------------------------------------------------------------------------------------------

GRAVEST_FIRST = (
    *("not-admin", "bot-absent", "one-to-one", "type-off", "app-off", "unanswered", "unknown", "record-app-off"),
    *("not-shown", "for-nobody", "not-connected", "too-little", "not-yours"),
)
"""Which of several objections is said: those that tell least about the record come first."""


def rights(cell: Cell) -> str:
    """Their own entry, else `*` (everybody of the tenant who is not a guest), else none; the owner has write.

    Where another system is asked, what it says instead; silence means none.
    """
    if cell.source and cell.standing not in NOTHING_TO_ASK and cell.standing != "no such record":
        return "none" if cell.source == "silent" else cell.source
    return {"owner": "write", "guest with read": "read"}.get(
        cell.standing, "none" if cell.standing in STRANGE else cell.standing
    )


def shown(cell: Cell) -> tuple[str, str]:
    """How much, by which setting: min(disclosure, that of the audience); a bot that is not in the chat knows nobody."""
    inside, outside, unknown = cell.ladder
    where, readers = cell.chat
    if where in ("never there", "removed from"):
        readers = "unknown"
    by_audience = {"internal": inside, "external": outside, "unknown": unknown}[readers]
    lower = LADDER.index(by_audience) < LADDER.index(inside)
    return (by_audience, f"disclosure_{readers}") if lower else (inside, "disclosure")


def objections(action: str, cell: Cell) -> dict[str, str | None]:
    """Everything that speaks against it, with the setting that does."""
    found: dict[str, str | None] = {}
    may = rights(cell)
    admin = cell.admin and cell.standing != "without an id"
    of_a_person = action in ("see", "unfurl", "timeline", "note", "connect", "disconnect", "join")

    # "Being an admin gives settings and disconnect, never read."
    if action == "settings":
        return {} if admin else {"not-admin": "admins"}

    # "The bot must be in it: else 409." "A 1:1 chat cannot be connected."
    if action in ("connect", "system-connect"):
        if cell.chat[0] in ("never there", "removed from"):
            found["bot-absent"] = None
        elif cell.chat[0] == "personal":
            found["one-to-one"] = None
    if action == "system-connect":
        return found

    # "Unknown record, no access, app or type switched off": nothing of the record.
    if cell.switch == "type off" and cell.standing != "no such type":
        found["type-off"] = "enabled"
    if cell.switch == "link's app off":
        found["app-off"] = "app.enabled"
    if cell.switch == "link's app not listed" and cell.standing != "no such type":
        found["app-off"] = "apps"
    if of_a_person and may == "none":
        found["unknown"] = None
    # "No answer in time means no", and the answer is the same whether the record exists or not.
    if of_a_person and cell.source == "silent" and cell.standing not in NOTHING_TO_ASK:
        found["unanswered"] = None
    if cell.switch == "record's app off" and cell.standing != "no such record":
        found["record-app-off"] = "app.enabled"
    if cell.switch == "record's app not listed" and cell.standing not in ("no such record", "no such type"):
        found["record-app-off"] = "apps"

    # "What may be shown in a chat depends on who can be in it."
    level, by = shown(cell)
    if (action == "unfurl" and level == "nothing") or (action == "timeline" and level in ("nothing", "button", "type")):
        found["not-shown"] = by
    if action == "unfurl-anonymously" and cell.ladder[2] == "nothing":  # min(disclosure_unknown, "type")
        found["not-shown"] = "disclosure_unknown"

    # "`connect`, `join`: the least privilege (`read|append|write|nobody`)." A note adds to the record: append.
    least = {"connect": cell.connect, "join": JOIN[cell.connect], "note": "append"}.get(action)
    if least == "nobody":
        found["for-nobody"] = action
    elif least is not None and LEAST.index(may if may in LEAST else "read") < LEAST.index(least):
        found["too-little"] = None if action == "note" else action

    # "Add a note to the timeline of this chat's record."
    if action in ("note", "disconnect") and cell.connected_by == "nobody":
        found["not-connected"] = None

    # "Disconnect is allowed when: admin, or owner of the record and `owner_may_disconnect`, or the one who made the
    # most recent connection and `connector_may_disconnect`."
    if action == "disconnect":
        settings = cell.standing != "no such type"
        owner = cell.standing == "owner"
        connector = cell.connected_by == "themselves" and cell.standing != "without an id"
        if cell.connected_by != "nobody" and (
            admin or (owner and cell.owner_may) or (connector and cell.connector_may and settings)
        ):
            return {}
        found["not-yours"] = "owner_may_disconnect" if owner else "connector_may_disconnect" if connector else None
    return found


def expected(action: str, cell: Cell) -> tuple[bool, str | None, str | None]:
    """Allowed or not; why not, and by which setting."""
    found = objections(action, cell)
    for objection in GRAVEST_FIRST:
        if objection in found:
            return False, objection.removeprefix("record-"), found[objection]
    return True, None, None


# The same situation for the program -----------------------------------------------------------------------------------


def catalogue_of(cell: Cell) -> Catalogue:
    inside, outside, unknown = cell.ladder
    settings = {
        "label": "Account",
        "enabled": cell.switch != "type off",
        "apps": ["crm", "closed"],
        "disclosure": inside,
        "disclosure_external": outside,
        "disclosure_unknown": unknown,
        "connect": cell.connect,
        "join": JOIN[cell.connect],
        "owner_may_disconnect": cell.owner_may,
        "connector_may_disconnect": cell.connector_may,
    }
    return Catalogue(
        types=[record_type_from_json(settings, name="account")] if cell.standing != "no such type" else [],
        apps=[App(id="crm", label="CRM"), App(id="closed", label="Closed", enabled=False)],
        admins={"alex" if cell.admin else "megan": ""},
    )


def record_of(cell: Cell) -> Record | None:
    access = {"*": Privilege.WRITE, "megan": Privilege.WRITE}
    if cell.standing in ("none", "read", "append", "write"):
        access["alex"] = Privilege[cell.standing.upper()]
    if cell.standing in ("guest with read", "owner"):
        access["alex"] = Privilege.READ
    owner = OTHER
    if cell.standing in ("owner", "without an id"):
        owner = Actor(id="alex" if cell.standing == "owner" else None)
    app = {"record's app off": "closed", "record's app not listed": "hub"}.get(cell.switch)
    return (
        None
        if cell.standing == "no such record"
        else Record(record=ACCOUNT, title="Contoso", owner=owner, access=access, app=app)
    )


def person_of(cell: Cell) -> Person:
    return Person(
        id=None if cell.standing == "without an id" else "alex",
        tenant="fabrikam" if cell.standing == "of another tenant" else TENANT,
        guest=cell.standing.startswith("guest"),
    )


def chat_of(cell: Cell) -> Chat | None:
    where, readers = cell.chat
    if where == "never there":
        return None
    removed = where == "removed from"
    return Chat(
        id="19:x@thread.v2",
        kind=ChatKind("group" if removed else where),
        audience=Audience(readers),
        state=ChatState.SUSPENDED if removed else ChatState.ACTIVE,
    )


PRIVILEGES = {"silent": None, **{privilege.word: privilege for privilege in Privilege}}


def grant_of(cell: Cell, catalogue: Catalogue) -> Grant | None:
    person = person_of(cell)
    grants = Grants(person=person, sources={"account"} if cell.source else set())
    said = {
        record: Grant(record=record, person="alex", privilege=PRIVILEGES[cell.source], at=0)
        for record in grants.missing([ACCOUNT], catalogue, 0)
    }
    return Grants(person=person, sources=grants.sources, said=said).of(ACCOUNT, 0)


def decided(cell: Cell, catalogue: Catalogue) -> dict[str, tuple[bool, str | None, str | None]]:
    person = person_of(cell)
    connector = {"themselves": Actor(id=person.id), "somebody else": OTHER}.get(cell.connected_by)
    facts = gather(
        catalogue,
        ACCOUNT,
        record_of(cell),
        person=person,
        tenant=TENANT,
        chat=chat_of(cell),
        connected=cell.connected_by != "nobody",
        connector=connector,
        link_app={"link's app off": "closed", "link's app not listed": "hub", "on": "crm"}.get(cell.switch),
        grant=grant_of(cell, catalogue),
    )
    decisions = {}
    for action in Action:
        decision = decide(action, facts)
        why = (None, None) if decision.allowed else (decision.reason.value, decision.setting)
        decisions[action.value] = (decision.allowed, *why)
    return decisions


@pytest.mark.long
def test_the_table_decides_every_cell_as_the_contract_says(measured) -> None:
    catalogues: dict[tuple, Catalogue] = {}
    count, allowed, differences = 0, 0, []
    for cell in cells():
        key = (cell.standing == "no such type", cell.admin, *cell[4:-1])
        if key not in catalogues:
            catalogues[key] = catalogue_of(cell)
        for action, decision in decided(cell, catalogues[key]).items():
            count += 1
            allowed += decision[0]
            if decision != expected(action, cell):
                differences.append((action, cell, decision, expected(action, cell)))
    measured(f"policy: {count:,} cells, {allowed:,} of them allowed, {len(differences)} differences")
    assert differences[:5] == []
    assert count > 100_000
    assert 0.1 < allowed / count < 0.9, "an oracle that always says the same proves nothing"
