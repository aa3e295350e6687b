"""Creating a workspace in Kafka, and finding what is not as it must be.

Two steps: the topics, then what must stand in them before the first worker starts: the first
cursors and the first record of each shard. A broker without an admin protocol needs the second
step alone.
"""

import asyncio
import shlex
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, TopicPartition
from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic

from journeys.engine.effects import FOLD_VERSION
from schemas import inbox
from schemas.inbox import Opened
from schemas.topics import Topics, TopicSpec

from .cursors import cursor_record, fold_name, read_cursors, stitch_name
from .kafka import KafkaConnection
from .ports import Cursor, Halt, Outgoing
from .publisher import publish_once
from .reading import high_watermarks

CREATE = "create"
"""The transactional id of creation, before the prefix: two at once fence each other."""

WAIT = 30.0
"""Seconds the admin client keeps trying; a young cluster has no controller for a while."""


@dataclass(frozen=True, slots=True)
class Creation:
    """What a creation did, and in sentences what it left alone for somebody to decide."""

    topics: list[str] = field(default_factory=list)
    cursors: list[str] = field(default_factory=list)
    shards: list[int] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


async def create_workspace(
    connection: KafkaConnection,
    topics: Topics,
    specs: Sequence[TopicSpec],
    sources: Sequence[str],
    clock: str = "wall",
    replication: int = 1,
    known_sources: Collection[tuple[str, int]] = (),
) -> Creation:
    """Makes what is missing of topics, cursors and first records; a second run changes nothing.

    `specs` come from `topics.specs`, `sources` from `topics.sources`. `known_sources` are those
    Redis has progress of: they have been read, so without a cursor they are left alone.
    Raises Halt where Kafka refuses a topic.
    """
    made = await make_topics(connection, specs, replication)
    opened = await open_workspace(connection, topics, sources, clock, known_sources)
    return Creation(made, opened.cursors, opened.shards, opened.warnings)


async def make_topics(
    connection: KafkaConnection, specs: Sequence[TopicSpec], replication: int = 1
) -> list[str]:
    """The names of the topics that were made; those that exist are left as they are."""
    return await asyncio.to_thread(_make_topics, connection, specs, replication)


async def open_workspace(
    connection: KafkaConnection,
    topics: Topics,
    sources: Sequence[str],
    clock: str = "wall",
    known_sources: Collection[tuple[str, int]] = (),
) -> Creation:
    """First cursors and first records, in one transaction.

    A source without a cursor begins at the start of its log. A shard gets its cursor and its
    `Opened` only while it is empty: one with records and no cursor has lost it.
    """
    cursors = await read_cursors(connection, topics)
    starts = await _log_starts(connection, [*sources, topics.inbox])
    records: list[Outgoing] = []
    done = Creation()
    _first_source_cursors(topics, starts, cursors, known_sources, (records, done))
    empty = await _empty_shards(connection, topics)
    _first_shard_records(topics, starts, cursors, empty, clock, (records, done))
    if records:
        await publish_once(connection, topics.named(CREATE), records)
    return done


async def missing(connection: KafkaConnection, specs: Sequence[TopicSpec]) -> list[str]:
    """Which of these topics are not there, in sentences."""
    return await asyncio.to_thread(_missing, connection, specs)


async def differences(
    connection: KafkaConnection, topics: Topics, specs: Sequence[TopicSpec]
) -> list[str]:
    """What is not as it must be, in sentences; none if all is well.

    A longer retention is as good. The number of partitions matters for the inbox alone, and the
    settings of sources are their owners' business.
    """
    return await asyncio.to_thread(_differences, connection, topics, specs)


async def inbox_topic_id(connection: KafkaConnection, topics: Topics) -> str:
    """The id Kafka gave the inbox when it was made; another one means another log.

    Raises Halt where there is no inbox. Empty where the broker knows no topic ids.
    """
    if connection.embedded:
        return ""
    return await asyncio.to_thread(_topic_id, connection, topics.inbox)


def commands(
    specs: Iterable[TopicSpec], bootstrap: str = "localhost:9092", replication: int = 1
) -> list[str]:
    """The same topics as lines for kafka-topics.sh, for clusters where others may create."""
    lines = []
    for spec in specs:
        words = ["kafka-topics.sh", "--bootstrap-server", bootstrap, "--create", "--if-not-exists"]
        words += ["--topic", spec.name, "--partitions", str(spec.partitions)]
        words += ["--replication-factor", str(replication)]
        for key, value in _config(spec, replication).items():
            words += ["--config", f"{key}={value}"]
        lines.append(shlex.join(words))
    return lines


def _config(spec: TopicSpec, replication: int) -> dict[str, str]:
    """Acknowledged by all means by two at least, where there are three."""
    return spec.config | ({"min.insync.replicas": "2"} if replication >= 3 else {})


def _make_topics(
    connection: KafkaConnection, specs: Sequence[TopicSpec], replication: int
) -> list[str]:
    wanted = [
        NewTopic(s.name, s.partitions, replication, config=_config(s, replication)) for s in specs
    ]
    admin, made = _admin(connection), []  # its futures fail when it is collected
    for name, future in admin.create_topics(wanted, operation_timeout=WAIT).items():
        try:
            future.result(timeout=2 * WAIT)
            made.append(name)
        except KafkaException as refused:
            error = refused.args[0]
            if error.code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise Halt(f"Kafka did not make the topic {name}: {error.str()}") from refused
    _await_leaders(admin, {spec.name for spec in specs})
    return made


def _await_leaders(admin: AdminClient, names: Collection[str]) -> None:
    """A topic just made is unknown to the brokers for some moments."""
    give_up = time.monotonic() + WAIT
    while not _led(admin, names):
        if time.monotonic() > give_up:
            raise Halt("The topics were made, but not all partitions have a leader.")
        time.sleep(0.05)


def _led(admin: AdminClient, names: Collection[str]) -> bool:
    there = admin.list_topics(timeout=WAIT).topics
    return all(
        name in there and all(p.leader >= 0 for p in there[name].partitions.values())
        for name in names
    )


def _differences(
    connection: KafkaConnection, topics: Topics, specs: Sequence[TopicSpec]
) -> list[str]:
    admin = _admin(connection)
    found, there = _missing(connection, specs), admin.list_topics(timeout=WAIT).topics
    specs = [spec for spec in specs if spec.name in there]
    if connection.embedded:
        return found
    actual = _configs(admin, [spec.name for spec in specs])
    for spec in specs:
        partitions = len(there[spec.name].partitions)
        if spec.name == topics.inbox and partitions != spec.partitions:
            found.append(
                f"{spec.name} has {partitions} partitions, should have {spec.partitions}: their "
                "number is fixed for the life of the topic."
            )
        if not _is_source(spec, specs):
            found += _config_differences(spec, actual[spec.name])
    return found


def _missing(connection: KafkaConnection, specs: Sequence[TopicSpec]) -> list[str]:
    there = _admin(connection).list_topics(timeout=WAIT).topics
    return [
        f"{spec.name} is missing; `wayline topics create` makes it."
        for spec in specs
        if spec.name not in there
    ]


def _is_source(spec: TopicSpec, specs: Sequence[TopicSpec]) -> bool:
    return any(other.name == f"{spec.name}.dlq" for other in specs)


def _config_differences(spec: TopicSpec, actual: dict[str, str]) -> list[str]:
    found = []
    for key, wanted in spec.config.items():
        value = actual.get(key, "")
        if value != wanted and not (key == "retention.ms" and _kept_longer(value, wanted)):
            found.append(f"{spec.name} has {key}={value}, should have {key}={wanted}.")
    return found


def _kept_longer(value: str, wanted: str) -> bool:
    return value == "-1" or (value.isdigit() and int(value) >= int(wanted))


def _configs(admin: AdminClient, names: Sequence[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    asked = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in names]
    answers = admin.describe_configs(asked, request_timeout=WAIT)
    return {
        resource.name: {key: entry.value for key, entry in future.result().items()}
        for resource, future in answers.items()
    }


def _topic_id(connection: KafkaConnection, name: str) -> str:
    admin = _admin(connection)
    futures = admin.describe_topics(TopicCollection([name]), request_timeout=WAIT)
    try:
        described = futures[name].result(timeout=2 * WAIT)
    except KafkaException as error:
        raise Halt(f"{name} cannot be described ({error.args[0].str()}).") from error
    topic_id = described.topic_id
    return "" if topic_id is None else str(topic_id)


def _admin(connection: KafkaConnection) -> AdminClient:
    return AdminClient(connection.librdkafka())


Work = tuple[list[Outgoing], Creation]


def _first_source_cursors(
    topics: Topics,
    starts: dict[TopicPartition, int],
    cursors: Collection[str],
    known: Collection[tuple[str, int]],
    work: Work,
) -> None:
    records, done = work
    for partition, start in starts.items():
        name = stitch_name(topics, *partition)
        if partition.topic == topics.inbox or name in cursors:
            continue
        if tuple(partition) in known:
            done.warnings.append(
                f"{name} has no cursor although it has been read. Find the position and run "
                f"`wayline cursor set {name} <next offset>`."
            )
            continue
        records.append(cursor_record(topics, name, Cursor(start)))
        done.cursors.append(name)


def _first_shard_records(
    topics: Topics,
    starts: dict[TopicPartition, int],
    cursors: Collection[str],
    empty: Collection[int],
    clock: str,
    work: Work,
) -> None:
    records, done = work
    opened = inbox.encode(Opened(clock, FOLD_VERSION))
    for partition in (p for p in starts if p.topic == topics.inbox):
        shard, name = partition.partition, fold_name(topics, partition.partition)
        if shard in empty:
            records.append(Outgoing(topics.inbox, None, opened, partition=shard))
            done.shards.append(shard)
            if name not in cursors:
                records.append(cursor_record(topics, name, Cursor(starts[partition])))
                done.cursors.append(name)
        elif name not in cursors:
            done.warnings.append(
                f"{name} has no cursor although its shard holds records. Find the position and "
                f"run `wayline cursor set {name} <next offset>`."
            )


async def _log_starts(
    connection: KafkaConnection, names: Sequence[str]
) -> dict[TopicPartition, int]:
    consumer = AIOKafkaConsumer(*names, **connection.client(), enable_auto_commit=False)
    await consumer.start()
    try:
        starts = await consumer.beginning_offsets(list(consumer.assignment()))
        return dict(sorted(starts.items()))
    finally:
        await consumer.stop()


async def _empty_shards(connection: KafkaConnection, topics: Topics) -> set[int]:
    """Shards without a committed record; an aborted creation leaves only markers."""
    ends = await high_watermarks(connection, [topics.inbox])
    consumer = AIOKafkaConsumer(
        topics.inbox,
        **connection.client(),
        isolation_level="read_committed",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        starts = await consumer.beginning_offsets(list(ends))
        for partition, start in starts.items():
            consumer.seek(partition, start)
        filled: set[TopicPartition] = set()
        left = {p for p in ends if starts[p] < ends[p]}
        while left:
            filled |= set(await consumer.getmany(*left, timeout_ms=200))
            left = {p for p in left - filled if await consumer.position(p) < ends[p]}
        return {p.partition for p in set(ends) - filled}
    finally:
        await consumer.stop()
