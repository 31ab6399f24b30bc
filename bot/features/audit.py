"""The audit trail: whom the rules refused a change, for those who must answer for the rules."""

from __future__ import annotations

from bot.domain.decisions import CHANGES, NOT_YET, Action, Decision
from bot.domain.history import Refused
from bot.domain.people import Actor
from bot.domain.records import RecordId
from bot.ports import Transaction

MINUTE = 60_000_000
MOST_A_MINUTE = 30
"""Of one person: whoever asks on and on fills no database, and what they are after is plain from these."""


def keep_refusal(
    tx: Transaction, action: Action, decision: Decision, *, by: Actor, chat: str = "", record: RecordId | None = None
) -> None:
    """Note that the rules refused somebody a change. The same again within a minute is the same: Teams redelivers.

    What was only looked at, or can't be done before something else is, is no matter of rights and is not kept.
    """
    if action not in CHANGES or decision.reason in NOT_YET:
        return
    refused = Refused(action=action, reason=decision.reason, setting=decision.setting, by=by, chat=chat, record=record)
    lately = tx.refusals_of(by.id, since=tx.now - MINUTE, limit=MOST_A_MINUTE)
    if len(lately) < MOST_A_MINUTE and refused.what not in {item.what for item in lately}:
        tx.add_refusal(refused)
