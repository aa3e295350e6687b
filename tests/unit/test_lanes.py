"""Lanes: order, batches, rewinds, failures; with owners of our own and no broker."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from aiokafka import ConsumerRecord, TopicPartition

from streams.feed import Owner, Rewind
from streams.feed.lanes import RECORDS_PER_BATCH, WAITING_BYTES, WAITING_RECORDS, Lane, Lanes

HERE = TopicPartition("inbox", 0)


class Recorder:
    """Notes the offsets it is given. Waits at `gate` within `handle`; raises what is in `faults`,
    once, at a batch with that offset.
    """

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate, self.entered = asyncio.Event(), asyncio.Event()
        self.gate.set()
        self.faults: dict[int, Exception] = {}
        self.idled, self.closed = asyncio.Event(), False

    async def handle(self, records: Sequence[ConsumerRecord]) -> None:
        offsets = [record.offset for record in records]
        self.entered.set()
        await self.gate.wait()
        for offset in offsets:
            if offset in self.faults:
                raise self.faults.pop(offset)
        self.batches.append(offsets)

    async def idle(self) -> None:
        self.idled.set()

    async def close(self) -> None:
        self.closed = True


def records(*offsets: int, value: bytes = b"v") -> list[ConsumerRecord]:
    return [ConsumerRecord("inbox", 0, o, 0, 0, None, value, None, 0, 1, ()) for o in offsets]


async def begun(owner: Owner, start: int = 0) -> tuple[Lanes, Lane]:
    async def take_over(
        partitions: set[TopicPartition],
    ) -> Mapping[TopicPartition, tuple[Owner, int]]:
        return dict.fromkeys(partitions, (owner, start))

    lanes = Lanes(take_over)
    await lanes.assign({HERE})
    lane = lanes.lane(HERE)
    assert lane is not None
    return lanes, lane


async def settle() -> None:
    """Lets every task run as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_what_waits_is_handled_together_in_order_up_to_the_limit() -> None:
    owner = Recorder()
    lanes, lane = await begun(owner)
    owner.gate.clear()

    for start in range(0, 1500, 300):
        lane.accept(lane.batch(records(*range(start, start + 300))))
        await settle()
    owner.gate.set()
    await settle()
    await lanes.release()

    assert [len(batch) for batch in owner.batches] == [300, 900, 300]
    assert [offset for batch in owner.batches for offset in batch] == list(range(1500))
    assert all(len(batch) <= RECORDS_PER_BATCH for batch in owner.batches)


async def test_a_batch_fetched_before_a_rewind_is_forgotten() -> None:
    owner = Recorder()
    lanes, lane = await begun(owner)
    owner.faults[5] = Rewind(3)
    on_its_way = [lane.batch(records(5)), lane.batch(records(6))]

    lane.accept(on_its_way[0])
    await settle()
    lane.accept(on_its_way[1])
    await settle()
    wanted = lanes.rewound()
    lane.seek_to = None
    lane.accept(lane.batch(records(3, 4, 5, 6)))
    await settle()
    await lanes.release()

    assert wanted == {HERE: 3}
    assert owner.batches == [[3, 4, 5, 6]]


async def test_markers_are_passed_only_when_no_record_is_in_hand() -> None:
    owner = Recorder()
    lanes, lane = await begun(owner)
    owner.gate.clear()
    lane.accept(lane.batch(records(0, 1)))
    lane.has_read(4)  # two transaction markers behind the records
    lanes.saw_end(HERE, 4)
    await settle()

    in_hand = lanes.passed(HERE), lanes.at_end(HERE)
    owner.gate.set()
    await settle()
    done = lanes.passed(HERE), lanes.at_end(HERE)
    await lanes.release()

    assert in_hand == (0, False)
    assert done == (4, True)
    assert lanes.passed(HERE) is None
    assert lanes.positions() == {HERE: 4}


@pytest.mark.parametrize(
    "much",
    [
        records(*range(WAITING_RECORDS)),
        records(0, value=b"x" * WAITING_BYTES),
    ],
    ids=["records", "bytes"],
)
async def test_a_lane_with_much_waiting_is_not_hungry(much: list[ConsumerRecord]) -> None:
    owner = Recorder()
    lanes, lane = await begun(owner)
    owner.gate.clear()

    before = lanes.hungry()
    for start in range(0, len(much), RECORDS_PER_BATCH):
        lane.accept(lane.batch(much[start : start + RECORDS_PER_BATCH]))
    full = lanes.hungry()
    owner.gate.set()
    await settle()
    after = lanes.hungry()
    await lanes.release()

    assert (before, full, after) == ({HERE}, set(), {HERE})


async def test_release_waits_for_the_batch_in_hand_and_drops_the_rest() -> None:
    owner = Recorder()
    lanes, lane = await begun(owner)
    owner.gate.clear()
    lane.accept(lane.batch(records(0)))
    await owner.entered.wait()
    lane.accept(lane.batch(records(1)))

    releasing = asyncio.create_task(lanes.release())
    await settle()
    waited = not releasing.done() and not owner.closed
    owner.gate.set()
    await releasing

    assert waited
    assert owner.closed
    assert owner.batches == [[0]]
    assert lanes.positions() == {HERE: 1}


async def test_a_failure_stops_every_lane_and_counts_nothing_of_its_batch() -> None:
    owner = Recorder()
    lanes, lane = await begun(owner, start=7)
    owner.faults[8] = RuntimeError("poison")

    lane.accept(lane.batch(records(7, 8, 9)))
    lane.accept(lane.batch(records(10)))
    await settle()
    await lanes.release()

    assert repr(lanes.failure.exception()) == "RuntimeError('poison')"
    assert lanes.positions() == {HERE: 7}
    assert owner.batches == []


async def test_a_take_over_is_not_cut_off_by_the_rebalance_that_overtakes_it() -> None:
    owner, taken = Recorder(), asyncio.Event()

    async def take_over(
        partitions: set[TopicPartition],
    ) -> Mapping[TopicPartition, tuple[Owner, int]]:
        await taken.wait()
        return dict.fromkeys(partitions, (owner, 0))

    lanes = Lanes(take_over)
    assigning = asyncio.create_task(lanes.assign({HERE}))
    await settle()
    assigning.cancel()  # as Faust does when the next rebalance begins
    releasing = asyncio.create_task(lanes.release())
    await settle()
    waited = not releasing.done()
    taken.set()
    await releasing

    assert waited
    assert owner.closed
    assert lanes.held() == []


async def test_a_failed_take_over_is_the_worker_s_failure() -> None:
    async def take_over(
        partitions: set[TopicPartition],
    ) -> Mapping[TopicPartition, tuple[Owner, int]]:
        raise RuntimeError("no cursor")

    lanes = Lanes(take_over)

    with pytest.raises(RuntimeError, match="no cursor"):
        await lanes.assign({HERE})

    assert repr(lanes.failure.exception()) == "RuntimeError('no cursor')"


async def test_an_owner_is_asked_in_idle_times() -> None:
    owner = Recorder()
    lanes, _ = await begun(owner)

    await asyncio.wait_for(owner.idled.wait(), 5)
    await lanes.release()

    assert owner.batches == []


async def test_a_full_lane_is_hungry_again_after_a_rewind() -> None:
    owner = Recorder()
    lanes, lane = await begun(owner)
    owner.faults[0] = Rewind(0)

    for start in range(0, WAITING_RECORDS, RECORDS_PER_BATCH):
        lane.accept(lane.batch(records(*range(start, start + RECORDS_PER_BATCH))))
    await settle()
    hungry = lanes.hungry()
    await lanes.release()

    assert hungry == {HERE}
    assert owner.batches == []
