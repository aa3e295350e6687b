"""Runs all contestants on the same broker and the same Redis, in rounds, and prints what each did.

    python -m benchmarks.pipeline [--touchpoints N] [--rounds N] [--only NAMES] [--write FILE]

In a round each contestant in turn starts, gets warm on a tenth, is stopped (SIGSTOP) while its
topic is filled, and then works it off: all that it does for a touchpoint is inside the figure,
and neither its start nor the filling is. Rounds, so that a machine whose clock wanders treats all
alike; the median counts. Broker, Redis and contestant share the machine, as the figures say.
"""

import argparse
import asyncio
import os
import platform
import shlex
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from redis.asyncio import Redis

from benchmarks import contestants, load
from benchmarks.contestants import Lane, Servers
from benchmarks.measuring import Counter, Figure, cpu_seconds, reached
from tests.kafka_broker import VERSION, running_kafka
from tests.redis_server import running_redis

CONTESTANTS = {
    "bare": ("a. bare aiokafka loop, one in ten out, keeps nothing", contestants.bare),
    "plain": ("b. plain Faust and redis-py, one by one", contestants.plain_faust),
    "plain-two": ("b. the same, two processes", contestants.two_plain_fausts),
    "one": ("c. Wayline, one worker, one map", contestants.one_map),
    "five": ("c. Wayline, one worker, five maps", contestants.five_maps),
    "one-two": ("c. Wayline, two workers, one map", contestants.one_map_two_workers),
    "five-two": ("c. Wayline, two workers, five maps", contestants.five_maps_two_workers),
}
SLOW = {"plain": 5, "plain-two": 5}
"""Contestants that get so many times fewer touchpoints, or a round would take minutes."""


@dataclass(frozen=True, slots=True)
class Wanted:
    touchpoints: int
    people: int
    rounds: int
    only: Sequence[str]


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipeline")
    parser.add_argument("--touchpoints", type=int, default=100_000)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument("--write", type=Path, help="also write the results there")
    given = parser.parse_args(arguments)
    wanted = Wanted(given.touchpoints, given.people, given.rounds, given.only)
    with ExitStack() as stack:
        bootstrap = stack.enter_context(running_kafka())
        redis = stack.enter_context(running_redis())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        figures = asyncio.run(rounds(Servers(bootstrap, redis.url), wanted, folder))
    text = report(figures, wanted)
    print(text)
    if given.write:
        given.write.write_text(text)


async def rounds(servers: Servers, wanted: Wanted, folder: Path) -> dict[str, list[Figure]]:
    """The figures of each contestant, a round each."""
    figures: dict[str, list[Figure]] = {name: [] for name in wanted.only}
    for number in range(wanted.rounds):
        for name in wanted.only:
            prefix = f"{name}{number}"
            figure = await _one(servers, wanted, name, prefix, folder)
            figures[name].append(figure)
            print(f"round {number + 1}  {CONTESTANTS[name][0]:52} {_row(figure)}", flush=True)
    return figures


async def _one(servers: Servers, wanted: Wanted, name: str, prefix: str, folder: Path) -> Figure:
    """An empty Redis, own topics; a warm contestant works off a full source."""
    async with Redis.from_url(servers.redis) as redis:
        await redis.flushall()
    count = wanted.touchpoints // SLOW.get(name, 1)
    warm = count // 10 // load.ONE_IN * load.ONE_IN
    lane = await CONTESTANTS[name][1](servers, prefix, folder)
    where = (servers.bootstrap, lane.source)
    began = datetime.now(UTC) - timedelta(milliseconds=count)
    await load.fill(*where, range(warm), wanted.people, began)
    log = folder / f"{prefix}.log"
    async with _running(lane, log) as process, Counter(servers.bootstrap, lane.target) as counter:
        await reached(counter, process, warm // load.ONE_IN, log)
        if lane.copies > 1:
            await contestants.all_joined(servers, lane)
        os.killpg(process.pid, signal.SIGSTOP)
        await load.fill(*where, range(warm, count), wanted.people, began)
        used, resumed = cpu_seconds(process.pid), time.monotonic()
        os.killpg(process.pid, signal.SIGCONT)
        await reached(counter, process, count // load.ONE_IN, log)
        seconds, cpu = time.monotonic() - resumed, cpu_seconds(process.pid) - used
    return Figure((count - warm) / seconds, cpu / (count - warm) * 1e6)


@asynccontextmanager
async def _running(lane: Lane, log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    one = shlex.join(lane.command)
    with log.open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            "sh",
            "-c",
            " & ".join([one] * lane.copies) + " & wait",
            env=lane.environment,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def report(figures: dict[str, list[Figure]], wanted: Wanted) -> str:
    """The table as Markdown, with the machine and the versions it was measured on."""
    median = {
        name: Figure(
            statistics.median(f.per_second for f in found),
            statistics.median(f.cpu_us for f in found),
        )
        for name, found in figures.items()
    }
    lines = ["# How fast", "", _where(wanted), "", "| | touchpoints/s | range | CPU µs each |"]
    lines.append("|---|---|---|---|")
    for name, found in figures.items():
        low, high = min(f.per_second for f in found), max(f.per_second for f in found)
        per_second, cpu = f"{median[name].per_second:,.0f}", f"{median[name].cpu_us:.1f}"
        lines.append(f"| {CONTESTANTS[name][0]} | {per_second} | {low:,.0f}–{high:,.0f} | {cpu} |")
    lines += ["", *_ratios(median), ""]
    return "\n".join(lines)


def _ratios(median: dict[str, Figure]) -> list[str]:
    """Of Wayline to those with as many processes, and to the bare loop."""
    return [
        f"- {CONTESTANTS[name][0]}: {median[name].per_second / median[base].per_second:.2f} × "
        f"the touchpoints/s of *{base}*, at {median[name].cpu_us / median[base].cpu_us:.2f} × "
        "its processor time for each"
        for name in median
        if name.startswith(("one", "five"))
        for base in ("plain-two" if name.endswith("-two") else "plain", "bare")
        if base in median
    ]


def _where(wanted: Wanted) -> str:
    packages = ("faust-streaming", "aiokafka", "redis", "msgspec", "orjson", "wayline")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    command = (
        f"python -m benchmarks.pipeline --touchpoints {wanted.touchpoints} --people "
        f"{wanted.people} --rounds {wanted.rounds}"
    )
    return (
        f"{wanted.touchpoints:,} touchpoints of {wanted.people:,} people, {load.ONE_IN - 1} of "
        f"{load.ONE_IN} cause no action; medians of {wanted.rounds} (`{command}`). Broker, Redis, "
        f"worker or workers and the counting reader on {os.cpu_count()} cores: {_processor()}; "
        f"Python {platform.python_version()}, Apache Kafka {VERSION}, {versions}."
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _row(figure: Figure) -> str:
    return f"{figure.per_second:>10,.0f}/s {figure.cpu_us:>8.1f} µs"


if __name__ == "__main__":
    main(sys.argv[1:])
