"""Lanes: one for each partition held, strictly in order within it, side by side among them.

A lane's position is what its owner has finished. Faust's acknowledgements are not used: its
bookkeeping commits past a hole of one (0.15.3), and a lane knows its position anyway.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from aiokafka import ConsumerRecord, TopicPartition

from .owner import Owner, Rewind, TakeOver

RECORDS_PER_BATCH = 1000
WAITING_RECORDS, WAITING_BYTES = 4 * RECORDS_PER_BATCH, 4 << 20
"""A lane with this much waiting is not fetched for; one fetch more may be on its way."""

IDLE_EVERY = 1.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Batch:
    """Records on their way to a lane. Those of an earlier epoch were read before a rewind."""

    lane: "Lane"
    epoch: int
    records: list[ConsumerRecord]


class Lane:
    """One partition and its owner. `position` is the offset after the last record finished."""

    def __init__(self, partition: TopicPartition, owner: Owner, start: int) -> None:
        self.partition, self.position = partition, start
        self.seek_to: int | None = None
        self.closed = False
        self._owner, self._epoch = owner, 0
        self._read = self._handed_out = start
        self._waiting_records = self._waiting_bytes = 0
        self._queue: deque[list[ConsumerRecord]] = deque()
        self._wake = asyncio.Event()
        self._idle_at = asyncio.get_running_loop().time() + IDLE_EVERY

    @property
    def full(self) -> bool:
        return self._waiting_records >= WAITING_RECORDS or self._waiting_bytes >= WAITING_BYTES

    @property
    def passed(self) -> int:
        """As `position`, but behind transaction markers too where no record is in hand."""
        nothing_in_hand = self.seek_to is None and self.position >= self._handed_out
        return max(self.position, self._read) if nothing_in_hand else self.position

    def batch(self, records: list[ConsumerRecord]) -> Batch:
        """Takes fetched records into the count of what is waiting."""
        self._handed_out = records[-1].offset + 1
        self._waiting_records += len(records)
        self._waiting_bytes += _size(records)
        return Batch(self, self._epoch, records)

    def accept(self, batch: Batch) -> None:
        """Queues a batch, unless the lane was rewound or closed since it was fetched."""
        if batch.epoch == self._epoch and not self.closed:
            self._queue.append(batch.records)
            self._wake.set()

    def has_read(self, position: int) -> None:
        """The consumer's position, when all that it returned has been handed out."""
        self._read = position

    async def run(self) -> None:
        """Until closed. Raises what the owner raises, Rewind excepted."""
        while (records := await self._next()) is not None:
            try:
                if records:
                    await self._owner.handle(records)
                    self._done(records)
                if asyncio.get_running_loop().time() >= self._idle_at:
                    self._idle_at = asyncio.get_running_loop().time() + IDLE_EVERY
                    await self._owner.idle()
            except Rewind as rewind:
                self._rewind(rewind.offset)

    def shut(self) -> None:
        """Takes no more batches; the one in hand is finished."""
        self.closed = True
        self._queue.clear()
        self._wake.set()

    async def give_up(self) -> None:
        await self._owner.close()

    async def _next(self) -> list[ConsumerRecord] | None:
        """Whole batches together up to the limit; empty when it is time for `idle`.

        None when the lane was closed.
        """
        if not self._queue and not self.closed:
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._idle_at):
                    await self._wake.wait()
        if self.closed:
            return None
        records = self._queue.popleft() if self._queue else []
        while self._queue and len(records) + len(self._queue[0]) <= RECORDS_PER_BATCH:
            records = records + self._queue.popleft()
        return records

    def _done(self, records: list[ConsumerRecord]) -> None:
        self.position = records[-1].offset + 1
        self._waiting_records -= len(records)
        self._waiting_bytes -= _size(records)

    def _rewind(self, offset: int) -> None:
        """Forgets what waits. The consumer seeks between two fetches, never beside one."""
        if offset != self.position:
            log.info("rewinding", partition=_name(self.partition), offset=offset, was=self.position)
        self._epoch += 1
        self._queue.clear()
        self._waiting_records = self._waiting_bytes = 0
        self.position = self._read = self._handed_out = self.seek_to = offset


class Lanes:
    """All lanes of this worker. Made once, inside the running loop."""

    def __init__(self, take_over: TakeOver) -> None:
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._take_over = take_over
        self._lanes: dict[TopicPartition, Lane] = {}
        self._tasks: dict[TopicPartition, asyncio.Task[None]] = {}
        self._taking: asyncio.Task[dict[TopicPartition, int]] | None = None
        self._ends: dict[TopicPartition, int] = {}

    async def run(self, stream: Any) -> None:
        """The body of a Faust agent: hands each batch of the stream to its lane."""
        async for event in _events(stream):
            batch: Batch = event.value
            batch.lane.accept(batch)

    def passed(self, partition: tuple[str, int]) -> int | None:
        """The offset up to which all is finished, transaction markers passed over.

        None for a partition that is not, or no longer, held here.
        """
        lane = self._lanes.get(TopicPartition(*partition))
        return None if lane is None or lane.closed else lane.passed

    def at_end(self, partition: tuple[str, int]) -> bool:
        """Whether all of it that was committed by the latest fetch is finished."""
        end, passed = self._ends.get(TopicPartition(*partition)), self.passed(partition)
        return passed is not None and end is not None and passed >= end

    def behind(self) -> dict[TopicPartition, int]:
        """Committed records of each partition, as of the latest fetch, that are not finished."""
        passed = {partition: self.passed(partition) for partition in self._ends}
        return {
            partition: max(0, end - at)
            for partition, end in self._ends.items()
            if (at := passed[partition]) is not None
        }

    def held(self) -> list[TopicPartition]:
        """The partitions owned here and now."""
        return [partition for partition, lane in self._lanes.items() if not lane.closed]

    # What follows is for the transport.

    async def assign(self, partitions: set[TopicPartition]) -> dict[TopicPartition, int]:
        """Takes the partitions over and starts their lanes; where to read each from.

        A take-over is never cut off by a rebalance that overtakes it: `release` waits for it.
        """
        await self.release()
        self._taking = asyncio.create_task(self._start(partitions))
        try:
            return await asyncio.shield(self._taking)
        except Exception as error:
            self.fail(error)
            raise

    async def release(self) -> None:
        """1 waits for a take-over under way, 2 lets each lane finish its batch, 3 closes owners.

        Positions stay readable, for the commit that follows, until the next assignment.
        """
        if self._taking is not None:
            taking, self._taking = self._taking, None
            await asyncio.wait({taking})
            if not taking.cancelled() and (error := taking.exception()):
                self.fail(error)
        for lane in self._lanes.values():
            lane.shut()
        tasks, self._tasks = self._tasks, {}
        if tasks:
            await asyncio.wait(tasks.values())
        for partition in tasks:
            await self._give_up(self._lanes[partition])

    def lane(self, partition: TopicPartition) -> Lane | None:
        """The lane of a partition held here that may be fetched for or delivered to."""
        lane = self._lanes.get(partition)
        return None if lane is None or lane.closed else lane

    def hungry(self) -> set[TopicPartition]:
        """The partitions with room for more."""
        return {p for p, lane in self._lanes.items() if not lane.closed and not lane.full}

    def rewound(self) -> dict[TopicPartition, int]:
        """The partitions whose consumer must seek before the next fetch, and where to."""
        found = {p: lane.seek_to for p, lane in self._lanes.items() if not lane.closed}
        return {p: offset for p, offset in found.items() if offset is not None}

    def saw_end(self, partition: TopicPartition, end: int | None) -> None:
        if end is not None:
            self._ends[partition] = end

    def positions(self) -> dict[TopicPartition, int]:
        """What may be committed, lanes that were just closed included."""
        return {partition: lane.passed for partition, lane in self._lanes.items()}

    def fail(self, error: BaseException) -> None:
        """Remembers the first failure and stops all lanes after the batch in hand."""
        if not self.failure.done():
            self.failure.set_exception(error)
        for lane in self._lanes.values():
            lane.shut()

    async def _start(self, partitions: set[TopicPartition]) -> dict[TopicPartition, int]:
        owners = await self._take_over(partitions) if partitions else {}
        self._ends.clear()
        self._lanes = {p: Lane(p, owner, start) for p, (owner, start) in owners.items()}
        self._tasks = {p: asyncio.create_task(self._run(lane)) for p, lane in self._lanes.items()}
        return {partition: start for partition, (_, start) in owners.items()}

    async def _run(self, lane: Lane) -> None:
        try:
            await lane.run()
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends the worker
            self.fail(error)

    async def _give_up(self, lane: Lane) -> None:
        try:
            await lane.give_up()
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends the worker
            self.fail(error)


def _events(stream: Any) -> AsyncIterator[Any]:
    # noack: Faust acknowledges on its own otherwise, also what an exception interrupted.
    events: AsyncIterator[Any] = stream.noack().events()
    return events


def _size(records: list[ConsumerRecord]) -> int:
    return sum(len(record.value or b"") for record in records)


def _name(partition: TopicPartition) -> str:
    return f"{partition.topic}/{partition.partition}"
