"""A workspace folder put in force, and what that does to those who are in its maps."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from aiokafka import TopicPartition

from console.connections import redis_of, require_topics, shards_of
from console.creating import wanted_of
from console.refusals import Refused
from journeys.engine.fates import Fate
from journeys.engine.heads import by_version
from journeys.language.workspace import Compiled, compile_workspace
from streams import publishing
from streams.library import Shelf, read_shelf
from streams.publishing import PublishReport
from streams.reading import high_watermarks
from streams.settings import Settings
from streams.states import RedisStates


@dataclass(frozen=True, slots=True)
class Prospect:
    """What becomes of whom if it is published now; `heads` as counted, up to `behind` records of
    the inbox that no worker has folded yet."""

    fates: tuple[Fate, ...]
    heads: Mapping[str, int]
    behind: int

    @property
    def touched(self) -> int:
        """People who do not stay as they are."""
        return sum(fate.people for fate in self.fates if fate.becomes != "stays")


async def prospect(settings: Settings, documents: Mapping[str, str]) -> Prospect:
    """Raises MapError with every problem, CannotRun while a topic is missing, PublicationRefused
    where a promise to those already in a map would be broken.

    People are counted only where some map has other versions.
    """
    compiled = compile_workspace(documents)
    shards = await shards_of(settings)
    wanted = wanted_of(compiled.workspace)
    await require_topics(settings, [spec.name for spec in wanted.specs(settings.topics)])
    shelf = await read_shelf(settings.connection, settings.topics)
    heads: Mapping[str, int] = {}
    behind = 0
    if _is_known(compiled, shelf):
        heads, behind = await counted(settings, shards)
    return Prospect(publishing.prospects(compiled, shelf, heads), heads, behind)


async def publish(
    settings: Settings, documents: Mapping[str, str], heads: Mapping[str, int] | None = None
) -> PublishReport:
    """Puts it in force in every shard, all at once; raises as `prospect` does, whose `heads` are
    taken unless they are given."""
    if heads is None:
        heads = (await prospect(settings, documents)).heads
    shards = await shards_of(settings)
    connection, topics = settings.connection, settings.topics
    return await publishing.publish(connection, topics, shards, documents, heads)


async def archive(settings: Settings, map_name: str) -> int:
    """Forgets the map in all shards; returns their number. Raises Refused while somebody is in it,
    or where no such map was published."""
    shelf = await read_shelf(settings.connection, settings.topics)
    known = sorted({name for name, _ in shelf.maps})
    if map_name not in known:
        raise Refused(f"No map {map_name} is published; there is: {', '.join(known) or 'none'}.")
    shards = await shards_of(settings)
    heads, _ = await counted(settings, shards)
    versions = by_version(heads, map_name)
    if people := sum(sum(stages.values()) for stages in versions.values()):
        raise Refused(
            f"{people:,} people are in {map_name}. Let them come to its end with "
            f"`wayline drain {map_name}`, or end them with `wayline stop {map_name}`."
        )
    await publishing.archive(settings.connection, settings.topics, shards, map_name)
    return shards


async def counted(settings: Settings, shards: int) -> tuple[dict[str, int], int]:
    """Instances by `<map>/<version>/<stage>` over all shards, exact as of where each is stored,
    and how many records lie behind that.

    The marker of a transaction, with which a shard may end, is no record.
    """
    found: Counter[str] = Counter()
    inbox = settings.topics.inbox
    ends = await high_watermarks(settings.connection, [inbox])
    behind = 0
    async with redis_of(settings) as redis:
        states = RedisStates(redis, settings.keys, shards)
        for shard in range(shards):
            facts = await states.facts(shard)
            offset, _ = await states.position(shard)
            found.update(facts.heads if facts else {})
            end = ends[TopicPartition(inbox, shard)]
            behind += max(0, end - (offset or 0) - 1)
    return dict(found), behind


def _is_known(compiled: Compiled, shelf: Shelf) -> bool:
    """Whether some map has another version in the log, in which people may be."""
    return any((m.name == name) and m.version != v for m in compiled.maps for name, v in shelf.maps)
