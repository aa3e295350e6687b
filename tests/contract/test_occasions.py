"""A schedule reaches a shard's people by bounded steps, on a real Redis, whatever is lost."""

from collections import Counter
from dataclasses import dataclass

import orjson
import pytest
from aiokafka import ConsumerRecord
from redis.asyncio import Redis

from journeys.engine.effects import Shard
from journeys.language.model import Release
from journeys.language.workspace import compile_workspace, make_release
from schemas import inbox
from schemas.inbox import Arrived, InboxRecord, Opened, Published, Tick
from schemas.topics import Topics
from schemas.touchpoint import Millis, ProfileId
from streams.clock import RedisClock
from streams.cycle import FoldParts, ShardOwner
from streams.keys import Keys
from streams.metrics import Metrics
from streams.states import FIRED_PER_TICK, RedisStates
from tests.contract.log import Log
from tests.unit.engine.building import START, at, token_of, touch

TOPICS = Topics()
PEOPLE = 1500
NOON = at("2026-05-04 12:01")


def _book(enter: str, version: int) -> Release:
    compiled = compile_workspace(
        {
            "wayline.yaml": "workspace: w\ntimezone: UTC\n",
            "catalogue/all.yaml": "events: {visit: {}}\ntraits: {vip: boolean}\n",
            "maps/m.yaml": f"map: m\nversion: {version}\nenter: {enter}\n"
            "stages: {a: {after: {wait: 1h, end: x}}}\n",
        }
    )
    return make_release(compiled.workspace, compiled.maps, ())


BOOKS = {
    "d1": _book("{event: visit, when: 1 == 2}", 1),
    "d2": _book("{schedule: {at: '12:00'}, when: profile.traits.vip}", 2),
}


class Books:
    async def prepare(self, wanted: Shard | Published) -> None:
        pass

    def release(self, shard: Shard) -> Release | None:
        return BOOKS.get(shard.settings)


@dataclass
class Silent:
    """Time is in the records of these tests; how often more of it was asked for is counted."""

    asked: int = 0

    async def tick(self, shard: int, position: int) -> None:
        self.asked += 1


def _owner(redis: Redis, log: Log, time: Silent | None = None) -> ShardOwner:
    parts = FoldParts(
        states=RedisStates(redis, Keys(), 12),
        publishers=log,
        library=Books(),  # type: ignore[arg-type]
        topics=TOPICS,
        topic_id="inbox",
        clock=RedisClock(redis),
        ticker=time or Silent(),  # type: ignore[arg-type]
        metrics=Metrics(),
        token_of=token_of,
    )
    return ShardOwner(parts, 3, log, 0)


def _records() -> list[ConsumerRecord]:
    """Two of three people are wanted; three Ticks for the round, then three at noon."""
    visits = [
        Arrived(
            ProfileId(f"p{n:04}"),
            touch("visit", START, id=f"v{n}", traits={"vip": n % 3 > 0}),
            (),
            ("t", 0, n),
        )
        for n in range(PEOPLE)
    ]
    log: list[tuple[int, InboxRecord]] = [
        (START, Opened("wall", 1)),
        (START, Published("d1", {"m": 1})),
        *((START, visit) for visit in visits),
        (START, Published("d2", {"m": 2})),
        *((START + 1, Tick(Millis(START + 1))) for _ in range(3)),
        *((NOON, Tick(Millis(NOON))) for _ in range(3)),
    ]
    return [
        ConsumerRecord(TOPICS.inbox, 3, n, stamp, 1, None, inbox.encode(r), None, 0, 0, ())
        for n, (stamp, r) in enumerate(log)
    ]


RECORDS = _records()
TICKS = RECORDS[-6:]


def _entered(log: Log) -> list[str]:
    rows = [orjson.loads(record.value or b"") for record in log.records]
    return [row["profile_id"] for row in rows if row["kind"] == "enter"]


async def test_everybody_it_is_true_for_enters_once_by_steps_of_a_ticks_worth(
    redis: Redis,
) -> None:
    log, time = Log(), Silent()

    await _owner(redis, log, time).handle(RECORDS)

    assert sorted(_entered(log)) == [f"p{n:04}" for n in range(PEOPLE) if n % 3]
    steps = Counter(dict(record.headers)["wayline-offset"] for record in log.records)
    assert len(steps) == 2
    assert max(steps.values()) <= FIRED_PER_TICK


async def test_more_time_is_asked_for_while_a_tick_had_its_fill(redis: Redis) -> None:
    log, time = Log(), Silent()
    owner = _owner(redis, log, time)
    await owner.handle(RECORDS[:-6])

    asked = []
    for tick in TICKS:
        await owner.handle([tick])
        asked.append(time.asked)

    assert asked == [1, 1, 1, 2, 2, 2]


@pytest.mark.parametrize(("stored", "published"), [(0, 4), (1, 4), (4, 5), (3, 4)])
async def test_a_shard_that_fell_back_in_the_middle_goes_on_as_if_nothing_had_been(
    redis: Redis, stored: int, published: int
) -> None:
    """Redis knows the first `stored` Ticks, Kafka has what the first `published` caused."""
    whole = Log()
    await _owner(redis, whole).handle(RECORDS)
    expected = await _picture(redis)
    await redis.flushall()
    log = Log()
    owner = _owner(redis, log)
    await owner.handle([*RECORDS[:-6], *TICKS[:stored]])
    picture = await _all(redis)
    await owner.handle(TICKS[stored:published])
    await redis.flushall()
    async with redis.pipeline(transaction=False) as pipe:
        for key, value in picture.items():
            pipe.restore(key, 0, value)
        await pipe.execute()

    again = _owner(redis, log)
    again.position = len(RECORDS) - 6 + stored
    await again.handle(TICKS[stored:])

    assert log.records == whole.records
    assert await _picture(redis) == expected


async def _all(redis: Redis) -> dict[bytes, bytes]:
    keys = sorted(await redis.keys("*"))
    async with redis.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.dump(key)
        return dict(zip(keys, await pipe.execute(), strict=True))


async def _picture(redis: Redis) -> dict[bytes, object]:
    """The same, but for the order of the fields in a hash, which means nothing."""
    found: dict[bytes, object] = dict(await _all(redis))
    for key in found:
        if b":p:" not in key and await redis.type(key) == b"hash":
            found[key] = await redis.hgetall(key)
    return found
