"""What a worker finds before it starts, and what it refuses to start on."""

from dataclasses import dataclass

from redis.asyncio import Redis

from journeys.identity.config import IdentityConfig, ageless, identity_config
from journeys.identity.tokens import key_print
from journeys.language.model import Workspace
from schemas import inbox
from schemas.inbox import Opened
from schemas.intake import Mapping, compile_mapping
from schemas.topics import Topics

from .guards import guard_identity_key, guard_redis, guard_there, guard_topics
from .kafka import KafkaConnection
from .library import Library
from .ports import Halt
from .progress import Source
from .reading import first_record, high_watermarks
from .settings import Settings
from .states import RedisStates
from .topics_admin import inbox_topic_id


@dataclass(frozen=True, slots=True)
class Workplace:
    """The workspace as it was published last, and what this worker reads.

    `workspace` is None before the first publication. Sources and the rules of identity are taken
    up at the start of a worker: a publication that changes them asks for a restart.
    """

    workspace: Workspace | None
    identity: IdentityConfig
    sources: list[Source]
    mappings: dict[str, Mapping]
    """By topic."""
    shards: int
    topic_id: str
    event_clock: bool

    holding: list[Source]
    """The sources that hold time back: bulk ones do so only where history is replayed."""


async def find_workplace(
    settings: Settings, connection: KafkaConnection, redis: Redis, library: Library
) -> Workplace:
    """Looks at Redis, the topics and the library; raises Halt with what has to be done first."""
    topics = settings.topics
    await guard_redis(redis)
    key = settings.secret_identity_key()
    await guard_identity_key(redis, settings.keys.identity_key_print, key_print(key))
    await guard_there(connection, topics.specs(()))
    inbox_ends = await high_watermarks(connection, [topics.inbox])
    workspace = await library.latest()
    channels = list(workspace.channels) if workspace else []
    named = [s.topic for s in workspace.sources.values() if s.topic] if workspace else []
    await guard_topics(connection, topics, topics.specs(channels, named, len(inbox_ends)))
    sources = await high_watermarks(connection, topics.sources(named))
    event_clock = await _event_clock(settings, connection, redis, len(inbox_ends))
    read = sorted((tp.topic, tp.partition) for tp in sources)
    identity = identity_config(workspace.identity if workspace else {}, key)
    bulk = set() if event_clock else _bulk(workspace, topics)
    return Workplace(
        workspace=workspace,
        identity=ageless(identity) if event_clock else identity,
        sources=read,
        mappings=_mappings(workspace),
        shards=len(inbox_ends),
        topic_id=await inbox_topic_id(connection, topics),
        event_clock=event_clock,
        holding=[source for source in read if source[0] not in bulk],
    )


def _bulk(workspace: Workspace | None, topics: Topics) -> set[str]:
    declared = workspace.sources.values() if workspace else ()
    return {topics.imported, *(source.topic for source in declared if source.bulk and source.topic)}


async def _event_clock(
    settings: Settings, connection: KafkaConnection, redis: Redis, shards: int
) -> bool:
    """What the first record of the inbox says; once that has expired, what Redis repeats."""
    first = await first_record(connection, settings.topics.inbox, 0)
    opened = inbox.decode(first.value) if first else None
    if isinstance(opened, Opened):
        return opened.clock == "event"
    facts = await RedisStates(redis, settings.keys, shards).facts(0)
    if facts is None:
        raise Halt(
            f"{settings.topics.inbox} does not begin with the record that says which clock this "
            "workspace goes by, and Redis does not know it either. Run `wayline topics create`."
        )
    return facts.clock == "event"


def _mappings(workspace: Workspace | None) -> dict[str, Mapping]:
    if workspace is None:
        return {}
    return {
        source.topic: compile_mapping(source.name, source.mapping, workspace.zone)
        for source in workspace.sources.values()
        if source.topic and source.mapping
    }
