"""Bringing a database to the schema of this program.

Alembic is imported only when there is something to do: it costs more of the start than all the rest of the store.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from bot.errors import SettingsInvalid

VERSIONS = ("0001", "0002", "0003")
"""Every version of the schema, oldest first, as the files in `migrations/versions` name themselves."""

_LOCK = 0x636F6E6E656374  # any number that no other program takes in the same database; these are the letters "connect"


def migrate(engine: Engine) -> None:
    """Migrate where needed; replicas that start together wait for one another.

    A version only adds to the one before it, so that programs of that one serve on: those that run already look here
    only when they start. What nobody uses any more is dropped by a later version.

    Raises:
        SettingsInvalid: the database was written by a newer version of this program.
    """
    with engine.connect() as connection:
        if stored_version(connection) == VERSIONS[-1]:
            return
    with engine.begin() as connection:  # on SQLite this takes the database for itself
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        stored = stored_version(connection)
        if stored is not None and stored not in VERSIONS:
            raise SettingsInvalid(
                [
                    f"The database has version {stored!r}, which is newer than this program knows ({VERSIONS[-1]}). "
                    "Start the newer program, or name another DATABASE_URL."
                ]
            )
        if stored != VERSIONS[-1]:
            _upgrade(connection)


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
