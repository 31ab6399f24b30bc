"""What a database can refuse, and what that means for who asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from bot.errors import Unavailable, Unprocessable

_SERIALIZATION_FAILURE, _DEADLOCK = "40001", "40P01"
_IDLE_TOO_LONG = "25P03"
_DISK_FULL = "53100"

UNSTORABLE = (DataError, OverflowError, UnicodeEncodeError)


def unprocessable() -> Unprocessable:
    return Unprocessable(
        "A value can't be stored: a number is too large, or a text holds a NUL or half a character. "
        "Leave it out and try again."
    )


def wrapped(error: Exception, text: str, dialect: Dialect, *, lost: bool = False) -> DBAPIError:
    """The driver's error as SQLAlchemy raises it elsewhere. `lost`: the connection can't be used any more."""
    driver: Any = dialect.loaded_dbapi
    found = DBAPIError.instance(
        text, None, error, driver.Error, hide_parameters=True, connection_invalidated=lost, dialect=dialect
    )
    assert isinstance(found, DBAPIError)
    return found


def may_repeat(error: DBAPIError, *, committing: bool) -> bool:
    """Whether the transaction certainly did not happen and may succeed when it runs again.

    `committing`: it was at its end; if the connection broke then, nobody knows. Only a transaction that was ended for
    having been idle certainly never heard of its commit.
    """
    if _state(error) in (_SERIALIZATION_FAILURE, _DEADLOCK, _IDLE_TOO_LONG):
        return True
    return error.connection_invalidated and not committing


@contextmanager
def explained() -> Iterator[None]:
    """The database's own failures as `Unavailable`. The details, which name hosts and files, stay in its cause."""
    try:
        yield
    except DBAPIError as error:
        if not (isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated):
            raise
        raise Unavailable(f"The database {_reason(error)}. Try again in a moment.") from error
    except PoolExhausted as error:
        raise Unavailable("The database is too busy to take this now. Try again in a moment.") from error


def opening(error: DBAPIError) -> Unavailable:
    """For the operator, who may read everything: why the database can't be opened."""
    lines = str(error.orig).strip().splitlines() or [type(error.orig).__name__]
    return Unavailable(f"The database can't be opened: {lines[0]}. Check that it runs, and DATABASE_URL.")


def _reason(error: DBAPIError) -> str:
    code = getattr(error.orig, "sqlite_errorname", "")
    if code.startswith("SQLITE_FULL") or _state(error) == _DISK_FULL:
        return "has no room left on its disk"
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return "is held by another program"
    if code.startswith("SQLITE_READONLY"):
        return "can only be read"
    return "does not answer"


def _state(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)
