"""The fold agent's cycle over one shard: take, load, fold, publish, store.

Publish first, store second (protocol.md): what Redis shows has been published, and what was
published and is not stored is folded again in silence.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec
import structlog
from aiokafka import ConsumerRecord

from journeys.engine.effects import Effects, Output, Shard
from journeys.engine.fold import fold, tick_time, wanted
from schemas import inbox
from schemas.inbox import Logged, Published, Tick
from schemas.topics import Topics, shard_of
from schemas.touchpoint import Millis

from .clock import RedisClock
from .feed import Rewind
from .library import Library
from .metrics import Metrics
from .ports import Fenced, Halt, Outgoing, Publisher, Publishers, Stale
from .publisher import fold_name
from .states import RedisStates
from .ticker import Ticker

AHEAD_AT_MOST = 5 * 60 * 1000
"""A broker's stamp further ahead of Redis's clock halts the shard: time never runs back."""

RECORDS_PER_CYCLE = 1000

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class FoldParts:
    """What every shard's owner in this worker shares."""

    states: RedisStates
    publishers: Publishers
    library: Library
    topics: Topics
    topic_id: str
    clock: RedisClock
    ticker: Ticker
    metrics: Metrics


class ShardOwner:
    """Owns one shard from take-over to revocation. `position` is the offset it is stored at."""

    def __init__(
        self, parts: FoldParts, shard: int, publisher: Publisher, cursor: int, position: int
    ) -> None:
        self._parts, self._shard = parts, shard
        self._publisher, self._cursor, self.position = publisher, cursor, position
        self._fenced_before = False

    async def handle(self, records: Sequence[ConsumerRecord]) -> None:
        """Folds and stores all of `records`; raises Rewind to where the store is instead."""
        try:
            for batch in _batches(_decoded(self._shard, records)):
                await self._cycle(batch)
        except Stale as stale:
            log.warning("shard is elsewhere, folding again", shard=self._shard, found=str(stale))
            raise Rewind(await self._stored()) from stale
        except Fenced as fenced:
            raise Rewind(await self._take_over_again(fenced)) from fenced
        self._fenced_before = False

    async def idle(self) -> None:
        """Notices a store that fell back while nothing arrives (M21), and lets time pass."""
        stored = await self._stored()
        if stored != self.position:
            log.warning("shard fell back while idle", shard=self._shard, stored=stored)
            raise Rewind(stored)
        await self._parts.ticker.tick(self._shard, self.position)

    async def close(self) -> None:
        await self._publisher.close()

    async def _cycle(self, batch: Sequence[Logged]) -> None:
        """1 take (the caller did), 2 load, 3 fold, 4 publish, 5 store."""
        parts, start, end = self._parts, self.position, batch[-1].offset + 1
        with parts.metrics.folding(len(batch)):
            facts, effects = await self._folded(batch)  # 2, 3
            outputs = [o for o in effects.outputs if o.offset >= self._cursor]
            if outputs:  # 4
                await self._publisher.publish([self._outgoing(o, facts) for o in outputs], end)
                self._cursor = end
            await parts.states.commit(  # 5
                self._shard, parts.topic_id, start, end, facts, effects
            )
        self.position = end
        parts.metrics.folded(facts, outputs)

    async def _folded(self, batch: Sequence[Logged]) -> tuple[Shard, Effects]:
        parts = self._parts
        tick = batch[0] if isinstance(batch[0].record, Tick) else None
        loaded = await parts.states.load(self._shard, self.position, wanted(batch), tick)
        await self._check_stamps(loaded.shard, batch)
        for words in (loaded.shard, *(x.record for x in batch if isinstance(x.record, Published))):
            await parts.library.prepare(words)
        release = parts.library.release
        effects = fold(
            loaded.shard, batch, loaded.profiles, release, loaded.due, loaded.waiting
        )
        return loaded.shard, effects

    async def _check_stamps(self, facts: Shard, batch: Sequence[Logged]) -> None:
        if facts.clock == "wall" and batch[-1].stamp > await self._parts.clock.now() + AHEAD_AT_MOST:
            raise Halt(
                f"Shard {self._shard}: the broker stamped a record more than 5 minutes ahead of "
                "Redis's clock. Mend the clocks; folding on would move time for ever."
            )

    async def _stored(self) -> int:
        offset, _ = await self._parts.states.position(self._shard)
        self.position = offset or 0
        return self.position

    async def _take_over_again(self, fenced: Fenced) -> int:
        """Fences whoever fenced us, once; twice in a row means another owner lives."""
        if self._fenced_before:
            raise Halt(
                f"Shard {self._shard} was taken by another worker twice in a row; giving it up."
            ) from fenced
        self._fenced_before = True
        log.warning("fold was fenced, taking over again", shard=self._shard, why=str(fenced))
        await self._publisher.close()
        name = fold_name(self._parts.topics, self._shard)
        self._publisher, self._cursor = (await self._parts.publishers.take_over([name]))[name]
        return await self._stored()

    def _outgoing(self, output: Output, facts: Shard) -> Outgoing:
        topics, key = self._parts.topics, output.key.encode()
        if output.kind == "inbox":
            partition = shard_of(output.key, facts.shards)
            return Outgoing(topics.inbox, key, output.value, output.headers, partition)
        return Outgoing(topics.named(_topic_of(output.kind)), key, output.value, output.headers)


def _topic_of(kind: str) -> str:
    return "journey.transitions" if kind == "transitions" else kind


def _decoded(shard: int, records: Sequence[ConsumerRecord]) -> Iterator[Logged]:
    for record in records:
        try:
            yield Logged(record.offset, Millis(record.timestamp), inbox.decode(record.value))
        except msgspec.MsgspecError as error:
            raise Halt(
                f"Shard {shard}: the record at inbox offset {record.offset} is none of ours "
                f"({error}). Only workers and the wayline command may write to the inbox."
            ) from error


def _batches(records: Iterable[Logged]) -> Iterator[list[Logged]]:
    """Cut so that a Tick is the first of its batch: whom it fires is read before anything else."""
    batch: list[Logged] = []
    for logged in records:
        if batch and (isinstance(logged.record, Tick) or len(batch) >= RECORDS_PER_CYCLE):
            yield batch
            batch = []
        batch.append(logged)
    if batch:
        yield batch
