"""One shard's cycle on a real Redis: what was published is folded again in silence."""

import pytest
from aiokafka import ConsumerRecord
from redis.asyncio import Redis

from journeys.engine.effects import Shard
from journeys.language.model import Release
from schemas import inbox
from schemas.inbox import Arrived, InboxRecord, Opened, Published
from schemas.topics import Topics
from streams.clock import RedisClock
from streams.cycle import FoldParts, ShardOwner
from streams.keys import Keys
from streams.metrics import Metrics
from streams.ports import Halt, Loaded
from streams.states import RedisStates
from tests.contract.log import Log
from tests.unit.engine.building import ANN, BEA, START, release, token_of, touch, win_back

TOPICS = Topics()


class Books:
    """A library that has one release and calls it by any name."""

    def __init__(self, book: Release) -> None:
        self._book = book

    async def prepare(self, wanted: Shard | Published) -> None:
        pass

    def release(self, shard: Shard) -> Release | None:
        return self._book if shard.settings else None


def _owner(redis: Redis, log: Log, book: Release) -> ShardOwner:
    parts = FoldParts(
        states=RedisStates(redis, Keys(), 12),
        publishers=log,
        library=Books(book),  # type: ignore[arg-type]
        topics=TOPICS,
        topic_id="inbox",
        clock=RedisClock(redis),
        ticker=None,  # type: ignore[arg-type]
        metrics=Metrics(),
        token_of=token_of,
    )
    return ShardOwner(parts, 3, log, 0)


def _inbox(*records: InboxRecord) -> list[ConsumerRecord]:
    """At offsets 0, 2, 4: between transactions lie their markers."""
    return [
        ConsumerRecord(TOPICS.inbox, 3, 2 * n, START, 1, None, inbox.encode(r), None, 0, 0, ())
        for n, r in enumerate(records)
    ]


def _arrived(who: str, number: int) -> Arrived:
    return Arrived(who, touch("order.paid", START, id=f"t{number}"), (), ("t", 0, number))  # type: ignore[arg-type]


BEGUN = (Opened("wall", 1), Published("d1", {"win-back": 1}))


async def test_what_was_published_is_folded_again_in_silence(redis: Redis) -> None:
    log, book = Log(), release(win_back())
    records = _inbox(*BEGUN, _arrived(ANN, 1), _arrived(BEA, 2))
    await _owner(redis, log, book).handle(records)
    published, stored = list(log.records), await _stored(redis)
    await redis.flushall()

    await _owner(redis, log, book).handle(records)

    assert published
    assert log.records == published
    assert await _stored(redis) == stored


async def test_an_output_says_which_record_of_the_inbox_caused_it(redis: Redis) -> None:
    log = Log()

    await _owner(redis, log, release(win_back())).handle(_inbox(*BEGUN, _arrived(ANN, 1)))

    headers = dict(log.records[0].headers)
    assert (headers["wayline-shard"], headers["wayline-offset"]) == (b"3", b"4")


async def test_a_fold_that_makes_something_else_than_was_published_halts(redis: Redis) -> None:
    log, records = Log(), _inbox(*BEGUN, _arrived(ANN, 1), _arrived(BEA, 2))
    await _owner(redis, log, release(win_back())).handle(records)
    published = list(log.records)
    await redis.flushall()
    other = _owner(redis, log, release(win_back(name="another")))

    with pytest.raises(Halt, match="another last output"):
        await other.handle(records)

    assert log.records == published


async def _stored(redis: Redis) -> Loaded:
    return await RedisStates(redis, Keys(), 12).load(3, 7, [ANN, BEA], None)
