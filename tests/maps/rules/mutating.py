"""python -m tests.maps.rules.mutating [--write]

Puts each mutant into a copy of the engine and runs the tests of the rules there, those of its own
rule first, to the first that fails. Ends with 1 if a mutant lived, or if the page that lists them
is not what was found; `--write` writes that page.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .mutants import MUTANTS, Mutant

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "developers" / "rule-mutants.md"
ENGINE = Path("journeys") / "engine"
PARTS = ("journeys", "schemas", "tests/maps/rules")
PATIENCE_S = 120
"""Some mutants go round in circles; that is noticed too."""

HEAD = """# Each rule broken on purpose

`make mutants` puts each of these mutants into a copy of the engine and runs the tests of the rules
(`tests/maps/rules`), those of its own rule first. Written by it, too: do not edit.

| Rule | Mutant | First caught by |
|---|---|---|
"""


def main(arguments: Sequence[str]) -> int:
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        found = []
        for mutant, caught in zip(MUTANTS, pool.map(caught_by, MUTANTS), strict=True):
            print(f"{mutant.rule:2} {mutant.what}: {caught or 'ALIVE'}", flush=True)
            found.append((mutant, caught))
    alive = [mutant.what for mutant, caught in found if not caught]
    print(f"{len(found)} mutants, {len(alive)} lived{': ' if alive else ''}{', '.join(alive)}")
    page = HEAD + "".join(f"| {m.rule} | {m.what} | {caught} |\n" for m, caught in found)
    if "--write" in arguments:
        PAGE.write_text(page)
    elif PAGE.read_text() != page:
        print(f"{PAGE.relative_to(ROOT)} says something else: run this again with --write")
        return 1
    return 1 if alive else 0


def caught_by(mutant: Mutant) -> str:
    """The test that failed first, with its rule; empty if the mutant lives."""
    with tempfile.TemporaryDirectory(prefix="wayline-mutant-") as folder:
        copy = Path(folder)
        for part in PARTS:
            shutil.copytree(ROOT / part, copy / part)
        for package in (copy / "tests", copy / "tests" / "maps"):
            (package / "__init__.py").touch()
        file = copy / ENGINE / mutant.file
        file.write_text(broken(mutant, file.read_text()))
        return _run(copy, mutant.rule)


def broken(mutant: Mutant, text: str) -> str:
    """The file with the mutant in it. Raises SystemExit where the text is not there once."""
    if text.count(mutant.text) != 1:
        raise SystemExit(f'"{mutant.what}": {mutant.file} has changed; say anew what is broken')
    return text.replace(mutant.text, mutant.instead)


def _run(copy: Path, rule: int) -> str:
    command = [sys.executable, "-m", "tests.maps.rules", str(rule)]
    environ = {**os.environ, "PYTHONPATH": str(copy)}
    try:
        done = subprocess.run(
            command,
            cwd=copy,
            env=environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"{rule}: it does not end"
    if done.returncode and not done.stdout:
        raise SystemExit(f"a mutant does not even run:\n{done.stderr}")
    return done.stdout.strip() if done.returncode else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
