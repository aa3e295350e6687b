"""Single maps, paused, resumed, drained and stopped by records of the log."""

from console.connections import shards_of
from console.refusals import Refused
from journeys.language.durations import parse_duration, roughly_ms
from schemas.inbox import Drained, Paused, Resumed, Stopped
from streams import publishing
from streams.library import read_shelf
from streams.settings import Settings


async def pause(settings: Settings, map_name: str, *, discard: bool, max_staleness: str) -> int:
    """Shuts the map's gate; returns the number of shards.

    Raises Refused where no such map was published, or the duration is none.
    """
    found = parse_duration(max_staleness) if max_staleness else None
    if max_staleness and found is None:
        raise Refused(f'"{max_staleness}" is no duration. Write a number and a unit: 90m 24h 2d.')
    staleness = 0 if found is None else roughly_ms(found)
    record = Paused(map_name, "discard" if discard else "hold", staleness)
    return await _append(settings, map_name, record)


async def resume(settings: Settings, map_name: str) -> int:
    """Opens the map's gate and its entries; returns the number of shards. Raises Refused."""
    return await _append(settings, map_name, Resumed(map_name))


async def drain(settings: Settings, map_name: str) -> int:
    """Closes the map's entries; returns the number of shards. Raises Refused."""
    return await _append(settings, map_name, Drained(map_name))


async def stop(settings: Settings, map_name: str) -> int:
    """Ends all who are in the map; returns the number of shards. Raises Refused."""
    return await _append(settings, map_name, Stopped(map_name))


async def _append(
    settings: Settings, map_name: str, record: Paused | Resumed | Drained | Stopped
) -> int:
    shelf = await read_shelf(settings.connection, settings.topics)
    known = sorted({name for name, _ in shelf.maps})
    if map_name not in known:
        raise Refused(f"No map {map_name} is published; there is: {', '.join(known) or 'none'}.")
    shards = await shards_of(settings)
    await publishing.steer(settings.connection, settings.topics, shards, record)
    return shards
