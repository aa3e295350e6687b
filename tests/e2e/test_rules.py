"""The rules' map tests, bytes to bytes: what each comes to in plain memory, it comes to on real
Kafka and Redis too, to the last field of each action and each transition.

One workspace, one worker. Tests with the same settings are told together, on one clock; those with
others before them, earlier by whole weeks. Ticks, marks and merges are appended to the inbox as a
shard's owner and identity do it, so that time stops where a trial's time stopped; all else comes as
touchpoints and by the commands' own calls. `unsayable` names what cannot be told so, and why.

Two rules are told each time, one of people who become one in several shards and one of all that
may hold an action. `WAYLINE_RULES=1,2,3` tells others.
"""

import asyncio
import os
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import Any
from zlib import crc32

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from journeys.engine.local_time import rfc3339
from journeys.language.map_tests import MapTest, Mark, NewTemplates, NewVersion
from journeys.language.patching import patched
from schemas import inbox
from schemas.inbox import (
    Arrived,
    Drained,
    InboxRecord,
    Marked,
    Merged,
    Paused,
    Published,
    Resumed,
    Stopped,
    Tick,
)
from schemas.topics import shard_of
from schemas.touchpoint import Millis, ProfileId
from streams.publishing import publish, steer
from tests.e2e.retelling import Entry, Told, canonical, introductions, renamed, unsayable
from tests.e2e.world import SHARDS, World
from tests.maps.rules import COMPILED, DOCUMENTS, TESTS, rule_of

pytestmark = [pytest.mark.kafka, pytest.mark.redis]

WEEKS = 313
"""How much earlier the largest group is told, so that nothing lies in the future: a number of
years after which the days of the week, and of the clocks' changes, are the same again."""
WEEK = 7 * 24 * 3600 * 1000
MAPS = {
    map_.name: patched(DOCUMENTS[file], file, {"tests": None})
    for map_, file in zip(COMPILED.maps, COMPILED.files, strict=True)
}


@pytest.mark.timeout(900)
async def test_what_a_map_test_comes_to_is_what_comes_out_of_kafka(world: World) -> None:
    wanted = {int(rule) for rule in os.environ.get("WAYLINE_RULES", "9,21").split(",")}
    groups = groups_of([test for test in TESTS if rule_of(test) in wanted and not unsayable(test)])
    first = groups[-1][0].documents
    await world.open(first, channels=("push", "sms", "mail"))
    world.worker()
    async with teller(world) as tell:
        for group in groups:
            await tell.all(group)
        await tell.follow(True)

    came = await outputs(world)
    differ = {
        f"{told.test.map}: {told.test.name}": difference(told.outputs, came.get(told.test.map, []))
        for told in chain(*groups)
        if told.outputs != came.get(told.test.map, [])
    }
    assert differ == {}
    assert await world.stored() == await world.refolded()


def groups_of(tests: Iterable[MapTest]) -> list[list[Told]]:
    """Tests that can be told together, the largest group last; each group ends before the next
    begins."""
    found: defaultdict[str, list[tuple[int, MapTest]]] = defaultdict(list)
    for number, test in enumerate(tests):
        kinds = {type(given.what) for given in test.given}
        alone = str(number) if kinds & {Mark, NewTemplates, NewVersion} else ""
        found[canonical([test.settings, alone])].append((number, test))
    groups: list[list[Told]] = []
    weeks, begins = WEEKS, None
    for group in sorted(found.values(), key=len, reverse=True):
        told = [tell_in_memory(number, test, weeks) for number, test in group]
        if begins is not None:
            weeks += -(-(ends_of(told) - begins) // WEEK) + 1
            told = [tell_in_memory(number, test, weeks) for number, test in group]
        begins = min(each.entries[1].stamp for each in told)
        groups.insert(0, told)
    return groups


def tell_in_memory(number: int, test: MapTest, weeks: int) -> Told:
    documents, test = renamed(DOCUMENTS, MAPS, test, number, weeks)
    told = Told(documents, test, b"a key for tests only")
    told.tell()
    return told


def ends_of(group: Sequence[Told]) -> int:
    return max(each.entries[-1].stamp for each in group)


def difference(wanted: Sequence[str], came: Sequence[str]) -> dict[str, list[str]]:
    return {
        "missing": [each for each in wanted if each not in came],
        "too many": [each for each in came if each not in wanted],
    }


async def outputs(world: World) -> dict[str, list[str]]:
    """All actions and transitions, by map."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    topics = [f"actions.{channel}" for channel in ("push", "sms", "mail", "task")]
    for each in await world.values("journey.transitions", *topics):
        found[each["map"]].append(canonical(each))
    return {name: sorted(each) for name, each in found.items()}


@asynccontextmanager
async def teller(world: World) -> AsyncIterator["Teller"]:
    client = world.connection.client()
    inbox_reader = AIOKafkaConsumer(
        **client, isolation_level="read_committed", enable_auto_commit=False
    )
    await inbox_reader.start()
    places = [TopicPartition(world.topics.inbox, shard) for shard in range(SHARDS)]
    inbox_reader.assign(places)
    await inbox_reader.seek_to_end(*places)
    try:
        async with world.producer() as producer:
            yield Teller(world, producer, inbox_reader, places)
    finally:
        await inbox_reader.stop()


@dataclass
class Teller:
    """Tells groups of stories to a world, moment by moment."""

    world: World
    producer: AIOKafkaProducer
    reader: AIOKafkaConsumer
    places: Sequence[TopicPartition]
    arrived: set[tuple[str, int, int]] = field(default_factory=set)
    last: list[int] = field(default_factory=lambda: [-1] * SHARDS)
    documents: dict[str, str] = field(default_factory=dict)

    async def all(self, group: Sequence[Told]) -> None:
        """1 publication, 2 people, 3 what happens, at each moment in the order of each story."""
        self.documents = {}
        for told in group:
            self.documents |= told.documents
        await self._publish()  # 1
        await self._tell_all(Tick(min(told.entries[1].stamp for told in group)))
        people = [each for told in group for each in introductions(told)]
        await self._touch([(name, touchpoint, 0) for name, touchpoint in people])  # 2
        stories = [(told, list(told.entries[2:])) for told in group]
        while any(entries for _, entries in stories):  # 3
            now = min(entries[0].stamp for _, entries in stories if entries)
            await self._step([s for s in stories if s[1] and s[1][0].stamp == now], now)

    async def _step(self, stories: Sequence[tuple[Told, list[Entry]]], now: Millis) -> None:
        """A Tick for all that have one next, else the next touchpoints or one control of each."""
        waiting = [story for story in stories if isinstance(story[1][0].record, Tick)]
        if waiting:
            ticks = [entries.pop(0) for _, entries in waiting]
            marks = {source: now for each in ticks for source in _marks(each)}
            people = {name for told, _ in waiting for name in told.people}
            for shard in {shard_of(name, SHARDS) for name in people}:
                await self._append(Tick(now, marks), shard)
            await self.follow(any(each.chains for each in ticks))
            return
        touched: list[tuple[ProfileId, dict[str, Any], int]] = []
        follows = False
        for told, entries in stories:
            entry = entries.pop(0)
            follows |= entry.chains
            if isinstance(entry.record, Arrived):
                name, touchpoint = said(told, entry.record)
                touched.append((name, touchpoint, entry.stamp))
            else:
                await self._control(entry)
                follows = True
        await self._touch(touched)
        await self.follow(follows)

    async def _control(self, entry: Entry) -> None:
        world, record = self.world, entry.record
        match record:
            case Published():
                self.documents |= entry.documents
                await self._publish()
                await self._tell_all(Tick(entry.stamp))
            case Paused() | Resumed() | Drained() | Stopped():
                await steer(world.connection, world.topics, SHARDS, record)
                await self._tell_all(Tick(entry.stamp))
            case Marked():
                await self._tell_all(record)
            case Merged():
                await self._append(record, shard_of(record.loser, SHARDS))
            case _:
                raise AssertionError(f"nobody says {record} on the wire")

    async def _publish(self) -> None:
        world = self.world
        await publish(world.connection, world.topics, SHARDS, self.documents)

    async def _touch(self, touched: Sequence[tuple[ProfileId, Mapping[str, Any], int]]) -> None:
        """Sends touchpoints, and waits until whose they are stands in the inbox."""
        sent = [
            await self.producer.send(
                self.world.topics.touchpoints,
                orjson.dumps(touchpoint),
                partition=crc32(name.encode()) % SHARDS,
                timestamp_ms=stamp or None,
            )
            for name, touchpoint, stamp in touched
        ]
        found = [await each for each in sent]
        origins = {(each.topic, each.partition, each.offset) for each in found}
        async with asyncio.timeout(180):
            while origins - self.arrived:
                await self._read(100)

    async def _read(self, within_ms: int) -> None:
        for place, records in (await self.reader.getmany(timeout_ms=within_ms)).items():
            self.last[place.partition] = records[-1].offset
            decoded = [inbox.decode(record.value) for record in records]
            self.arrived |= {each.origin for each in decoded if isinstance(each, Arrived)}

    async def _tell_all(self, record: InboxRecord) -> None:
        for shard in range(SHARDS):
            await self._append(record, shard)

    async def _append(self, record: InboxRecord, shard: int) -> None:
        value = inbox.encode(record)
        await self.producer.send(self.world.topics.inbox, value, partition=shard)

    async def follow(self, wanted: bool) -> None:
        """Waits until all is folded, so that what shards told each other stands in the inbox."""
        await self.producer.flush()
        async with asyncio.timeout(180):
            while wanted and not await self._is_folded():  # noqa: ASYNC110 - as in world.py
                await asyncio.sleep(0.02)

    async def _is_folded(self) -> bool:
        """What a shard made stands in the inbox before Redis shows that it made it."""
        states = self.world.states
        found = [await states.position(place.partition) for place in self.places]
        facts = [await states.facts(place.partition) for place in self.places]
        ends = await self.reader.end_offsets(self.places)
        await self._read(20)
        # The position passes transactions' markers, of which several may follow a record.
        read = [await self.reader.position(place) >= ends[place] for place in self.places]
        pairs = zip(found, self.last, strict=True)
        folded = all((offset or 0) > last for (offset, _), last in pairs)
        return all(read) and folded and not any(each is None or each.round for each in facts)


def said(told: Told, record: Arrived) -> tuple[ProfileId, dict[str, Any]]:
    """The touchpoint as its sender writes it."""
    touchpoint, person = record.touchpoint, told.people[record.profile]
    return record.profile, {
        "type": touchpoint.type,
        "id": touchpoint.id,
        "source": touchpoint.source,
        "time": rfc3339(touchpoint.time),
        "channel": touchpoint.channel,
        "identifiers": {"user_id": person.identifiers["user_id"]},
        "properties": touchpoint.properties,
        "traits": touchpoint.traits,
        "consents": touchpoint.consents,
        "backfill": touchpoint.backfill,
    }


def _marks(entry: Entry) -> Mapping[str, Millis]:
    assert isinstance(entry.record, Tick)
    return entry.record.marks
