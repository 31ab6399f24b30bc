"""`make torture`: the long versions, a few minutes. Exits 1 when anything was lost, doubled, late or out of order.

python -m tests.torture --seed 7    the same choices again
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.postgres import running_postgres
from tests.torture.crash import run_crashes
from tests.torture.replicas import run_replicas
from tests.torture.report import Report
from tests.torture.settings import run_settings

KILLS = 100
"""On each database."""
EVENTS, RECORDS, STOPPED_S = 10_000, 200, 30.0
CHANGES = 100
BOUND_S = 900.0


async def torture(folder: Path, databases: tuple[str, str, str], *, seed: int) -> list[Report]:
    for name in ("sqlite", "postgresql", "replicas", "settings"):
        (folder / name).mkdir()
    async with asyncio.timeout(BOUND_S):
        async with asyncio.TaskGroup() as runs:
            crashes = [
                runs.create_task(run_crashes(folder / name, url, name=name, kills=KILLS, seed=seed))
                for name, url in (("sqlite", f"sqlite:///{folder}/crash.db"), ("postgresql", databases[0]))
            ]
        replicas = await run_replicas(
            folder / "replicas",
            databases[1],
            events=EVENTS,
            records=RECORDS,
            stopped_s=STOPPED_S,
            seed=seed,
        )
        settings = await run_settings(folder / "settings", databases[2], changes=CHANGES, seed=seed)
    return [*(run.result() for run in crashes), replicas, settings]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="left out: another one each time")
    seed = parser.parse_args().seed
    print(f"seed={seed}; this takes about four minutes", flush=True)
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # of the fakes: connections that a kill broke
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="torture-") as folder, running_postgres() as postgres:
        databases = (postgres.create(), postgres.create(), postgres.create())
        reports = asyncio.run(torture(Path(folder), databases, seed=seed))
    for report in reports:
        print("\n".join(f"{report.name}: {number}" for number in report.numbers()))
    good = all(report.good for report in reports)
    for report in reports:
        if not report.good:
            print(f"WRONG: {report.explained()}", file=sys.stderr)
    print(f"{'good' if good else 'WRONG'}: seed={seed} seconds={time.monotonic() - begin:.0f}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
