"""Filling computed traits from the inbox: read, counted, and put back into it as records.

Safe beside the workers and to be run again: a record counts once, whoever the person is by then.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from redis.asyncio import Redis

from journeys.engine.effects import Shard
from journeys.language.computing import Computed
from journeys.language.model import Workspace
from journeys.replay.recounting import Recounting
from schemas import inbox
from schemas.inbox import Logged, Recounted
from schemas.topics import Topics, shard_of
from schemas.touchpoint import Millis

from .kafka import KafkaConnection
from .keys import Keys
from .library import Library
from .ports import Halt, Outgoing
from .publisher import send_acknowledged
from .reading import high_watermarks, read_to_end
from .states import RedisStates

RECORDS_AT_ONCE = 5_000
STEP_EVERY = 1_000

Step = Callable[[int, int], None]
"""Is told how many offsets have been read, and of how many."""


@dataclass(frozen=True, slots=True)
class Filled:
    """`read` records of the log made `people` figures; `whole`: the log had its beginning."""

    read: int
    people: int
    whole: bool


async def recount(
    connection: KafkaConnection,
    topics: Topics,
    redis: Redis,
    keys: Keys,
    traits: Sequence[str],
    step: Step,
) -> Filled:
    """Fills these traits, by name, of everybody. Raises Halt where one is not in force yet in
    some shard, for what comes until then would count twice or never."""
    library = Library(connection, topics)
    present = await library.latest()
    wanted = _wanted(present, traits)
    ends = await high_watermarks(connection, [topics.inbox])
    states, total = RedisStates(redis, keys, len(ends)), sum(ends.values())
    since = [await _since(states, shard, wanted) for shard in range(len(ends))]
    read = people = done = 0
    whole = True
    for shard, offsets in enumerate(since):
        assert present is not None
        counting = Recounting(Shard(shard, len(ends)), wanted, offsets, present, library.workspace)
        async for raw in read_to_end(connection, [topics.inbox], partition=shard):
            record = inbox.decode(raw.value)
            counting.apply(Logged(raw.offset, Millis(raw.timestamp), record))
            read += 1
            if read % STEP_EVERY == 0:
                step(done + raw.offset, total)
        done += next(end for tp, end in ends.items() if tp.partition == shard)
        step(done, total)
        found = await _own(states, counting)
        await _append(connection, topics, len(ends), found)
        people, whole = people + len(found), whole and counting.is_whole
    return Filled(read, people, whole)


def _wanted(present: Workspace | None, traits: Iterable[str]) -> dict[str, Computed]:
    computed: Mapping[str, Computed] = present.computed if present else {}
    return {computed[name].id: computed[name] for name in traits}


async def _since(
    states: RedisStates, shard: int, wanted: Mapping[str, Computed]
) -> Mapping[str, int]:
    facts = await states.facts(shard)
    since = facts.since if facts else {}
    for id_, computed in wanted.items():
        if id_ not in since:
            raise Halt(
                f"{computed.name} is not in force in shard {shard} yet: no worker has folded its "
                "publication there. Let the workers catch up, then run this again."
            )
    return since


async def _own(states: RedisStates, counting: Recounting) -> list[Recounted]:
    """Without those of whom a log that lost its beginning does not say that they were merged: what
    came to them was passed on and is counted where it arrived."""
    found = list(counting.found())
    if counting.is_whole:
        return found
    gone = await states.redirects({each.of for each in found if not counting.is_redirect(each.of)})
    return [each for each in found if each.of not in gone]


async def _append(
    connection: KafkaConnection, topics: Topics, shards: int, found: Sequence[Recounted]
) -> None:
    for at in range(0, len(found), RECORDS_AT_ONCE):
        await send_acknowledged(
            connection,
            [
                Outgoing(
                    topics.inbox,
                    each.profile.encode(),
                    inbox.encode(each),
                    partition=shard_of(each.profile, shards),
                )
                for each in found[at : at + RECORDS_AT_ONCE]
            ],
        )
