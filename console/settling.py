"""Whether the workers are done, and how far behind they are: for imports that wait and demos."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from redis.asyncio import Redis

from console.connections import redis_of
from console.readings import noted_progress
from streams.imports import Progress
from streams.settings import Settings

UNDER_WAY_AT_MOST = 20_000
"""Records not done yet, from which on an import waits: the embedded broker drops the oldest of a
partition beyond 5 MiB, and 20,000 records of 1 kB are a third of that in 12 partitions."""

LOOKED_EVERY_S = 0.1
POLL_MS = 100


@dataclass(frozen=True, slots=True)
class Backlog:
    """The records in source topics and inbox that are not done yet."""

    _settings: Settings
    _redis: Redis
    _consumer: AIOKafkaConsumer
    _inbox: Sequence[TopicPartition]
    _sources: Sequence[TopicPartition]

    async def count(self) -> int:
        """Where transactions are used their markers count as records."""
        ends = await self._consumer.end_offsets([*self._inbox, *self._sources])
        done = await self._done()
        return sum(max(0, end - done.get(tp, 0)) for tp, end in ends.items())

    async def hold_back(self, _: Progress) -> None:
        """Returns once few enough records are under way."""
        while await self.count() > UNDER_WAY_AT_MOST:  # noqa: ASYNC110 - other processes' work
            await asyncio.sleep(LOOKED_EVERY_S)

    async def is_settled(self, latest: int) -> bool:
        """All is stitched up to `latest` (ms), the inbox folded to its end, and nobody due."""
        progress = await noted_progress(self._redis, self._settings.keys.progress)
        ends = await self._consumer.end_offsets(list(self._sources))
        for tp, end in ends.items():
            noted = progress.get((tp.topic, tp.partition), {})
            if noted.get("position", 0) < end or noted.get("moment", 0) < latest:
                return False
        return not await self._somebody_due(latest) and await self._folded()

    async def _done(self) -> dict[TopicPartition, int]:
        progress = await noted_progress(self._redis, self._settings.keys.progress)
        done = {TopicPartition(*s): noted.get("position", 0) for s, noted in progress.items()}
        return done | await self._stored()

    async def _stored(self) -> dict[TopicPartition, int]:
        pipe = self._redis.pipeline(transaction=False)
        for tp in self._inbox:
            pipe.hget(self._settings.keys.meta(tp.partition), "offset")
        found: list[Any] = await pipe.execute()
        return {tp: int(at or 0) for tp, at in zip(self._inbox, found, strict=True)}

    async def _somebody_due(self, latest: int) -> bool:
        pipe = self._redis.pipeline(transaction=False)
        for tp in self._inbox:
            pipe.zcount(self._settings.keys.due(tp.partition), "-inf", latest)
        return any(await pipe.execute())

    async def _folded(self) -> bool:
        """No record lies between the stored offsets and the ends; markers may."""
        stored = await self._stored()
        ends = await self._consumer.end_offsets(list(self._inbox))
        behind = [tp for tp in self._inbox if stored[tp] < ends[tp]]
        for tp in behind:
            self._consumer.seek(tp, stored[tp])
        while behind:
            if await self._consumer.getmany(*behind, timeout_ms=POLL_MS):
                return False
            behind = [tp for tp in behind if await self._consumer.position(tp) < ends[tp]]
        return True


@asynccontextmanager
async def backlog(settings: Settings, sources: Sequence[str]) -> AsyncIterator[Backlog]:
    """Looks at these topics, which are there, and the inbox during the block."""
    inbox = settings.topics.inbox
    consumer = AIOKafkaConsumer(
        inbox,
        *sources,
        **settings.connection.client(),
        isolation_level="read_committed",
        enable_auto_commit=False,
    )
    async with redis_of(settings) as redis:
        await consumer.start()
        try:
            partitions = sorted(consumer.assignment())
            consumer.pause(*partitions)
            shards = [tp for tp in partitions if tp.topic == inbox]
            consumer.resume(*shards)
            rest = [tp for tp in partitions if tp.topic != inbox]
            yield Backlog(settings, redis, consumer, shards, rest)
        finally:
            await consumer.stop()
