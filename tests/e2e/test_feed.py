"""Faust as the feed, on a real Kafka, with workers that join, stop, are killed and fall back."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from itertools import count, groupby
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from confluent_kafka.admin import AdminClient

from schemas.topics import TopicSpec
from streams.kafka import KafkaConnection
from streams.topics_admin import make_topics
from tests.kafka_broker import KafkaBroker

PARTITIONS = 4


class Field:
    """A topic, a group of workers, and what they wrote down."""

    def __init__(self, bootstrap: str, name: str, folder: Path) -> None:
        self.bootstrap, self.name, self.folder = bootstrap, name, folder
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self.sent: list[list[tuple[int, str]]] = [[] for _ in range(PARTITIONS)]
        self._numbers = count()

    async def make(self) -> None:
        await make_topics(KafkaConnection(self.bootstrap), [TopicSpec(self.name, PARTITIONS)])

    def start(self, worker: str, *options: str) -> None:
        command = [sys.executable, "-m", "tests.e2e.feed_app", *options]
        given = [self.bootstrap, self.name, self.name, str(self.folder), worker]
        with (self.folder / f"{worker}.out").open("wb") as out:
            self.workers[worker] = subprocess.Popen([*command, *given], stdout=out, stderr=out)

    async def ended(self, worker: str, how: signal.Signals | None = None) -> int:
        if how is not None:
            self.workers[worker].send_signal(how)
        return await asyncio.to_thread(self.workers[worker].wait, 30)

    async def send(self, number: int, transactional_id: str | None = None) -> None:
        async with self._producer(transactional_id) as producer:
            if transactional_id is None:
                await self._send(producer, number)
            else:
                async with producer.transaction():
                    await self._send(producer, number)

    async def send_value(self, partition: int, value: str) -> None:
        async with self._producer(None) as producer:
            sent = await producer.send_and_wait(self.name, value.encode(), partition=partition)
            self.sent[partition].append((sent.offset, value))

    async def send_aborted(self, transactional_id: str) -> None:
        async with self._producer(transactional_id) as producer:
            await producer.begin_transaction()
            for partition in range(PARTITIONS):
                await producer.send_and_wait(self.name, b"aborted", partition=partition)
            await producer.abort_transaction()

    def written(self, partition: int) -> list[tuple[int, str, str]]:
        """Offset, value and worker of every line."""
        file = self.folder / f"{partition}.log"
        lines = file.read_text().splitlines() if file.exists() else []
        return [(int(offset), value, worker) for offset, value, worker in map(str.split, lines)]

    def is_written(self) -> bool:
        return all(len(self.written(p)) >= len(self.sent[p]) for p in range(PARTITIONS))

    def status(self, worker: str) -> dict[str, list[int | bool]]:
        """By partition held: the offset passed, and whether that is the end."""
        file = self.folder / f"{worker}.status"
        return json.loads(file.read_text()) if file.exists() else {}

    def check(self) -> None:
        """Nothing lost, nothing twice, order kept."""
        for partition in range(PARTITIONS):
            assert [line[:2] for line in self.written(partition)] == self.sent[partition]

    async def committed(self, partition: int) -> int | None:
        async with AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap, group_id=self.name, enable_auto_commit=False
        ) as consumer:
            offset: int | None = await consumer.committed(TopicPartition(self.name, partition))
            return offset

    async def members(self) -> int:
        admin = AdminClient(KafkaConnection(self.bootstrap).librdkafka())
        future = admin.describe_consumer_groups([self.name])[self.name]
        return len((await asyncio.to_thread(future.result)).members)

    async def until(self, true: Callable[[], bool], seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, self.told()
            await asyncio.sleep(0.02)

    def told(self) -> str:
        return "\n".join(file.read_text()[-3000:] for file in self.folder.glob("*.out"))

    def _producer(self, transactional_id: str | None) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            bootstrap_servers=self.bootstrap, acks="all", transactional_id=transactional_id
        )

    async def _send(self, producer: AIOKafkaProducer, number: int) -> None:
        places = [next(self._numbers) for _ in range(number)]
        futures = [
            await producer.send(self.name, b"%d" % n, partition=n % PARTITIONS) for n in places
        ]
        for n, sent in zip(places, await asyncio.gather(*futures), strict=True):
            self.sent[n % PARTITIONS].append((sent.offset, str(n)))


@pytest.fixture
async def field(kafka: str, prefix: str, tmp_path: Path) -> AsyncIterator[Field]:
    with _ended_workers(Field(kafka, prefix, tmp_path)) as field:
        await field.make()
        yield field


async def test_joins_stops_and_kills_lose_nothing_and_keep_the_order(field: Field) -> None:
    field.start("a")
    await field.until(lambda: len(field.status("a")) == PARTITIONS)
    load = asyncio.create_task(_load(field, 25))
    field.start("b")
    await field.until(lambda: len(field.status("b")) == 2)
    field.start("c")
    await field.until(lambda: bool(field.status("c")))

    stopped = await field.ended("a", signal.SIGTERM)
    await field.until(lambda: len(field.status("b")) + len(field.status("c")) == PARTITIONS)
    await field.ended("b", signal.SIGKILL)
    await load
    await field.until(field.is_written)

    assert stopped == 0, field.told()
    field.check()
    for partition in range(PARTITIONS):
        owners = [worker for worker, _ in groupby(line[2] for line in field.written(partition))]
        assert len(owners) <= 6, "a partition went to and fro: two owners at once"


async def test_a_stop_leaves_the_group_with_all_that_was_done_committed(field: Field) -> None:
    field.start("a")
    await field.until(lambda: len(field.status("a")) == PARTITIONS)
    await field.send(400)
    await field.until(field.is_written)

    assert await field.ended("a", signal.SIGINT) == 0, field.told()

    assert await field.members() == 0
    assert [await field.committed(p) for p in range(PARTITIONS)] == [100] * PARTITIONS
    assert len(list(field.folder.glob("*.closed"))) == PARTITIONS


async def test_only_committed_records_arrive_and_markers_are_passed(field: Field) -> None:
    await field.send(20, "one")
    await field.send_aborted("two")
    await field.send(20, "one")
    await field.send_aborted("two")

    field.start("a")
    # 5 records and a marker, an aborted one and its marker, and the same once more
    passed = {str(p): [16, True] for p in range(PARTITIONS)}
    await field.until(lambda: field.status("a") == passed)

    field.check()


async def test_a_store_that_falls_back_is_folded_again(field: Field) -> None:
    field.start("a")
    await field.send(200)
    await field.until(field.is_written)
    await field.send_value(2, "fall-back")
    await field.send(200)
    await field.until(field.is_written)
    await field.until(lambda: field.status("a").get("1") == [100, True])

    kept = (field.folder / "1.log").read_text().splitlines(keepends=True)[:40]
    fresh = field.folder / "1.fresh"
    fresh.write_text("".join(kept))
    fresh.replace(field.folder / "1.log")
    await field.until(field.is_written)

    field.check()
    assert (field.folder / "2.fell").exists()


async def test_a_failing_owner_ends_the_worker_and_nothing_behind_it_is_done(field: Field) -> None:
    field.start("a")
    await field.until(lambda: len(field.status("a")) == PARTITIONS)
    await field.send(40)
    await field.until(field.is_written)

    await field.send_value(3, "poison")
    await field.send(40)
    code = await field.ended("a")

    assert code == 1
    assert "RuntimeError: poison" in field.told()
    assert await field.committed(3) == 10
    assert len(field.written(3)) == 10


async def test_a_take_over_that_fails_ends_the_worker(field: Field) -> None:
    (field.folder / "2.log").write_text("no offset here\n")

    field.start("a")
    code = await field.ended("a")

    assert code == 1
    assert "ValueError" in field.told()
    assert await field.members() == 0


async def test_a_worker_without_a_broker_ends_and_says_so(tmp_path: Path) -> None:
    with _ended_workers(Field("127.0.0.1:1", "nowhere", tmp_path)) as field:
        field.start("a")
        code = await field.ended("a")

        assert code == 1
        assert "KafkaConnectionError" in field.told()


@pytest.mark.parametrize(
    ("fault", "said"),
    [("hang", "nothing was finished for 3 s"), ("block", "event loop has not turned for")],
)
async def test_a_worker_that_does_nothing_is_ended(field: Field, fault: str, said: str) -> None:
    field.start("a", "--stall", "3")
    await field.until(lambda: len(field.status("a")) == PARTITIONS)

    await field.send_value(0, fault)
    code = await field.ended("a")

    assert code == 70
    assert said in field.told()


async def test_a_worker_outlives_a_kill_of_the_broker(
    mortal_kafka: KafkaBroker, tmp_path: Path
) -> None:
    with _ended_workers(Field(mortal_kafka.bootstrap, "outage", tmp_path)) as field:
        await field.make()
        field.start("a")
        await field.send(100)
        await field.until(field.is_written)

        mortal_kafka.kill()
        mortal_kafka.start()
        await field.send(100)
        await field.until(field.is_written)
        code = await field.ended("a", signal.SIGTERM)

        assert code == 0, field.told()
        field.check()


async def _load(field: Field, rounds: int) -> None:
    async with field._producer(None) as producer:
        for _ in range(rounds):
            await field._send(producer, 200)
            await asyncio.sleep(0.2)


@contextmanager
def _ended_workers(field: Field) -> Iterator[Field]:
    try:
        yield field
    finally:
        for worker in field.workers.values():
            worker.kill()
            worker.wait(10)
