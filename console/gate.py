"""The gate of all shards, shut and opened by records of the log."""

from console.connections import shards_of
from streams import publishing
from streams.settings import Settings


async def hold(settings: Settings, reason: str) -> int:
    """Shuts the gate; returns the number of shards."""
    shards = await shards_of(settings)
    await publishing.hold(settings.connection, settings.topics, shards, reason)
    return shards


async def release(settings: Settings) -> int:
    """Opens the gate; returns the number of shards."""
    shards = await shards_of(settings)
    await publishing.release(settings.connection, settings.topics, shards)
    return shards
