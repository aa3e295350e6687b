"""Creating a workspace on a real Kafka, and finding what is not as it must be."""

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from schemas import inbox
from schemas.inbox import Opened, Tick
from schemas.topics import Topics, TopicSpec
from schemas.touchpoint import Millis
from streams.cursors import fold_name, read_cursors, stitch_name
from streams.kafka import KafkaConnection
from streams.library import Library
from streams.ports import Halt, Outgoing
from streams.publisher import publish_once
from streams.reading import read_to_end
from streams.topics_admin import (
    Creation,
    commands,
    create_workspace,
    differences,
    inbox_topic_id,
    make_topics,
    open_workspace,
)
from streams.workplace import find_workplace
from tests.e2e.world import World


def specs_of(topics: Topics, shards: int = 2) -> list[TopicSpec]:
    return topics.specs(["sms"], shards=shards)


async def create(connection: KafkaConnection, topics: Topics) -> Creation:
    return await create_workspace(connection, topics, specs_of(topics), topics.sources())


async def records_of(connection: KafkaConnection, topic: str) -> list[tuple[int, bytes]]:
    return [(r.partition, r.value) async for r in read_to_end(connection, [topic])]


async def test_a_workspace_is_created_once_and_found_whole(kafka: str, prefix: str) -> None:
    connection, topics = KafkaConnection(kafka), Topics(prefix)

    first = await create(connection, topics)
    second = await create(connection, topics)

    assert first.topics == [spec.name for spec in specs_of(topics)]
    assert first.shards == [0, 1]
    assert len(first.cursors) == 12 + 12 + 2
    assert second == Creation()
    assert await differences(connection, topics, specs_of(topics)) == []


async def test_each_shard_begins_with_the_record_that_opens_it(kafka: str, prefix: str) -> None:
    connection, topics = KafkaConnection(kafka), Topics(prefix)
    await make_topics(connection, specs_of(topics))

    await open_workspace(connection, topics, topics.sources(), clock="event")

    opened = inbox.encode(Opened("event", 1))
    assert sorted(await records_of(connection, topics.inbox)) == [(0, opened), (1, opened)]


async def test_first_cursors_stand_at_the_start_of_the_log(kafka: str, prefix: str) -> None:
    connection, topics = KafkaConnection(kafka), Topics(prefix)

    await create(connection, topics)

    cursors = await read_cursors(connection, topics)
    assert cursors[fold_name(topics, 1)].next == 0
    assert cursors[stitch_name(topics, topics.touchpoints, 11)].next == 0


async def test_a_lost_cursor_is_not_made_up_again(kafka: str, prefix: str) -> None:
    connection, topics = KafkaConnection(kafka), Topics(prefix)
    await create(connection, topics)
    fold, stitch = fold_name(topics, 0), stitch_name(topics, topics.imported, 3)
    lost = [Outgoing(topics.cursors, name.encode(), None) for name in (fold, stitch)]
    await publish_once(connection, topics.named("test"), lost)

    known = {(topics.imported, 3)}
    again = await open_workspace(connection, topics, topics.sources(), known_sources=known)

    assert (again.cursors, again.shards) == ([], [])
    assert [warning.split()[0] for warning in again.warnings] == [stitch, fold]


async def test_a_shard_with_records_is_not_opened_again(kafka: str, prefix: str) -> None:
    connection, topics = KafkaConnection(kafka), Topics(prefix)
    await make_topics(connection, specs_of(topics))
    tick = Outgoing(topics.inbox, None, inbox.encode(Tick(Millis(0))), partition=1)
    await publish_once(connection, topics.named("test"), [tick])

    done = await open_workspace(connection, topics, topics.sources())

    assert done.shards == [0]
    assert len(done.warnings) == 1


async def test_what_is_not_as_it_must_be_is_said_in_sentences(kafka: str, prefix: str) -> None:
    connection, topics = KafkaConnection(kafka), Topics(prefix)
    admin = AdminClient(connection.librdkafka())
    config = {"retention.ms": "1000", "message.timestamp.type": "CreateTime"}
    admin.create_topics([NewTopic(topics.inbox, 3, 1, config=config)])[topics.inbox].result()
    inbox_spec, cursors_spec = (
        next(s for s in specs_of(topics) if s.name == name)
        for name in (topics.inbox, topics.cursors)
    )

    found = await differences(connection, topics, [inbox_spec, cursors_spec])

    assert found == [
        f"{topics.cursors} is missing; `wayline topics create` makes it.",
        f"{topics.inbox} has 3 partitions, should have 2: their number is fixed for the life of "
        "the topic.",
        f"{topics.inbox} has retention.ms=1000, should have retention.ms=2592000000.",
        f"{topics.inbox} has message.timestamp.type=CreateTime, should have "
        "message.timestamp.type=LogAppendTime.",
    ]


async def test_a_topic_made_anew_has_another_id(kafka: str, prefix: str) -> None:
    connection, topics = KafkaConnection(kafka), Topics(prefix)
    admin, spec = AdminClient(connection.librdkafka()), TopicSpec(topics.inbox, 1)
    await make_topics(connection, [spec])

    before = await inbox_topic_id(connection, topics)
    admin.delete_topics([topics.inbox])[topics.inbox].result()
    await make_topics(connection, [spec])

    assert before != await inbox_topic_id(connection, topics) != ""


def test_topics_are_printed_as_lines_for_kafka_s_own_tool() -> None:
    spec = TopicSpec("inbox", 2, {"cleanup.policy": "delete"})

    (line,) = commands([spec], "broker:9092", replication=3)

    assert line == (
        "kafka-topics.sh --bootstrap-server broker:9092 --create --if-not-exists --topic inbox "
        "--partitions 2 --replication-factor 3 --config cleanup.policy=delete "
        "--config min.insync.replicas=2"
    )


async def test_a_worker_names_every_topic_that_is_missing(world: World) -> None:
    connection, topics = world.settings.connection, world.settings.topics
    library = Library(connection, topics)

    with pytest.raises(Halt) as refused:
        await find_workplace(world.settings, connection, world.redis, library)

    assert f"{topics.maps} is missing" in str(refused.value)
    assert f"{topics.inbox} is missing" in str(refused.value)


async def test_a_worker_takes_a_workspace_of_any_number_of_shards(world: World) -> None:
    connection, topics = world.settings.connection, world.settings.topics
    await create(connection, topics)

    place = await find_workplace(
        world.settings, connection, world.redis, Library(connection, topics)
    )

    assert place.shards == 2
