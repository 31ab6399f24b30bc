"""What the admins choose: apps and record types."""

from __future__ import annotations

from bot.domain.records import App, RecordType
from bot.errors import Conflict, NotFound
from bot.ports import Transaction


def put_record_type(tx: Transaction, record_type: RecordType) -> bool:
    """Create or replace a record type; whether it is new. In force for the next request.

    Raises:
        Conflict: one of its link patterns is another type's already, so links would be ambiguous.
    """
    catalogue = tx.catalogue()
    for other in catalogue.types.values():
        if other.name != record_type.name and (shared := set(other.links) & set(record_type.links)):
            raise Conflict(
                f"The link pattern {sorted(shared)[0]!r} belongs to the record type {other.name!r} already.",
                next_step="A link must name one record. Take the pattern from one of the two.",
            )
    tx.put_record_type(record_type)
    return record_type.name not in catalogue.types


def get_record_type(tx: Transaction, name: str) -> RecordType:
    """
    Raises:
        NotFound: there is none of this name.
    """
    record_type = tx.catalogue().types.get(name)
    if record_type is None:
        raise NotFound(f"There is no record type {name!r}.", next_step="GET /api/v1/record-types lists them.")
    return record_type


def put_app(tx: Transaction, app: App) -> bool:
    """Create or replace an app; whether it is new. In force for the next request."""
    known = app.id in tx.catalogue().apps
    tx.put_app(app)
    return not known


def get_app(tx: Transaction, app_id: str) -> App:
    """
    Raises:
        NotFound: there is none with this id.
    """
    app = tx.catalogue().apps.get(app_id)
    if app is None:
        raise NotFound(f"There is no app {app_id!r}.", next_step="GET /api/v1/apps lists them.")
    return app
