"""Our Faust transport, `wayline://`: whole batches to lanes, offsets held elsewhere.

Faust 0.15.3 keeps group membership, rebalancing and the life of agents. Replaced are its fetch
loop (288 µs per event; 3 µs in batches), its acknowledgements (see `lanes`), where it starts to
read (at the owners' positions, not at the group's), and when it commits: before a revocation,
because its own bookkeeping is dropped before it commits and each rebalance repeats an interval.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import aiokafka
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import OffsetOutOfRangeError
from faust.transport.conductor import Conductor
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from streams.kafka import KafkaConnection
from streams.ports import Halt

from .lanes import RECORDS_PER_BATCH, Batch, Lane, Lanes

FETCH_WAIT = 0.25
"""Seconds a fetch waits for records at most; a rewind and a lane with room wait no longer."""

FETCH_WAIT_BESIDE_FULL_LANES = 0.02


class BatchConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """The thread in which aiokafka lives."""

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        """Faust reads committed records only in its exactly-once mode, and offers no setting.

        `auto_offset_reset` is `none`: a position that is no longer in the log must stop the
        worker, not be mended by skipping what was lost.
        """
        conf = self.app.conf
        connection: KafkaConnection = self.app.wayline_connection
        self._assignor = RoundRobinPartitionAssignor
        return aiokafka.AIOKafkaConsumer(
            **connection.client(),
            client_id=conf.broker_client_id,
            group_id=conf.id,
            group_instance_id=conf.consumer_group_instance_id,
            partition_assignment_strategy=[RoundRobinPartitionAssignor],
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            max_poll_records=conf.broker_max_poll_records,
            max_poll_interval_ms=int(conf.broker_max_poll_interval * 1000),
            max_partition_fetch_bytes=conf.consumer_max_fetch_size,
            request_timeout_ms=int(conf.broker_request_timeout * 1000),
            session_timeout_ms=int(conf.broker_session_timeout * 1000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
        )

    def progress(self, partition: TopicPartition) -> tuple[int | None, int | None]:
        """The position, and the end of what is committed as of the latest fetch.

        Only to be trusted between two fetches. A partition no longer assigned has neither.
        """
        consumer = self._ensure_consumer()
        if partition not in consumer.assignment():
            return None, None
        # The public position() waits for the thread; the number itself is safe to read from here.
        state = consumer._subscription.subscription.assignment.state_value(partition)
        position = state.position if state.has_valid_position else None
        return position, consumer.last_stable_offset(partition)


class BatchConsumer(driver.Consumer):  # type: ignore[misc]
    """Faust's consumer with another fetch loop, start and commit."""

    def _new_consumer_thread(self) -> BatchConsumerThread:
        return BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    @property
    def _lanes(self) -> Lanes:
        lanes: Lanes = self.app.wayline_lanes
        return lanes

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """1 no more batches, 2 lanes finish and owners close, 3 commit, 4 what Faust does."""
        if not self.should_stop:
            self.stop_flow()  # 1
            self.app.flow_control.suspend()
            self.app.flow_control.clear()
            await self.wait_empty()  # 2, 3: the broker takes commits until we join again
        await super().on_partitions_revoked(revoked)  # 4

    async def wait_empty(self) -> None:
        """Faust calls this at its end too. Its own would wait for ever for a failed batch."""
        await self._lanes.release()
        await self.commit()

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Faust calls this at each assignment, just before records flow: the take-over.

        A seek made any earlier is overwritten by Faust.
        """
        held = {TopicPartition(*partition) for partition in self.assignment()}
        starts = await self._lanes.assign(held)
        if starts:
            await self.seek_wait(starts)
        return {TP(*partition): offset for partition, offset in starts.items()}

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterable[TP]:
        return (TP(*partition) for partition in self._lanes.positions())

    def _filter_committable_offsets(self, tps: Iterable[TP]) -> dict[TP, int]:
        """Group offsets serve lag tools only, so they may also go back, as a rewind does."""
        positions = self._lanes.positions()
        known = self._committed_offset
        return {tp: positions[tp] for tp in tps if tp in positions and positions[tp] != known[tp]}

    async def _drain_messages(self, fetcher: Any) -> None:
        """The fetch loop, run by Faust's fetcher as long as partitions are assigned."""
        try:
            while not (self.should_stop or fetcher.should_stop):
                await asyncio.sleep(0)
                await self._fetch()
        except OffsetOutOfRangeError as error:
            self._lanes.fail(Halt(_lost(error)))
        except self.consumer_stopped_errors as error:
            if not self.app.should_stop:
                self._lanes.fail(error)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - without its fetch loop a worker is a zombie
            self._lanes.fail(error)

    async def _fetch(self) -> None:
        """1 waits for flow, 2 seeks where owners want it, 3 fetches, 4 delivers, 5 looks where
        that leaves the consumer. Seeks and looks happen between fetches, so neither can race.
        """
        if not self.flow_active:
            await self.wait(self.can_resume_flow)  # 1
        await self._seek_back()  # 2
        hungry = self._lanes.hungry() & self._assigned()
        if not hungry:
            await self.sleep(FETCH_WAIT_BESIDE_FULL_LANES)
            return
        everything = len(hungry) == len(self._lanes.held())
        wait = FETCH_WAIT if everything else FETCH_WAIT_BESIDE_FULL_LANES
        fetched = await self._getmany(hungry, wait)  # 3
        for partition, records in fetched.items():
            await self._deliver(TopicPartition(*partition), records)  # 4
        for partition in hungry:
            self._look(partition)  # 5

    def _assigned(self) -> set[TopicPartition]:
        return {TopicPartition(*partition) for partition in self.assignment()}

    async def _seek_back(self) -> None:
        for partition, offset in self._lanes.rewound().items():
            lane = self._lanes.lane(partition)
            if lane is not None and self.flow_active:
                await self.seek_wait({partition: offset})
                lane.seek_to = None

    async def _deliver(self, partition: TopicPartition, records: list[ConsumerRecord]) -> None:
        lane = self._lanes.lane(partition)
        for start in range(0, len(records), RECORDS_PER_BATCH):
            if lane is None or lane.closed or lane.seek_to is not None or not self.flow_active:
                return  # given up or rewound meanwhile: read again by whoever goes on
            await self._hand_over(lane, records[start : start + RECORDS_PER_BATCH])

    async def _hand_over(self, lane: Lane, records: list[ConsumerRecord]) -> None:
        batch, last = lane.batch(records), records[-1]
        message = ConsumerMessage(
            last.topic,
            last.partition,
            last.offset,
            last.timestamp / 1000,
            last.timestamp_type,
            None,
            None,
            batch,
            None,
            tp=TP(*lane.partition),
            generation_id=self.app.consumer_generation_id,
        )
        await self.wait_first(self.callback(message), self.suspend_flow.wait())

    def _look(self, partition: TopicPartition) -> None:
        lane = self._lanes.lane(partition)
        if lane is None or lane.seek_to is not None or not self.flow_active:
            return
        position, end = self._thread.progress(partition)
        if position is not None:
            lane.has_read(position)
            self._lanes.saw_end(partition, end)


class BatchConductor(Conductor):  # type: ignore[misc]
    """Passes batches to agents as they are: there is nothing to decode."""

    def _build_handler(self, tp: TP, channels: Any) -> Callable[[Any], Awaitable[None]]:
        acquire, create = self.app.flow_control.acquire, self.app.create_event

        async def on_batch(message: Any) -> None:
            await acquire()
            message.incref(len(channels))
            batch: Batch = message.value
            event = create(None, batch, None, message)
            for channel in list(channels):
                await channel.queue.put(event)

        return on_batch


class BatchTransport(driver.Transport):  # type: ignore[misc]
    """Found by Faust through the entry point `faust.transports`, by the scheme `wayline`."""

    Consumer = BatchConsumer
    Conductor = BatchConductor


def _lost(error: OffsetOutOfRangeError) -> str:
    return (
        f"The log does not hold the offset to read from ({error}): records were deleted before "
        "they were read, or Kafka lost them. Restore what is older than the log, or decide what "
        "to skip with `wayline cursor set`."
    )
