"""Looking into a database that somebody else may be using: nothing is created, migrated or written."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import inspect, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from bot.domain.catalogue import Catalogue
from bot.store import schema
from bot.store.engine import open_engines
from bot.store.failures import opening
from bot.store.settings import load_record_types


def peek_settings(url: str, *, tenant: str) -> Catalogue | None:
    """A tenant's settings, of which only the record types are read; None when there is no database yet, or none of its
    settings in it.

    Raises:
        SettingsInvalid: `url` can't be used.
        Unavailable: the database can't be opened; says why, for the operator.
    """
    if _names_no_file(url):
        return None
    engines = open_engines(url)
    try:
        with engines.reader.connect() as connection:
            if not inspect(connection).has_table(schema.settings.name):
                return None
            return load_record_types(connection, tenant)
    except DBAPIError as error:
        raise opening(error) from error
    finally:
        engines.dispose()


def _names_no_file(url: str) -> bool:
    """Whether it is SQLite without a file: opening it would make one."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return False  # `open_engines` explains it
    return parsed.drivername == "sqlite" and not Path(parsed.database or "").is_file()
