"""The topics of a workspace: made, compared with what they must be, or printed as commands."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer

from console.connections import redis_of, topics_there
from console.folders import read_documents
from journeys.language.model import Workspace
from journeys.language.workspace import compile_workspace
from schemas.topics import SHARDS, Topics, TopicSpec
from streams.settings import Settings
from streams.topics_admin import (
    Creation,
    commands,
    create_workspace,
    differences,
    open_workspace,
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a workspace's topics depend on beside the prefix. Defaults: ours alone."""

    channels: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    """Topics that `sources:` names beside our own two."""
    clock: str = "wall"
    shards: int = SHARDS
    replication: int = 1

    def specs(self, topics: Topics) -> list[TopicSpec]:
        return topics.specs(self.channels, self.sources, self.shards)


def wanted_by(folder: Path | None, shards: int = SHARDS, replication: int = 1) -> Wanted:
    """What the workspace in a folder asks for; raises MapError with every problem."""
    if folder is None:
        return Wanted(shards=shards, replication=replication)
    return wanted_of(compile_workspace(read_documents(folder)).workspace, shards, replication)


def wanted_of(workspace: Workspace, shards: int = SHARDS, replication: int = 1) -> Wanted:
    """What a compiled workspace asks for."""
    sources = tuple(s.topic for s in workspace.sources.values() if s.topic)
    return Wanted(tuple(workspace.channels), sources, workspace.clock, shards, replication)


async def create(settings: Settings, wanted: Wanted) -> Creation:
    """Makes what is missing; running it twice changes nothing. Raises Halt for a refused topic."""
    connection, topics = settings.connection, settings.topics
    sources = topics.sources(wanted.sources)
    known = await _known_sources(settings)
    specs = wanted.specs(topics)
    if settings.kafka.embedded:
        made = await _touch(settings, [spec.name for spec in specs])
        opened = await open_workspace(connection, topics, sources, wanted.clock, known)
        return Creation(made, opened.cursors, opened.shards, opened.warnings)
    return await create_workspace(
        connection, topics, specs, sources, wanted.clock, wanted.replication, known
    )


async def verify(settings: Settings, wanted: Wanted) -> list[str]:
    """What is not as it must be, in sentences."""
    return await differences(settings.connection, settings.topics, wanted.specs(settings.topics))


def printed(settings: Settings, wanted: Wanted) -> list[str]:
    """Lines for kafka-topics.sh, for clusters where others create topics."""
    specs = wanted.specs(settings.topics)
    return commands(specs, settings.kafka.bootstrap, wanted.replication)


async def _known_sources(settings: Settings) -> set[tuple[str, int]]:
    """Those Redis has progress of: a second creation must not begin them anew."""
    async with redis_of(settings) as redis:
        found: list[Any] = await redis.hkeys(settings.keys.progress)
    fields = [name.decode() for name in found]
    pairs = (name.rpartition("/") for name in fields if not name.endswith("@"))
    return {(topic, int(partition)) for topic, _, partition in pairs}


async def _touch(settings: Settings, names: list[str]) -> list[str]:
    """The embedded broker makes a topic when somebody asks for it, and has no other way."""
    missing = sorted(set(names) - await topics_there(settings))
    if missing:
        client = settings.connection.client()
        consumer = AIOKafkaConsumer(*missing, **client, enable_auto_commit=False)
        await consumer.start()
        await consumer.stop()
    return missing
