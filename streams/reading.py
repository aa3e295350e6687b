"""Reading topics whole: from where they start to where they end now.

End means the high watermark: behind the last stable offset a neighbour's open transaction hides
records that will be committed (protocol.md, M35). So the reader waits until it is settled.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from .kafka import KafkaConnection

POLL_MS = 200

_READER: Mapping[str, Any] = {
    "isolation_level": "read_committed",
    "enable_auto_commit": False,
    # A reader to the end never waits for what is not there yet; the embedded broker holds back
    # even what it has, for as long as this (500 ms by default).
    "fetch_max_wait_ms": 20,
}


async def read_to_end(
    connection: KafkaConnection,
    topics: Sequence[str],
    since: int | None = None,
    partition: int | None = None,
) -> AsyncIterator[ConsumerRecord]:
    """All committed records of these topics, in order within a partition.

    `since` (ms) begins at the first record stamped then or later, where the broker can tell;
    `partition` is the only one that is read.
    """
    ends = await high_watermarks(connection, topics)
    others = [tp for tp in ends if partition is not None and tp.partition != partition]
    ends = {tp: end for tp, end in ends.items() if tp not in others}
    consumer = AIOKafkaConsumer(*topics, **connection.client(), **_READER)
    try:
        await consumer.start()
        consumer.pause(*others)
        left = await _seek(consumer, ends, since)
        while left:
            for records in (await consumer.getmany(*left, timeout_ms=POLL_MS)).values():
                for record in records:
                    yield record
            # The position passes transaction markers, which are never delivered.
            left = [tp for tp in left if await consumer.position(tp) < ends[tp]]
    finally:
        await consumer.stop()


async def high_watermarks(
    connection: KafkaConnection, topics: Sequence[str]
) -> dict[TopicPartition, int]:
    """The end of every partition of these topics, open transactions included."""
    consumer = AIOKafkaConsumer(*topics, **connection.client(), enable_auto_commit=False)
    try:
        await consumer.start()
        ends: dict[TopicPartition, int] = await consumer.end_offsets(list(consumer.assignment()))
        return ends
    finally:
        await consumer.stop()


async def _seek(
    consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int], since: int | None
) -> list[TopicPartition]:
    """Seeks explicitly: seek_to_beginning() after end_offsets() landed at the end (aiokafka)."""
    starts: dict[TopicPartition, int] = await consumer.beginning_offsets(list(ends))
    if since is not None:
        found = await consumer.offsets_for_times(dict.fromkeys(ends, since))
        starts = {tp: found[tp].offset if found[tp] else ends[tp] for tp in ends}
    for tp, start in starts.items():
        consumer.seek(tp, start)
    return [tp for tp in ends if starts[tp] < ends[tp]]


async def first_record(
    connection: KafkaConnection, topic: str, partition: int
) -> ConsumerRecord | None:
    """The oldest committed record of a partition; None where it is empty."""
    tp = TopicPartition(topic, partition)
    consumer = AIOKafkaConsumer(**connection.client(), **_READER)
    try:
        await consumer.start()
        consumer.assign([tp])
        start, end = await consumer.beginning_offsets([tp]), await consumer.end_offsets([tp])
        consumer.seek(tp, start[tp])
        while await consumer.position(tp) < end[tp]:
            for records in (await consumer.getmany(timeout_ms=POLL_MS, max_records=1)).values():
                return records[0]
        return None
    finally:
        await consumer.stop()
