"""What is going on, gathered from Kafka and Redis; printing is elsewhere."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiokafka import TopicPartition
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from redis.asyncio import Redis

from console.connections import redis_of, require_topics, topics_there
from journeys.engine.effects import Shard
from journeys.engine.steering import is_stopped
from streams.clock import RedisClock
from streams.reading import high_watermarks
from streams.settings import Settings

ASKED_FOR_S = 5.0


@dataclass(frozen=True, slots=True)
class ShardReading:
    """A shard as stored. Moments in ms; `lag` counts offsets, transaction markers among them.

    `held_since` and `held_for` (the reason) mean something while it is held.
    """

    number: int
    offset: int
    lag: int
    time: int
    held: bool
    held_since: int
    held_for: str
    maps: dict[str, int]
    waiting: int
    """People with a timer or a moment to be forgotten at."""
    steered: dict[str, str] = field(default_factory=dict)
    """Map -> what an operator has made of it: `paused (hold)`, `draining`, `stopped`."""


@dataclass(frozen=True, slots=True)
class SourceReading:
    """One partition of a touchpoint topic; `moment` is the newest by which all was stitched."""

    topic: str
    partition: int
    lag: int
    moment: int


@dataclass(frozen=True, slots=True)
class Reading:
    """`watermark`: all that came before it is stitched; 0 while a source noted nothing.

    `owners` maps a worker, by its name if it was given one, to its partitions; None where the
    broker cannot tell.
    """

    now: int
    shards: list[ShardReading]
    sources: list[SourceReading]
    watermark: int
    owners: dict[str, list[str]] | None

    @property
    def lag(self) -> dict[str, int]:
        """Records not done yet, by topic."""
        found = {"inbox": sum(shard.lag for shard in self.shards)}
        for source in self.sources:
            found[source.topic] = found.get(source.topic, 0) + source.lag
        return found


async def read(settings: Settings) -> Reading:
    """One look at everything; raises CannotRun where Kafka or a topic is missing."""
    topics = settings.topics
    await require_topics(settings, [topics.inbox, topics.touchpoints])
    async with redis_of(settings) as redis:
        now = await RedisClock(redis).exact()
        progress = await noted_progress(redis, settings.keys.progress)
        names = {topic for topic, _ in progress} & await topics_there(settings)
        named = sorted({*names, topics.touchpoints})
        ends = await high_watermarks(settings.connection, [topics.inbox, *named])
        inbox = {tp.partition: end for tp, end in ends.items() if tp.topic == topics.inbox}
        shards = [await _shard(redis, settings, number, inbox[number]) for number in sorted(inbox)]
    sources = [_source(tp, ends[tp], progress) for tp in sorted(ends) if tp.topic != topics.inbox]
    watermark = min((source.moment for source in sources), default=0)
    owners = await asyncio.to_thread(_owners, settings)
    return Reading(now, shards, sources, watermark, owners)


async def _shard(redis: Redis, settings: Settings, number: int, end: int) -> ShardReading:
    meta: list[Any] = await redis.hmget(settings.keys.meta(number), ["offset", "facts"])
    offset, facts = meta
    waiting = int(await redis.zcard(settings.keys.due(number)))
    at = int(offset or 0)
    shard = msgspec.msgpack.decode(facts, type=Shard) if facts else Shard(number, 0)
    return ShardReading(
        number=number,
        offset=at,
        lag=end - at,
        time=shard.time,
        held=shard.held,
        held_since=shard.held_since,
        held_for=shard.held_for,
        maps=dict(shard.maps),
        waiting=waiting,
        steered=_steered(shard),
    )


def _steered(shard: Shard) -> dict[str, str]:
    """A map that was stopped is told of until a version that was not is in force."""
    found = dict.fromkeys(shard.draining, "draining")
    found |= {name: f"paused ({pause.mode})" for name, pause in shard.paused.items()}
    for name in shard.stopped:
        if name not in shard.maps or is_stopped(shard, name, shard.maps[name]):
            found[name] = "stopped"
    return found


async def noted_progress(redis: Redis, key: str) -> dict[tuple[str, int], dict[str, int]]:
    """Per source its `moment` (ms) and its `position`."""
    found: dict[tuple[str, int], dict[str, int]] = {}
    fields: dict[Any, Any] = await redis.hgetall(key)
    for name, value in fields.items():
        text: str = name.decode()
        kind = "position" if text.endswith("@") else "moment"
        topic, _, partition = text.removesuffix("@").rpartition("/")
        found.setdefault((topic, int(partition)), {})[kind] = int(value)
    return found


def _source(
    tp: TopicPartition, end: int, progress: dict[tuple[str, int], dict[str, int]]
) -> SourceReading:
    noted = progress.get((tp.topic, tp.partition), {})
    lag = max(0, end - noted.get("position", 0))
    return SourceReading(tp.topic, tp.partition, lag, noted.get("moment", 0))


def _owners(settings: Settings) -> dict[str, list[str]] | None:
    admin = AdminClient(settings.connection.librdkafka())
    asked: Any = admin.describe_consumer_groups([settings.group], request_timeout=ASKED_FOR_S)
    try:
        group = asked[settings.group].result(timeout=2 * ASKED_FOR_S)
    except KafkaException:  # the embedded broker does not describe groups
        return None
    return {
        f"{member.group_instance_id or member.member_id} at {member.host.lstrip('/')}": sorted(
            f"{tp.topic}/{tp.partition}" for tp in member.assignment.topic_partitions
        )
        for member in group.members
    }
