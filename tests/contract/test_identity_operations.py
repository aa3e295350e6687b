"""Unbind, erase, split, merge, unshare: through stitch into the inbox, and back in a repair."""

from collections.abc import Callable, Sequence

import pytest
from redis.asyncio import Redis

from journeys.identity.claims import Claim, Claims
from journeys.identity.config import identity_config
from journeys.identity.operations import Operation, operation
from journeys.identity.records import SHARED, decode_holding, holder_of
from schemas.inbox import Operated
from schemas.touchpoint import Millis
from streams.identities import resolve
from streams.ports import Identities
from streams.repair import repair
from tests.contract.stores import InMemory, Log, OnRedis, Store, no_fence, opened
from tests.redis_server import RedisServer

CONFIG = identity_config({"touch_interval": 0})
CLAIMS = Claims(CONFIG)
U, MAIL, CARD = "user_id:u1", "email:a@x.io", "member_card:M77"


def said(time: int, *identifiers: str) -> Claim:
    found = {name: (value,) for name, _, value in (one.partition(":") for one in identifiers)}
    return CLAIMS.read(found, Millis(time))


def asked(time: int, kind: str, *identifiers: str) -> Operation:
    return operation(kind, identifiers, CLAIMS, Millis(time))


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest, redis: Redis, redis_server: RedisServer) -> Store:
    found = InMemory() if request.param == "memory" else OnRedis(redis, redis_server)
    await opened(found.identities)
    return found


STORIES = {
    "an unbound address": [said(1, U, MAIL), asked(2, "unbind", MAIL)],
    "an unbound address that came back": [
        *(said(1, U, MAIL), asked(2, "unbind", MAIL), said(3, U, MAIL)),
    ],
    "an unbound address that is another's now": [
        *(said(1, U, MAIL), asked(2, "unbind", MAIL), said(3, MAIL)),
    ],
    "an unbind that overtook the link": [said(1, U), asked(5, "unbind", MAIL), said(3, U, MAIL)],
    "an erased person": [said(1, U, MAIL), said(2, U, CARD), asked(3, "erase", MAIL)],
    "an erased person who came back": [
        *(said(1, U, MAIL), asked(3, "erase", MAIL), said(4, U, CARD)),
    ],
    "an erased person of two profiles": [
        *(said(1, U), said(2, MAIL), said(3, U, MAIL), asked(4, "erase", U), said(5, MAIL)),
    ],
    "an erasure before the first touchpoint": [asked(3, "erase", U), said(2, U, MAIL)],
    "a split": [said(1, U, MAIL, CARD), asked(2, "split", MAIL), said(3, U, MAIL)],
    "a split whose half went on": [
        *(said(1, U, MAIL), asked(2, "split", MAIL), said(3, MAIL, CARD), said(4, U, CARD)),
    ],
    "a forced merge": [said(1, U), said(2, "user_id:u2"), asked(3, "merge", U, "user_id:u2")],
    "a device given back": [
        *(said(n, f"user_id:u{n}", "device_id:d") for n in range(1, 4)),
        *(asked(5, "unshare", "device_id:d"), said(6, "user_id:u1", "device_id:d")),
    ],
}


@pytest.mark.parametrize("order", [list, lambda records: list(reversed(records))])
@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
async def test_what_was_asked_of_identity_holds_after_a_flush_and_a_repair(
    store: Store, story: Sequence[Claim | Operation], order: Callable[[list], list]
):
    log = Log()
    for one in story:
        await log.stitch(store.identities, [one], CONFIG)
    before = await picture(store.identities, story)
    await store.flush()
    log.records = order(log.records)

    await repair(store.identities, CONFIG, no_fence, log.read)

    assert await picture(store.identities, story) == before


@pytest.mark.parametrize("kind", ["unbind", "erase", "split"])
async def test_an_operation_that_is_redelivered_tells_the_inbox_the_same(store: Store, kind: str):
    """Redis was written, and the transaction aborted."""
    await resolve(store.identities, [said(1, U, MAIL)], CONFIG)
    once = (await resolve(store.identities, [asked(2, kind, MAIL)], CONFIG)).decisions[0].operated

    again = (await resolve(store.identities, [asked(2, kind, MAIL)], CONFIG)).decisions[0].operated

    assert isinstance(once, Operated)
    assert again is not None
    assert (again.kind, again.profile, set(again.tokens), again.other) == (
        *(once.kind, once.profile, set(once.tokens), once.other),
    )


async def picture(
    identities: Identities, story: Sequence[Claim | Operation]
) -> dict[str, str | None]:
    """Whose each identifier is."""
    tokens = [token for one in story for token in one.tokens]
    found: dict[str, str | None] = {}
    for token, raw in (await identities.read(tokens)).records.items():
        shared = raw is not None and decode_holding(raw).state == SHARED
        found[token] = "shared" if shared else holder_of(raw)
    return found
