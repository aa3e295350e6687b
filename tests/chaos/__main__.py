"""python -m tests.chaos [--seeds N] [--first SEED] [--seconds S] [--people N] [--faults NAME ...]

Runs seeds one after the other and prints what each did; ends with 1 if any promise was broken.
"""

import argparse
import asyncio
import logging
import sys
import tempfile
from collections import Counter
from pathlib import Path

from .nemesis import FAULTS
from .run import Verdict, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--people", type=int, default=40)
    parser.add_argument("--faults", nargs="+", choices=FAULTS, default=())
    given = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # of a broker that is away by intent
    faults: Counter[str] = Counter()
    broken = 0
    for seed in range(given.first, given.first + given.seeds):
        with tempfile.TemporaryDirectory(prefix="wayline-chaos-") as folder:
            life = run(seed, given.seconds, given.people, Path(folder), given.faults)
            verdict = asyncio.run(life)
        print(_told(verdict), flush=True)
        faults += verdict.faults
        broken += len(verdict.broken)
    told = ", ".join(f"{name} {times}" for name, times in faults.most_common())
    print(f"{faults.total()} faults ({told}): {broken} promises broken")
    return 1 if broken else 0


def _told(verdict: Verdict) -> str:
    lines = [
        f"seed {verdict.seed}: {verdict.touchpoints} touchpoints, {verdict.merges} merges, "
        f"{verdict.actions} actions, {verdict.faults.total()} faults, "
        f"{len(verdict.broken)} promises broken"
    ]
    return "\n  ".join(lines + verdict.broken[:20])


if __name__ == "__main__":
    sys.exit(main())
