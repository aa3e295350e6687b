"""One batch through stitch: published once, whatever Redis does in the middle."""

from collections.abc import Sequence

import orjson
import pytest
from aiokafka import ConsumerRecord
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from journeys.identity.claims import Claims
from journeys.identity.config import IdentityConfig, ageless, identity_config
from journeys.language.contracts import EventContract
from journeys.language.model import Source
from schemas import inbox
from schemas.inbox import Arrived, Marked, Operated
from schemas.intake import Mapping, compile_mapping
from schemas.topics import Topics
from schemas.touchpoint import Millis
from streams.clock import RedisClock
from streams.identities import RedisIdentities
from streams.keys import Keys
from streams.metrics import Metrics
from streams.ports import Conflict, IdentityRead, Outgoing
from streams.progress import Progress
from streams.stitch import LEFT_BEHIND, SourceOwner, StitchParts
from tests.contract.log import Log
from tests.contract.stores import CONFIG

TOPICS = Topics()
SOURCE = (TOPICS.touchpoints, 3)


def _arrived(log: Log) -> list[str]:
    """The ids of the touchpoints in the inbox."""
    records = [inbox.decode(r.value) for r in log.records if r.topic == TOPICS.inbox]  # type: ignore[arg-type]
    return [record.touchpoint.id for record in records if isinstance(record, Arrived)]


def _profiles(log: Log) -> list[str]:
    records = [inbox.decode(r.value) for r in log.records if r.topic == TOPICS.inbox]  # type: ignore[arg-type]
    return [record.profile for record in records if isinstance(record, Arrived)]


class AwayOnce(RedisIdentities):
    """Redis goes away when the outbox is trimmed, and comes back."""

    failures = 1

    async def trim(self, ids: Sequence[str]) -> None:
        if self.failures:
            self.failures -= 1
            raise RedisConnectionError("Connection reset by peer")
        await super().trim(ids)


class Untrimmed(RedisIdentities):
    """As between the transaction of a batch and what follows it."""

    async def trim(self, ids: Sequence[str]) -> None:
        pass


class Died(Exception):
    pass


class Dying(Log):
    """The worker dies before its transaction is committed."""

    async def publish(self, records: Sequence[Outgoing], position: int, mark: int = 0) -> None:
        raise Died


class Later(RedisClock):
    """A clock that can be put forward."""

    ahead = 0

    async def now(self) -> Millis:
        return Millis(await super().now() + self.ahead)


class Crowded(RedisIdentities):
    """Neighbours get in the way of every reading for a while."""

    collisions = 40

    async def read(self, tokens: Sequence[str], *, repairing: bool = False) -> IdentityRead:
        if self.collisions:
            self.collisions -= 1
            raise Conflict("changed meanwhile")
        return await super().read(tokens, repairing=repairing)


async def _owner(
    redis: Redis,
    identities: RedisIdentities,
    log: Log,
    *,
    event_clock: bool = False,
    mapping: Mapping | None = None,
    contracts: dict[str, EventContract] | None = None,
    late: dict[str, Source] | None = None,
    clock: RedisClock | None = None,
    config: IdentityConfig = CONFIG,
) -> SourceOwner:
    await identities.begin_repair()
    await identities.end_repair()

    async def repair() -> None:
        raise AssertionError("identity is whole")

    parts = StitchParts(
        identities=identities,
        claims=Claims(config),
        config=config,
        publishers=log,
        progress=Progress(redis, Keys()),
        topics=TOPICS,
        shards=12,
        mappings={SOURCE[0]: mapping} if mapping else {},
        event_clock=event_clock,
        clock=clock or RedisClock(redis),
        repair=repair,
        metrics=Metrics(),
        contracts=contracts or {},
        late=late or {},
    )
    return SourceOwner(parts, SOURCE, log)


def _record(offset: int, **fields: object) -> ConsumerRecord:
    value = orjson.dumps({"type": "cart.left", "id": f"t{offset}", **fields})
    return ConsumerRecord(*SOURCE, offset, Millis(1), 0, None, value, None, 0, len(value), ())


def _batch() -> list[ConsumerRecord]:
    return [_record(n, identifiers={"phone": f"1380013800{n}"}) for n in range(3)]


async def test_a_batch_is_in_the_inbox_in_order_and_its_position_with_it(redis: Redis) -> None:
    log = Log()
    owner = await _owner(redis, RedisIdentities(redis, Keys()), log)

    await owner.handle(_batch())

    assert _arrived(log) == ["t0", "t1", "t2"]
    assert (log.cursor.next, owner.position) == (3, 3)


@pytest.mark.parametrize("store", [AwayOnce, Crowded])
async def test_a_batch_is_published_once_whatever_redis_does(
    redis: Redis, store: type[RedisIdentities]
) -> None:
    log = Log()
    owner = await _owner(redis, store(redis, Keys()), log)

    await owner.handle(_batch())

    assert _arrived(log) == ["t0", "t1", "t2"]
    assert log.cursor.next == 3


async def test_each_merge_is_told_of_by_the_source_that_found_it(redis: Redis) -> None:
    log, identities = Log(), Untrimmed(redis, Keys())
    one, other = [await _owner(redis, identities, log) for _ in range(2)]
    await one.handle([_meeting(0, "1")])
    await other.handle([_meeting(0, "2")])

    await one.handle(_merging(1, "1", "3"))
    await other.handle(_merging(1, "2", "4"))

    assert len((await identities.read(())).outbox) == 2
    assert len(_told(log)) == 2


async def test_who_takes_over_tells_of_the_merges_of_who_died(redis: Redis) -> None:
    log, identities = Log(), RedisIdentities(redis, Keys())
    batch = [_meeting(0, "9"), _meeting(1, "1"), *_merging(2, "1", "2")]
    with pytest.raises(Died):
        await (await _owner(redis, identities, Dying())).handle(batch)

    await (await _owner(redis, identities, log)).handle(batch[:1])

    assert len(_told(log)) == 1
    assert (await identities.read(())).outbox == []


async def test_a_busy_neighbour_tells_of_what_was_left_behind_after_a_while(redis: Redis) -> None:
    log, identities, clock = Log(), RedisIdentities(redis, Keys()), Later(redis)
    neighbour = await _owner(redis, identities, log, clock=clock)
    await neighbour.handle([_meeting(0, "9")])
    with pytest.raises(Died):
        await (await _owner(redis, identities, Dying())).handle(
            [_meeting(0, "1"), *_merging(1, "1", "2")]
        )

    await neighbour.handle([_meeting(1, "9")])
    told_at_once = len(_told(log))
    clock.ahead = LEFT_BEHIND + 1000
    await neighbour.handle([_meeting(2, "9")])

    assert (told_at_once, len(_told(log))) == (0, 1)
    assert (await identities.read(())).outbox == []


def _meeting(offset: int, cookie: str) -> ConsumerRecord:
    return _record(offset, identifiers={"cookie": cookie})


def _merging(offset: int, cookie: str, other: str) -> list[ConsumerRecord]:
    """Somebody new, who turns out to be somebody else."""
    both = {"cookie": [cookie, other]}
    return [_meeting(offset, other), _record(offset + 1, identifiers=both)]


def _told(log: Log) -> list[Outgoing]:
    return [record for record in log.records if record.topic == TOPICS.merges]


async def test_a_verified_phone_moves_to_whom_it_is_verified_for(redis: Redis) -> None:
    """A recycled number: the one it was, one who only wrote it into a form, and its new owner."""
    log = Log()
    owner = await _owner(redis, RedisIdentities(redis, Keys()), log)
    claims = [("17", ["phone"]), ("18", []), ("19", ["phone"])]
    batch = [
        _record(n, identifiers={"customer_id": who, "phone": "13800138000"}, verified=verified)
        for n, (who, verified) in enumerate(claims)
    ]

    await owner.handle([*batch, _record(3, identifiers={"phone": "13800138000"})])

    first, form, new, phone = _profiles(log)
    assert phone == new
    assert len({first, form, new}) == 3


async def test_an_operation_is_a_record_of_the_inbox(redis: Redis) -> None:
    log = Log()
    owner = await _owner(redis, RedisIdentities(redis, Keys()), log)
    both = {"customer_id": "17", "phone": "13800138000"}
    records = [
        _record(0, identifiers=both),
        _record(1, type="identity.erase", identifiers={"phone": "138 0013 8000"}),
        _record(2, type="identity.erase", identifiers={"phone": "nobody"}),
        _record(3, type="identity.shrug", identifiers={"phone": "13800138001"}),
    ]

    await owner.handle(records)

    inboxed = [inbox.decode(r.value) for r in log.records if r.topic == TOPICS.inbox]  # type: ignore[arg-type]
    [erased] = [record for record in inboxed if isinstance(record, Operated)]
    letters = [r for r in log.records if r.topic == TOPICS.dead_letters(SOURCE[0])]
    assert erased.kind == "erase"
    assert erased.profile == _profiles(log)[0]
    assert len(erased.tokens) == 2
    assert _arrived(log) == ["t0", "t3"]
    assert [letter.value for letter in letters] == [records[2].value]


@pytest.mark.parametrize("forgets", [True, False])
async def test_who_is_older_than_what_was_undone_is_remembered_only_finds_people(
    redis: Redis, forgets: bool
) -> None:
    """With the event clock all of an import is old, and nothing lapses."""
    config = identity_config({"tombstone_ttl": "90d"})
    log, clock, config = Log(), Later(redis), config if forgets else ageless(config)
    clock.ahead = 1_790_000_000_000 - await clock.now()
    identities = RedisIdentities(redis, Keys())
    owner = await _owner(redis, identities, log, config=config, clock=clock)
    old, new = "2020-01-01T00:00:00Z", "2026-09-20T00:00:00Z"
    records = [
        _record(0, identifiers={"customer_id": "17"}, time=new),
        _record(1, identifiers={"customer_id": "18"}, time=old),
        _record(2, identifiers={"customer_id": "17", "email": "a@x.io"}, time=old),
    ]

    await owner.handle(records)

    read = await identities.read(Claims(config).read({"email": ("a@x.io",)}, Millis(1)).tokens)
    assert _arrived(log) == (["t0", "t2"] if forgets else ["t0", "t1", "t2"])
    assert [record is not None for record in read.records.values()] == [not forgets]


async def test_who_cannot_be_told_is_a_dead_letter_and_the_others_arrive(redis: Redis) -> None:
    log = Log()
    owner = await _owner(redis, RedisIdentities(redis, Keys()), log)
    nobody = _record(3, identifiers={"phone": "not a number"})

    await owner.handle([*_batch(), nobody])

    letters = [r for r in log.records if r.topic == TOPICS.dead_letters(SOURCE[0])]
    assert _arrived(log) == ["t0", "t1", "t2"]
    assert [letter.value for letter in letters] == [nobody.value]
    assert ("wayline-error-code", b"no-usable-identifier") in letters[0].headers


async def test_the_tombstone_behind_a_deleted_row_is_neither_a_touchpoint_nor_a_dead_letter(
    redis: Redis,
) -> None:
    log = Log()
    entry = {"format": "debezium", "type": "a", "identifiers": {"phone": "{{ row.mobile }}"}}
    identities, mapping = RedisIdentities(redis, Keys()), compile_mapping("shop", entry)
    owner = await _owner(redis, identities, log, mapping=mapping)
    row = {"op": "d", "source": {"lsn": 1}, "before": {"mobile": "13800138000"}, "after": None}
    tombstone = ConsumerRecord(*SOURCE, 1, Millis(1), 0, b"7", None, None, 1, 0, ())

    await owner.handle([_record(0, **row), tombstone])

    assert len(_arrived(log)) == len(log.records) == 1
    assert owner.position == 2


async def test_the_word_of_an_import_outlives_its_reader_and_a_flush(redis: Redis) -> None:
    log, upto = Log(), 1_323_435_000_000
    word = {"type": "source.watermark", "properties": {"source": "invoices", "upto": upto}}
    reader = await _owner(redis, RedisIdentities(redis, Keys()), log, event_clock=True)
    await reader.handle([_record(0, **word)])
    await redis.flushall()

    successor = await _owner(redis, RedisIdentities(redis, Keys()), log, event_clock=True)
    await successor.idle()

    assert await Progress(redis, Keys()).read([SOURCE]) == {SOURCE: (upto, 1)}


async def test_what_lacks_what_the_catalogue_requires_is_a_dead_letter(redis: Redis) -> None:
    log = Log()
    contracts = {"cart.left": EventContract(required=("cart",))}
    owner = await _owner(redis, RedisIdentities(redis, Keys()), log, contracts=contracts)
    known = {"identifiers": {"phone": "13800138000"}}

    await owner.handle([_record(0, **known), _record(1, properties={"cart": "c"}, **known)])

    letters = [r for r in log.records if r.topic == TOPICS.dead_letters(SOURCE[0])]
    assert len(letters) == 1
    assert _arrived(log) == ["t1"]


def _marks(log: Log) -> list[tuple[int | None, Marked]]:
    found = [(r.partition, inbox.decode(r.value)) for r in log.records if r.topic == TOPICS.inbox]  # type: ignore[arg-type]
    return [(place, record) for place, record in found if isinstance(record, Marked)]


async def test_every_shard_hears_how_far_a_late_source_is_behind_what_it_brought(
    redis: Redis,
) -> None:
    log = Log()
    late = {"till": Source("till", None, False, None, 3_600_000, frozenset({"cart.left"}))}
    owner = await _owner(redis, RedisIdentities(redis, Keys()), log, late=late)
    known = {"identifiers": {"phone": "13800138000"}, "source": "till"}
    times = ["2026-05-04T09:00:00Z", "2026-05-04T08:00:00Z", "2026-05-04T09:00:30Z"]

    await owner.handle([_record(n, time=time, **known) for n, time in enumerate(times[:2])])
    await owner.handle([_record(2, time=times[2], **known)])

    marks = _marks(log)
    assert sorted(place or 0 for place, _ in marks) == list(range(12))
    assert {(mark.source, mark.upto) for _, mark in marks} == {("till", 1777885200000)}
    in_inbox = [r for r in log.records if r.topic == TOPICS.inbox]
    assert isinstance(inbox.decode(in_inbox[0].value), Arrived)  # type: ignore[arg-type]


async def test_an_explicit_source_is_as_far_as_it_says(redis: Redis) -> None:
    log = Log()
    brings = frozenset({"cart.left"})
    late = {"till": Source("till", None, False, None, 3_600_000, brings, "explicit")}
    owner = await _owner(redis, RedisIdentities(redis, Keys()), log, late=late)
    known = {"identifiers": {"phone": "13800138000"}, "source": "till"}
    word = {"source": "till", "upto": "2026-05-04T09:00:00Z"}
    said = orjson.dumps({"type": "source.watermark", "id": "w", "properties": word})
    record = ConsumerRecord(*SOURCE, 1, Millis(1), 0, None, said, None, 0, len(said), ())

    await owner.handle([_record(0, time="2026-05-04T10:00:00Z", **known), record])

    assert {mark.upto for _, mark in _marks(log)} == {1777885200000}
