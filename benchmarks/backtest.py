"""How many touchpoints of the past one core leads through a simple win-back map.

`python -m benchmarks.backtest` counts processor time, so that neighbours on the machine disturb
less. Reading (a file's row to a stitched touchpoint) and reliving are measured apart.
"""

import argparse
import cProfile
import csv
import pstats
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from console.backtesting import Draft, Period, tally_of
from console.histories import History, read_file
from journeys.identity.config import identity_config
from schemas.intake import compile_mapping

Result = TypeVar("Result")

DAY = 24 * 3600
START = 1_767_225_600
"""2026-01-01, s."""

MAP = """
map: win-back
version: 1
enter: {event: order.paid}
stages:
  waiting:
    on: [{event: order.paid, RESTS}]
    after: {wait: 60d, MAX, do: [{send: miss_you, channels: mail}], end: reminded}
"""
KINDS = {
    "she comes again by a move": ("to: waiting", ""),
    "she stays, her timer begins anew": ("restart_timer: true", "max: 400d"),
}
SETTINGS = {
    "wayline.yaml": "workspace: bench\ntimezone: UTC\nchannels: {mail: {identifier: user_id}}\n",
    "templates/mail.yaml": "templates: {miss_you: {mail: {text: We miss you.}}}\n",
}
MAPPING = compile_mapping(
    "shop",
    {
        "type": "order.paid",
        "id": "{{ id }}",
        "time": "{{ at | integer }}",
        "identifiers": {"user_id": "{{ who }}"},
        "properties": {"amount": "{{ amount | number }}"},
    },
)


def main() -> None:
    """Prints a line for each thing that is measured, and a profile where one is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--touchpoints", type=int, default=30_000)
    parser.add_argument("--people", type=int, default=3_000)
    parser.add_argument("--profile", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.csv"
        _write(file, asked.touchpoints, asked.people)
        history = _measured("reading", asked.touchpoints, asked.profile, lambda: _read(file))
    for kind, (rests, most) in KINDS.items():
        text = MAP.replace("RESTS", rests).replace("MAX", most).replace(", ,", ",")
        draft = Draft(SETTINGS, (("maps/win-back.yaml", text),))
        period = Period(None, history.until)
        tally = _measured(
            kind,
            asked.touchpoints,
            asked.profile,
            lambda draft=draft, period=period: tally_of(
                draft, history.pasts, period, 1, lambda _: None
            ),
        )
        print(f"    {sum(tally.actions.values()):,} actions of {tally.people:,} people")


def _write(file: Path, touchpoints: int, people: int) -> None:
    """A year; the same rows every time."""
    dice = random.Random(20260101)
    times = sorted(START + dice.randrange(365 * DAY) for _ in range(touchpoints))
    with file.open("w", newline="") as opened:
        rows = csv.writer(opened)
        rows.writerow(("id", "at", "who", "amount"))
        for number, at in enumerate(times):
            rows.writerow((number, at, f"user-{dice.randrange(people)}", dice.randrange(1, 200)))


def _read(file: Path) -> History:
    return read_file(file, MAPPING, identity_config({}), None, lambda *_: None)


def _measured(what: str, touchpoints: int, profile: bool, work: Callable[[], Result]) -> Result:
    profiler = cProfile.Profile()
    if profile:
        profiler.enable()
    started = time.process_time()
    result = work()
    used = time.process_time() - started
    profiler.disable()
    print(
        f"{what}: {touchpoints / used:,.0f} touchpoints/s, {used / touchpoints * 1e6:.1f} µs each"
    )
    if profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(25)
    return result


if __name__ == "__main__":
    main()
