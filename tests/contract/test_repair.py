"""Repair of identity from the inbox."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from journeys.identity.claims import Claim
from journeys.identity.records import Merge, decode_node
from schemas.inbox import Arrived, Merged
from schemas.touchpoint import Millis, ProfileId
from streams.identities import resolve
from streams.ports import Identities, IdentityInvalid
from streams.repair import Repaired, repair
from tests.contract.stores import (
    CONFIG,
    InMemory,
    InTheWay,
    Log,
    OnRedis,
    Store,
    claim,
    components,
    cookies,
    no_fence,
    opened,
    partition,
)
from tests.redis_server import RedisServer

CLAIMS = [cookies([n * 7 % 20, n * 11 % 20], time=n) for n in range(40)]


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest, redis: Redis, redis_server: RedisServer) -> Store:
    found = InMemory() if request.param == "memory" else OnRedis(redis, redis_server)
    await opened(found.identities)
    return found


async def test_after_a_flush_the_same_people_stand_up_with_the_same_ids(store: Store):
    log = Log()
    await log.stitch(store.identities, CLAIMS[:20])
    before = await log.stitch(store.identities, CLAIMS[20:])
    again = await log.stitch(store.identities, CLAIMS)
    told = len(log.records)
    await store.flush()

    await repair(store.identities, CONFIG, no_fence, log.read)

    assert log.since == [None]
    assert await partition(store.identities, CLAIMS) == components(CLAIMS)
    after = await log.stitch(store.identities, CLAIMS)
    assert [one.profile for one in after] == [one.profile for one in again]
    assert len(log.records) == told + len(after), "nothing is merged or told of anew"
    assert len(before) == 20


async def test_identity_that_is_valid_is_left_alone(store: Store):
    assert await repair(store.identities, CONFIG, no_fence, Log().read) is None


async def test_after_a_clean_restart_only_the_last_minute_is_read(store: Store):
    log = Log()
    await log.stitch(store.identities, CLAIMS)
    await store.identities.beat(Millis(500_000))
    await store.restart()

    await repair(store.identities, CONFIG, no_fence, log.read)

    assert log.since == [Millis(440_000)]
    assert await partition(store.identities, CLAIMS) == components(CLAIMS)


async def test_after_a_fall_back_what_was_linked_and_merged_since_holds_again(store: Store):
    log = Log()
    await log.stitch(store.identities, CLAIMS[:10])
    earlier = await store.copy()
    after = await log.stitch(store.identities, CLAIMS)
    await store.fall_back(earlier)

    await repair(store.identities, CONFIG, no_fence, log.read)

    assert await partition(store.identities, CLAIMS) == components(CLAIMS)
    assert (await resolve(store.identities, CLAIMS, CONFIG)).outbox == []
    for decision in after:
        await assert_leads_to_the_root_of(store.identities, decision.profile, decision.links)


async def test_a_merge_whose_note_was_lost_is_told_of(store: Store):
    log = Log()
    await log.stitch(store.identities, [claim(1, cookie="a"), claim(2, cookie="b")])
    joining = claim(3, cookie="a", email="a@b.co")
    await log.stitch(store.identities, [joining])
    met = await resolve(store.identities, [claim(4, cookie="b", email="a@b.co")], CONFIG)
    await store.identities.trim([waiting.id for waiting in met.outbox])
    await store.restart()

    done = await repair(store.identities, CONFIG, no_fence, log.read)

    lost = met.outbox[0].note
    outbox = (await store.identities.read(())).outbox
    assert done is not None
    assert done.told == 1
    assert [w.note for w in outbox] == [Merge(lost.loser, lost.survivor, Millis(2))]


async def test_a_touchpoint_whose_identifiers_lead_elsewhere_unites_the_two(store: Store):
    log = Log()
    [one] = await log.stitch(store.identities, [claim(5, cookie="a")])
    [other] = await log.stitch(store.identities, [claim(2, cookie="b")])
    touchpoint = next(record for record in log.records if isinstance(record, Arrived)).touchpoint
    log.records = [Arrived(ProfileId(str(one.profile)), touchpoint, other.links, ("t", 0, 0))]
    await store.restart()

    done = await repair(store.identities, CONFIG, no_fence, log.read)

    assert done == Repaired(records=1, united=1, told=0)
    outbox = (await store.identities.read(())).outbox
    assert [(w.note.loser, w.note.survivor) for w in outbox] == [(one.profile, other.profile)]


async def test_the_log_says_who_survived_and_a_ring_in_it_leads_to_one(store: Store):
    log = Log()
    [one] = await log.stitch(store.identities, [claim(5, cookie="a")])
    [other] = await log.stitch(store.identities, [claim(2, cookie="b")])
    assert one.profile is not None
    assert other.profile is not None
    log.records += [Merged(other.profile, one.profile), Merged(one.profile, other.profile)]
    await store.flush()

    await repair(store.identities, CONFIG, no_fence, log.read)

    found = await resolve(store.identities, [claim(cookie="a"), claim(cookie="b")], CONFIG)
    assert {decision.profile for decision in found.decisions} == {one.profile}
    assert found.outbox == []


async def test_others_are_fenced_before_the_inbox_is_read(store: Store):
    log, steps = Log(), []

    async def fence() -> None:
        steps.append(len(log.since))

    await store.flush()
    await repair(store.identities, CONFIG, fence, log.read)

    assert steps == [0]
    assert len(log.since) == 1


async def test_two_repairs_at_once_are_harmless(store: Store):
    log = Log()
    await log.stitch(store.identities, CLAIMS)
    await store.flush()
    shared = InTheWay(store.identities)

    await asyncio.gather(*(repair(shared, CONFIG, no_fence, log.read) for _ in range(3)))

    assert await partition(store.identities, CLAIMS) == components(CLAIMS)
    assert (await store.identities.read(())).outbox == []


async def test_a_flush_during_a_repair_makes_it_start_anew(store: Store):
    log = Log()
    await log.stitch(store.identities, CLAIMS)
    await store.restart()

    with pytest.raises(IdentityInvalid):
        await repair(store.identities, CONFIG, store.flush, log.read)

    with pytest.raises(IdentityInvalid):
        await store.identities.read(())


batches = st.lists(
    st.tuples(
        st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=3), min_size=1, max_size=3),
        st.sampled_from(["published", "lost", "kept", "flush", "fall back"]),
    ),
    max_size=12,
)


@given(batches)
@settings(max_examples=300, deadline=None)
def test_whatever_is_lost_the_links_and_merges_of_the_inbox_hold_after_a_repair(batches):
    """`lost`: Redis was written and the transaction aborted; `kept` keeps a copy to fall back to.

    Touchpoints of aborted transactions are delivered again at the end.
    """
    asyncio.run(lived_through(batches))


async def lived_through(batches: Sequence[tuple[Sequence[Sequence[int]], str]]) -> None:
    store, log, again = InMemory(), Log(), list[Claim]()
    await opened(store.identities)
    kept = await store.copy()
    for now, (edges, fate) in enumerate(batches, start=1):
        claims = [cookies(edge, time=now) for edge in edges]
        if fate == "lost":
            again += claims
            await resolve(store.identities, claims, CONFIG)
        else:
            await log.stitch(store.identities, claims)
        if fate == "kept":
            kept = await store.copy()
        if fate in {"flush", "fall back"}:
            await (store.flush() if fate == "flush" else store.fall_back(kept))
            await repair(store.identities, CONFIG, no_fence, log.read)
            await assert_all_holds(store.identities, log)
    await log.stitch(store.identities, again)
    await store.restart()
    await repair(store.identities, CONFIG, no_fence, log.read)

    await log.stitch(store.identities, [])
    await assert_all_holds(store.identities, log)
    everything = [cookies(edge) for edges, _ in batches for edge in edges]
    assert await partition(store.identities, everything) == components(everything)
    await assert_the_dead_are_told_of(store.identities, log)


async def assert_all_holds(identities: Identities, log: Log) -> None:
    """I9."""
    for record in log.records:
        match record:
            case Arrived():
                await assert_leads_to_the_root_of(identities, record.profile, record.links)
            case Merged():
                assert await root(identities, record.loser) == await root(
                    identities, record.survivor
                )


async def assert_the_dead_are_told_of(identities: Identities, log: Log) -> None:
    """M32: a profile that took touchpoints and is dead has its note in the log."""
    told = {record.loser for record in log.records if isinstance(record, Merged)}
    for record in log.records:
        if isinstance(record, Arrived) and record.profile not in told:
            assert await root(identities, record.profile) == record.profile


async def assert_leads_to_the_root_of(
    identities: Identities, profile: ProfileId | None, links: Sequence[str]
) -> None:
    assert profile is not None
    expected = await root(identities, profile)
    for record in (await identities.read(links)).records.values():
        assert record is not None
        assert record.startswith(expected.encode())


async def root(identities: Identities, profile: ProfileId) -> ProfileId:
    while to := decode_node((await identities.nodes([profile]))[profile] or b"").to:
        profile = to
    return profile
