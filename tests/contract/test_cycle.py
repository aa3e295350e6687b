"""One shard's cycle on a real Redis: what was published is folded again in silence."""

import msgspec
import pytest
from aiokafka import ConsumerRecord
from redis.asyncio import Redis

from journeys.engine.effects import Effects, Shard
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


@pytest.mark.parametrize(
    "later",
    [
        pytest.param(msgspec.msgpack.encode(["teleported", "ann"]), id="kind of record"),
        pytest.param(inbox.encode(Opened("wall", 99)), id="version of the rules"),
    ],
)
async def test_a_worker_older_than_the_log_halts_and_says_so(redis: Redis, later: bytes) -> None:
    log, records = Log(), _inbox(*BEGUN, _arrived(ANN, 1))
    owner = _owner(redis, log, release(win_back()))
    await owner.handle(records)
    published, position = list(log.records), owner.position
    raw = ConsumerRecord(TOPICS.inbox, 3, 9, START, 1, None, later, None, 0, 0, ())

    with pytest.raises(Halt, match="a newer Wayline wrote that"):
        await owner.handle([raw, *_inbox(_arrived(BEA, 2))])

    assert (log.records, owner.position) == (published, position)


async def test_a_store_that_a_newer_worker_left_halts(redis: Redis) -> None:
    newer = Shard(3, 12, fold_version=99)
    await RedisStates(redis, Keys(), 12).commit(3, "inbox", 0, 1, newer, Effects())
    owner = _owner(redis, Log(), release(win_back()))
    owner.position = 1

    with pytest.raises(Halt, match="folded by version 99 of the rules"):
        await owner.handle(_inbox(_arrived(ANN, 1)))


async def test_bytes_that_are_no_record_are_not_taken_for_those_of_a_newer_one(
    redis: Redis,
) -> None:
    raw = ConsumerRecord(TOPICS.inbox, 3, 9, START, 1, None, b"hello", None, 0, 0, ())

    with pytest.raises(Halt, match="none of ours"):
        await _owner(redis, Log(), release(win_back())).handle([raw])


async def _stored(redis: Redis) -> Loaded:
    return await RedisStates(redis, Keys(), 12).load(3, 7, [ANN, BEA], None)
