"""Lets time pass: appends a Tick to a shard when somebody is due and the watermark says so.

A Tick too many, too late or from a zombie changes nothing (protocol.md); so nothing is fenced.
"""

import asyncio
from dataclasses import dataclass, field

from aiokafka import AIOKafkaProducer

from schemas import inbox
from schemas.inbox import Tick
from schemas.topics import Topics
from schemas.touchpoint import Millis

from .progress import Watermark
from .states import RedisStates


@dataclass(slots=True)
class Ticker:
    """One for all shards of a worker; `tick` is called by a shard's owner at the log's end."""

    producer: AIOKafkaProducer
    topics: Topics
    states: RedisStates
    watermark: Watermark
    idle_every: float
    """Seconds after which an idle shard is told the time though nobody is due."""
    _appended: dict[int, tuple[int, Millis, float]] = field(default_factory=dict)
    """Shard -> offset and `until` of the last Tick appended here, and when (loop time)."""

    async def tick(self, shard: int, position: int) -> None:
        """Appends a Tick if it would fire somebody, or the shard was not told the time long."""
        offset, last, when = self._appended.get(shard, (-1, Millis(0), float("-inf")))
        if offset >= position:
            return  # the last one is not folded yet
        watermark = await self.watermark.read()
        due, standing = await self.states.earliest(shard)
        told_long_ago = asyncio.get_running_loop().time() - when > self.idle_every
        somebody = (due is not None and due <= watermark) or standing
        if watermark and (somebody or (told_long_ago and watermark > last)):
            await self._append(shard, watermark)

    async def _append(self, shard: int, until: Millis) -> None:
        value = inbox.encode(Tick(until))
        sent = await self.producer.send_and_wait(self.topics.inbox, value, partition=shard)
        now = asyncio.get_running_loop().time()
        self._appended[shard] = sent.offset, until, now
