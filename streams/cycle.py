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
from journeys.engine.fold import fold, wanted
from journeys.engine.parting import TokenOf
from schemas import inbox
from schemas.inbox import Logged, Opened, Published, Tick
from schemas.topics import Topics, shard_of
from schemas.touchpoint import Millis

from .clock import RedisClock
from .cursors import output_print
from .feed import Rewind
from .guards import guard_version, written_by_a_newer
from .library import Library
from .metrics import Metrics
from .ports import Fenced, Halt, Outgoing, Publisher, Publishers, Stale
from .publisher import fold_name
from .states import FIRED_PER_TICK, RedisStates
from .tenure import Tenure
from .ticker import Ticker
from .weather import outlast

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
    token_of: TokenOf


class ShardOwner:
    """Owns one shard from take-over to revocation. `position` is the offset it is stored at."""

    def __init__(self, parts: FoldParts, shard: int, publisher: Publisher, position: int) -> None:
        self._parts, self._shard, self.position = parts, shard, position
        name = fold_name(parts.topics, shard)
        self._tenure = Tenure(
            "fold", f"shard {shard}", name, parts.publishers, parts.metrics, publisher
        )
        self._shard_header = ("wayline-shard", b"%d" % shard)
        self._silent: Outgoing | None = None
        self._is_unfinished = False
        """Whether the latest Tick had a Tick's worth of people to look at: more may be due."""

    async def handle(self, records: Sequence[ConsumerRecord]) -> None:
        """Folds and stores all of `records`; raises Rewind to where the store is instead."""
        for batch in _batches(_decoded(self._shard, records)):
            await self._once(batch)
        self._tenure.kept()
        if self._is_unfinished:
            await self._let_time_pass()

    async def idle(self) -> None:
        """Notices a store that fell back while nothing arrives (M21), and lets time pass."""
        at = self.position
        if await outlast(self._stored, f"asking where shard {self._shard} is stored") != at:
            self._parts.metrics.rewound("fold")
            log.warning("shard fell back while idle", shard=self._shard, stored=self.position)
            raise Rewind(self.position)
        await self._let_time_pass()

    async def close(self) -> None:
        self._parts.metrics.gave_up_shard(self._shard)
        await self._tenure.publisher.close()

    async def _let_time_pass(self) -> None:
        at = self.position
        await outlast(lambda: self._parts.ticker.tick(self._shard, at), "letting time pass")

    async def _once(self, batch: Sequence[Logged]) -> None:
        """One cycle through any weather: whatever failed, the store says where to go on."""
        what = f"folding shard {self._shard}"
        try:
            await outlast(lambda: self._cycle(batch), what)
        except Stale as stale:
            self._parts.metrics.rewound("fold")
            log.warning("shard is elsewhere, folding again", shard=self._shard, found=str(stale))
            raise Rewind(await outlast(self._stored, what)) from stale
        except Fenced as fenced:
            await self._tenure.regain(fenced)
            raise Rewind(await outlast(self._stored, what)) from fenced

    async def _cycle(self, batch: Sequence[Logged]) -> None:
        """1 take (the caller did), 2 load, 3 fold, 4 publish, 5 store."""
        parts, start, end = self._parts, self.position, batch[-1].offset + 1
        with parts.metrics.folding(len(batch)):
            facts, effects = await self._folded(batch)  # 2, 3
            outputs = self._not_yet_published(effects.outputs, facts, end)
            if outputs:  # 4
                records = [self._outgoing(o, facts) for o in outputs]
                await self._tenure.publisher.publish(records, end)
                parts.metrics.published("fold")
            await parts.states.commit(  # 5
                self._shard, parts.topic_id, start, end, facts, effects
            )
        self.position = end
        parts.metrics.folded(facts, outputs)

    async def _folded(self, batch: Sequence[Logged]) -> tuple[Shard, Effects]:
        parts = self._parts
        tick = batch[0] if isinstance(batch[0].record, Tick) else None
        loaded = await parts.states.load(self._shard, self.position, wanted(batch), tick)
        if tick is not None:
            self._is_unfinished = loaded.woken >= FIRED_PER_TICK
        await self._check_stamps(loaded.shard, batch)
        guard_version(self._shard, self.position, loaded.shard.fold_version)
        await parts.library.prepare(loaded.shard)
        for logged in batch:
            if isinstance(logged.record, Published):
                await parts.library.prepare(logged.record)
            elif isinstance(logged.record, Opened):
                guard_version(self._shard, logged.offset, logged.record.fold_version)
        effects = fold(
            loaded.shard,
            batch,
            loaded.profiles,
            parts.library.release,
            loaded.due,
            loaded.waiting,
            loaded.visited,
            parts.token_of,
        )
        return loaded.shard, effects

    async def _check_stamps(self, facts: Shard, batch: Sequence[Logged]) -> None:
        if (
            facts.clock == "wall"
            and batch[-1].stamp > await self._parts.clock.now() + AHEAD_AT_MOST
        ):
            raise Halt(
                f"Shard {self._shard}: the broker stamped a record more than 5 minutes ahead of "
                "Redis's clock. Mend the clocks; folding on would move time for ever."
            )

    def _not_yet_published(
        self, outputs: Sequence[Output], facts: Shard, end: int
    ) -> Sequence[Output]:
        """Those behind the cursor; what lies before it was published, and is folded in silence.

        The last of the silent ones must be what the cursor remembers. Raises Halt where folding
        again made something else: other actions would follow from it.
        """
        cursor = self._tenure.publisher.cursor
        silent = [o for o in outputs if o.offset < cursor.next]
        if silent:
            self._silent = self._outgoing(silent[-1], facts)
        if end >= cursor.next and self._silent is not None:
            if cursor.last and cursor.last != output_print(self._silent):
                raise Halt(_differs(self._shard, cursor.next))
            self._silent = None
        return outputs[len(silent) :]

    async def _stored(self) -> int:
        offset, _ = await self._parts.states.position(self._shard)
        self.position = offset or 0
        return self.position

    def _outgoing(self, output: Output, facts: Shard) -> Outgoing:
        """Outputs for others say which inbox record caused them."""
        topics, key = self._parts.topics, output.key.encode()
        if output.kind == "inbox":
            partition = shard_of(output.key, facts.shards)
            return Outgoing(topics.inbox, key, output.value, output.headers, partition)
        origin = self._shard_header, ("wayline-offset", b"%d" % output.offset)
        headers = (*output.headers, *origin)
        return Outgoing(topics.output(output.kind), key, output.value, headers)


def _differs(shard: int, cursor: int) -> str:
    return (
        f"Shard {shard}: folding its inbox again up to offset {cursor} makes another last output "
        "than was published. This worker's Wayline or time zone data is not that of the worker "
        "that published it: go back to that one, let it store all it published (a clean stop), "
        f"then upgrade. `wayline cursor set` to {cursor} goes on regardless."
    )


def _decoded(shard: int, records: Sequence[ConsumerRecord]) -> Iterator[Logged]:
    for record in records:
        try:
            yield Logged(record.offset, Millis(record.timestamp), inbox.decode(record.value))
        except msgspec.MsgspecError as error:
            if kind := inbox.is_of_later(record.value):
                what = f"has a record of the kind `{kind}` at inbox offset {record.offset}"
                raise written_by_a_newer(shard, what) from error
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
