"""Unbind, erase, split, merge, unshare: through stitch into the inbox, and back in a repair."""

from collections.abc import Callable, Sequence

import pytest
from redis.asyncio import Redis

from journeys.identity.claims import Claim, Claims
from journeys.identity.config import identity_config
from journeys.identity.operations import Operation, operation
from journeys.identity.records import SHARED, Merge, decode_holding, holder_of
from schemas.inbox import Merged, Operated
from schemas.touchpoint import Millis
from streams.identities import RedisIdentities, resolve
from streams.keys import Keys
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
    "an erased person who was seen after the erasure's time": [
        *(said(1, U, MAIL), said(9, U, CARD), asked(3, "erase", MAIL), said(10, CARD)),
    ],
    "an erased person of three profiles": [
        *(said(1, U), said(2, MAIL), said(3, CARD), said(4, U, MAIL), said(5, U, CARD)),
        *(asked(6, "erase", U), said(7, CARD, MAIL), asked(8, "erase", MAIL)),
    ],
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


@pytest.mark.parametrize("since", [1, 3])
@pytest.mark.parametrize("kind", ["unbind", "erase", "split"])
async def test_an_operation_waits_in_the_outbox_until_the_inbox_has_it(
    store: Store, kind: str, since: int
):
    """Redis was written, the transaction aborted; others went on before it was redelivered."""
    await resolve(store.identities, [said(1, U, MAIL)], CONFIG)
    once = (await resolve(store.identities, [asked(2, kind, MAIL)], CONFIG)).outbox
    await resolve(store.identities, [said(since, MAIL, "cookie:c")], CONFIG)
    before = await picture(store.identities, [said(3, U, MAIL, "cookie:c")])

    again = (await resolve(store.identities, [asked(2, kind, MAIL)], CONFIG)).outbox

    assert [waiting.note.kind for waiting in once if isinstance(waiting.note, Operated)] == [kind]
    assert list(again) == list(once)
    assert await picture(store.identities, [said(3, U, MAIL, "cookie:c")]) == before


async def test_what_was_erased_is_told_whole_under_every_id_she_had(store: Store):
    """Also a merge that nobody told the inbox of yet."""
    story = [said(1, "cookie:c"), said(2, U, MAIL), said(3, U, "cookie:c")]
    *_, one = (await resolve(store.identities, story, CONFIG)).decisions

    outbox = (await resolve(store.identities, [asked(4, "erase", U)], CONFIG)).outbox

    merged, erased = (waiting.note for waiting in outbox)
    assert isinstance(merged, Merge)
    assert isinstance(erased, Operated)
    assert (erased.profile, erased.aliases) == (one.profile, (merged.loser,))
    assert set(erased.tokens) == set(said(1, U, MAIL, "cookie:c").tokens)


async def test_who_was_erased_stays_so_though_a_merge_of_hers_was_told_to_nobody(store: Store):
    """The worker that merged died, another one erased, and Redis lost both."""
    log = Log()
    for one in [
        said(1, "cookie:c"),
        said(2, U, MAIL),
        said(3, U, "cookie:c"),
        asked(4, "erase", U),
    ]:
        await log.stitch(store.identities, [one], CONFIG)
    log.records = [record for record in log.records if not isinstance(record, Merged)]
    await store.flush()

    await repair(store.identities, CONFIG, no_fence, log.read)

    found = (await resolve(store.identities, [said(3, "cookie:c")], CONFIG)).decisions[0]
    assert set((await picture(store.identities, [said(1, U, MAIL, "cookie:c")])).values()) == {None}
    assert (found.profile, found.erased) == (None, True)


async def test_who_was_erased_is_told_of_again_where_somebody_asks_again(store: Store):
    """So that each request is reported."""
    await resolve(store.identities, [said(1, U, MAIL), asked(2, "erase", MAIL)], CONFIG)

    outbox = (await resolve(store.identities, [asked(5, "erase", U)], CONFIG)).outbox

    first, second = (waiting.note for waiting in outbox if isinstance(waiting.note, Operated))
    assert (first.profile, first.time, second.time) == (second.profile, 2, 5)


async def test_late_touchpoints_of_the_erased_are_told_from_those_of_nobody(store: Store):
    story = [said(1, U, MAIL), asked(5, "erase", U), asked(5, "unbind", "phone:13800138000")]
    late = [said(4, U), said(4, MAIL, "phone:13800138000"), said(4, "phone:13800138000")]

    back = [said(6, U, CARD), said(4, U, CARD), said(7, MAIL, CARD)]
    *_, one, other, nobody, new, replayed, again = (
        await resolve(store.identities, [*story, *late, *back], CONFIG)
    ).decisions

    assert [(each.profile, each.erased) for each in (one, other, nobody)] == [
        *((None, True), (None, True), (None, False)),
    ]
    assert new.profile is not None
    assert again.profile == new.profile
    assert (replayed.profile, replayed.erased) == (None, True)


async def test_who_has_no_identifiers_any_more_is_erased_by_her_id(store: Store):
    """Also by one that was merged away; and who is asked for twice is told of twice."""
    story = [said(1, "cookie:c"), said(2, U), said(3, U, "cookie:c")]
    gone, kept, _ = (await resolve(store.identities, story, CONFIG)).decisions
    asks = [
        *(asked(4, "unbind", U, "cookie:c"), asked(5, "erase", f"profile:{gone.profile}")),
        *(asked(6, "erase", f"profile:{kept.profile}"), asked(7, "erase", "profile:nobody")),
    ]

    found = await resolve(store.identities, asks, CONFIG)

    notes = [w.note for w in found.outbox if isinstance(w.note, Operated)]
    erased = [note for note in notes if note.kind == "erase"]
    assert [(note.profile, note.time) for note in erased] == [(kept.profile, 5), (kept.profile, 6)]
    assert erased[0].aliases == (gone.profile,)
    assert [decision.refused for decision in found.decisions] == [False, False, False, True]


async def test_who_asks_to_erase_a_shared_device_is_refused(store: Store):
    people = [said(n, f"user_id:u{n}", "device_id:d") for n in range(1, 4)]

    found = await resolve(store.identities, [*people, asked(9, "erase", "device_id:d")], CONFIG)

    assert found.decisions[-1].refused
    assert [decision.refused for decision in found.decisions[:-1]] == [False] * 3


async def test_whom_an_identifier_leaves_by_the_rules_hears_of_it(store: Store):
    claims = [said(1, U, "device_id:d"), said(2, "user_id:u2", "device_id:d")]

    found = await resolve(store.identities, claims, CONFIG)

    one, other = (decision.profile for decision in found.decisions)
    [note] = (waiting.note for waiting in found.outbox)
    assert isinstance(note, Operated)
    assert (note.kind, note.profile, note.other, note.tokens) == (
        *("moved", one, other, said(1, "device_id:d").tokens),
    )


async def test_no_id_is_used_twice_though_all_of_it_was_forgotten(redis: Redis):
    """By the default, tombstones and aliases are kept for ever; here both lapse."""
    identities = await opened(RedisIdentities(redis, Keys("acme")))
    ages = identity_config({"alias_ttl": "1d", "tombstone_ttl": "1d"})
    story = [
        said(1, "cookie:c"),
        said(2, U),
        said(3, U, "cookie:c"),
        asked(4, "unbind", "cookie:c"),
    ]
    first = (await resolve(identities, story, ages)).decisions[0].profile
    keys = Keys("acme").node(first), Keys("acme").identifier(said(1, "cookie:c").tokens[0])

    lives = [await redis.pttl(key) for key in keys]
    await redis.delete(keys[0])
    again = (await resolve(identities, [said(5, "cookie:c")], ages)).decisions[0].profile

    assert all(0 < life <= 24 * 3600 * 1000 for life in lives)
    assert again not in {first, None}
    assert await redis.pttl(keys[1]) == -1


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
