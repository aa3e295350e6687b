"""How fast one process tells whose touchpoints are, on a real Redis.

Inside the clock: reading the identifiers (normalising, keyed hashes), all round trips, the
decision and what it writes. Outside: Kafka, JSON, making up who comes. Each batch is resolved as a
stitch agent does. Of each kind of claim several rounds are measured, and the best is told: what
else the machine does only makes a round slower.

    python -m benchmarks.identity --people 5000 50000 200000
"""

import argparse
import asyncio
import gc
import resource
import sys
import time
import tracemalloc
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from redis.asyncio import Redis

from journeys.identity.claims import REMEMBERED, Claims
from journeys.identity.config import identity_config
from schemas.touchpoint import Millis
from streams.identities import RedisIdentities, resolve
from streams.keys import Keys
from streams.redis_client import redis_client
from tests.redis_server import running_redis

NOW = 1_790_000_000_000
HOUR = 3_600_000
TRIPS = ("mget", "evalsha", "eval", "xdel")
"""Each trip to Redis has one of these: records, nodes, the script, the merges told of."""

Said = tuple[dict[str, tuple[str, ...]], int]


@dataclass(frozen=True, slots=True)
class Figures:
    """One kind of claim; `cpu` is this process's, the rest is Redis's own count, per claim."""

    name: str
    claims: int
    seconds: float
    cpu: float
    trips: float
    commands: float
    received: float
    sent: float

    @property
    def per_second(self) -> float:
        return self.claims / self.seconds

    def row(self) -> str:
        return (
            f"| {self.name} | {self.per_second:,.0f} | {1e6 * self.cpu / self.claims:.1f} "
            f"| {self.trips:.1f} | {self.commands:.2f} | {self.received:.0f} | {self.sent:.0f} |"
        )


class Bench:
    """The store, and what is measured around the batches of one kind of claim."""

    def __init__(self, redis: Redis, batch: int) -> None:
        self._redis, self._batch = redis, batch
        self._config = identity_config({})
        self._claims = Claims(self._config)
        self._identities = RedisIdentities(redis, Keys("bench"))

    async def open(self) -> None:
        await self._identities.begin_repair()
        await self._identities.end_repair()

    async def measure(self, name: str, said: Iterable[Said], rounds: int = 1) -> Figures:
        """Resolves all of it in batches, and tells of the best round; notes are trimmed as stitch
        does, inside the clock.
        """
        everything = list(said)
        size = len(everything) // rounds
        gc.collect()
        gc.freeze()  # these are not the worker's
        found = [
            await self._round(name, everything[start : start + size])
            for start in range(0, size * rounds, size)
        ]
        cpu = min(found, key=lambda one: one.cpu).cpu
        return replace(min(found, key=lambda one: one.seconds), cpu=cpu)

    async def _round(self, name: str, said: Sequence[Said]) -> Figures:
        await self._redis.config_resetstat()
        began, cpu, batches = time.perf_counter(), _cpu(), 0
        for start in range(0, len(said), self._batch):
            claims = [
                self._claims.read(identifiers, Millis(at), "bench")
                for identifiers, at in said[start : start + self._batch]
            ]
            resolved = await resolve(self._identities, claims, self._config)
            await self._identities.trim([waiting.id for waiting in resolved.outbox])
            batches += 1
        seconds, cpu = time.perf_counter() - began, _cpu() - cpu
        stats, found = await self._redis.info("stats"), await self._redis.info("commandstats")
        calls = sum(one["calls"] for key, one in found.items() if "config" not in key)
        trips = sum(found.get(f"cmdstat_{one}", {"calls": 0})["calls"] for one in TRIPS)
        return Figures(
            *(name, len(said), seconds, cpu),
            trips / batches,
            calls / len(said),
            stats["total_net_input_bytes"] / len(said),
            stats["total_net_output_bytes"] / len(said),
        )


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _phone(number: int) -> str:
    return f"138{number:08d}"


def new_people(first: int, end: int) -> Iterator[Said]:
    """Each by two identifiers, for the first time."""
    for n in range(first, end):
        yield {"phone": (_phone(n),), "cookie": (f"cookie-of-{n}",)}, NOW + n


def known_people(people: int, claims: int, after: int) -> Iterator[Said]:
    """Somebody, by her phone and her cookie."""
    dice = Random(7)
    for _ in range(claims):
        n = dice.randrange(people)
        yield {"phone": (_phone(n),), "cookie": (f"cookie-of-{n}",)}, NOW + after


def strangers(people: int) -> Iterator[Said]:
    for n in range(people):
        yield {"device_id": (f"device-of-{n}",)}, NOW + n


def logins(people: int) -> Iterator[Said]:
    """A stranger's device turns out to be somebody's: two profiles become one."""
    for n in range(people):
        yield {"device_id": (f"device-of-{n}",), "phone": (_phone(n),)}, NOW + HOUR


def moves(people: int) -> Iterator[Said]:
    """A device whose owner is known is used by another known person."""
    for n in range(people):
        yield {"customer_id": (f"c-{n}",), "device_id": (f"family-{n}",)}, NOW
    for n in range(people):
        yield {"customer_id": (f"d-{n}",), "device_id": (f"family-{n}",)}, NOW + HOUR


async def run(sizes: Sequence[int], batch: int, rounds: int) -> tuple[list[Figures], float]:
    """The figures, and the bytes Redis keeps for a person of two identifiers."""
    most, figures = sizes[-1], list[Figures]()
    few = min(sizes[0], 20_000)
    with running_redis() as server:
        async with redis_client(server.url, 30_000) as redis:
            bench = Bench(redis, batch)
            await bench.open()
            empty, before = (await redis.info("memory"))["used_memory"], 0
            for size in sizes:
                new = await bench.measure("new people, two identifiers", new_people(before, size))
                before = size
                claims = known_people(size, rounds * 20 * batch, size)
                name = f"known people, two identifiers, {size:,} of them"
                figures.append(await bench.measure(name, claims, rounds))
            used = (await redis.info("memory"))["used_memory"]
            late = known_people(most, 20 * batch, 3 * HOUR)
            figures += [
                await bench.measure("known, unseen for an hour", late),
                new,
                await bench.measure("strangers, one identifier", strangers(few)),
                await bench.measure("linking: a device joins a person, a merge each", logins(few)),
                await bench.measure("devices, half of them moving to another", moves(few // 2)),
            ]
            return figures, (used - empty) / most


def bytes_remembered() -> float:
    """What a process keeps for an identifier whose normal form it remembers."""
    claims = Claims(identity_config({}))
    tracemalloc.start()
    for n in range(REMEMBERED):
        claims.identifier(f"phone:{_phone(n)}")
    found, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return found / REMEMBERED


def as_markdown(figures: Sequence[Figures], bytes_each: float, command: str) -> str:
    lines = [
        f"`{command}`",
        "",
        "| claims | claims/s | CPU µs each | round trips a batch | Redis commands each "
        "| bytes to Redis each | bytes from Redis each |",
        "|---|---|---|---|---|---|---|",
        *(one.row() for one in figures),
        "",
        f"A person of two identifiers takes {bytes_each:.0f} bytes of Redis, a remembered "
        f"identifier {bytes_remembered():.0f} bytes of the process; {REMEMBERED:,} are remembered.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, nargs="+", default=[5_000, 50_000, 200_000])
    parser.add_argument("--batch", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    gc.set_threshold(50_000, 20, 100)  # as a worker does
    people = " ".join(map(str, given.people))
    command = f"python -m benchmarks.identity --people {people} --batch {given.batch}"
    sys.stdout.write(
        as_markdown(*asyncio.run(run(given.people, given.batch, given.rounds)), command)
    )


if __name__ == "__main__":
    main()
