"""Answers in, Adaptive Cards out.

Pure: no network, no state, nothing of Teams but the shape of what it shows. A value that came from outside is shown
literally wherever it stands; how much of a record may be shown was decided before (`bot.domain.disclosure`).
"""

from __future__ import annotations

from functools import lru_cache

from bot.domain.answers import Answer, Notice, RecordCard
from bot.domain.documents import compact
from cards import guidance, joining, records, settings, timeline
from cards.elements import Json
from cards.literal import cut, escape
from cards.pieces import HIDDEN, Look, assemble

CARD = "application/vnd.microsoft.card.adaptive"
THUMBNAIL = "application/vnd.microsoft.card.thumbnail"
MAX_PREVIEW_TITLE = 100
MAX_PREVIEW_TEXT = 200
MAX_TEXT = 600
LOOKS: dict[type, Look] = records.LOOKS | timeline.LOOKS | joining.LOOKS | guidance.LOOKS | settings.LOOKS
"""How each answer looks."""


def card(answer: Answer) -> Json:
    """The answer as an Adaptive Card."""
    return assemble(*LOOKS[type(answer)].card(answer), text(answer))


def text(answer: Answer) -> str:
    """The answer in a line that is safe wherever Markdown, HTML or mentions might be obeyed."""
    return escape(cut(LOOKS[type(answer)].words(answer), MAX_TEXT))


def render(answer: Answer) -> Json:
    """The answer as a Bot Framework message, without addressing. `summary` is what a notification shows."""
    return {
        "type": "message",
        "summary": text(answer),
        "attachments": [{"contentType": CARD, "content": card(answer)}],
    }


def unfurl(answer: RecordCard | Notice) -> Json:
    """The body that answers a `composeExtension/queryLink` invoke; not to be cached by Teams."""
    return {
        "composeExtension": {
            "type": "result",
            "attachmentLayout": "list",
            "attachments": [
                {
                    "contentType": CARD,
                    "content": card(answer),
                    "preview": {"contentType": THUMBNAIL, "content": _thumbnail(answer)},
                }
            ],
            "suggestedActions": {"actions": [{"type": "setCachePolicy", "value": '{"type":"no-cache"}'}]},
        }
    }


def unfurl_bytes(answer: RecordCard | Notice) -> bytes:
    """`unfurl` as compact UTF-8 JSON. A notice here is a constant of the program: each is rendered once."""
    return _notice_bytes(answer) if isinstance(answer, Notice) else compact(unfurl(answer)).encode()


@lru_cache(maxsize=32)
def _notice_bytes(answer: Notice) -> bytes:
    return compact(unfurl(answer)).encode()


def _thumbnail(answer: RecordCard | Notice) -> Json:
    """The preview's title and text. Their text may be rendered as markup, so it is escaped."""
    if isinstance(answer, Notice):
        title, line = answer.title, answer.text
    elif answer.view.title is not None:
        title, line = answer.view.title, answer.view.type_label or ""
    else:
        title, line = answer.view.type_label or "Record", HIDDEN
    return {"title": escape(cut(title, MAX_PREVIEW_TITLE)), "text": escape(cut(line, MAX_PREVIEW_TEXT))}
