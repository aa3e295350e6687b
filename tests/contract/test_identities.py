"""Identity: one contract for the store in memory and the one on Redis."""

import asyncio
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from journeys.identity.claims import Claim
from journeys.identity.plan import Plan
from journeys.identity.records import decode_node
from schemas.touchpoint import Millis
from streams.identities import RedisIdentities, resolve
from streams.identities_memory import MemoryIdentities
from streams.keys import Keys
from streams.ports import Conflict, Identities, IdentityInvalid, Waiting
from tests.contract.stores import (
    CLAIMS,
    CONFIG,
    Crash,
    Crashing,
    InMemory,
    InTheWay,
    OnRedis,
    Store,
    claim,
    components,
    cookies,
    opened,
    partition,
)
from tests.redis_server import RedisServer

graphs = st.lists(
    st.lists(st.integers(0, 14), min_size=1, max_size=3, unique=True), min_size=1, max_size=30
)


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest, redis: Redis, redis_server: RedisServer) -> Store:
    found = InMemory() if request.param == "memory" else OnRedis(redis, redis_server)
    await opened(found.identities)
    return found


async def test_a_new_person_is_found_again_by_each_identifier(store: Store):
    both = claim(phone="13800000001", email="a@b.co")

    first = await resolve(store.identities, [both], CONFIG)
    again = await resolve(
        store.identities, [claim(phone="+86 138 0000 0001"), claim(email=" A@B.co")], CONFIG
    )

    profile = first.decisions[0].profile
    assert profile is not None
    assert [one.profile for one in again.decisions] == [profile, profile]
    assert first.decisions[0].links == both.tokens


async def test_a_claim_of_two_people_makes_them_one_and_tells_of_it_once(store: Store):
    a, b = claim(10, cookie="a"), claim(5, cookie="b")
    one, other = (await resolve(store.identities, [a, b], CONFIG)).decisions

    joined = await resolve(store.identities, [claim(20, cookie="a", email="a@b.co")], CONFIG)
    met = await resolve(
        store.identities, [cookies_of("a", "b"), cookies_of("b", "a"), a, b], CONFIG
    )

    assert joined.outbox == []
    assert [decision.profile for decision in met.decisions] == [other.profile] * 4
    assert met.decisions[0].merges == ((one.profile, other.profile),)
    assert [decision.merges for decision in met.decisions[1:]] == [()] * 3
    assert [(w.note.loser, w.note.survivor) for w in met.outbox] == [(one.profile, other.profile)]
    assert (await resolve(store.identities, [], CONFIG)).rest == met.outbox
    await store.identities.trim([waiting.id for waiting in met.outbox])
    await store.identities.trim([waiting.id for waiting in met.outbox])
    assert (await resolve(store.identities, [a], CONFIG)).outbox == []


async def test_a_batch_rests_on_the_merges_that_moved_what_it_names(store: Store):
    people = [claim(time, cookie=name) for time, name in enumerate("abcd", start=1)]
    await resolve(store.identities, people, CONFIG)
    one = await resolve(store.identities, [cookies_of("a", "b")], CONFIG)
    other = await resolve(store.identities, [cookies_of("c", "d")], CONFIG)

    found = await resolve(store.identities, [people[1]], CONFIG)

    assert found.outbox == one.outbox
    assert found.rest == other.outbox


async def test_a_known_person_keeps_her_id_against_an_older_stranger(store: Store):
    stranger, member = claim(1, cookie="old"), claim(900, customer_id="17")
    decisions = (await resolve(store.identities, [stranger, member], CONFIG)).decisions

    met = await resolve(store.identities, [claim(901, cookie="old", customer_id="17")], CONFIG)

    assert met.decisions[0].profile == decisions[1].profile


async def test_a_merge_takes_along_identifiers_that_are_not_in_the_batch(store: Store):
    await resolve(store.identities, [claim(5, cookie="a", email="a@b.co")], CONFIG)
    older = await resolve(store.identities, [claim(1, cookie="b")], CONFIG)

    await resolve(store.identities, [cookies_of("a", "b")], CONFIG)
    found = await resolve(store.identities, [claim(9, email="a@b.co")], CONFIG)

    assert found.decisions[0].profile == older.decisions[0].profile


async def test_a_storm_of_merges_in_one_batch_leaves_one_person(store: Store):
    strangers = [cookies([n], time=n + 1) for n in range(200)]
    await resolve(store.identities, strangers, CONFIG)

    storm = [cookies([n, 0 if n % 3 else n - 1], time=300) for n in range(1, 200)]
    met = await resolve(store.identities, storm, CONFIG)

    losers = [waiting.note.loser for waiting in met.outbox]
    assert len(losers) == len(set(losers)) == 199
    assert await partition(store.identities, strangers) == components(strangers + storm)
    last = met.decisions[-1].profile
    root = decode_node((await store.identities.nodes([last]))[last] or b"")
    assert set(root.aliases) == set(losers)


async def test_a_plan_made_on_a_state_that_has_changed_is_refused_whole(store: Store):
    gate = (await store.identities.read(())).gate
    await resolve(store.identities, [claim(cookie="a")], CONFIG)
    taken, free = claim(cookie="a").tokens[0], claim(cookie="b").tokens[0]
    plan = Plan(records={free: (b"", b"mine"), taken: (b"", b"mine")})

    with pytest.raises(Conflict):
        await store.identities.commit(gate, plan)

    assert (await store.identities.read([free])).records == {free: None}


async def test_concurrent_workers_end_with_what_is_connected(store: Store):
    dice, workers = Random(7), 6
    claims = [cookies([dice.randrange(50), dice.randrange(50)], time=n) for n in range(60)]
    shared = InTheWay(store.identities)

    async def work(mine: Sequence[Claim]) -> None:
        for start in range(0, len(mine), 2):
            await resolve(shared, mine[start : start + 2], CONFIG)

    await asyncio.gather(*(work(claims[worker::workers]) for worker in range(workers)))

    assert await partition(store.identities, claims) == components(claims)
    outbox = (await store.identities.read(())).outbox
    losers = [waiting.note.loser for waiting in outbox]
    assert len(losers) == len(set(losers))
    assert await all_lead_to_one_root(store.identities, claims)


@pytest.mark.parametrize("call", ["read", "nodes", "commit"])
@pytest.mark.parametrize("after", [False, True])
async def test_a_worker_that_dies_anywhere_is_followed_by_one_that_finds_its_work(
    store: Store, call: str, after: bool
):
    before = [cookies([1, 2]), cookies([3, 4]), cookies([5])]
    batch = [cookies([2, 3]), cookies([5, 6]), cookies([7])]
    await resolve(store.identities, before, CONFIG)
    with pytest.raises(Crash):
        await resolve(Crashing(store.identities, call, after=after), batch, CONFIG)

    await resolve(store.identities, batch, CONFIG)

    assert await partition(store.identities, before + batch) == components(before + batch)
    assert len((await store.identities.read(())).outbox) == 1


async def test_identity_is_not_trusted_after_a_restart(store: Store):
    await resolve(store.identities, [claim(cookie="a")], CONFIG)
    await store.restart()

    with pytest.raises(IdentityInvalid):
        await store.identities.read(claim(cookie="a").tokens)


async def test_a_batch_decided_before_a_flush_is_not_written_after_it(store: Store):
    gate = (await store.identities.read(())).gate
    await store.flush()

    with pytest.raises(Conflict):
        await store.identities.commit(gate, Plan(records={"cookie:x": (b"", b"mine")}))
    with pytest.raises(IdentityInvalid):
        await store.identities.read(())


async def test_nothing_beats_while_identity_is_invalid(store: Store):
    await store.identities.beat(Millis(1000))
    await store.restart()

    await store.identities.beat(Millis(2000))

    window = await store.identities.begin_repair()
    assert window is not None
    assert window.beat == 1000


async def test_a_repair_during_which_identity_was_lost_does_not_validate_it(store: Store):
    await store.restart()
    await store.identities.begin_repair()
    await store.flush()

    with pytest.raises(IdentityInvalid):
        await store.identities.end_repair()


async def test_a_batch_that_cannot_get_through_is_cut_in_two_until_it_can():
    """The neighbour: one who changes what a batch of more than two has read, each time."""
    inner = MemoryIdentities()
    await opened(inner)

    class Crowded(InTheWay):
        async def commit(self, gate: bytes, plan: Plan) -> Sequence[Waiting]:
            if len(plan.nodes) > 2:
                raise Conflict("somebody was faster")
            return await super().commit(gate, plan)

    claims = [cookies([n]) for n in range(9)]
    resolved = await resolve(Crowded(inner), claims, CONFIG)

    assert await partition(inner, claims) == components(claims)
    assert len(resolved.decisions) == 9
    assert resolved.conflicts > 0


async def test_a_batch_of_known_people_is_one_round_trip_and_news_are_three(redis: Redis):
    identities = await opened(RedisIdentities(redis, Keys()))
    await resolve(identities, [claim(phone="13800000001")], CONFIG)
    claims = [cookies([n, n + 1]) for n in range(0, 100, 2)]

    news = await calls_during(redis, identities, claims)
    hot = await calls_during(redis, identities, claims)

    assert (news["mget"], news["evalsha"]) == (2, 1)
    assert hot == {"info": 1, "get": 1, "mget": 1, "xrange": 1}


async def test_a_batch_of_moves_reads_what_all_of_them_need_at_once(redis: Redis):
    identities = await opened(RedisIdentities(redis, Keys()))
    people = range(100)
    first = [claim(1, customer_id=f"a{n}", device_id=f"d{n}") for n in people]
    await resolve(identities, first, CONFIG)
    moves = [claim(2, customer_id=f"b{n}", device_id=f"d{n}") for n in people]

    calls = await calls_during(redis, identities, moves)

    assert calls["evalsha"] == 1
    assert calls["mget"] <= 6


@given(graphs, st.integers(1, 7), st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_the_people_are_what_is_connected_in_any_order_and_any_batches(graph, size, random):
    claims = [cookies(edge, time=n) for n, edge in enumerate(graph)]
    random.shuffle(claims)

    asyncio.run(stitched_in_batches(MemoryIdentities(), claims, size))


@given(graphs, st.integers(1, 7))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_people_on_redis_are_what_is_connected(redis_server: RedisServer, graph, size):
    claims = [cookies(edge, time=n) for n, edge in enumerate(graph)]

    async def on_redis() -> None:
        async with Redis.from_url(redis_server.url) as redis:
            await redis.flushall()
            await stitched_in_batches(RedisIdentities(redis, Keys()), claims, size)

    asyncio.run(on_redis())


def cookies_of(*names: str) -> Claim:
    return CLAIMS.read({"cookie": names}, Millis(30))


async def stitched_in_batches(identities: Identities, claims: Sequence[Claim], size: int) -> None:
    await opened(identities)
    for start in range(0, len(claims), size):
        await resolve(identities, claims[start : start + size], CONFIG)

        done = claims[: start + size]
        assert await partition(identities, done) == components(done)
    assert await all_lead_to_one_root(identities, claims)


async def all_lead_to_one_root(identities: Identities, claims: Sequence[Claim]) -> bool:
    """Every profile that ever lost a merge leads to a live one."""
    for waiting in (await identities.read(())).outbox:
        profile = waiting.note.loser
        while to := decode_node((await identities.nodes([profile]))[profile] or b"").to:
            profile = to
        assert profile != waiting.note.loser
    return True


async def calls_during(
    redis: Redis, identities: Identities, claims: Sequence[Claim]
) -> dict[str, int]:
    await redis.config_resetstat()
    await resolve(identities, claims, CONFIG)
    stats = await redis.info("commandstats")
    stats.pop("cmdstat_config|resetstat", None)
    return {name.removeprefix("cmdstat_"): one["calls"] for name, one in stats.items()}
