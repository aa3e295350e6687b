"""A person explained: her shard's log read and folded again, and told line by line."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from console.connections import redis_of, shards_of
from console.masking import in_full, masked
from console.people import Person, moment, show
from journeys.engine.effects import Shard
from journeys.replay.explaining import Standing, Story, Way, explain
from schemas import inbox
from schemas.inbox import Logged, Opened, recipient
from schemas.touchpoint import Millis, ProfileId
from streams.library import Library
from streams.reading import read_to_end
from streams.settings import Settings
from streams.states import RedisStates

LATE = 60_000
"""A record heard of so many ms after it happened says so."""


@dataclass(frozen=True, slots=True)
class Explained:
    """`whole` is False where the log does not reach back to its beginning any more."""

    person: Person
    story: Story
    whole: bool


async def explained(settings: Settings, whom: str, only: str | None, *, reveal: bool) -> Explained:
    """The story of a profile id or identifier; raises Refused for nobody.

    Nothing is written, and nobody else's records are kept while her shard is read.
    """
    person = await show(settings, whom)
    library = Library(settings.connection, settings.topics)
    await library.latest()
    log = await _log(settings, person.shard, person.id)
    shards = await shards_of(settings)
    start, whole = Shard(person.shard, shards), _is_whole(log)
    if not whole:
        start = await _in_force(settings, person.shard, shards) or start
        await library.prepare(start)
    shown = in_full if reveal else masked
    story = explain(log, person.id, start, library.release, shown, only)
    return Explained(person, story, whole)


def as_json(found: Explained) -> dict[str, Any]:
    """Moments in ms."""
    return {
        "profile": found.person.id,
        "whole": found.whole,
        **msgspec.to_builtins(found.story),
    }


def as_text(found: Explained) -> Iterator[str]:
    """Her records one by one, where she is, what would move her, what is due when."""
    story = found.story
    yield f"{found.person.id}, shard {found.person.shard}, by the log up to {moment(story.now)}"
    if not found.whole:
        yield "The log does not reach back to its beginning: the story starts in the middle."
    for step in story.steps:
        late = f"  (heard {moment(step.heard)})" if step.heard - step.at > LATE else ""
        yield f"{moment(step.at)}  {step.what}{late}"
        yield from (f"    {line}" for line in step.did)
        yield from (f"    not moved: {line}" for line in step.unmoved)
        if not (step.did or step.unmoved):
            yield "    nothing"
    yield ""
    for standing in story.open:
        yield from _told(standing)
    if not story.open:
        yield "She is in no map."
    for name, ways in story.doors.items():
        yield f"{name} would let her in by:"
        for way in ways:
            yield f"    {_way(way)}" + (f", next at {moment(way.at)}" if way.at else "")


def _told(standing: Standing) -> Iterator[str]:
    key = "" if standing.key is None else f" [{standing.key}]"
    named = f"{standing.map} {standing.version}{key}"
    yield f"She is in {named}: {standing.stage}, since {moment(standing.since)}"
    if standing.stuck:
        yield f"    stuck: {standing.stuck}"
    yield from (f"    at the gate: {line}" for line in standing.gate)
    for way in standing.timers:
        yield f"    due {moment(way.at or 0)}: {_way(way)}"
    if standing.ways:
        yield "    would move her:"
        yield from (f"        {_way(way)}" for way in standing.ways)


def _way(way: Way) -> str:
    return f"{way.label} {way.where}".strip()


async def _log(settings: Settings, shard: int, her: ProfileId) -> list[Logged]:
    """Her records, and those that concern the whole shard."""
    topic, log = settings.topics.inbox, []
    async for raw in read_to_end(settings.connection, [topic], partition=shard):
        record = inbox.decode(raw.value)
        if recipient(record) in (None, her):
            log.append(Logged(raw.offset, Millis(raw.timestamp), record))
    return log


def _is_whole(log: list[Logged]) -> bool:
    return bool(log) and isinstance(log[0].record, Opened)


async def _in_force(settings: Settings, shard: int, shards: int) -> Shard | None:
    """What is published in the shard now, without its time."""
    async with redis_of(settings) as redis:
        facts = await RedisStates(redis, settings.keys, shards).facts(shard)
    if facts is None:
        return None
    return Shard(
        shard,
        shards,
        clock=facts.clock,
        settings=facts.settings,
        maps=facts.maps,
        known=facts.known,
        texts=facts.texts,
        announced=facts.announced,
        announcements=facts.announcements,
    )
