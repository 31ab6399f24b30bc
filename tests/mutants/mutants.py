"""The list of mutants."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.world import ROOT

LIST = Path(__file__).with_name("mutants.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One rule, broken.

    Attributes:
        claim: what the program does wrong then.
        file: where `old` is replaced by `new`, from the project's folder on.
        tests: what must notice, as pytest names it: a file of tests, or `file::test`.
    """

    id: str
    claim: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def problem(self, root: Path = ROOT) -> str:
        """Why it can't be tried; "" when it can: the code and the tests that it speaks of must be there."""
        missing = [name for name in (self.file, *self.tests) if not _is_there(root, name)]
        if missing:
            return f"There is no {missing[0]}. Correct it in {LIST.name}."
        found = (root / self.file).read_text(encoding="utf-8").count(self.old)
        if found != 1:
            return f"What it replaces stands {found} times in {self.file}, not once. Correct it in {LIST.name}."
        return ""


def _is_there(root: Path, name: str) -> bool:
    file, _, test = name.partition("::")
    return (root / file).is_file() and (not test or f"def {test}(" in (root / file).read_text(encoding="utf-8"))


def read_mutants() -> list[Mutant]:
    """All of them, in their order."""
    listed: list[dict[str, Any]] = tomllib.loads(LIST.read_text(encoding="utf-8"))["mutant"]
    return [Mutant(**{**entry, "tests": tuple(entry["tests"])}) for entry in listed]
