"""Publishing with a position on a real Kafka: fences, kills, refusals, missing cursors."""

import asyncio
import signal
import sys

import pytest
from aiokafka.partitioner import DefaultPartitioner

from schemas.topics import Topics, TopicSpec
from streams.cursors import read_cursors
from streams.kafka import KafkaConnection
from streams.ports import Cursor, Fenced, Halt, Outgoing, Publisher, Publishers
from streams.publisher import (
    AtLeastOnce,
    ExactlyOnce,
    RecordRefused,
    fence_all,
    publish_once,
    set_cursor,
)
from streams.reading import read_to_end
from streams.topics_admin import make_topics

ABANDON = """
import asyncio, sys
from aiokafka import AIOKafkaProducer

async def main(bootstrap, name, topic):
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, transactional_id=name, transaction_timeout_ms=60_000
    )
    await producer.start()
    await producer.begin_transaction()
    await producer.send_and_wait(topic, b"abandoned", key=b"k")
    print("open", flush=True)
    await asyncio.sleep(600)

asyncio.run(main(*sys.argv[1:]))
"""


class Place:
    """Two topics and the cursors, with a cursor for `one`."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self.connection, self.topics = KafkaConnection(bootstrap), Topics(prefix)
        self.out, self.name = f"{prefix}.out", f"{prefix}.one"

    async def make(self) -> None:
        compacted = {"cleanup.policy": "compact"}
        specs = [TopicSpec(self.out, 4), TopicSpec(self.topics.cursors, 3, compacted)]
        await make_topics(self.connection, specs)
        await set_cursor(self.connection, self.topics, self.name, 7)

    async def take_over(self, publishers: Publishers) -> tuple[Publisher, int]:
        publisher = (await publishers.take_over([self.name]))[self.name]
        return publisher, publisher.cursor.next

    async def published(self) -> list[bytes]:
        return sorted([r.value async for r in read_to_end(self.connection, [self.out])])

    async def cursor(self) -> int:
        return (await read_cursors(self.connection, self.topics))[self.name].next

    def record(self, value: str) -> Outgoing:
        return Outgoing(self.out, value.encode(), value.encode(), [("shard", b"3")])


@pytest.fixture
async def place(kafka: str, prefix: str) -> Place:
    place = Place(kafka, prefix)
    await place.make()
    return place


@pytest.fixture(params=[ExactlyOnce, AtLeastOnce])
def publishers(request: pytest.FixtureRequest, place: Place) -> ExactlyOnce | AtLeastOnce:
    made: ExactlyOnce | AtLeastOnce = request.param(place.connection, place.topics)
    return made


async def test_records_and_position_are_published_together(
    place: Place, publishers: ExactlyOnce | AtLeastOnce
) -> None:
    publisher, start = await place.take_over(publishers)

    await publisher.publish([place.record("a"), place.record("b")], 9)
    await publisher.close()
    await publishers.close()

    assert start == 7
    assert await place.published() == [b"a", b"b"]
    assert await place.cursor() == 9


async def test_many_records_keep_their_order_within_a_partition(
    place: Place, publishers: ExactlyOnce | AtLeastOnce
) -> None:
    publisher, _ = await place.take_over(publishers)
    large = [Outgoing(place.out, b"k", b"%06d" % i + b"x" * 500) for i in range(3000)]

    await publisher.publish(large, 8)
    await publisher.close()
    await publishers.close()

    read = [r.value async for r in read_to_end(place.connection, [place.out])]
    assert read == [record.value for record in large]


async def test_keys_lead_to_the_partitions_of_kafka_s_default_partitioner(place: Place) -> None:
    publisher, _ = await place.take_over(ExactlyOnce(place.connection, place.topics))

    await publisher.publish([place.record(f"key-{i}") for i in range(50)], 8)
    await publisher.close()

    partitions = list(range(4))
    async for record in read_to_end(place.connection, [place.out]):
        assert record.partition == DefaultPartitioner()(record.key, partitions, partitions)


async def test_a_predecessor_is_fenced_and_its_records_never_show(place: Place) -> None:
    publishers = ExactlyOnce(place.connection, place.topics)
    old, _ = await place.take_over(publishers)
    await old.publish([place.record("old")], 8)

    new, start = await place.take_over(publishers)
    with pytest.raises(Fenced):
        await old.publish([place.record("zombie")], 9)
    await new.publish([place.record("new")], 10)
    await asyncio.gather(old.close(), new.close())

    assert start == 8
    assert await place.published() == [b"new", b"old"]
    assert await place.cursor() == 10


async def test_a_fenced_publisher_stays_useless(place: Place) -> None:
    publisher, _ = await place.take_over(ExactlyOnce(place.connection, place.topics))
    await fence_all(place.connection, [place.name])

    for _ in range(2):
        with pytest.raises(Fenced):
            await publisher.publish([place.record("zombie")], 9)
    await publisher.close()

    assert await place.published() == []
    assert await place.cursor() == 7


async def test_a_kill_within_a_transaction_leaves_nothing_and_blocks_nobody(place: Place) -> None:
    bootstrap = place.connection.bootstrap
    abandoning = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ABANDON, bootstrap, place.name, place.out, stdout=-1
    )
    assert abandoning.stdout is not None
    assert await abandoning.stdout.readline() == b"open\n"
    abandoning.send_signal(signal.SIGKILL)
    await abandoning.communicate()

    # Its transaction would stay open for a minute and more: the fence settles it at once.
    async with asyncio.timeout(20):
        publisher, start = await place.take_over(ExactlyOnce(place.connection, place.topics))
        await publisher.publish([place.record("after")], 8)
        await publisher.close()
        published = await place.published()

    assert start == 7
    assert published == [b"after"]


async def test_a_refused_record_takes_its_whole_transaction_along(place: Place) -> None:
    limit = {"max.message.bytes": "2000"}
    small = f"{place.out}.small"
    await make_topics(place.connection, [TopicSpec(small, 1, limit)])
    publisher, _ = await place.take_over(ExactlyOnce(place.connection, place.topics))
    refused = Outgoing(small, b"too-large", b"x" * 5000)

    with pytest.raises(RecordRefused, match=rf"{small} \(key too-large\) was refused"):
        await publisher.publish([place.record("a"), refused, place.record("b")], 8)
    await publisher.close()

    assert await place.published() == []
    assert await place.cursor() == 7


async def test_a_record_without_a_key_is_refused_by_a_compacted_topic(place: Place) -> None:
    keyless = Outgoing(place.topics.cursors, None, b"{}", partition=0)

    with pytest.raises(RecordRefused, match="no key"):
        await publish_once(place.connection, place.topics.named("test"), [keyless])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"value": b"x" * 1_100_000}, "1,100,0.. bytes"),
        ({"partition": 4}, "partition 4, and .* has 4"),
    ],
)
async def test_a_record_that_can_never_go_is_named(
    place: Place, publishers: ExactlyOnce | AtLeastOnce, change: dict[str, object], words: str
) -> None:
    publisher, _ = await place.take_over(publishers)
    record = Outgoing(**{"topic": place.out, "key": b"who", "value": b"v", **change})  # type: ignore[arg-type]

    with pytest.raises(RecordRefused, match=rf"key who\).*{words}"):
        await publisher.publish([place.record("a"), record], 8)
    await publisher.close()
    await publishers.close()

    assert await place.published() == []


async def test_a_missing_cursor_halts_and_names_the_way_out(
    place: Place, publishers: ExactlyOnce | AtLeastOnce
) -> None:
    name = place.topics.named("fold-3")

    with pytest.raises(Halt, match=f"wayline cursor set {name}"):
        await publishers.take_over([place.name, name])


async def test_a_cursor_of_a_newer_wayline_halts(
    place: Place, publishers: ExactlyOnce | AtLeastOnce
) -> None:
    newer = Outgoing(place.topics.cursors, place.name.encode(), b'{"next":9,"fold_version":99}')
    await publish_once(place.connection, place.topics.named("test"), [newer])

    with pytest.raises(Halt, match="newer Wayline"):
        await place.take_over(publishers)


async def test_a_cursor_tells_the_last_output_of_its_transaction(place: Place) -> None:
    publisher, _ = await place.take_over(ExactlyOnce(place.connection, place.topics))

    await publisher.publish([place.record("a")], 8)
    first = (await read_cursors(place.connection, place.topics))[place.name]
    await publisher.publish([], 9)
    await publisher.close()

    second = (await read_cursors(place.connection, place.topics))[place.name]
    assert len(first.last) == 16
    assert second == Cursor(9)


async def test_a_mark_stands_beside_the_cursor_and_never_falls(
    place: Place, publishers: ExactlyOnce | AtLeastOnce
) -> None:
    first, _ = await place.take_over(publishers)
    await first.publish([place.record("a")], 8, 1_000)
    await first.publish([place.record("b")], 9)
    await first.close()

    second, cursor = await place.take_over(publishers)
    await second.close()
    await publishers.close()

    assert (cursor, second.cursor.mark) == (9, 1_000)


async def test_a_reader_of_cursors_waits_behind_an_open_transaction(place: Place) -> None:
    other, _ = await place.take_over(ExactlyOnce(place.connection, place.topics))
    bootstrap, cursors = place.connection.bootstrap, place.topics.cursors
    hanging = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ABANDON, bootstrap, f"{place.name}-x", cursors, stdout=-1
    )
    assert hanging.stdout is not None
    await hanging.stdout.readline()
    await other.publish([], 8)

    reading = asyncio.create_task(read_cursors(place.connection, place.topics))
    done, _ = await asyncio.wait({reading}, timeout=1)
    hanging.kill()
    await hanging.communicate()
    await fence_all(place.connection, [f"{place.name}-x"])

    assert not done
    assert (await reading)[place.name].next == 8
    await other.close()
