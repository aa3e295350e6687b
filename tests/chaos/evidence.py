"""What can be seen from outside when all is quiet: topics and Redis, as plain data.

Nothing of the engine is used to read it: a wrong decoder would agree with itself.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord
from redis.asyncio import Redis

SEEN, INSTANCES, IDENTIFIERS, REDIRECT = 10, 8, 4, 0
"""Places in a stored profile, which is a list."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """`profiles` by id, as lists; `counts` {(day, edge): number}; `inbox` records as lists."""

    source: Sequence[ConsumerRecord]
    inbox: Sequence[list[Any]]
    actions: Sequence[tuple[int, dict[str, Any]]]
    """Kafka's timestamp (ms) and the value."""
    transitions: Sequence[dict[str, Any]]
    merges: Sequence[dict[str, Any]]
    profiles: dict[str, list[Any]]
    counts: dict[tuple[str, str], int]


async def gather(bootstrap: str, prefix: str, redis: Redis) -> Evidence:
    """Reads all of it, committed records only."""

    async def read(name: str) -> list[ConsumerRecord]:
        return await _whole(bootstrap, f"{prefix}.{name}")

    names = ("touchpoints", "inbox", "actions.mail", "journey.transitions", "identity.merges")
    source, inbox, actions, transitions, merges = await asyncio.gather(*map(read, names))
    return Evidence(
        source,
        [msgspec.msgpack.decode(record.value) for record in inbox],
        [(record.timestamp, orjson.loads(record.value)) for record in actions],
        [orjson.loads(record.value) for record in transitions],
        [orjson.loads(record.value) for record in merges],
        await _profiles(redis, prefix),
        await _counts(redis, prefix),
    )


async def _whole(bootstrap: str, topic: str) -> list[ConsumerRecord]:
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        found: list[ConsumerRecord] = []
        ends = await consumer.end_offsets(list(consumer.assignment()))
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += records
        return found
    finally:
        await consumer.stop()


async def _profiles(redis: Redis, prefix: str) -> dict[str, list[Any]]:
    found = {}
    async for key in redis.scan_iter(f"{prefix}:*:p:*", count=1000):
        shard, _, profile = key.decode().rpartition(":p:")
        if shard.rpartition(":")[2].startswith("{s"):
            found[profile] = msgspec.msgpack.decode(await redis.get(key), strict=False)
    return found


async def _counts(redis: Redis, prefix: str) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    async for key in redis.scan_iter(f"{prefix}:*:counts:*", count=1000):
        day = key.decode().rpartition(":")[2]
        for edge, number in (await redis.hgetall(key)).items():
            where = day, edge.decode()
            found[where] = found.get(where, 0) + int(number)
    return found
