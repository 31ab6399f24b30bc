"""The history of the settings, and the audit trail of refusals."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, select

from bot.domain.history import Refused, SettingsChange
from bot.store.rows import refused_of, settings_change_of
from bot.store.schema import refusals, settings_changes
from bot.store.session import Session, to_text
from bot.store.statements import Statement, append, mine, pages

_ADD_CHANGE = append(settings_changes)
_CHANGES = pages(settings_changes, by="number")
_ADD_REFUSAL = append(refusals)
_REFUSALS = pages(refusals, by="number")
_REFUSALS_OF = Statement(
    lambda _: (
        select(refusals)
        .where(
            mine(refusals),
            refusals.c.at >= bindparam("since"),
            refusals.c.by_id.is_not_distinct_from(bindparam("person")),
        )
        .limit(bindparam("limit"))
    )
)
_FORGET_REFUSALS = Statement(lambda _: delete(refusals).where(mine(refusals), refusals.c.at < bindparam("before")))


class AuditPart(Session):
    """Rows of both are numbered under a lock that is held until the transaction ends, so numbers become visible in
    their order: who reads on from the last one seen misses none."""

    def add_settings_change(self, change: SettingsChange) -> None:
        self._run(
            _ADD_CHANGE,
            at=self.now,
            subject=change.subject.value,
            name=change.name,
            via=change.via.value,
            by_id=change.by and change.by.id,
            by_name=change.by and change.by.name,
            before=None if change.before is None else to_text(change.before),
            after=to_text(change.after),
        )

    def settings_changes(self, *, after: int = 0, limit: int, newest_first: bool = False) -> list[SettingsChange]:
        found = self._page(_CHANGES, after=after, limit=limit, newest_first=newest_first)
        return [settings_change_of(row) for row in found]

    def add_refusal(self, refused: Refused) -> None:
        self._lock("refusals")
        self._run(
            _ADD_REFUSAL,
            at=self.now,
            action=refused.action.value,
            reason=refused.reason.value,
            setting=refused.setting,
            by_id=refused.by.id,
            by_name=refused.by.name,
            chat=refused.chat,
            type=refused.record and refused.record.type,
            id=refused.record and refused.record.id,
        )

    def refusals(self, *, after: int = 0, limit: int, newest_first: bool = False) -> list[Refused]:
        found = self._page(_REFUSALS, after=after, limit=limit, newest_first=newest_first)
        return [refused_of(row) for row in found]

    def refusals_of(self, person: str | None, *, since: int, limit: int) -> list[Refused]:
        return [refused_of(row) for row in self._all(_REFUSALS_OF, person=person, since=since, limit=limit)]

    def forget_refusals(self, *, before: int) -> int:
        return self._run(_FORGET_REFUSALS, before=before).rowcount
