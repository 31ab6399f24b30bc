"""Bringing a database to the schema of this program.

Alembic is imported only when there is something to do: it costs more of the start than all the rest of the store.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from bot.errors import SettingsInvalid

VERSIONS = ("0001", "0002", "0003", "0004")
"""Every version of the schema, oldest first, as the files in `migrations/versions` name themselves.

The first two digits are the generation. Within one a version only adds to those before it, so that a program serves
the database of any later one: old and new programs run side by side, and the new one can be taken back. What is no
longer used is dropped only by the first version of the next generation, which older programs refuse.
"""

_LOCK = 0x636F6E6E656374  # any number that no other program takes in the same database; these are the letters "connect"


def migrate(engine: Engine) -> None:
    """Migrate where needed; replicas that start together wait for one another.

    Raises:
        SettingsInvalid: the database was written by a newer program, of another generation.
    """
    with engine.connect() as connection:
        if _is_served(stored_version(connection)):
            return
    with engine.begin() as connection:  # on SQLite this takes the database for itself
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        stored = stored_version(connection)
        if _is_served(stored):  # another replica was quicker
            return
        if stored is not None and stored not in VERSIONS:
            raise SettingsInvalid(
                [
                    f"The database has version {stored!r}, which is newer than this program can serve: it is of "
                    f"{VERSIONS[-1]}. Start the newer program, or name another DATABASE_URL."
                ]
            )
        _upgrade(connection)


def _is_served(stored: str | None) -> bool:
    """Whether nothing needs to be done: it is this program's version, or a later one of its generation."""
    own = VERSIONS[-1]
    return stored is not None and stored.isdigit() and stored[:2] == own[:2] and stored >= own


def stored_version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
