"""python -m tests.chaos.mutants [NAME ...]

Takes one protection of the protocol out of a copy of the code, and lets the nemesis at it: where
nothing is found wrong, judge or nemesis are not worth their names. Ends with 1 if a mutant lived.
Protections against what takes a moment of a millisecond (M1: between a load and its commit, M4:
between a record and its cursor) are taken out of the model instead, in tests/protocol.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECONDS = "40"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One protection, the text that is put in its place, and the faults it is there for."""

    file: str
    protection: str
    instead: str
    faults: Sequence[str]


MUTANTS: Mapping[str, Mutant] = {
    "M9 what was published is published again": Mutant(
        "streams/cycle.py",
        "silent = [o for o in outputs if o.offset < cursor.next]",
        "silent: list[Output] = []",
        ("Redis flushed", "older Redis"),
    ),
    "M12 touchpoints are not remembered": Mutant(
        "journeys/engine/facts.py",
        "if key in profile.seen:",
        "if False:",
        ("worker joins or leaves",),
    ),
    "M23 identity is not repaired": Mutant(
        "streams/repair.py",
        "if isinstance(record, Identifying):",
        "if False:",
        ("Redis flushed", "older Redis"),
    ),
}


def main(names: Sequence[str]) -> int:
    lived = [name for name in names or MUTANTS if not _dies(name)]
    print(f"{len(lived)} lived: {', '.join(lived) or 'none'}")
    return 1 if lived else 0


def _dies(name: str) -> bool:
    mutant = MUTANTS[name]
    with tempfile.TemporaryDirectory(prefix="wayline-mutant-") as folder:
        copy = Path(folder) / "wayline"
        ignored = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache")
        shutil.copytree(ROOT, copy, ignore=ignored)
        file = copy / mutant.file
        text = file.read_text()
        if text.count(mutant.protection) != 1:
            raise SystemExit(f"{name}: {mutant.file} has changed; say anew what is taken out")
        file.write_text(text.replace(mutant.protection, mutant.instead))
        command = [sys.executable, "-m", "tests.chaos", "--seconds", SECONDS]
        command += ["--faults", *mutant.faults]
        environ = {**os.environ, "PYTHONPATH": str(copy)}
        done = subprocess.run(
            command, cwd=copy, env=environ, capture_output=True, text=True, check=False
        )
    said = done.stdout.strip().splitlines()[-1:] or done.stderr.strip().splitlines()[-1:]
    print(f"{name}: {'dead' if done.returncode else 'ALIVE'} ({' '.join(said)})", flush=True)
    return bool(done.returncode)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
