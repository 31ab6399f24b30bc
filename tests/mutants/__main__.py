"""`make mutants`: breaks one rule after the other in a copy of the project; the tests must notice each.

python -m tests.mutants --only tenant-filter-dropped    one of them
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from importlib.util import cache_from_source
from pathlib import Path
from queue import SimpleQueue

from tests.mutants.mutants import Mutant, read_mutants
from tests.world import ROOT

WORKERS = 2
LONGEST_S = 120.0
"""For the tests of one mutant: who makes the program hang is noticed, too."""
LONGEST_OF_ALL_S = 1800.0
TESTS_PASSED, TESTS_FAILED = 0, 1
"""What pytest exits with. Other numbers: it could not run them."""
FAILED = re.compile(r"^FAILED tests/\S+?::(\w+)", re.MULTILINE)
"""In pytest's summary: a test that failed by itself, not one that could not even begin (ERROR)."""


class Verdict(Enum):
    KILLED = "killed"
    SURVIVED = "SURVIVED"
    BROKEN = "BROKEN"
    """It proves nothing: the list is stale, or the tests could not even begin."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a mutant. `why`: the test that noticed; else what pytest said, or what is wrong with the list."""

    mutant: Mutant
    verdict: Verdict
    seconds: float
    why: str


def copied_to(folder: Path) -> Path:
    """A copy of the project without what is made from it."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    for name in listed.stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def run_tests(root: Path, tests: Iterable[str], longest: float = LONGEST_S) -> tuple[int | None, str]:
    """What pytest exits with, None when it did not end in `longest` seconds, and the end of what it said."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    with subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:
        try:
            said, _ = process.communicate(timeout=longest)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            return None, ""
    return process.returncode, said[-2000:]


def write(file: Path, text: str) -> None:
    """Also forgets the file as it was compiled: Python would take a change within the same second for none."""
    file.write_text(text, encoding="utf-8")
    Path(cache_from_source(str(file))).unlink(missing_ok=True)


def tried(mutant: Mutant, root: Path) -> Outcome:
    """Break the rule in the copy, run the tests there, and mend it."""
    begin = time.monotonic()
    if problem := mutant.problem(root):
        return Outcome(mutant, Verdict.BROKEN, 0.0, problem)
    file = root / mutant.file
    sound = file.read_text(encoding="utf-8")
    write(file, sound.replace(mutant.old, mutant.new))
    try:
        code, said = run_tests(root, mutant.tests)
    finally:
        write(file, sound)
    seconds = time.monotonic() - begin
    if code is None:
        return Outcome(mutant, Verdict.KILLED, seconds, "it hangs")
    if code == TESTS_FAILED and (failed := FAILED.search(said)):
        return Outcome(mutant, Verdict.KILLED, seconds, failed[1])
    return Outcome(mutant, Verdict.SURVIVED if code == TESTS_PASSED else Verdict.BROKEN, seconds, said)


def try_all(mutants: Sequence[Mutant], copies: Sequence[Path]) -> list[Outcome]:
    """Each in whichever copy is free."""
    free: SimpleQueue[Path] = SimpleQueue()
    for copy in copies:
        free.put(copy)

    def try_one(mutant: Mutant) -> Outcome:
        copy = free.get()
        try:
            outcome = tried(mutant, copy)
        finally:
            free.put(copy)
        noticed = f"\n{'':18}by {outcome.why}" if outcome.verdict is Verdict.KILLED else ""
        print(f"{outcome.verdict.value:8} {outcome.seconds:5.1f} s  {mutant.id}: {mutant.claim}{noticed}", flush=True)
        return outcome

    with ThreadPoolExecutor(len(copies)) as workers:
        return list(workers.map(try_one, mutants))


def problem_without_mutants(mutants: Iterable[Mutant], copies: Sequence[Path]) -> str:
    """What pytest says where the tests fail on the project as it is; "" when they pass. Each copy runs a share."""
    tests = sorted({test for mutant in mutants for test in mutant.tests})
    shares = [tests[number :: len(copies)] for number in range(min(len(copies), len(tests)))]
    with ThreadPoolExecutor(len(copies)) as workers:
        ran = list(workers.map(lambda copy, share: run_tests(copy, share, LONGEST_OF_ALL_S), copies, shares))
    return "\n".join(said or "The tests do not end." for code, said in ran if code != TESTS_PASSED)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", metavar="ID", action="append", help="this mutant; may be given several times")
    only, mutants = parser.parse_args().only, read_mutants()
    if unknown := set(only or ()) - {mutant.id for mutant in mutants}:
        parser.error(f"there is no mutant {sorted(unknown)[0]!r}; tests/mutants/mutants.toml lists them")
    chosen = [mutant for mutant in mutants if not only or mutant.id in only]
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copies = [copied_to(Path(folder, str(number))) for number in range(min(WORKERS, len(chosen)))]
        if problem := problem_without_mutants(chosen, copies):
            told = f"{problem}\nWithout any mutant the tests fail, so they prove nothing. Mend that first."
            print(told, file=sys.stderr)
            return 1
        print(f"without a mutant the tests pass, {time.monotonic() - begin:.1f} s", flush=True)
        outcomes = try_all(chosen, copies)
    bad = [outcome for outcome in outcomes if outcome.verdict is not Verdict.KILLED]
    for outcome in bad:
        print(f"\n{outcome.verdict.value} {outcome.mutant.id}: {outcome.mutant.claim}\n{outcome.why}", file=sys.stderr)
    print(f"mutants={len(outcomes)} killed={len(outcomes) - len(bad)} seconds={time.monotonic() - begin:.0f}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
