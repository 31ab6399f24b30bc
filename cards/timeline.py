"""Cards about what happened: a record's timeline, and a note on it."""

from __future__ import annotations

from bot.domain.answers import NoteAdded, Timeline
from cards import pieces
from cards.literal import cut_lines
from cards.pieces import SMALL, SUBTLE, CardParts, Look, line, named

MAX_TIMELINE_UNITS = 8_000


def _timeline(answer: Timeline) -> CardParts:
    body = [line("Timeline", SMALL), pieces.name(answer.view)]
    if answer.withheld:
        body.append(line("What happened is not shown in this chat, because others can read it.", spacing="small"))
        body.append(line("Ask me in our personal chat.", SUBTLE, spacing="small"))
        return body, pieces.open_button(answer.view)
    if not answer.entries:
        body.append(line("Nothing has happened yet.", spacing="small"))
    shown = pieces.happenings(answer.entries, room=MAX_TIMELINE_UNITS)
    body += shown
    if shown and len(shown) < answer.total:
        body.append(line(f"The latest {len(shown)} of {answer.total}.", SMALL, spacing="medium"))
    return body, pieces.open_button(answer.view)


def _note_added(answer: NoteAdded) -> CardParts:
    body = [line("Note added to the timeline of", SUBTLE), pieces.name(answer.view)]
    if answer.quote:
        body.append(pieces.quote(cut_lines(answer.quote, pieces.MAX_QUOTE, pieces.MAX_QUOTE_LINES)))
    if answer.by:
        body.append(line(f"By {answer.by}.", SMALL))
    return body, pieces.open_button(answer.view)


LOOKS: dict[type, Look] = {
    Timeline: Look(_timeline, lambda answer: f"The timeline of {named(answer.view)}."),
    NoteAdded: Look(_note_added, lambda answer: f"A note was added to the timeline of {named(answer.view)}."),
}
