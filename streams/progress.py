"""How far each source has been stitched, as moments of Redis's clock, and the watermark of all.

A source is one partition of a touchpoint topic. Its progress is a moment taken *before* its
high watermark was asked (M27), noted once the committed position has reached that (M26).
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from redis.asyncio import Redis

from schemas.touchpoint import Millis

from .clock import RedisClock
from .kafka import KafkaConnection
from .keys import Keys

log = structlog.get_logger()

Source = tuple[str, int]
"""Topic and partition."""


class Progress:
    """The progress hash in Redis: per source a moment in ms and the committed position."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis, self._key = redis, keys.progress

    async def note(self, moments: Mapping[Source, int], positions: Mapping[Source, int]) -> None:
        """`moments` only ever move forward, whoever notes them."""
        known = await self.read(list(moments))
        fields: dict[Any, Any] = {_field(s): at for s, at in moments.items() if at > known[s][0]}
        fields |= {f"{_field(s)}@": at for s, at in positions.items()}
        if fields:
            await self._redis.hset(self._key, mapping=fields)

    async def read(self, sources: Sequence[Source]) -> dict[Source, tuple[int, int]]:
        """Moment and position of each; none noted counts as 0 (M37)."""
        if not sources:
            return {}
        fields = [name for s in sources for name in (_field(s), f"{_field(s)}@")]
        values = [int(v or 0) for v in await self._redis.hmget(self._key, fields)]
        return dict(zip(sources, zip(values[::2], values[1::2], strict=True), strict=True))


@dataclass(slots=True)
class Watermark:
    """The minimum of the progress of all live sources, as this worker sees it.

    A source that stood still for `silent_after` seconds while this worker watched is left out,
    with an alarm: a backlog delays timers, a dead source must not stop them for ever. After a
    restart everybody has that long again, so an outage leaves nobody out.
    """

    progress: Progress
    sources: Sequence[Source]
    silent_after: float
    _seen: dict[Source, tuple[tuple[int, int], float]] = field(default_factory=dict)

    async def read(self) -> Millis:
        """The watermark in ms; 0 while some live source has not noted anything."""
        now = asyncio.get_running_loop().time()
        found = await self.progress.read(self.sources)
        live = [moment for s, (moment, at) in found.items() if self._moves(s, (moment, at), now)]
        return Millis(min(live, default=0))

    def silent(self) -> list[Source]:
        """Sources that are left out now."""
        now = asyncio.get_running_loop().time()
        return [s for s, (_, since) in self._seen.items() if now - since > self.silent_after]

    def _moves(self, source: Source, state: tuple[int, int], now: float) -> bool:
        before, since = self._seen.get(source, (None, now))
        if state != before:
            self._seen[source] = state, now
            return True
        if now - since <= self.silent_after:
            return True
        log.error("source stands still, time goes on without it", source=_field(source))
        return False


class ProgressKeeper:
    """Notes the progress of the sources this worker owns, twice a second.

    `passed(source)` is the committed position, transaction markers passed over, or None when
    the source is not (or no longer) owned.
    """

    def __init__(
        self,
        connection: KafkaConnection,
        clock: RedisClock,
        progress: Progress,
        passed: Callable[[Source], int | None],
    ) -> None:
        self._consumer = AIOKafkaConsumer(**connection.client(), enable_auto_commit=False)
        self._clock, self._progress, self._passed = clock, progress, passed
        self._pending: dict[Source, tuple[Millis, int]] = {}

    async def start(self) -> None:
        await self._consumer.start()

    async def stop(self) -> None:
        await self._consumer.stop()

    async def keep(self, owned: Sequence[Source]) -> None:
        """One round: asks for new moments, notes those that have been reached."""
        fresh = [s for s in owned if s not in self._pending]
        moment = await self._clock.exact()  # before the high watermark is asked
        if fresh:
            ends = await self._consumer.end_offsets([TopicPartition(*s) for s in fresh])
            self._pending |= {(tp.topic, tp.partition): (moment, end) for tp, end in ends.items()}
        at = {s: position for s in owned if (position := self._passed(s)) is not None}
        reached = {s: self._pending[s][0] for s in at if at[s] >= self._pending[s][1]}
        await self._progress.note(reached, at)
        self._pending = {
            s: pending for s, pending in self._pending.items() if s in at and s not in reached
        }


def _field(source: Source) -> str:
    return f"{source[0]}/{source[1]}"
