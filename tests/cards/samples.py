"""Every answer: as it usually is, as little as it can be, and full of what somebody hostile would put in it."""

from __future__ import annotations

from dataclasses import replace

import cards
from bot.domain.answers import (
    Answer,
    ChatOfRecord,
    ChatsOfRecord,
    Choice,
    Connected,
    Disconnected,
    FieldChange,
    Help,
    NoteAdded,
    Notice,
    RecordCard,
    RecordChanged,
    Records,
    RecordView,
    Step,
    Timeline,
    TimelineEntry,
    Welcome,
    WhichRecord,
    Why,
)
from bot.domain.catalogue import Catalogue
from bot.domain.chats import ChatKind, chat_url
from bot.domain.records import Disclosure, RecordId
from bot.features.commands import help_for
from bot.features.refusals import failure
from tests.cards import settings_samples
from tests.cards.made import made, with_the_others
from tests.cards.settings_samples import EVENING

SITE = "https://crm.example.com/records"
MINUTE = 60_000_000

ACCOUNT = RecordView(
    record=RecordId("account", "A-1001"),
    level=Disclosure.FIELDS,
    type_label="Account",
    title="Contoso Ltd",
    fields=(("Owner", "Megan Bowen"), ("Status", "Active"), ("City", "Copenhagen"), ("Revenue", "€ 1,200,000")),
    open_url=f"{SITE}/account/A-1001",
)
OPPORTUNITY = RecordView(
    record=RecordId("opportunity", "O-2001"),
    level=Disclosure.NAME,
    type_label="Opportunity",
    title="Contoso: renewal of the support agreement for the Nordic countries, 2027 to 2029",
    open_url=f"{SITE}/opportunity/O-2001",
)
CASE = RecordView(
    record=RecordId("case", "C-3001"), level=Disclosure.TYPE, type_label="Case", open_url=f"{SITE}/case/C-3001"
)
BUTTON = RecordView(record=RecordId("case", "C-3001"), level=Disclosure.BUTTON, open_url=f"{SITE}/case/C-3001")
NOTHING = RecordView(record=RecordId("case", "C-3001"), level=Disclosure.NOTHING)
WIDE = RecordView(
    record=ACCOUNT.record,
    level=Disclosure.FIELDS,
    type_label="Service agreement",
    title="Fabrikam Residences: lifts and escalators, all sites",
    fields=(
        ("Estimated yearly value", "€ 84,500"),
        ("Agreed response time", "Four hours on working days, next morning at weekends and on public holidays"),
        ("Reference", "DE-2026-000000000000000000000000000000000000000000000000417"),
    ),
    open_url=ACCOUNT.open_url,
)
CHANGES = (
    FieldChange(label="Status", before="Active", after="On hold"),
    FieldChange(label="Revenue", before="€ 1,200,000", after="€ 1,450,000"),
    FieldChange(label="Parent account", before="", after="Fabrikam Residences: lifts and escalators, all sites"),
)
HELP_IN_A_GROUP = replace(help_for(ChatKind.GROUP, Catalogue()), example="A-1001")


TYPICAL = with_the_others(
    {
        "record, connectable": RecordCard(view=ACCOUNT, connect=True),
        "record, connected": RecordCard(view=ACCOUNT, connected=True),
        "record, name only": RecordCard(view=OPPORTUNITY),
        "record, type only": RecordCard(view=CASE),
        "record, button only": RecordCard(view=BUTTON),
        "record, long values": RecordCard(view=WIDE),
        "explanation": Notice(
            title="No preview for this link",
            text="There is no such record, or you may not see it here.",
            next="If you expected a card, send me why and the link in our personal chat.",
        ),
        "connected": Connected(view=ACCOUNT, by="Alex Wilber"),
        "connected before": Connected(view=OPPORTUNITY, by="Megan Bowen", already=True),
        "connected, type only": Connected(view=CASE),
        "disconnected": Disconnected(view=ACCOUNT, by="Alex Wilber"),
        "disconnected before": Disconnected(view=OPPORTUNITY, already=True),
        "records": Records(views=(ACCOUNT, OPPORTUNITY, CASE), hidden=2),
        "timeline": Timeline(
            view=ACCOUNT,
            entries=(
                TimelineEntry(
                    seq=7,
                    at=EVENING,
                    text="Alex Wilber added a note",
                    quote="They want the new terms before the board meets on 3 December.\nCall Adele first.",
                ),
                TimelineEntry(seq=6, at=EVENING - 95 * MINUTE, text="Megan Bowen changed the record: Status, Revenue"),
                TimelineEntry(seq=5, at=EVENING - 3000 * MINUTE, text="Adele Vance joined a connected group chat"),
                TimelineEntry(seq=4, at=EVENING - 3001 * MINUTE, text="Alex Wilber connected a group chat"),
            ),
            total=7,
        ),
        "timeline, withheld": Timeline(view=CASE, entries=(), total=0, withheld=True),
        "note added": NoteAdded(
            view=ACCOUNT, seq=8, by="Alex Wilber", quote="They want the new terms before the board meets on 3 December."
        ),
        "chats of a record": ChatsOfRecord(
            view=ACCOUNT,
            chats=(
                ChatOfRecord(
                    kind=ChatKind.GROUP, topic="Contoso renewal", since=EVENING, url=chat_url("19:renewal@thread.v2")
                ),
                ChatOfRecord(
                    kind=ChatKind.MEETING, topic="Weekly with Contoso", since=EVENING - 3000 * MINUTE, by="Megan Bowen"
                ),
                ChatOfRecord(kind=ChatKind.GROUP, topic="", since=EVENING - 9000 * MINUTE, by="Adele Vance"),
            ),
            more=2,
            channels=1,
        ),
        "chats of a record, type only": ChatsOfRecord(
            view=CASE, chats=(ChatOfRecord(kind=ChatKind.GROUP, topic="", since=EVENING),)
        ),
        "which record": WhichRecord(
            question="To which record's timeline does this note belong?",
            verb="note",
            choices=(
                Choice(label="Contoso Ltd", data={"record": "account/A-1001", "text": "Call Adele first.", "by": "u1"}),
                Choice(
                    label="Fabrikam Inc", data={"record": "account/A-1002", "text": "Call Adele first.", "by": "u1"}
                ),
                Choice(label="Case 3", data={"record": "case/C-3001", "text": "Call Adele first.", "by": "u1"}),
            ),
            more=2,
        ),
        "help, in a group": HELP_IN_A_GROUP,
        "help, personal": replace(help_for(ChatKind.PERSONAL, Catalogue()), example="A-1001"),
        "help, unknown word": replace(HELP_IN_A_GROUP, unknown="conect"),
        "welcome, in a group": Welcome(kind=ChatKind.GROUP, example="A-1001"),
        "welcome, personal": Welcome(kind=ChatKind.PERSONAL, example="A-1001"),
        "refusal": Notice(
            title="Not connected",
            text="You may read this record, but connecting a chat to it needs the right to append.",
            next="Ask its owner, Megan Bowen, for it.",
        ),
        "why": Why(
            steps=(
                Step(ok=True, text="This names a record of the type Account."),
                Step(ok=None, text="It names an app: Sales Hub."),
                Step(ok=True, text="Cards are switched on for it."),
                Step(ok=False, text="Connecting a chat to it needs the right to append, and you may only read it."),
            ),
            hint="Send me why and the link in our personal chat: there I say what you may do with the record.",
        ),
        "record changed": RecordChanged(view=ACCOUNT, changes=CHANGES, by="Megan Bowen"),
        "record changed, name only": RecordChanged(view=OPPORTUNITY, by="Megan Bowen"),
        "record changed, type only": RecordChanged(view=CASE),
        **settings_samples.TYPICAL,
        "failure": failure("01JD8W3Q5Z8R6V1M9T2K4B7C0X"),
    },
    "Contoso",
)

EMPTY = with_the_others(
    {
        "record, nothing": RecordCard(view=NOTHING),
        "record, blank": RecordCard(
            view=RecordView(
                record=ACCOUNT.record, level=Disclosure.FIELDS, type_label="", title="", fields=(("", ""), (" ", "\n"))
            )
        ),
        "explanation, blank": Notice(title="", text="", next=""),
        "connected, nothing": Connected(view=NOTHING),
        "disconnected, nothing": Disconnected(view=NOTHING, already=True),
        "no records": Records(views=()),
        "one hidden record": Records(views=(), hidden=1),
        "only hidden records": Records(views=(), hidden=3),
        "timeline, empty": Timeline(view=ACCOUNT, entries=(), total=0),
        "note added, type only": NoteAdded(view=CASE, seq=1),
        "no chats of a record": ChatsOfRecord(view=ACCOUNT, chats=()),
        "no chats of a record, a channel": ChatsOfRecord(view=NOTHING, chats=(), channels=2),
        "which record, no choice": WhichRecord(question="", verb="timeline", choices=(), more=3),
        "help, no commands": Help(commands=(), kind=ChatKind.CHANNEL),
        "welcome, no example": Welcome(kind=ChatKind.MEETING),
        "refusal, blank": Notice(title="", text="", next=""),
        "why, no steps": Why(),
        "record changed, nothing": RecordChanged(view=NOTHING),
        "record changed, blank": RecordChanged(view=ACCOUNT, changes=(FieldChange(label="", before="", after=""),)),
        **settings_samples.EMPTY,
        "failure, blank": failure(""),
    },
    "",
    0,
)

ATTACKS = (
    "**bold** _emphasis_ ~~gone~~ `code`",
    "[Open](https://evil.example/steal)",
    "![](https://evil.example/pixel.png)",
    "<b>bold</b><img src=x onerror=alert(1)><script>alert(1)</script>",
    "&lt;b&gt;twice&lt;/b&gt; &#60;i&#62;",
    "<at>Everyone</at> <at id='0'>Megan</at>",
    "# heading",
    "1. first",
    "- item",
    "> quoted",
    "{{DATE(2017-02-14T06:08:39Z,LONG)}} {{TIME(2017-02-14T06:08:39Z)}} {{{{DATE(2017-02-14T06:08:39Z)}}}}",
    "${title} $(title) {title}",
    "<https://evil.example>",
    '"},{"type":"Image","url":"https://evil.example/x.png"},{"x":"',
    "\\*not escaped\\* \\",
)


def everything_says(words: str) -> dict[str, Answer]:
    """Every answer with `words` wherever text from outside can stand."""
    view = RecordView(
        record=RecordId("account", "A-1"),
        level=Disclosure.FIELDS,
        type_label=words,
        title=words,
        fields=((words, words), (words, words)),
        open_url=f"{SITE}/account/A-1",
    )
    entry = TimelineEntry(seq=1, at=EVENING, text=words, quote=words)
    return with_the_others(
        {
            "record": RecordCard(view=view, connect=True),
            "explanation": Notice(title=words, text=words, next=words),
            "connected": Connected(view=view, by=words),
            "disconnected": Disconnected(view=view, by=words),
            "records": Records(views=(view, view), hidden=1),
            "timeline": Timeline(view=view, entries=(entry, entry), total=9),
            "note added": NoteAdded(view=view, seq=1, by=words, quote=words),
            "chats of a record": ChatsOfRecord(
                view=view,
                chats=(
                    ChatOfRecord(kind=ChatKind.GROUP, topic=words, since=EVENING, by=words),
                    ChatOfRecord(kind=ChatKind.GROUP, topic=words, since=EVENING, url=chat_url("19:renewal@thread.v2")),
                ),
            ),
            "which record": WhichRecord(
                question=words,
                verb="note",
                choices=(Choice(label=words, data={"record": "account/A-1", "text": words}),),
            ),
            "help": replace(HELP_IN_A_GROUP, example=words, unknown=words),
            "welcome": Welcome(kind=ChatKind.GROUP, example=words),
            "refusal": Notice(title=words, text=words, next=words),
            "why": Why(steps=(Step(ok=True, text=words), Step(ok=None, text=words)), hint=words),
            "record changed": RecordChanged(
                view=view, changes=(FieldChange(label=words, before=words, after=words),), by=words
            ),
            **settings_samples.everything_says(words),
            "failure": failure(words),
        },
        words,
    )


def as_full_as_can_be(words: str) -> dict[str, Answer]:
    """Every answer with more of everything than a card has room for."""
    view = RecordView(
        record=RecordId("account", "A" * 128),
        level=Disclosure.FIELDS,
        type_label=words,
        title=words,
        fields=((words, words),) * 40,
        open_url=f"{SITE}/account/{'A' * 1900}",
    )
    entry = TimelineEntry(seq=1, at=EVENING, text=words, quote=words)
    note = words[:4000]
    says = everything_says(words)
    more = {kind.__name__: made(kind, words, 60) for kind in cards.LOOKS if kind.__name__ in says}
    return (
        says
        | more
        | {
            "record": RecordCard(view=view, connect=True),
            "connected": Connected(view=view, by=words),
            "disconnected": Disconnected(view=view, by=words),
            "records": Records(views=(view,) * 60, hidden=1),
            "timeline": Timeline(view=view, entries=(entry,) * 100, total=900),
            "note added": NoteAdded(view=view, seq=1, by=words, quote=words),
            "chats of a record": ChatsOfRecord(
                view=view,
                chats=(
                    ChatOfRecord(kind=ChatKind.MEETING, topic=words, since=EVENING, by=words, url=chat_url("ж" * 300)),
                )
                * 60,
                more=7,
                channels=900,
            ),
            "which record": WhichRecord(
                question=words,
                verb="note",
                choices=(Choice(label=words, data={"record": "account/A-1", "text": note}),) * 9,
                more=3,
            ),
            "why": Why(steps=(Step(ok=True, text=words),) * 50, hint=words),
            "record changed": RecordChanged(
                view=view, changes=(FieldChange(label=words, before=words, after=words),) * 40, by=words
            ),
            **settings_samples.as_full_as_can_be(words),
        }
    )
