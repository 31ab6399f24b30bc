"""`make bench`: how fast the product is, as ratios to two references that run beside it.

The floor is a bare aiohttp handler that gives the same answer (`floor.py`), stock is the SDK's own way (`stock.py`).
What other programs do on this machine at the same time moves the rates, the ratios less, and least the ratios by
processor time. Writes `bench.json`. A missed goal is printed, and is no failure: the exit code is 0 unless something
broke.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.delivery import deliver
from tests.bench.load import LoadFailed
from tests.bench.measure import Measured, NotDone, measure
from tests.bench.receivers import WrongDelivery
from tests.bench.report import as_json, as_text
from tests.bench.servers import ROOT, Cores, ServerFailed
from tests.bench.stage import NotComparable
from tests.bench.traffic import RECORDS

ROUNDS = 5
SECONDS = 1.2


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.bench", description=(__doc__ or "").splitlines()[0])
    options.add_argument("--rounds", type=int, default=ROUNDS, help=f"how often everything is measured ({ROUNDS})")
    options.add_argument("--seconds", type=float, default=SECONDS, help=f"of each load in each round ({SECONDS})")
    chosen = options.parse_args()
    started = time.perf_counter()
    place = ROOT / "tests" / "output"
    place.mkdir(exist_ok=True)  # the system's folder for temporary files may be in memory, where nothing is durable
    cores = Cores.split()
    cores.bind_load()
    print(cores, flush=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=place) as name:
        folder = Path(name)
        try:
            seen = asyncio.run(run(folder, cores, rounds=chosen.rounds, seconds=chosen.seconds, started=started))
        except (LoadFailed, NotComparable, NotDone, ServerFailed, WrongDelivery) as problem:
            print(f"The benchmark broke off: {problem}", file=sys.stderr)
            for log in sorted(folder.glob("*.log")):
                print(f"--- {log.name} ends with:\n{log.read_text(errors='replace')[-2000:]}", file=sys.stderr)
            return 1
    print("", *as_text(seen), sep="\n")
    about = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": str(cores),
        "records": RECORDS,
        "rounds": chosen.rounds,
        "seconds": chosen.seconds,
    }
    (ROOT / "bench.json").write_text(json.dumps(as_json(seen, about), indent=1) + "\n")
    print(f"\nThe numbers are in bench.json; it took {time.perf_counter() - started:.0f} s.")
    return 0


async def run(folder: Path, cores: Cores, *, rounds: int, seconds: float, started: float) -> Measured:
    def say(what: str) -> None:
        print(f"[{time.perf_counter() - started:5.0f} s] {what}", flush=True)

    seen = await measure(folder, cores, rounds=rounds, seconds=seconds, say=say)
    await deliver(folder, cores, seen, rounds=rounds, say=say)
    return seen


if __name__ == "__main__":
    sys.exit(main())
