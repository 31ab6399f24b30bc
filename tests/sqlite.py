"""SQLite databases for the tests."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from bot.store.engine import open_engines
from bot.store.migrate import migrate


def new_sqlite(path: Path) -> str:
    """The URL of a database at `path` with all tables and no rows; what is there already is left alone.

    To make one from nothing takes 40 ms, more than most tests, so it is made once and copied.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_migrated())
    return f"sqlite:///{path}"


@functools.cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory(prefix="migrated-") as folder:
        path = Path(folder) / "migrated.db"
        engines = open_engines(f"sqlite:///{path}")
        migrate(engines.writer)
        engines.dispose()  # the last one to close it leaves nothing in the log beside it
        return path.read_bytes()
