"""The product as `make setup` installs it: what only the tests need can't be imported.

Some libraries take others where they find them: structlog takes rich, which is 4 MB and 30 ms of the start.

python -m tests.bench.installed ARGUMENTS
"""

from __future__ import annotations

import re
import runpy
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
INSTALLED = "-m", "tests.bench.installed"

_NAME = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def foreign() -> set[str]:
    """Packages of this environment that are of no distribution in `requirements.lock`."""
    locked = {_normal(name) for name in _NAME.findall((ROOT / "requirements.lock").read_text())}
    return {
        package
        for package, distributions in packages_distributions().items()
        if not any(_normal(name) in locked for name in distributions)
    }


if __name__ == "__main__":
    for package in foreign() - {"tests", "_distutils_hack"}:
        sys.modules[package] = None  # type: ignore[assignment] - so says the import system that there is none
    sys.argv[0] = str(ROOT / "app.py")
    runpy.run_path(sys.argv[0], run_name="__main__")
