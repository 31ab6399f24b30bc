"""What comes of a try to deliver something: the words, and who counts them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable
from enum import Enum

import structlog

from bot.domain.text import one_line
from bot.errors import SendFailed

log = structlog.get_logger(__name__)

LONGEST_REASON = 500


class DestinationKind(Enum):
    """Where things are delivered to. The same words as in `Transaction.outbox_status`."""

    CHAT = "chat"
    WEBHOOK = "webhook"


class Outcome(Enum):
    """What came of a try. Each message or event that was tried has one."""

    DELIVERED = "delivered"
    FAILED = "failed"
    """It waits for its next try."""
    PARKED = "parked"
    """It was refused for good, or its schedule has ended."""
    AMBIGUOUS = "ambiguous"
    """A chat may have got it and may not: parked, since a person would see it twice."""
    OVERTAKEN = "overtaken"
    """Its lease was lost meanwhile and somebody else has it now: it may have been told twice."""
    DISABLED = "disabled"
    """The webhook's receiver wants no more (410); the event waits for a replay."""


_TOLD_OF = {
    Outcome.OVERTAKEN: "it may have been told twice",
    Outcome.PARKED: "given up",
    Outcome.AMBIGUOUS: "given up: it may be there, and sending it again might show it twice",
    Outcome.DISABLED: "the webhook is disabled: its receiver wants no more",
}

Settled = tuple[str, Outcome]
"""What was tried (an event's id, a message's number), and what came of it."""


class Attempts(Counter[tuple[str, str]]):
    """Tries of this process by (kind, outcome), in the words of `DestinationKind` and `Outcome`."""

    def count(self, kind: DestinationKind, settled: Settled) -> None:
        what, outcome = settled
        self[kind.value, outcome.value] += 1
        if outcome in _TOLD_OF:
            log.warning(_TOLD_OF[outcome], kind=kind.value, what=what)


def reason(error: SendFailed) -> str:
    """Why a try failed, as it is kept: short, and without what a database may refuse."""
    return one_line(str(error), LONGEST_REASON)


async def tried(sending: Awaitable[object], *, kind: DestinationKind, what: str) -> SendFailed | None:
    """Wait until something is sent; what went wrong, None when it was taken."""
    try:
        await sending
    except SendFailed as error:
        log.warning("not delivered", kind=kind.value, what=what, why=str(error))
        return error
    except Exception:
        log.exception("sending broke", kind=kind.value, what=what)
        return SendFailed("Sending broke on our side, so it is tried again. The log tells how.", retryable=True)
    return None
