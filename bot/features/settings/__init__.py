"""What the admins choose: apps, record types, and who is an admin. A change is in force at once, and in the history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.domain.history import SettingsChange, Subject, Via
from bot.domain.people import Actor
from bot.domain.policy import shows_less
from bot.domain.settings import App, RecordType, claimed_twice
from bot.domain.settings_json import admins_to_json, revision, to_json
from bot.errors import Conflict, NotFound, PreconditionFailed
from bot.features.waiting import withdraw_everywhere
from bot.ports import Transaction


def put_record_type(
    tx: Transaction, record_type: RecordType, *, by: Actor | None, via: Via, expected: str | None = None
) -> bool:
    """Create or replace a record type; whether it is new. The same again is no change.

    Args:
        expected: the revision that is to be replaced; `*` for any existing one, None for whatever there is.

    Raises:
        PreconditionFailed: there is another one by now, or none.
        Conflict: one of its link patterns, or its key, matches what another type's does: another record would be shown.
    """
    tx.lock_settings()
    types = tx.catalogue().types
    current = types.get(record_type.name)
    before = None if current is None else to_json(current)
    _match(before, expected)
    if current == record_type:
        return False
    for other in types.values():
        if other.name == record_type.name:
            continue
        claimed = claimed_twice(record_type, other)
        if claimed and (current is None or claimed != claimed_twice(current, other)):  # what was so before may stay
            raise Conflict(
                f"The {claimed} belongs to the record type {other.name!r} already.",
                next_step="A link or a key must name one record. Take it from one of the two.",
            )
    tx.put_record_type(record_type)
    _remember(tx, Subject.RECORD_TYPE, record_type.name, by, via, before, to_json(record_type))
    if current is not None and shows_less(current, record_type):
        withdraw_everywhere(tx)
    return current is None


def get_record_type(tx: Transaction, name: str) -> RecordType:
    """
    Raises:
        NotFound: there is none of this name.
    """
    record_type = tx.catalogue().types.get(name)
    if record_type is None:
        raise NotFound(f"There is no record type {name!r}.", next_step="GET /api/v1/record-types lists them.")
    return record_type


def put_app(tx: Transaction, app: App, *, by: Actor | None, via: Via, expected: str | None = None) -> bool:
    """Create or replace an app; whether it is new. The same again is no change. `expected`: as `put_record_type`.

    Raises:
        PreconditionFailed: there is another one by now, or none.
    """
    tx.lock_settings()
    current = tx.catalogue().apps.get(app.id)
    before = None if current is None else to_json(current)
    _match(before, expected)
    if current == app:
        return False
    tx.put_app(app)
    _remember(tx, Subject.APP, app.id, by, via, before, to_json(app))
    if not app.enabled and (current is None or current.enabled):  # an app nobody has heard of is on
        withdraw_everywhere(tx)
    return current is None


def get_app(tx: Transaction, app_id: str) -> App:
    """
    Raises:
        NotFound: there is none with this id.
    """
    app = tx.catalogue().apps.get(app_id)
    if app is None:
        raise NotFound(f"There is no app {app_id!r}.", next_step="GET /api/v1/apps lists them.")
    return app


def put_admins(
    tx: Transaction, admins: Mapping[str, str], *, by: Actor | None, via: Via, expected: str | None = None
) -> None:
    """Replace the list of admins (id -> name). `expected`: as `put_record_type`.

    Raises:
        PreconditionFailed: the list is another one by now.
    """
    tx.lock_settings()
    before, after = admins_to_json(tx.catalogue().admins), admins_to_json(admins)
    _match(before, expected)
    if after != before:
        tx.put_admins(admins)
        _remember(tx, Subject.ADMINS, "", by, via, before, after)


def _match(before: Mapping[str, Any] | None, expected: str | None) -> None:
    if expected is None or (before is not None and expected in ("*", revision(before))):
        return
    raise PreconditionFailed(
        "These settings were changed since you read them." if before else "There are no such settings.",
        next_step="Read them again, apply your change to what you find, and try again. Nothing was saved.",
    )


def _remember(
    tx: Transaction,
    subject: Subject,
    name: str,
    by: Actor | None,
    via: Via,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
) -> None:
    tx.add_settings_change(SettingsChange(subject=subject, name=name, via=via, by=by, before=before, after=after))
