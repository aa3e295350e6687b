"""Take-over: from the partitions just assigned to their owners and the offsets they begin at.

Fence first, then read the cursor, then the store (protocol.md, M25); for all partitions at once,
because a rebalance waits for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition

from .cycle import FoldParts, ShardOwner
from .feed import Owner
from .guards import guard_position
from .kafka import KafkaConnection
from .ports import Halt, Publisher
from .publisher import fold_name, stitch_name
from .stitch import SourceOwner, StitchParts
from .weather import outlast

Taken = Mapping[str, Publisher]


@dataclass(frozen=True, slots=True)
class Assignments:
    """Makes owners of sources and shards; what the feed calls at each assignment."""

    connection: KafkaConnection
    stitch: StitchParts
    fold: FoldParts

    async def take_over(
        self, partitions: set[TopicPartition]
    ) -> Mapping[TopicPartition, tuple[Owner, int]]:
        """1 fence and read the cursors, 2 read the stores, 3 halt where something is missing."""
        names = {tp: self._name(tp) for tp in partitions}
        publishers = self.fold.publishers
        taken = await outlast(
            lambda: publishers.take_over(list(names.values())), "taking over"
        )  # 1
        shards = [tp for tp in partitions if tp.topic == self.fold.topics.inbox]
        starts = await outlast(lambda: self._stored(shards, taken), "reading where shards stand")
        owners: dict[TopicPartition, tuple[Owner, int]] = {}
        for tp, name in names.items():
            if tp in starts:
                owner = ShardOwner(self.fold, tp.partition, taken[name], starts[tp])
                owners[tp] = owner, starts[tp]
            else:
                source = SourceOwner(self.stitch, (tp.topic, tp.partition), taken[name])
                owners[tp] = source, source.position
        return owners

    def _name(self, tp: TopicPartition) -> str:
        topics = self.fold.topics
        if tp.topic == topics.inbox:
            return fold_name(topics, tp.partition)
        return stitch_name(topics, tp.topic, tp.partition)

    async def _stored(
        self, shards: list[TopicPartition], taken: Taken
    ) -> dict[TopicPartition, int]:
        """Where each shard is stored (2), once the inbox is known to lead on from there (3)."""
        begins, ends = await self._bounds(shards)
        starts = {}
        for tp in shards:
            stored = await self.fold.states.position(tp.partition)  # 2
            starts[tp] = guard_position(
                tp.partition, self.fold.topic_id, stored, begins[tp], ends[tp]
            )
            cursor = taken[self._name(tp)].cursor.next
            if cursor > ends[tp]:
                raise Halt(
                    f"Shard {tp.partition}: its cursor says that it published up to {cursor}, the "
                    f"inbox ends at {ends[tp]}. Kafka lost acknowledged records: restore the topic."
                )
        return starts

    async def _bounds(
        self, shards: list[TopicPartition]
    ) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
        consumer = AIOKafkaConsumer(**self.connection.client(), enable_auto_commit=False)
        await consumer.start()
        try:
            return await consumer.beginning_offsets(shards), await consumer.end_offsets(shards)
        finally:
            await consumer.stop()
