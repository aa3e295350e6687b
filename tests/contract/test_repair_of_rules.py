"""Repair where the rules keep people apart: limits, moves, shared devices, evictions."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from journeys.identity.claims import Claim, Claims
from journeys.identity.config import identity_config
from journeys.identity.records import SHARED, decode_holding, holder_of
from schemas.touchpoint import Millis
from streams.identities import resolve
from streams.ports import Identities
from streams.repair import repair
from tests.contract.stores import InMemory, Log, OnRedis, Store, no_fence, opened
from tests.redis_server import RedisServer

CONFIG = identity_config({"touch_interval": 0, "namespaces": {"cookie": {"limit": 2}}})
CLAIMS = Claims(CONFIG)


def claim(time: int, *identifiers: str, verified: Sequence[str] = ()) -> Claim:
    found: dict[str, tuple[str, ...]] = {}
    for name, _, value in (one.partition(":") for one in identifiers):
        found[name] = (*found.get(name, ()), value)
    return CLAIMS.read(found, Millis(time), verified=verified)


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest, redis: Redis, redis_server: RedisServer) -> Store:
    found = InMemory() if request.param == "memory" else OnRedis(redis, redis_server)
    await opened(found.identities)
    return found


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(
    "claims",
    [
        pytest.param(
            [claim(1, "user_id:u1", "device_id:d"), claim(2, "user_id:u2", "device_id:d")],
            id="a device moved to its last login",
        ),
        pytest.param(
            [claim(2, "user_id:u1", "device_id:d"), claim(1, "user_id:u2", "device_id:d")],
            id="a late login did not take the device",
        ),
        pytest.param(
            [claim(n, f"user_id:u{n}", "device_id:d") for n in range(1, 4)],
            id="a third person made it shared",
        ),
        pytest.param(
            [
                *(claim(n, f"user_id:u{n}", "device_id:d") for n in range(1, 4)),
                claim(9, "device_id:d"),
            ],
            id="a shared device answered by itself",
        ),
        pytest.param(
            [claim(n, "user_id:u1", f"cookie:c{n}") for n in range(1, 5)],
            id="old cookies were evicted",
        ),
        pytest.param(
            [
                *(claim(n, "user_id:u1", f"cookie:c{n}") for n in range(1, 4)),
                claim(9, "cookie:c1"),
            ],
            id="an evicted cookie began anew",
        ),
        pytest.param(
            [claim(1, "user_id:u1", "email:a@x.io"), claim(2, "user_id:u2", "email:a@x.io")],
            id="an address stayed with its owner",
        ),
        pytest.param(
            [
                claim(1, "user_id:u1", "phone:13800138000", verified=["phone"]),
                claim(2, "user_id:u2", "phone:13800138000", verified=["phone"]),
            ],
            id="a verified phone moved",
        ),
    ],
)
async def test_after_a_flush_nobody_is_united_whom_the_rules_keep_apart(
    store: Store, claims: Sequence[Claim], backwards: bool
):
    """In whatever order its shards are read."""
    log = Log()
    for one in claims:
        await stitched(log, store.identities, [one])
    before = await picture(store.identities, claims)
    await store.flush()
    if backwards:
        log.records.reverse()

    done = await repair(store.identities, CONFIG, no_fence, log.read)

    assert done is not None
    assert done.united == 0
    assert await picture(store.identities, claims) == before


steps = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.sampled_from(["device_id:d", "device_id:e", "cookie:c"]),
        st.booleans(),
    ),
    min_size=1,
    max_size=10,
)


@given(steps, st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_no_two_people_become_one_in_whatever_order_the_inbox_is_read(steps, random):
    asyncio.run(repaired_in_any_order(steps, random))


async def repaired_in_any_order(steps, random) -> None:
    store, log = InMemory(), Log()
    await opened(store.identities)
    claims = [
        claim(time, f"user_id:u{who}", device) if together else claim(time, device)
        for time, (who, device, together) in enumerate(steps, start=1)
    ]
    for one in claims:
        await stitched(log, store.identities, [one])
    people = [claim(99, f"user_id:u{who}") for who in range(1, 4)]
    before = {len(set(await holders(store.identities, people)) - {None})}
    await store.flush()
    random.shuffle(log.records)

    await repair(store.identities, CONFIG, no_fence, log.read)

    assert {len(set(await holders(store.identities, people)) - {None})} == before


async def stitched(log: Log, identities: Identities, claims: Sequence[Claim]) -> None:
    await log.stitch(identities, claims, CONFIG)


async def picture(identities: Identities, claims: Sequence[Claim]) -> dict[str, str | None]:
    """Whose each identifier is; the users of a device and generations are not in the inbox."""
    tokens = [token for one in claims for token in one.tokens]
    read = await identities.read(tokens)
    found: dict[str, str | None] = {}
    for token, raw in read.records.items():
        shared = raw is not None and decode_holding(raw).state == SHARED
        found[token] = "shared" if shared else holder_of(raw)
    return found


async def holders(identities: Identities, claims: Sequence[Claim]) -> list[str | None]:
    read = await identities.read([one.tokens[0] for one in claims])
    return [holder_of(raw) for raw in read.records.values()]


async def test_a_repaired_device_still_answers_as_before(store: Store):
    log = Log()
    claims = [claim(1, "user_id:u1", "device_id:d"), claim(2, "user_id:u2", "device_id:d")]
    await stitched(log, store.identities, claims)
    await store.flush()
    await repair(store.identities, CONFIG, no_fence, log.read)

    asked = [claim(3, "device_id:d"), claim(3, "user_id:u2")]
    device, owner = (await resolve(store.identities, asked, CONFIG)).decisions

    assert device.profile == owner.profile
