"""A workspace folder put in force."""

from collections.abc import Mapping

from console.connections import require_topics, shards_of
from console.creating import wanted_of
from journeys.language.workspace import compile_workspace
from streams import publishing
from streams.publishing import PublishReport
from streams.settings import Settings


async def publish(settings: Settings, documents: Mapping[str, str]) -> PublishReport:
    """Compiles the documents and puts them in force in every shard, all at once.

    Raises MapError with every problem, CannotRun while a topic is missing, PublicationRefused
    where a promise to those already in a map would be broken.
    """
    wanted = wanted_of(compile_workspace(documents).workspace)
    shards = await shards_of(settings)
    await require_topics(settings, [spec.name for spec in wanted.specs(settings.topics)])
    return await publishing.publish(settings.connection, settings.topics, shards, documents)
