"""How fast one process tells whose touchpoints are, on a real Redis.

Inside the clock: reading the identifiers (normalising, keyed hashes), all round trips, the
decision and what it writes. Outside: Kafka, JSON. Each batch is resolved as a stitch agent does.

    python -m benchmarks.identity --people 50000 --markdown benchmarks/RESULTS-identity.md
"""

import argparse
import asyncio
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from redis.asyncio import Redis

from journeys.identity.claims import Claims
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

    async def measure(self, name: str, said: Sequence[Said]) -> Figures:
        """Resolves all of it in batches; merges are trimmed as stitch does, inside the clock."""
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


def new_people(people: int) -> Iterator[Said]:
    """Each by two identifiers, for the first time."""
    for n in range(people):
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


async def run(people: int, batch: int) -> tuple[list[Figures], float]:
    """The figures, and the bytes Redis keeps for a person of two identifiers."""
    few = people // 5
    with running_redis() as server:
        async with redis_client(server.url, 30_000) as redis:
            bench = Bench(redis, batch)
            await bench.open()
            empty = (await redis.info("memory"))["used_memory"]
            kinds: list[tuple[str, Callable[[], Iterator[Said]]]] = [
                ("new people, two identifiers", lambda: new_people(people)),
                ("known people, two identifiers", lambda: known_people(people, 4 * people, people)),
                ("known, unseen for an hour", lambda: known_people(people, people, 3 * HOUR)),
                ("strangers, one identifier", lambda: strangers(few)),
                ("linking: a device joins a person, a merge each", lambda: logins(few)),
                ("devices, half of them moving to another", lambda: moves(few // 2)),
            ]
            figures, bytes_each = [], 0.0
            for name, said in kinds:
                figures.append(await bench.measure(name, list(said())))
                if len(figures) == 1:
                    used = (await redis.info("memory"))["used_memory"]
                    bytes_each = (used - empty) / people
            return figures, bytes_each


def as_markdown(figures: Sequence[Figures], bytes_each: float, command: str) -> str:
    lines = [
        "# How fast identity is",
        "",
        f"One process, one Redis on the same machine (`{command}`).",
        "",
        "| claims | claims/s | CPU µs each | round trips a batch | Redis commands each "
        "| bytes to Redis each | bytes from Redis each |",
        "|---|---|---|---|---|---|---|",
        *(one.row() for one in figures),
        "",
        f"A person of two identifiers takes {bytes_each:.0f} bytes of Redis.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=50_000)
    parser.add_argument("--batch", type=int, default=1000)
    parser.add_argument("--markdown", type=Path, help="Write the table here.")
    given = parser.parse_args()
    command = f"python -m benchmarks.identity --people {given.people} --batch {given.batch}"
    table = as_markdown(*asyncio.run(run(given.people, given.batch)), command)
    if given.markdown:
        given.markdown.write_text(table, encoding="utf-8")
    sys.stdout.write(table)


if __name__ == "__main__":
    main()
