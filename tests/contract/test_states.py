"""The picture of a shard in Redis: nothing is written but onto the picture it belongs to."""

from collections import Counter

import pytest
from redis.asyncio import Redis

from journeys.engine.effects import Effects, Round, Shard
from journeys.engine.profile import NEVER, Profile, encode
from journeys.engine.rounds import NOBODY, Visited, move_on
from schemas.inbox import Logged, Tick
from schemas.touchpoint import Millis, ProfileId
from streams.keys import Keys
from streams.ports import Halt, Stale
from streams.states import COMMAND_PARTS, RedisStates

TOPIC = "the inbox's id"
ANN, BOB, CLEO = ProfileId("ann"), ProfileId("bob"), ProfileId("cleo")


@pytest.fixture
def states(redis: Redis) -> RedisStates:
    return RedisStates(redis, Keys("test"), 12)


def effects(**profiles: bytes | None) -> Effects:
    """Profiles as given, each due at 1,000 ms."""
    made = Effects()
    for name, value in profiles.items():
        made.profiles[ProfileId(name)] = value
        made.due[ProfileId(name)] = None if value is None else Millis(1000)
        made.gate[ProfileId(name)] = None
    return made


async def test_a_shard_that_was_never_stored_stands_at_the_start(states: RedisStates) -> None:
    loaded = await states.load(7, 0, [ANN], None)

    assert await states.position(7) == (None, None)
    assert loaded.shard == Shard(7, 12)
    assert loaded.profiles == {}


async def test_what_was_committed_is_loaded_at_its_offset(states: RedisStates) -> None:
    facts = Shard(7, 12, time=Millis(5))
    await states.commit(7, TOPIC, 0, 3, facts, effects(ann=b"\x00\xff", bob=b"b"))

    loaded = await states.load(7, 3, [ANN, BOB, CLEO], None)

    assert await states.position(7) == (3, TOPIC)
    assert loaded.shard == facts
    assert loaded.profiles == {ANN: b"\x00\xff", BOB: b"b"}


async def test_a_fold_from_another_offset_is_refused_and_changes_nothing(
    states: RedisStates, redis: Redis
) -> None:
    await states.commit(7, TOPIC, 0, 3, Shard(7, 12), effects(ann=b"a"))
    before = {key: await redis.dump(key) for key in await redis.keys()}

    with pytest.raises(Stale, match="expected offset 0, found 3"):
        await states.commit(7, TOPIC, 0, 5, Shard(7, 12), effects(ann=b"other", bob=b"b"))

    assert {key: await redis.dump(key) for key in await redis.keys()} == before


async def test_a_load_from_another_offset_is_refused(states: RedisStates) -> None:
    await states.commit(7, TOPIC, 0, 3, Shard(7, 12), effects(ann=b"a"))

    with pytest.raises(Stale):
        await states.load(7, 5, [ANN], None)
    with pytest.raises(Stale):
        await states.load(7, 5, [], Logged(5, Millis(9), Tick(Millis(9))))


async def test_another_topic_halts(states: RedisStates) -> None:
    await states.commit(7, TOPIC, 0, 3, Shard(7, 12), effects(ann=b"a"))

    with pytest.raises(Halt):
        await states.commit(7, "made again", 3, 4, Shard(7, 12), effects(ann=b"b"))

    assert (await states.load(7, 3, [ANN], None)).profiles == {ANN: b"a"}


async def test_a_profile_that_is_gone_leaves_every_index(states: RedisStates, redis: Redis) -> None:
    await states.commit(7, TOPIC, 0, 3, Shard(7, 12), effects(ann=b"a"))
    await states.commit(7, TOPIC, 3, 4, Shard(7, 12), effects(ann=None))

    assert await redis.keys("*:p:*") == []
    assert await states.earliest(7) == (None, False)


async def test_a_tick_loads_those_due_in_order_of_moment_and_id(states: RedisStates) -> None:
    made = effects(bob=b"b", ann=b"a", cleo=b"c")
    made.due[CLEO] = Millis(2001)
    await states.commit(7, TOPIC, 0, 3, Shard(7, 12), made)

    loaded = await states.load(7, 3, [], Logged(3, Millis(9000), Tick(Millis(2000))))

    assert loaded.due == [(1000, ANN), (1000, BOB)]
    assert loaded.profiles == {ANN: b"a", BOB: b"b"}


async def test_a_tick_reaches_no_further_than_the_brokers_stamp(states: RedisStates) -> None:
    await states.commit(7, TOPIC, 0, 3, Shard(7, 12), effects(ann=b"a"))

    loaded = await states.load(7, 3, [], Logged(3, Millis(999), Tick(Millis(2000))))

    assert loaded.due == []


async def test_those_at_the_gate_are_woken_only_while_it_is_open(states: RedisStates) -> None:
    made = effects(ann=b"a")
    made.due[ANN], made.gate[ANN] = Millis(5000), Millis(7)
    tick = Logged(3, Millis(2000), Tick(Millis(2000)))
    await states.commit(7, TOPIC, 0, 3, Shard(7, 12, held=True), made)
    shut = await states.load(7, 3, [], tick), await states.earliest(7)

    await states.commit(7, TOPIC, 3, 4, Shard(7, 12), Effects())
    opened = await states.load(7, 4, [], tick), await states.earliest(7)

    assert (shut[0].waiting, shut[1]) == ([], (5000, False))
    assert (opened[0].waiting, opened[1]) == ([(7, ANN)], (5000, True))


async def test_those_a_paused_map_holds_are_woken_once_after_each_resumption(
    states: RedisStates,
) -> None:
    made, tick = effects(ann=b"a"), Logged(3, Millis(2000), Tick(Millis(2000)))
    made.due[ANN], made.gate[ANN] = NEVER, Millis(NEVER + 1)
    await states.commit(7, TOPIC, 0, 3, Shard(7, 12, resumes=1), made)
    held = await states.load(7, 3, [], tick), await states.earliest(7)

    await states.commit(7, TOPIC, 3, 4, Shard(7, 12, resumes=2), Effects())
    resumed = await states.load(7, 4, [], tick), await states.earliest(7)

    assert (held[0].waiting, held[1]) == ([], (NEVER, False))
    assert (resumed[0].waiting, resumed[1]) == ([(NEVER + 1, ANN)], (NEVER, True))


async def test_counters_add_up_by_day(states: RedisStates, redis: Redis) -> None:
    for start in (0, 1):
        made = Effects(counts=Counter({("2026-11-25", "m/1/enter"): 2}))
        await states.commit(7, TOPIC, start, start + 1, Shard(7, 12), made)

    assert await redis.hgetall(Keys("test").counts(7, "2026-11-25")) == {b"m/1/enter": b"4"}


async def test_a_commit_may_be_larger_than_luas_stack(states: RedisStates) -> None:
    many = {f"p{n}": b"x" for n in range(COMMAND_PARTS * 2 + 1)}
    await states.commit(7, TOPIC, 0, 3, Shard(7, 12), effects(**many))

    loaded = await states.load(7, 3, [ProfileId(p) for p in many], None)

    assert len(loaded.profiles) == len(many)


async def test_a_tick_visits_everybody_in_order_of_due_and_id_a_page_at_a_time(
    states: RedisStates,
) -> None:
    names = [ProfileId(name) for name in ("B", "a", "b", "é", "aa", "zz")]
    made = effects(**dict.fromkeys(names, b"p"))
    made.due[names[0]] = made.due[names[3]] = Millis(NEVER)
    tick, seen, facts = Logged(3, Millis(5), Tick(Millis(5))), [], Shard(7, 12, round=Round())
    await states.commit(7, TOPIC, 0, 3, facts, made)

    at = 3
    while facts.round is not None:
        visited = await states._visited(7, facts.round, 2)
        seen += [name for _, name in visited.people]
        move_on(facts, visited)
        await states.commit(7, TOPIC, at, at + 1, facts, Effects())
        at += 1

    assert seen == ["a", "aa", "b", "zz", "B", "é"]
    assert (await states.load(7, at, [], tick)).visited == NOBODY


async def test_a_round_calls_for_ticks_until_it_is_over(states: RedisStates) -> None:
    facts = Shard(7, 12, round=Round())
    await states.commit(7, TOPIC, 0, 3, facts, effects(ann=b"a"))
    tick = Logged(3, Millis(5), Tick(Millis(5)))

    under_way = await states.earliest(7)
    loaded = await states.load(7, 3, [], tick)

    assert under_way == (1000, True)
    assert loaded.visited == Visited(((Millis(1000), ANN),), last=True)
    assert loaded.profiles == {ANN: b"a"}


async def test_who_was_merged_is_told_from_who_is_there(redis: Redis) -> None:
    states, all_in_one = (
        RedisStates(redis, Keys("test"), 1),
        effects(ann=encode(Profile(redirect="bob")), bob=encode(Profile(known=True))),
    )
    await states.commit(0, TOPIC, 0, 3, Shard(0, 1), all_in_one)

    assert await states.redirects({ANN, BOB, CLEO}) == {ANN}
